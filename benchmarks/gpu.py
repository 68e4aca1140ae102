"""What one GPU can do in minutes: networks worth shipping, the original's nine cells, and the step of UNet-S5-D16.

    KERAS_BACKEND=jax python benchmarks/gpu.py prepare --data KAGGLE --size 256      # once, and once more with --size 0
    KERAS_BACKEND=jax python benchmarks/gpu.py brain --data KAGGLE --out runs/gpu --fold 0 --seconds 240
    KERAS_BACKEND=jax python benchmarks/gpu.py cells --data KAGGLE --out runs/gpu --seconds 220
    KERAS_BACKEND=jax python benchmarks/gpu.py streets --data CAMVID --out runs/gpu --start FILE --seconds 220
    KERAS_BACKEND=jax python benchmarks/gpu.py step --batches 4 16 --policies float32 mixed_bfloat16 --out runs/gpu

Each trains with `experiment.run` and ends in time: `brain` and `streets` let the learning rate fall with the share of
the time that is used, and the nine cells share a number of epochs that follows from how long the first ones took.
Several processes side by side on one GPU (XLA_PYTHON_CLIENT_PREALLOCATE=false) overlap what each waits for. `step` has
its counterpart in PyTorch beside it, unet_s5_d16_torch.py.
"""

import argparse
import contextlib
import dataclasses
import fcntl
import functools
import io
import itertools
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import helpers  # noqa: F401  # isort: skip  (first: it keeps the start-up lines of TensorFlow away)
import keras
import numpy as np

from helpers import tasks
from helpers.data import brain, street_classes, streets
from helpers.nets import checkpoint, zoo
from helpers.scores import losses, metrics
from helpers.settings import Settings
from helpers.tasks import streets as streets_task
from helpers.training import experiment, run_folder, schedules

FOREVER = 1_000_000  # epochs; the time ends a run
CELLS = tuple(itertools.product(("Dice_Focal", "DiceLoss", "FocalLoss"), ("SE_UNet", "Full_SE_UNet", "Res_SE_UNet")))
PARAMETERS = 29_062_886
"""Trainable ones of UNet-S5-D16 with its auxiliary head."""
MULTIPLY_ADDS = 406e9
"""Of one prediction of UNet-S5-D16 at 512 x 1024; a training step takes three times as many."""
PEAK = 989e12
"""Operations a second of an H100 or H200 in bfloat16, dense, by its data sheet."""


class Timed(keras.callbacks.Callback):
    """Lets the learning rate rise over five epochs, then fall as half a cosine over the time, and stops at its end.

    The clock of the cosine starts after the first epoch, so that compiling does not count. Shows how far it is.

    Args:
        rate: the highest learning rate.
        batch: images in a step, to show images a second.
        until: when to stop, in seconds of `time.time()`.
    """

    def __init__(self, rate: float, batch: int, until: float):
        super().__init__()
        self.rate, self.batch, self.until = rate, batch, until
        self.images, self.shown = 0, time.time()

    def on_train_begin(self, logs=None):
        self.began = None

    def share(self, epoch: int) -> float:
        """The share of the training that is done, in [0, 1]."""
        if self.began is None:
            return 0.0
        return (time.time() - self.began) / max(self.until - self.began, 1e-3)

    def on_epoch_begin(self, epoch, logs=None):
        warm = min(1.0, (epoch + 1) / 5)
        falling = (1 + math.cos(math.pi * min(self.share(epoch), 1.0))) / 2
        self.model.optimizer.learning_rate = self.rate * warm * falling

    def on_train_batch_end(self, batch, logs=None):
        self.images += self.batch
        if time.time() >= self.until:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        now = time.time()
        if self.began is None:
            self.began = now
        if now - self.shown >= 10 or epoch == 0:
            say(f"epoch {epoch + 1}, loss {logs['loss']:.4f}, {self.images / (now - self.shown):.0f} images/s")
            self.images, self.shown = 0, now


