"""One experiment: from a frozen set of settings to a folder with everything that came of it.

Built up in lesson 06; called by every later lesson and by `python -m helpers.train`.

    settings.json     what was asked for
    environment.json  the machine and the versions that it ran on
    history.csv       a row for each epoch
    best.keras        the weights of the epoch with the best validation Dice
    final.keras       the weights of the last epoch; these are the ones that are scored
    slices.csv        for each validation slice: pixels predicted and true, pixels predicted, pixels true
    scores.json       the honest scores; its presence says that the run is finished
"""

import csv
import dataclasses
import errno
import itertools
import json
import math
import os
import platform
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

import helpers
from helpers.data import augment, brain, splits
from helpers.nets import zoo
from helpers.training import inference, losses, metrics, schedules

RESULTS = Path(__file__).resolve().parents[2] / "data" / "results"


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that decides the outcome of one run; two runs with equal settings on one machine end in equal weights.

    Attributes:
        model: a name in `zoo.NAMES`.
        loss: a name in `losses.NAMES`.
        pretrained: begin with an encoder trained on ImageNet.
        seed: of the weights, the order of the slices and the augmentation.
        dataset: "brain".
        data: "phantom", "kaggle" or a folder in the Kaggle layout.
        size: side of the training images in pixels.
        filters: width of the first stage; None for the width that the network was published with.
        epochs, batch: passes over the training slices, slices per step.
        learning_rate, schedule, weight_decay: of AdamW (Loshchilov and Hutter 2019); see `schedules.get`.
        augment: flips, turns, shifts, scales and changes of contrast.
        validation: the share of patients held out, by the hash of their ids; 0 trains on all and scores nothing.
        folds, fold: hold out fold number `fold` of `folds` instead.
        start: a .keras file of the same network to begin with, or "phantom" or "brain", those of the course.
        flips: score the mean of the predictions for each slice and its mirror image.
        policy: Keras' dtype policy, such as "mixed_float16"; None for float32.
        compiled: compile the step with XLA; None for what is fastest on this machine.
    """

    model: str = "UNet"
    loss: str = "Dice_CrossEntropy"
    pretrained: bool = False
    seed: int = 0
    dataset: str = "brain"
    data: str = "phantom"
    size: int = 128
    filters: int | None = 16
    epochs: int = 8
    batch: int = 8
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    weight_decay: float = 1e-4
    augment: bool = True
    validation: float = 0.2
    folds: int = 0
    fold: int = 0
    start: str | None = None
    flips: bool = False
    policy: str | None = None
    compiled: bool | None = None

    def check(self) -> None:
        """Raise ValueError, naming the setting, for what cannot work; costs no training and reads no image."""
        losses.get(self.loss)
        if self.dataset != "brain":
            raise ValueError(f"dataset is {self.dataset!r}: choose 'brain'.")
        positive = {"size": self.size, "batch": self.batch, "learning_rate": self.learning_rate}
        for name, value in positive.items() if self.filters is None else {**positive, "filters": self.filters}.items():
            if not value > 0:
                raise ValueError(f"{name} is {value}: give a number above 0.")
        if self.epochs < 0:
            raise ValueError(f"epochs is {self.epochs}: give 0 or more.")
        if self.folds and not 0 <= self.fold < self.folds:
            raise ValueError(f"fold is {self.fold}: give a number from 0 to {self.folds - 1}.")
        if self.folds == 1 or self.folds < 0:
            raise ValueError(f"folds is {self.folds}: give 2 or more, or 0 for one split by patient.")
        if not 0 <= self.validation < 1:
            raise ValueError(
                f"validation is {self.validation}: give a share of the patients from 0 up to, not with, 1."
            )
        schedules.get(self.schedule, self.learning_rate, 1)
        zoo.check(self.model, self.pretrained, (self.size, self.size))
        if self.start is not None:
            inference.weights_file(self.start)
        if self.policy is not None:
            keras.dtype_policies.get(self.policy)


@dataclasses.dataclass(frozen=True)
class Result:
    """What a finished run left in its folder."""

    folder: Path
    settings: Settings
    history: list[dict[str, float]]
    scores: dict
    parameters: int
    seconds_per_step: float

    def model(self, which: str = "final") -> keras.Model:
        """Load the "final" or the "best" weights."""
        return inference.load_model(self.folder / f"{which}.keras")


def build(settings: Settings) -> keras.Model:
    """Build the network that `settings` name, with its first weights drawn from the seed."""
    keras.utils.set_random_seed(settings.seed)
    with _policy(settings.policy):
        model = zoo.build(
            settings.model,
            input_shape=(settings.size, settings.size, 3),
            filters=settings.filters,
            pretrained=settings.pretrained and settings.start is None,
        )
    if settings.start is not None:
        begin = inference.load_model(settings.start)
        try:
            model.set_weights(begin.get_weights())
        except ValueError:
            raise ValueError(
                f"{settings.start}: holds {begin.name}, whose weights do not fit {settings.model} "
                f"with filters {settings.filters}; give the settings that it was trained with."
            ) from None
    return model


def split(settings: Settings, patients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the training and of the validation slices; no patient is on both sides."""
    if settings.folds:
        folds = splits.folds_by_patient(patients, settings.folds)
        rows = np.flatnonzero(folds != settings.fold), np.flatnonzero(folds == settings.fold)
    elif settings.validation == 0:
        rows = np.arange(len(patients)), np.arange(0)
    else:
        parts = splits.split_by_patient(patients, validation=settings.validation)
        rows = parts["train"], parts["validation"]
    if not len(rows[0]) or (not len(rows[1]) and (settings.folds or settings.validation)):
        raise ValueError(
            f"{settings.data}: its {len(np.unique(patients))} patients do not fill both sides of the split; "
            "give more patients, fewer folds or another `validation`."
        )
    return rows


