"""What one experiment is: a frozen set of settings, each with the words that the command line prints for it.

A data set reads some of them and not the others, as its task says; see `helpers.tasks`. Built up in lesson 06.
"""

import dataclasses
import json
import math
import numbers
import os
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

_KINDS = {
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
    bool: (bool, "True or False"),
    str: (str, "text"),
}
"""What a setting of each type may be, and the words for it."""


def _setting(
    default: Any,
    words: str,
    flag: str | None = None,
    metavar=None,
    each: bool = False,
    above: float | None = None,
    least: float | None = None,
    below: float = math.inf,
    idle: tuple[str, ...] = (),
    names: tuple[str, ...] | None = None,
) -> Any:
    """A field with what `python -m helpers.train` makes an option of.

    Args:
        default: unless a data set has one of its own.
        words: the help of the option.
        flag: of the option; None when the command decides about this setting by itself.
        metavar: as argparse takes it.
        each: the option takes several values, and each is a run of its own.
        above, least: the number, or each of several, is above this, or at least this.
        below: the number is below this; so none is infinite.
        idle: other settings that leave this one nothing to do: "NAME" when that one is anything but its default,
            "NAME=VALUE" when it is that value.
        names: of a setting that may be a path, the words that are none, though a file may be called so.
    """
    metadata = {"words": words, "flag": flag, "metavar": metavar, "each": each}
    metadata |= {"above": above, "least": least, "below": below, "idle": idle, "names": names}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that decides the outcome of one run; two runs with equal settings on one machine end in equal weights."""

    model: str = _setting("UNet", "networks, by their names in the zoo", "--models", "NAME", each=True)
    loss: str = _setting("Dice_CrossEntropy", "losses, by their names", "--loss", "NAME", each=True)
    pretrained: bool = _setting(
        False, "True or False for each of --models: begin with an encoder trained on ImageNet", "--pretrain", "BOOL",
        each=True, idle=("start",),
    )  # fmt: skip
    seed: int = _setting(0, "the first seed: of the weights, the order of the images and the changes", "--seed", "N",
                         least=0, below=2**32)  # fmt: skip
    dataset: str = _setting("brain", "what is learned", "--dataset")
    data: str = _setting("phantom", "phantom; a set as `prepare` put it; or a folder in the layout of one", "--data",
                         "SOURCE", names=("phantom", "kaggle", "cityscapes"))  # fmt: skip
    size: int = _setting(128, "side of a training image in pixels", "--size", "PIXELS", above=0, below=2**14)
    tumour_free: float = _setting(
        1.0, "share of the slices without tumour that are seen in an epoch, drawn anew for each", "--tumour-free",
        "SHARE", least=0, idle=("epochs=0",),
    )  # fmt: skip
    crop: tuple[int, int] = _setting((256, 512), "the pieces that are trained on", "--crop", ("HEIGHT", "WIDTH"),
                                    above=0, below=2**14)  # fmt: skip
    scale: tuple[float, float] = _setting(
        (0.5, 2.0), "scale by a factor between these two before a piece is cut out", "--scale", ("LOWEST", "HIGHEST"),
        above=0, idle=("epochs=0", "augment=0"),
    )  # fmt: skip
    filters: int | None = _setting(16, "width of the first stage; 0 for each network's published width", "--filters",
                                   "N", above=0, below=2**12)  # fmt: skip
    epochs: int = _setting(8, "epochs; 0 only scores", "--epoch", "N", least=0)
    batch: int = _setting(8, "images in a step", "--batch", "N", above=0)
    steps: int | None = _setting(
        None, "steps in an epoch, when it is not to be a pass over the training images", "--steps", "N", above=0,
        idle=("epochs=0",),
    )  # fmt: skip
    validate_every: int = _setting(
        1, "epochs from one validation to the next; the last one is always validated", "--validate-every", "N",
        above=0, idle=("epochs=0", "validation=0"),
    )  # fmt: skip
    optimizer: str = _setting("AdamW", "AdamW, or SGD with momentum 0.9", "--optimizer", idle=("epochs=0",))
    learning_rate: float = _setting(1e-3, "the highest", "--learningrate", "RATE", above=0, idle=("epochs=0",))
    schedule: str = _setting("cosine", "of the learning rate", "--schedule", idle=("epochs=0",))
    weight_decay: float = _setting(1e-4, "of the optimizer", "--weight-decay", "RATE", least=0, idle=("epochs=0",))
    class_weights: bool = _setting(False, "weigh rare classes up in the cross-entropy", "--class-weights",
                                   idle=("epochs=0",))  # fmt: skip
    auxiliary: float = _setting(
        0.0, "weight of the loss of a second head, which only UNet_S5_D16 has", "--auxiliary", "RATE", least=0
    )
    augment: bool = _setting(True, "vary the training images at random", "--augment", idle=("epochs=0",))
    rotation: float = _setting(
        15.0, "turn training images by up to this many degrees, either way", "--rotation", "DEGREES", least=0,
        below=181, idle=("epochs=0", "augment=0"),
    )  # fmt: skip
    validation: float = _setting(
        0.2, "share of the patients or groups held out, without --folds; 0 trains on all and scores none",
        "--validation", "SHARE", least=0, below=1, idle=("folds",),
    )  # fmt: skip
    folds: int = _setting(0, "K-fold cross-validation over the patients or groups", "--folds", "K", least=0)
    fold: int = _setting(0, "which of the folds is held out: train makes a run for each", least=0)
    groups: str | None = _setting(
        None, "what stays on one side of the split: a pattern whose brackets find the group in a file's path, or "
        "a CSV of file,group", "--groups", "PATTERN", names=(),
    )  # fmt: skip
    start: str | None = _setting(
        None, "begin with the weights of this .keras file of the same network, or with phantom, brain or streets",
        "--start", "FILE", names=("phantom", "brain", "streets"),
    )  # fmt: skip
    flips: bool = _setting(False, "score the mean prediction for an image and its mirror image", "--flips",
                           idle=("validation=0",))  # fmt: skip
    smallest_part: float = _setting(
        0.0, "score, and let the network predict ever after, without the connected parts of an area that are smaller "
        "than this share of its largest", "--smallest-part", "SHARE", least=0, below=1,
    )  # fmt: skip
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
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: holds no settings that this version can read ({error}); run it with the version that wrote "
                "it, or train again in another folder."
            ) from error

    def in_full(self) -> "Settings":
        """Return them with each path that leads somewhere in full, to compare: `E`, `./E` and `E/` are one folder."""
        paths = {}
        for field in dataclasses.fields(self):
            value, names = getattr(self, field.name), field.metadata["names"]
            if names is not None and value is not None and value not in names:
                path = os.path.expanduser(value)
                paths[field.name] = os.path.realpath(path) if os.path.exists(path) else value
        return dataclasses.replace(self, **paths)

    def check(self) -> None:
        """Raise ValueError for a value that is not of its type, or outside of its range; costs nothing."""
        hints = get_type_hints(Settings)
        for field in dataclasses.fields(self):
            value, limits, hint = getattr(self, field.name), field.metadata, hints[field.name]
            if value is None and type(None) in get_args(hint):
                continue
            several = get_origin(hint) is tuple
            words = " ".join(map(str, value)) if several else str(value)
            kind = (*get_args(hint), hint)[0]
            what, kind_words = _KINDS[kind]
            for number in value if several else (value,):
                if not isinstance(number, what) or (isinstance(number, bool) and kind is not bool):
                    raise ValueError(f"{field.name} is {number!r}: give {kind_words}.")
                if kind in (bool, str):
                    continue
                if limits["above"] is not None and not number > limits["above"]:
                    raise ValueError(f"{field.name} is {words}: give a number above {limits['above']}.")
                if limits["least"] is not None and not number >= limits["least"]:
                    raise ValueError(f"{field.name} is {words}: give {limits['least']} or more.")
                if not number < limits["below"]:
                    limit = "a finite number" if limits["below"] == math.inf else f"a number below {limits['below']}"
                    raise ValueError(f"{field.name} is {words}: give {limit}.")

    def idle(self, given: dict[str, str]) -> None:
        """Raise ValueError for a setting to which another one leaves nothing to do, so that none is set in vain.

        Args:
            given: the settings that were asked for, by their names, with what the one who asked calls them.
        """
        fields = {field.name: field for field in dataclasses.fields(self)}
        for name, words in given.items():
            for condition in fields[name].metadata["idle"]:
                other, _, value = condition.partition("=")
                there = getattr(self, other)
                if there == float(value) if value else there != fields[other].default:
                    raise ValueError(
                        f"{words} has nothing to do where {given.get(other, other)} is {there}: leave one of them out."
                    )