class Paced(Timed):
    """As `Timed`, over as many epochs as several runs side by side can all do; the first runs find the number.

    The learning rate falls from the third epoch on, when the number is known.

    Args:
        folder: where the runs leave their paces, and the first that knows all of them the number.
        name: of this run.
        awaited: names of the runs whose pace is needed.
        choose: gives the number of epochs for the paces, seconds an epoch by name.
    """

    def __init__(self, rate, batch, until, folder: Path, name: str, awaited, choose):
        super().__init__(rate, batch, until)
        self.folder, self.name, self.awaited, self.choose = folder, name, awaited, choose
        self.epochs = None

    def share(self, epoch: int) -> float:
        """The share of the epochs that is done."""
        return max(epoch - 2, 0) / max(self.epochs - 2, 1) if self.epochs else 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs = self.epochs or self._number()
        while epoch >= 2 and not self.epochs and time.time() < self.until:  # or the quick ones would run ahead
            time.sleep(0.2)
            self.epochs = self._number()
        self.started = time.time()
        super().on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if epoch == 1 and self.name in self.awaited:  # the first one compiles
            _replace(self.folder / f"{self.name}.json", json.dumps(time.time() - self.started))
        if self.epochs and epoch + 1 >= self.epochs:
            self.model.stop_training = True

    def _number(self) -> int | None:
        number = self.folder / "epochs.json"
        if not number.exists():
            paces = {name: self.folder / f"{name}.json" for name in self.awaited}
            if not all(path.exists() for path in paces.values()):
                return None
            # Of two that come here at once both write the same, but for a second of time: the last one counts.
            epochs = self.choose({name: json.loads(path.read_text()) for name, path in paces.items()})
            say(f"{epochs} epochs")
            _replace(number, json.dumps(epochs))
        return json.loads(number.read_text())


class Streets(streets_task.Task):
    """Street scenes that stay in memory, with softer class weights, scored at the size that was trained on."""

    score_scales: tuple[float, ...] = (1.5,)

    def class_weights(self) -> list[float] | None:
        """The roots of the usual weights: rare classes are found, and the common ones keep their pixels."""
        return np.sqrt(super().class_weights()).tolist()

    def score(self, model: keras.Model):
        """As for every run, but for the scales."""
        confusions = streets_task.count(model, self.held_out, self.settings.flips, self.score_scales)
        rows = zip(street_classes.NAMES, *confusions.sum(axis=0).T, strict=True)
        return metrics.street_scores(confusions, street_classes.NAMES), {
            "confusion.csv": [("", *street_classes.NAMES), *rows]
        }


def brain_settings(options: argparse.Namespace) -> Settings:
    """The long recipe for brains: 256 pixels, begun with the phantoms, Dice + focal."""
    held_out = {"validation": 0.0} if options.fold == "all" else {"folds": options.folds, "fold": int(options.fold)}
    return Settings(
        model="Lite0_UNet", pretrained=True, start=options.start or "phantom", loss="Dice_Focal", data=options.data,
        size=options.size, batch=options.batch or 16, seed=options.seed, policy=options.policy, flips=True, **held_out,
        steps=options.steps, epochs=FOREVER, validate_every=FOREVER, schedule="constant",
    )  # fmt: skip


def street_settings(options: argparse.Namespace) -> Settings:
    """The long recipe for streets: pieces of 512 x 512 at 1.25 to 2.5 times the scenes' size."""
    return Settings(
        dataset="cityscapes", model="Lite0_UNet", pretrained=True, start=options.start, loss="Dice_CrossEntropy",
        class_weights=True, data=options.data, crop=(options.crop, options.crop), scale=(1.25, 2.5),
        batch=options.batch or 16, seed=options.seed, policy=options.policy, weight_decay=0.01,
        steps=options.steps, epochs=FOREVER, validate_every=FOREVER, schedule="constant",
    )  # fmt: skip


def cell_settings(options: argparse.Namespace) -> Settings:
    """One of the original's nine cells: no ImageNet weights, 256 pixels, batches of 16, one split by patient."""
    return Settings(
        model=options.model, loss=options.loss, data=options.data, size=options.size, batch=options.batch or 16,
        filters=options.filters, seed=options.seed, policy=options.policy, weight_decay=0.0,
        epochs=FOREVER, validate_every=FOREVER, schedule="constant",
    )  # fmt: skip


def train(settings: Settings, folder: Path, clock: Timed, ship: bool = True) -> run_folder.Result:
    """Train until the clock stops it and score; also save the network as it is shipped, as shipped.keras."""
    say(f"{folder}: {json.dumps(dataclasses.asdict(settings))}")
    result = experiment.run(settings, folder, progress=False, callbacks=[clock], keep_every=120)
    if ship:
        run_folder.write(folder / "shipped.keras", shipped(result))
    steps = sum(round(row["seconds"] / row["seconds_per_step"]) for row in result.history)
    short = {name: value for name, value in result.scores.items() if name not in ("patients", "baseline", "scenes")}
    say(f"{folder}: about {steps} steps in {sum(row['seconds'] for row in result.history):.0f} s, {json.dumps(short)}")
    return result


def shipped(result: run_folder.Result) -> bytes:
    """The final network in float32, its weights rounded to 11 bits of mantissa, deflated: a file of half the size."""
    plain = dataclasses.replace(result.settings, policy=None, start=None, pretrained=False, auxiliary=0.0)
    model = experiment.build(plain)
    weights = [np.asarray(each, "float32") for each in result.model().get_weights()]
    model.set_weights([((each.view("uint32") + 0x1000) & 0xFFFFE000).view("float32") for each in weights])
    note = checkpoint.read_note(result.folder / "final.keras")
    deflated = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(checkpoint.serialise(model, note))) as stored,
        zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in stored.namelist():
            target.writestr(name, stored.read(name))
    return deflated.getvalue()


