"""What some minutes of one machine give: this course's recipe for brains beside what a learner would pick instead.

    pip install torch segmentation-models-pytorch
    python benchmarks/same_minutes.py --data kaggle --minutes 12 --out runs/same_minutes

All are trained on the patients of three folds and scored on those of the fourth, one after the other; each is given as
many steps as fit into the minutes by what its own first steps take. The network of segmentation-models-pytorch begins
untrained, so that nothing is downloaded, unless --weights names some. What is finished is kept, and the same command
goes on. Run by hand.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import helpers  # noqa: F401  # isort: skip  (first: it keeps the start-up lines of TensorFlow away)
import numpy as np

from helpers.data import brain
from helpers.scores import metrics
from helpers.settings import Settings
from helpers.tasks import brain as brain_task
from helpers.training import experiment, run_folder

FOLD = Settings(folds=4, epochs=1)
COURSE = dataclasses.replace(
    FOLD, model="Lite0_UNet", start="phantom", size=160, tumour_free=0.5, rotation=180.0, flips=True, smallest_part=0.3
)
ORIGINAL = dataclasses.replace(
    FOLD, model="UNet", filters=None, size=256, batch=16, loss="Dice_Focal", learning_rate=1e-4, schedule="constant"
)
SMALLER = dataclasses.replace(ORIGINAL, size=128, batch=8, learning_rate=1e-3)
ROUND = 4  # steps, in two rounds: what the first takes is not counted


def of_the_course(settings: Settings, seconds: float, folder: Path) -> dict:
    """Train a network of the zoo by the course's own command, and score it as the settings say."""
    timed = dataclasses.replace(settings, folds=0, fold=0, validation=0.0, flips=False, steps=ROUND, epochs=2)
    step = experiment.run(timed, folder / "timed", progress=False).history[-1]["seconds_per_step"]
    chosen = folder / "steps.json"  # an interrupted run goes on with the number that it began with
    if not chosen.exists():
        run_folder.write_json(chosen, int(seconds / step))
    steps = json.loads(chosen.read_text())
    result = experiment.run(dataclasses.replace(settings, steps=steps), folder / "run")
    minutes = steps * result.seconds_per_step / 60
    return {**result.scores, "steps": steps, "minutes": minutes}


class Torch:
    """A network of PyTorch with as much of Keras' face as a prediction needs."""

    def __init__(self, network, size: int):
        self.network, self.input_shape, self.output_shape = network, (None, size, size, 3), (None, size, size, 1)

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        """(n, size, size, 3) float32 in [0, 1] to probabilities (n, size, size, 1)."""
        import torch

        with torch.no_grad():
            logits = self.network(torch.tensor(images.transpose(0, 3, 1, 2).copy()))
        return logits.sigmoid().numpy().transpose(0, 2, 3, 1)


def of_the_library(encoder: str, weights: str | None, settings: Settings, seconds: float) -> dict:
    """Train a U-Net of segmentation-models-pytorch as its examples do: Adam 1e-3, Dice loss, mirrored images."""
    import segmentation_models_pytorch as smp
    import torch

    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    slices = brain.load(settings.data, settings.size)
    slices = brain.normalise(slices.select(brain_task.split(settings, slices.patients)[0]))
    images, masks = torch.tensor(slices.images.transpose(0, 3, 1, 2)), torch.tensor(slices.masks[:, None])
    network = smp.Unet(encoder, encoder_weights=weights, in_channels=3, classes=1)
    dice = smp.losses.DiceLoss("binary", from_logits=True)
    optimizer = torch.optim.Adam(network.parameters(), settings.learning_rate)
    steps, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        chosen = torch.tensor(rng.choice(len(images), settings.batch, replace=False))
        mirrored = [axis for axis in (2, 3) if rng.random() < 0.5]
        batch, truth = (each[chosen].flip(mirrored) for each in (images, masks))
        optimizer.zero_grad()
        dice(network(batch.float() / 255), truth.float()).backward()
        optimizer.step()
        steps += 1
    minutes = (time.perf_counter() - begin) / 60
    network.eval()
    full = brain.load(settings.data)
    full = full.select(brain_task.split(settings, full.patients)[1])
    counts = brain_task.count(Torch(network, settings.size), full)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    scores = metrics.scores_from_counts(counts, full.patients)
    return {**scores, "parameters": parameters, "steps": steps, "minutes": minutes}


def contenders(options: argparse.Namespace) -> dict[str, tuple[str, Callable[[Path], dict]]]:
    """Each contender's words in the table, its backend of Keras, and what trains and scores it in a folder."""
    seconds = 60 * options.minutes

    def ours(settings):
        return "tensorflow", lambda folder: of_the_course(with_data(settings), seconds, folder)

    def with_data(settings):
        return dataclasses.replace(settings, data=options.data, fold=options.fold)

    def theirs(folder):
        return of_the_library(options.encoder, options.weights, with_data(SMALLER), seconds)

    begun = options.weights or "untrained"
    return {
        "this course: Lite0_UNet from phantoms, 160 x 160": ours(COURSE),
        "the original's U-Net as published, 256 x 256": ours(ORIGINAL),
        "the same network at 128 x 128, ten times the rate": ours(SMALLER),
        f"segmentation-models-pytorch, {options.encoder} ({begun}), 128 x 128": ("torch", theirs),
    }


def main() -> None:
    """Train and score what is not finished, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="kaggle", help="as helpers.train takes it (kaggle)")
    parser.add_argument("--minutes", type=float, default=12.0, help="of training for each (12)")
    parser.add_argument("--fold", type=int, default=0, help="which of the four is scored (0)")
    parser.add_argument("--encoder", default="resnet34", help="of segmentation-models-pytorch (resnet34)")
    parser.add_argument("--weights", help="of that encoder, such as imagenet, which is downloaded (none)")
    parser.add_argument("--out", type=Path, default=Path("runs/same_minutes"), help="(runs/same_minutes)")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)  # train this one, in this process
    options = parser.parse_args()
    trained = contenders(options)
    if options.only is not None:
        folder = options.out / str(options.only)
        _, train = list(trained.values())[options.only]
        run_folder.write_json(folder / "found.json", train(folder))
        return
    columns = "mean Dice [95 % interval]", "median", "tumour-free slices with a false alarm", "steps", "minutes"
    print("| |", " | ".join([*columns, "parameters"]), "|\n|---" + "|---" * len(columns) + "|---|", flush=True)
    for number, (words, (backend, _)) in enumerate(trained.items()):
        folder = options.out / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "found.json").exists():
            # each in a process of its own: PyTorch and TensorFlow in one end it without a word
            command = [sys.executable, __file__, *sys.argv[1:], "--only", str(number)]
            subprocess.run(command, env=os.environ | {"KERAS_BACKEND": backend}, check=True)
        found = json.loads((folder / "found.json").read_text())
        dice, alarms = found["dice"], f"{found['false_positive_slices']} of {found['tumour_free_slices']}"
        low, high = dice["interval"]
        cells = [f"{dice['mean']:.3f} [{low:.3f}, {high:.3f}]", f"{dice['median']:.3f}", alarms, f"{found['steps']:,}"]
        cells += [f"{found['minutes']:.1f}", f"{found['parameters']:,}"]
        print("|", " | ".join([words, *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