def batches(slices: brain.Slices, settings: Settings, epoch: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches without end from `epoch` on, made by threads ahead of the training step.

    A batch depends on the seed, its epoch and its place in the epoch alone: a resumed run sees the same ones.

    Yields:
        images (batch, size, size, 3) float32 in [0, 1] and masks (batch, size, size, 1) float32, 0 or 1.
    """
    augmentation = augment.Augmentation() if settings.augment else augment.Augmentation.none()
    steps = steps_per_epoch(len(slices), settings.batch)

    def rows() -> Iterator[tuple[int, int, np.ndarray]]:
        for number in itertools.count(epoch):
            order = np.random.default_rng((settings.seed, number)).permutation(len(slices))
            for step in range(steps):
                # Slices read in ascending order are read once through, also from a file.
                yield number, step, np.sort(order[step * settings.batch : (step + 1) * settings.batch])

    def batch(number: int, step: int, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        generator = np.random.default_rng((settings.seed, number, step))
        images, masks = augmentation(slices.images[chosen], slices.masks[chosen], generator)
        return images.astype("float32") / 255, masks[..., None].astype("float32")

    workers = min(4, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque = deque()
        for job in rows():
            waiting.append(pool.submit(batch, *job))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()


def steps_per_epoch(slices: int, batch: int) -> int:
    """The whole batches in an epoch, at least one; the slices left over differ from epoch to epoch."""
    return max(1, slices // batch)


def count(
    model: keras.Model,
    slices: brain.Slices,
    flips: bool = False,
    threshold: float = 0.5,
    progress: bool = False,
) -> np.ndarray:
    """Normalise and predict patient by patient, and count pixels: (n, 3) as `metrics.counts` gives them.

    `slices` are as `brain.load` gives them: only one patient at a time is held in memory.
    """
    counts = np.zeros((len(slices), 3), "int64")
    for patient in tqdm(np.unique(slices.patients), desc="scoring", unit="patient", disable=not progress):
        rows = np.flatnonzero(slices.patients == patient)
        patient_slices = brain.normalise(slices.select(rows))
        probabilities = inference.predict_probabilities(model, patient_slices.images, flips=flips)
        counts[rows] = metrics.counts(patient_slices.masks, probabilities >= threshold)
    return counts


def run(
    settings: Settings,
    folder: str | Path,
    overwrite: bool = False,
    progress: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Result:
    """Train, score and write one experiment; go on where an interrupted one stopped; return a finished one as it is.

    Args:
        settings: what to do.
        folder: where everything is written; made if missing.
        overwrite: begin anew although the folder holds a run.
        progress: show a bar with the time left.
        callbacks: more Keras callbacks, such as `show.live.LivePlot`.

    Raises:
        ValueError: a setting cannot work, the folder holds a run with other settings, or the loss became NaN.
        OSError: the data are missing or damaged, or the disk is full.
    """
    settings.check()
    folder = Path(folder)
    if overwrite:
        for name in ("scores.json", "state.weights.h5", "history.csv", "settings.json"):
            (folder / name).unlink(missing_ok=True)
    _same_settings(settings, folder)
    if (folder / "scores.json").exists():
        return read(folder)

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    slices = brain.load(settings.data, settings.size, progress=progress)
    train_rows, validation_rows = split(settings, slices.patients)
    training = brain.normalise(slices.select(train_rows))
    held_out = slices.select(validation_rows)
    del slices

    model = build(settings)
    steps = steps_per_epoch(len(training), settings.batch)
    rate = schedules.get(settings.schedule, settings.learning_rate, steps * max(settings.epochs, 1))
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay),
        loss=losses.get(settings.loss),
        metrics=[metrics.CountedDice()],
        jit_compile=inference.on_gpu() if settings.compiled is None else settings.compiled,
    )
    model.optimizer.build(model.trainable_variables)
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "environment.json", environment())
    _write_json(folder / "settings.json", dataclasses.asdict(settings))

    keeper = _Keeper(settings, folder, held_out, steps, progress)
    done = keeper.resume(model)
    if done < settings.epochs:
        model.fit(
            batches(training, settings, epoch=done),
            steps_per_epoch=steps,
            initial_epoch=done,
            epochs=settings.epochs,
            callbacks=[keeper, *callbacks],
            verbose=0,
            shuffle=False,  # the batches come shuffled
        )
    _save(model, folder / "final.keras")
    if not (folder / "best.keras").exists() or settings.epochs == 0:
        _save(model, folder / "best.keras")

    scores: dict = {}
    if len(held_out):
        # Scored against the masks at their own size, whatever the network was trained at.
        full = brain.load(settings.data, progress=progress).select(validation_rows)
        counts = count(model, full, flips=settings.flips, progress=progress)
        _write_rows(
            folder / "slices.csv",
            ("patient", "number", "both", "predicted", "true"),
            zip(full.patients, full.numbers, *counts.T, strict=True),
        )
        scores = metrics.scores_from_counts(counts, full.patients)
    scores["parameters"] = model.count_params()
    _write_json(folder / "scores.json", scores)
    (folder / "state.weights.h5").unlink(missing_ok=True)
    return read(folder)


def read(folder: str | Path) -> Result:
    """Read a finished run; FileNotFoundError if it is not finished."""
    folder = Path(folder)
    if not (folder / "scores.json").exists():
        raise FileNotFoundError(f"{folder}: holds no finished run; run the same command again to finish it.")
    scores = json.loads((folder / "scores.json").read_text())
    history = _read_history(folder / "history.csv")
    return Result(
        folder=folder,
        settings=Settings(**json.loads((folder / "settings.json").read_text())),
        history=history,
        scores=scores,
        parameters=scores["parameters"],
        seconds_per_step=float(np.median([row["seconds_per_step"] for row in history])) if history else math.nan,
    )


def results_folder(source: str | Path) -> Path:
    """Return the folder of a finished comparison: a path, or the name of one that comes with the course.

    It holds results.csv and patients.csv, as `python -m helpers.train` writes them. Read in lesson 11.

    Raises:
        FileNotFoundError: there is no such folder, or no comparison in it.
    """
    come_with_the_course = sorted(path.parent.name for path in RESULTS.glob("*/patients.csv"))
    path = RESULTS / source if str(source) in come_with_the_course else Path(source)
    if not (path / "patients.csv").is_file():
        raise FileNotFoundError(
            f"{path}: holds no patients.csv; give the folder to which python -m helpers.train wrote it, or "
            f"{' or '.join(come_with_the_course)}."
        )
    return path


def read_counts(folder: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """The counts (n, 3) and the patients (n,) of a finished run's validation slices, to join folds with."""
    with open(Path(folder) / "slices.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    counts = np.array([[int(row[name]) for name in ("both", "predicted", "true")] for row in rows], "int64")
    return counts.reshape(-1, 3), np.array([row["patient"] for row in rows])


def environment() -> dict[str, str | int]:
    """The machine and the versions, for the record."""
    versions = {"keras": keras.__version__, "numpy": np.__version__}
    backend = keras.backend.backend()
    versions[backend] = __import__(backend).__version__
    return {
        "helpers": helpers.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count() or 1,
        "devices": ", ".join(keras.distribution.list_devices()),
        "backend": backend,
        **versions,
    }


class _Keeper(keras.callbacks.Callback):
    """Validates, keeps the best weights and the state after each epoch, and shows the time left."""

    def __init__(self, settings: Settings, folder: Path, held_out: brain.Slices, steps: int, progress: bool):
        super().__init__()
        self.settings, self.folder, self.held_out, self.steps = settings, folder, held_out, steps
        self.progress = progress
        self.history: list[dict[str, float]] = []

    def resume(self, model: keras.Model) -> int:
        """Load the state of the last whole epoch, if there is one, and return how many epochs are done."""
        state = self.folder / "state.weights.h5"
        if not state.exists():
            (self.folder / "history.csv").unlink(missing_ok=True)
            return 0
        model.load_weights(state)
        done = int(model.optimizer.iterations) // self.steps
        # The history is written before the state: a kill between the two leaves a row too many.
        self.history = _read_history(self.folder / "history.csv")[:done]
        return done

    def on_train_begin(self, logs=None):
        done = len(self.history) * self.steps
        self.bar = tqdm(
            total=self.settings.epochs * self.steps,
            initial=done,
            desc=f"{self.settings.model} {self.settings.loss} seed {self.settings.seed}",
            unit="step",
            disable=not self.progress,
        )

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.started = time.perf_counter()
        # Dropout draws from the epoch's own seed, so that a resumed epoch repeats.
        for number, generator in enumerate(_seed_generators(self.model)):
            seed = np.random.default_rng((self.settings.seed, epoch, number)).integers(2**31, size=2)
            generator.state.assign(seed.astype(generator.state.dtype))

    def on_train_batch_end(self, batch, logs=None):
        loss = float(logs["loss"])
        self.bar.update()
        if batch % 10 == 0:
            self.bar.set_postfix(loss=f"{loss:.3f}", dice=f"{float(logs['dice']):.3f}", refresh=False)
        if not math.isfinite(loss):
            self.bar.close()
            raise ValueError(
                f"loss became {loss} in epoch {self.epoch + 1}, step {batch + 1}, with loss {self.settings.loss}, "
                f"learning_rate {self.settings.learning_rate} and policy {self.settings.policy or 'float32'}: lower "
                f"the learning rate or use float32; the epochs before it are kept in {self.folder}."
            )

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.started
        row = {
            "epoch": epoch + 1,
            "loss": float(logs["loss"]),
            "dice": float(logs["dice"]),
            "learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "seconds": seconds,
            "seconds_per_step": seconds / self.steps,
        }
        if len(self.held_out):
            counts = count(self.model, self.held_out)
            row["validation_dice"] = metrics.scores_from_counts(counts, self.held_out.patients)["dice"]["mean"]
            logs["validation_dice"] = row["validation_dice"]
            if row["validation_dice"] > max((r["validation_dice"] for r in self.history), default=-1.0):
                _save(self.model, self.folder / "best.keras")
        self.history.append(row)
        _write_rows(self.folder / "history.csv", tuple(row), (r.values() for r in self.history))
        _replace(self.folder / "state.weights.h5", self.model.save_weights)

    def on_train_end(self, logs=None):
        self.bar.close()


def _seed_generators(model: keras.Model) -> list[keras.random.SeedGenerator]:
    return [layer.seed_generator for layer in model.layers if hasattr(layer, "seed_generator")]


class _policy:
    """Keras' global dtype policy for the length of a with block."""

    def __init__(self, name: str | None):
        self.name = name

    def __enter__(self):
        self.before = keras.config.dtype_policy()
        if self.name is not None:
            keras.config.set_dtype_policy(self.name)

    def __exit__(self, *_):
        keras.config.set_dtype_policy(self.before)


def _same_settings(settings: Settings, folder: Path) -> None:
    path = folder / "settings.json"
    if not path.exists():
        return
    there = json.loads(path.read_text())
    for name, value in dataclasses.asdict(settings).items():
        if there.get(name) != value:
            raise ValueError(
                f"{folder}: holds a run with {name} {there.get(name)}, not {value}; "
                "choose another folder (--out), or begin anew with --overwrite."
            )


def _read_history(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file whole or not at all: a kill or a full disk leaves the one that was there."""
    temporary = path.with_name(f"writing-{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = "the disk is full" if error.errno == errno.ENOSPC else str(error)
        raise OSError(
            f"{path}: could not be written ({reason}); make room and run the same command again, "
            "which goes on after the last whole epoch."
        ) from error


def _save(model: keras.Model, path: Path) -> None:
    # Keras saves the optimizer of a compiled model along, twice the weights again.
    bare = keras.Model(model.input, model.output, name=model.name)
    _replace(path, bare.save)


def _write_json(path: Path, content: dict) -> None:
    _replace(path, lambda temporary: temporary.write_text(json.dumps(content, indent=2) + "\n"))


def _write_rows(path: Path, names: Sequence[str], rows) -> None:
    def write(temporary: Path) -> None:
        with open(temporary, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows(rows)

    _replace(path, write)