def prepare(options: argparse.Namespace, until: float) -> None:
    """Read the slices into the cache, at a size or (0) at their own: the processes that train then map it."""
    slices = brain.load(options.data, options.size or None, progress=False)
    say(f"{len(slices)} slices of {slices.images.shape[1:]} are in the cache")


def train_brain(options: argparse.Namespace, until: float) -> None:
    """Train on three folds and score the fourth, or train on all patients."""
    settings = brain_settings(options)
    train(settings, options.out / f"brain-{options.fold}", Timed(options.rate, settings.batch, until))


def train_streets(options: argparse.Namespace, until: float) -> None:
    """Train on the scenes of train and score those of val."""
    tasks.TASKS["cityscapes"] = Streets
    streets.read = functools.cache(streets.read)
    settings = street_settings(options)
    train(settings, options.out / "streets", Timed(options.rate, settings.batch, until))


def train_cell(options: argparse.Namespace, until: float) -> None:
    """Train one of the nine cells, together with its neighbours."""
    settings = cell_settings(options)
    paces = options.out / "paces"
    awaited = [f"{model}-{loss}" for loss, model in CELLS[:3]]

    def choose(seconds: dict[str, float]) -> int:
        # `jobs` runs share the GPU; each of the three networks is trained with three losses.
        one_epoch_of_all = 3 * sum(seconds.values()) / options.jobs
        most = int(0.9 * (until - time.time()) / one_epoch_of_all) + 2
        return min(max(most, options.least), options.most)

    name = f"{options.model}-{options.loss}"
    clock = Paced(options.rate, settings.batch, until, paces, name, awaited, choose)
    train(settings, options.out / f"cell-{name}", clock, ship=False)


def train_cells(options: argparse.Namespace, until: float) -> None:
    """Train the nine cells, `jobs` at a time; what the time cuts short has fewer epochs in its history.csv."""
    (options.out / "paces").mkdir(parents=True, exist_ok=True)
    for path in (options.out / "paces").glob("*.json"):
        path.unlink()
    waiting, running = list(CELLS), []
    while waiting or running:
        running = [each for each in running if each.poll() is None]
        # What begins so late would only compile.
        if waiting and (time.time() > until - options.last_start):
            say(f"no time for {', '.join(f'{model} {loss}' for loss, model in waiting)}")
            waiting = []
        while waiting and len(running) < options.jobs:
            loss, model = waiting.pop(0)
            command = [sys.executable, __file__, "cell", *sys.argv[2:], "--model", model, "--loss", loss]
            with open(options.out / f"cell-{model}-{loss}.log", "w", encoding="utf-8") as log:
                running.append(
                    subprocess.Popen([*command, "--until", str(until)], stdout=log, stderr=subprocess.STDOUT)
                )
            say(f"{model} {loss} began")
        time.sleep(0.2)


