"""What one experiment is: a frozen set of settings, each with the words that the command line prints for it.

A data set reads some of them and not the others, as its task says; see `helpers.tasks`. Built up in lesson 06.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any


def _setting(default: Any, words: str, flag: str | None = None, metavar=None, each: bool = False) -> Any:
    """A field with what `python -m helpers.train` makes an option of.

    Args:
        default: unless a data set has one of its own.
        words: the help of the option.
        flag: of the option; None when the command decides about this setting by itself.
        metavar: as argparse takes it.
        each: the option takes several values, and each is a run of its own.
    """
    metadata = {"words": words, "flag": flag, "metavar": metavar, "each": each}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that decides the outcome of one run; two runs with equal settings on one machine end in equal weights."""

    model: str = _setting("UNet", "networks, by their names in the zoo", "--models", "NAME", each=True)
    loss: str = _setting("Dice_CrossEntropy", "losses, by their names", "--loss", "NAME", each=True)
    pretrained: bool = _setting(
        False, "True or False for each of --models: begin with an encoder trained on ImageNet", "--pretrain", "BOOL",
        each=True,
    )  # fmt: skip
    seed: int = _setting(0, "the first seed: of the weights, the order of the images and the changes", "--seed", "N")
    dataset: str = _setting("brain", "what is learned", "--dataset")
    data: str = _setting("phantom", "phantom; a set as `prepare` put it; or a folder in the layout of one", "--data",
                         "SOURCE")  # fmt: skip
    size: int = _setting(128, "side of a training image in pixels", "--size", "PIXELS")
    crop: tuple[int, int] = _setting((256, 512), "the pieces that are trained on", "--crop", ("HEIGHT", "WIDTH"))
    scale: tuple[float, float] = _setting(
        (0.5, 2.0), "scale by a factor between these two before a piece is cut out", "--scale", ("LOWEST", "HIGHEST")
    )
    filters: int | None = _setting(16, "width of the first stage; 0 for each network's published width", "--filters",
                                   "N")  # fmt: skip
    epochs: int = _setting(8, "epochs; 0 only scores", "--epoch", "N")
    batch: int = _setting(8, "images in a step", "--batch", "N")
    steps: int | None = _setting(
        None, "steps in an epoch, when it is not to be a pass over the training images", "--steps", "N"
    )
    validate_every: int = _setting(
        1, "epochs from one validation to the next; the last one is always validated", "--validate-every", "N"
    )
    optimizer: str = _setting("AdamW", "AdamW, or SGD with momentum 0.9", "--optimizer")
    learning_rate: float = _setting(1e-3, "the highest", "--learningrate", "RATE")
    schedule: str = _setting("cosine", "of the learning rate", "--schedule")
    weight_decay: float = _setting(1e-4, "of the optimizer", "--weight-decay", "RATE")
    class_weights: bool = _setting(False, "weigh rare classes up in the cross-entropy", "--class-weights")
    auxiliary: float = _setting(
        0.0, "weight of the loss of a second head, which only UNet_S5_D16 has", "--auxiliary", "RATE"
    )
    augment: bool = _setting(True, "vary the training images at random", "--augment")
    validation: float = _setting(
        0.2, "share of the patients or groups held out, without --folds; 0 trains on all and scores none",
        "--validation", "SHARE",
    )  # fmt: skip
    folds: int = _setting(0, "K-fold cross-validation over the patients or groups", "--folds", "K")
    fold: int = _setting(0, "which of the folds is held out: train makes a run for each")
    groups: str | None = _setting(
        None, "what stays on one side of the split: a pattern whose brackets find the group in a file's path, or "
        "a CSV of file,group", "--groups", "PATTERN",
    )  # fmt: skip
    start: str | None = _setting(
        None, "begin with the weights of this .keras file of the same network, or with phantom or brain", "--start",
        "FILE",
    )  # fmt: skip
    flips: bool = _setting(False, "score the mean prediction for an image and its mirror image", "--flips")
    policy: str | None = _setting(
        None, "Keras' dtype policy: float32, mixed_float16 or mixed_bfloat16", "--policy", "NAME"
    )
    compiled: bool | None = _setting(
        None, "compile the step with XLA; what is fastest on this machine unless it is said", "--compiled"
    )

    def __post_init__(self):
        # JSON has no tuples.
        object.__setattr__(self, "crop", tuple(self.crop))
        object.__setattr__(self, "scale", tuple(self.scale))

    @classmethod
    def read(cls, path: Path) -> "Settings":
        """Read the settings.json of a run.

        Raises:
            ValueError: it is damaged, or names a setting that this version does not have.
        """
        try:
            return cls(**json.loads(path.read_text()))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: holds no settings that this version can read ({error}); run it with the version that wrote "
                "it, or train again in another folder."
            ) from error