@contextlib.contextmanager
def quiet(lock: Path, pause: list[int]) -> Iterator[None]:
    """Have the GPU alone: no other process times, and those whose numbers are given stand still."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        stopped = []
        try:
            for number in pause:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGSTOP)
                    stopped.append(number)
            time.sleep(0.3 if stopped else 0)  # what was under way comes to its end
            yield
        finally:
            for number in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGCONT)


def pids(folder: Path | None) -> list[int]:
    """The numbers of the other processes that put themselves into *.pid files of a folder."""
    if folder is None:
        return []
    numbers = [int(path.read_text()) for path in sorted(folder.glob("*.pid"))]
    return [number for number in numbers if number != os.getpid()]


def time_steps(options: argparse.Namespace, until: float) -> None:
    """Time the step of UNet-S5-D16 for each policy and batch, each in a process of its own."""
    rows = []
    for policy, batch in itertools.product(options.policies, options.batches):
        if time.time() > until:
            say(f"no time for {policy}, batch {batch}")
            continue
        command = [sys.executable, __file__, "one_step", *sys.argv[2:], "--one", policy, str(batch)]
        done = subprocess.run(command, capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        rows.append(
            json.loads(lines[-1])
            if lines
            else {"framework": "keras", "policy": policy, "batch": batch, "error": done.stderr[-600:]}
        )
        say(json.dumps(rows[-1]))
        _replace(options.out / "steps-keras.json", json.dumps(rows, indent=2) + "\n")


def time_one_step(options: argparse.Namespace, until: float) -> None:
    """Time one policy and batch and print a line of JSON."""
    import jax

    policy, batch = options.one[0], int(options.one[1])
    height, width = options.crop, 2 * options.crop
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    model = zoo.build("UNet_S5_D16", (height, width, 3), classes=19, filters=options.filters, auxiliary=True)
    parameters = sum(math.prod(each.shape) for each in model.trainable_variables)
    assert options.filters or parameters == PARAMETERS, parameters
    loss = losses.get("CrossEntropy_AllPixels", "multiclass", street_classes.IGNORE)
    model.compile(
        optimizer=schedules.DecayedSGD(0.01, 5e-4),
        loss={"main": loss, "auxiliary": loss},
        loss_weights={"main": 1.0, "auxiliary": 0.4},
        jit_compile=True,
    )
    rng = np.random.default_rng(0)
    images = jax.device_put(rng.random((batch, height, width, 3), "float32"))
    classes = jax.device_put(rng.integers(0, 19, (batch, height, width)).astype("uint8"))
    truth = {"main": classes, "auxiliary": classes}
    began = time.perf_counter()
    for _ in range(3):
        model.train_on_batch(images, truth)
    compiling = time.perf_counter() - began
    with quiet(options.lock, pids(options.pause)):
        seconds = []
        for number in range(options.repeats + 2):
            began = time.perf_counter()
            loss_value = float(model.train_on_batch(images, truth)[0])
            if number >= 2:
                seconds.append(time.perf_counter() - began)
    row = step_row("keras, jax", policy, batch, seconds, compiling, parameters, loss_value)
    print(json.dumps({**row, "device": jax.devices()[0].device_kind}), flush=True)


def step_row(framework, policy, batch, seconds, compiling, parameters, loss) -> dict:
    """What is kept of one timing: images a second, and the share of the card's peak in bfloat16."""
    middle = statistics.median(seconds)
    return {
        "framework": framework, "policy": policy, "batch": batch,
        "milliseconds_per_step": 1000 * middle, "fastest": 1000 * min(seconds), "slowest": 1000 * max(seconds),
        "images_per_second": batch / middle,
        "share_of_bfloat16_peak": 6 * MULTIPLY_ADDS * batch / middle / PEAK,
        "seconds_to_compile": compiling, "parameters": parameters, "loss": loss,
    }  # fmt: skip


def say(text: str) -> None:
    """Print with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    os.replace(temporary, path)


def main() -> None:
    """Run one part."""
    parts = {
        "prepare": prepare, "brain": train_brain, "streets": train_streets, "cells": train_cells, "cell": train_cell,
        "step": time_steps, "one_step": time_one_step,
    }  # fmt: skip
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("part", choices=parts)
    add("--data", help="the folder of the patients, or of the streets")
    add("--out", type=Path, default=Path("runs/gpu"))
    add("--seconds", type=float, default=240, help="when training stops, from now; scoring follows (%(default)s)")
    add("--until", type=float, help="the same as a time of day, in seconds since 1970")
    add("--policy", default="mixed_bfloat16", help="Keras' dtype policy (%(default)s)")
    add("--fold", default="0", help="brain: which fold is held out, or all: none (%(default)s)")
    add("--folds", type=int, default=4)
    add("--size", type=int, default=256, help="of brain slices (%(default)s)")
    add("--crop", type=int, default=512, help="of streets; steps are timed at this height and twice the width")
    add("--batch", type=int, help="images in a step (16)")
    add("--steps", type=int, default=20, help="steps in an epoch of brain and streets (%(default)s)")
    add("--rate", type=float, default=1e-3, help="highest learning rate (%(default)s)")
    add("--seed", type=int, default=0)
    add("--start", help="a .keras file of the same network to begin with")
    add("--filters", type=int, help="width of the first stage; by default the published one")
    add("--model", help="cell: the network")
    add("--loss", help="cell: the loss")
    add("--jobs", type=int, default=4, help="cells that are trained at a time (%(default)s)")
    add("--least", type=int, default=12, help="epochs of the cells at least (%(default)s)")
    add("--most", type=int, default=50, help="and at most (%(default)s)")
    add("--last-start", type=float, default=75, help="no cell begins in the last so many seconds (%(default)s)")
    add("--policies", nargs="+", default=["mixed_bfloat16", "float32"], help="step: what is timed")
    add("--batches", nargs="+", type=int, default=[4, 16])
    add("--repeats", type=int, default=20)
    add("--one", nargs=2, help=argparse.SUPPRESS)
    add("--lock", type=Path, default=Path("runs/gpu/lock"), help="step: a file that two timings share")
    add("--pause", type=Path, help="a folder where processes put their numbers that pause while a step is timed")
    options = parser.parse_args()
    if options.jobs < 3:
        parser.error(
            "--jobs is too small: the first three cells find the number of epochs together, so give 3 or more."
        )
    own = options.pause / f"{os.getpid()}.pid" if options.pause and options.part != "step" else None
    if own:
        own.write_text(str(os.getpid()))
    parts[options.part](options, options.until or time.time() + options.seconds)
    if own:
        own.unlink()


if __name__ == "__main__":
    main()
