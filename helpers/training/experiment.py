"""One experiment: from a frozen set of settings to a folder with everything that came of it.

Built up in lesson 06; called by every later lesson and by `python -m helpers.train`. What differs between the data
sets stands in `brain_task` and `streets_task`.

    settings.json     what was asked for
    environment.json  the machine and the versions that it ran on
    history.csv       a row for each epoch
    best.keras        the weights of the epoch with the best validation score (Dice, or mean IoU of the streets)
    final.keras       the weights of the last epoch; these are the ones that are scored
    slices.csv        brain: for each validation slice, pixels predicted and true, pixels predicted, pixels true
    confusion.csv     streets: pixels by true class (row) and predicted class (column)
    scores.json       the honest scores; its presence says that the run is finished
"""

import csv
import dataclasses
import errno
import json
import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

import helpers
from helpers.data import disk
from helpers.nets import inference, zoo
from helpers.scores import losses
from helpers.tasks import brain as brain_task
from helpers.tasks import streets as streets_task
from helpers.training import devices, schedules

TASKS = {"brain": brain_task.Task, "cityscapes": streets_task.Task}
RESULTS = Path(__file__).resolve().parents[1] / "results"


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that decides the outcome of one run; two runs with equal settings on one machine end in equal weights.

    Attributes:
        model: a name in `zoo.NAMES`.
        loss: a name in `losses.NAMES`.
        pretrained: begin with an encoder trained on ImageNet.
        seed: of the weights, the order of the slices and the augmentation.
        dataset: "brain" or "cityscapes".
        data: "phantom"; "kaggle" or "cityscapes", where they were put by `python -m helpers.prepare`; or a folder in
            the layout of one of them.
        size: brain: side of the training images in pixels.
        crop: streets: height and width of the pieces that are trained on.
        scale: streets: the lowest and the highest factor by which a scene is scaled before a piece is cut out of it.
        filters: width of the first stage; None for the width that the network was published with.
        epochs, batch: passes over the training images, images in a step.
        steps: steps in an epoch, when it is not to be a pass over the training images. After each epoch there is a
            row in the history, and a run that is interrupted goes on from there.
        validate_every: epochs from one validation to the next; the last epoch is always validated.
        optimizer: "AdamW" (Loshchilov and Hutter 2019) or "SGD" with momentum 0.9; see `schedules.optimizer`.
        learning_rate, schedule, weight_decay: of the optimizer; see `schedules.get`.
        class_weights: streets: weigh rare classes up in the cross-entropy, as `streets.class_weights` says.
        auxiliary: weight of the loss of a second head, which only UNet_S5_D16 has; 0 leaves it out.
        augment: brain: flips, turns, shifts, scales and changes of contrast; streets: scales, flips, colours.
        validation: brain: the share of patients held out, by the hash of their ids; 0 trains on all and scores
            nothing. The streets have a val split of their own.
        folds, fold: brain: hold out fold number `fold` of `folds` instead.
        start: a .keras file of the same network to begin with, or "phantom" or "brain", those of the course.
        flips: score the mean of the predictions for each image and its mirror image.
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
    crop: tuple[int, int] = (256, 512)
    scale: tuple[float, float] = (0.5, 2.0)
    filters: int | None = 16
    epochs: int = 8
    batch: int = 8
    steps: int | None = None
    validate_every: int = 1
    optimizer: str = "AdamW"
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    weight_decay: float = 1e-4
    class_weights: bool = False
    auxiliary: float = 0.0
    augment: bool = True
    validation: float = 0.2
    folds: int = 0
    fold: int = 0
    start: str | None = None
    flips: bool = False
    policy: str | None = None
    compiled: bool | None = None

    def __post_init__(self):
        # JSON has no tuples.
        object.__setattr__(self, "crop", tuple(self.crop))
        object.__setattr__(self, "scale", tuple(self.scale))

    def check(self) -> None:
        """Raise ValueError, naming the setting, for what cannot work; costs no training and reads no image."""
        losses.get(self.loss)
        if self.class_weights and self.loss not in losses.WITH_CLASS_WEIGHTS:
            raise ValueError(
                f"loss is {self.loss}, which takes no class weights: choose {', '.join(losses.WITH_CLASS_WEIGHTS)}, or "
                "leave class_weights out."
            )
        if self.dataset not in TASKS:
            raise ValueError(f"dataset is {self.dataset!r}: choose one of {', '.join(TASKS)}.")
        positive = {"batch", "learning_rate", "filters", "steps", "validate_every"}
        for name in sorted(positive):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} is {value}: give a number above 0.")
        for name in ("epochs", "auxiliary", "weight_decay"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give 0 or more.")
        task = TASKS[self.dataset]
        task.check(self)
        schedules.get(self.schedule, self.learning_rate, 1)
        schedules.check_optimizer(self.optimizer)
        zoo.check(self.model, self.pretrained, task.training_sides(self))
        if self.auxiliary and self.model not in zoo.AUXILIARY:
            raise ValueError(f"{self.model} has no auxiliary head: leave `auxiliary` at 0, or take {zoo.AUXILIARY[0]}.")
        if self.start is not None:
            inference.weights_file(self.start)
        if self.policy is not None:
            keras.dtype_policies.get(self.policy)


DEFAULTS = {
    "brain": Settings(),
    # What was trained on real streets in 36 minutes on two processor cores: helpers/results/streets.
    "cityscapes": Settings(
        dataset="cityscapes",
        model="Lite0_UNet",
        pretrained=True,
        loss="Dice_CrossEntropy",
        class_weights=True,
        crop=(256, 256),
        scale=(0.75, 1.5),
        epochs=36,
        batch=4,
        validate_every=18,
        flips=True,
    ),
}
"""For each data set, what `python -m helpers.train` does on a small machine unless it is told otherwise."""


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
    task = TASKS[settings.dataset]
    keras.utils.set_random_seed(settings.seed)
    with _policy(settings.policy):
        model = zoo.build(
            settings.model,
            input_shape=(*task.sides(settings), 3),
            classes=task.classes,
            filters=settings.filters,
            auxiliary=settings.auxiliary > 0,
            pretrained=settings.pretrained and settings.start is None,
        )
    if settings.start is not None:
        begin = inference.load_model(settings.start, auxiliary=True)
        try:
            model.set_weights(begin.get_weights())
        except ValueError:
            raise ValueError(
                f"{settings.start}: holds {begin.name}, whose weights do not fit {settings.model} "
                f"with filters {settings.filters}; give the settings that it was trained with."
            ) from None
    return model


def run(
    settings: Settings,
    folder: str | Path,
    overwrite: bool = False,
    progress: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    number_of_devices: int = 1,
    keep_every: float = 0.0,
) -> Result | None:
    """Train, score and write one experiment; go on where an interrupted one stopped; return a finished one as it is.

    Args:
        settings: what to do.
        folder: where everything is written; made if missing.
        overwrite: begin anew although the folder holds a run.
        progress: show a bar with the time left.
        callbacks: more Keras callbacks, such as `show.live.LivePlot`.
        number_of_devices: of this machine to divide each batch among; see `devices` for several machines. Not a
            setting, since the outcome is the same but for rounding: a run may go on with another number.
        keep_every: seconds from one saving of the state to the next, where an epoch takes less: the state of a large
            network can take longer to write than a short epoch on a GPU. A resumed run goes on from there.

    Returns:
        What the folder holds; None in a process that is not the first of several.

    Raises:
        ValueError: a setting or the number of devices cannot work, the folder holds a run with other settings, or the
            loss became NaN.
        OSError: the data are missing or damaged, or the disk is full.
    """
    settings.check()
    spread = devices.Devices(number_of_devices)  # first, because TensorFlow's devices are fixed by its first step
    if settings.batch % (number_of_devices * spread.processes):
        raise ValueError(
            f"batch is {settings.batch}, which {number_of_devices * spread.processes} devices cannot share: give a "
            "multiple of that."
        )
    folder = Path(folder)
    if overwrite and spread.process == 0:
        for name in ("scores.json", "state.weights.h5", "history.csv", "settings.json"):
            (folder / name).unlink(missing_ok=True)
    _same_settings(settings, folder)
    if (folder / "scores.json").exists():
        return read(folder)

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    task = TASKS[settings.dataset](settings, progress)

    rate = schedules.get(settings.schedule, settings.learning_rate, task.steps * max(settings.epochs, 1))
    with spread.together():
        model = build(settings)
        spread.synchronise(model)
        loss = losses.get(settings.loss, task.mode, task.ignore_index, task.class_weights())
        both = isinstance(model.output, dict)
        model.compile(
            optimizer=schedules.optimizer(settings.optimizer, rate, settings.weight_decay),
            loss={"main": loss, "auxiliary": loss} if both else loss,
            loss_weights={"main": 1.0, "auxiliary": settings.auxiliary} if both else None,
            metrics={"main": task.metrics()} if both else task.metrics(),
            jit_compile=inference.worth_compiling() if settings.compiled is None else settings.compiled,
        )
        model.optimizer.build(model.trainable_variables)
    folder.mkdir(parents=True, exist_ok=True)
    if spread.process == 0:
        _write_json(folder / "environment.json", environment())
        _write_json(folder / "settings.json", dataclasses.asdict(settings))

    keeper = _Keeper(settings, folder, task, model, spread, progress, keep_every)
    with spread.together():
        done = keeper.resume(model)
        if done < settings.epochs:

            def batches():
                for images, truth in task.batches(done, (spread.process, spread.processes)):
                    yield images, {"main": truth, "auxiliary": truth} if both else truth

            model.fit(
                spread.feed(batches),
                steps_per_epoch=task.steps,
                initial_epoch=done,
                epochs=settings.epochs,
                callbacks=[keeper, *callbacks],
                verbose=0,
                shuffle=False,  # the batches come shuffled
            )
    if spread.process > 0:
        return None
    with spread.alone():
        keeper.copy_weights()
        _save(keeper.single, folder / "final.keras")
        if not (folder / "best.keras").exists() or settings.epochs == 0:
            _save(keeper.single, folder / "best.keras")
        scores, tables = task.score(keeper.scored)
    for name, rows in tables.items():
        _write_rows(folder / name, rows)
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
        settings=_read_settings(folder / "settings.json"),
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

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        task,
        model: keras.Model,
        spread: devices.Devices,
        progress: bool,
        keep_every: float,
    ):
        super().__init__()
        self.keep_every, self.kept_at = keep_every, -math.inf
        self.settings, self.folder, self.task, self.spread = settings, folder, task, spread
        self.trained, self.steps = model, task.steps
        self.progress = progress and spread.process == 0
        self.history: list[dict[str, float]] = []
        # A network that is spread over devices predicts whole batches only: a twin on one device predicts and is saved.
        self.single = model
        if spread.several:
            with spread.alone():
                self.single = build(dataclasses.replace(settings, start=None))
        self.scored = self.single
        if isinstance(self.single.output, dict):
            self.scored = keras.Model(self.single.input, self.single.output["main"])
        self.scored.jit_compile = model.jit_compile

    def copy_weights(self) -> None:
        """Give the twin the weights of the network in training."""
        if self.single is not self.trained:
            self.single.set_weights(self.trained.get_weights())

    def resume(self, model: keras.Model) -> int:
        """Load the state of the last whole epoch, if there is one, and return how many epochs are done."""
        state = self.folder / "state.weights.h5"
        if not state.exists():
            if self.spread.process == 0:
                (self.folder / "history.csv").unlink(missing_ok=True)
            return 0
        model.load_weights(state)
        done = int(model.optimizer.iterations) // self.steps
        # The history is written before the state: a kill between the two leaves a row too many.
        self.history = _read_history(self.folder / "history.csv")[:done]
        return done

    def on_train_begin(self, logs=None):
        done = len(self.history) * self.steps
        self.bar = disk.progress_bar(
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
            self.bar.set_postfix({name: f"{float(value):.3f}" for name, value in logs.items()}, refresh=False)
        if not math.isfinite(loss):
            self.bar.close()
            raise ValueError(
                f"loss became {loss} in epoch {self.epoch + 1}, step {batch + 1}, with loss {self.settings.loss}, "
                f"learning_rate {self.settings.learning_rate} and policy {self.settings.policy or 'float32'}: lower "
                f"the learning rate or use float32; the epochs before it are kept in {self.folder}."
            )

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.started
        if self.spread.process == 0:
            # What one process alone does must not be divided, or it waits for the others.
            with self.spread.alone():
                self._keep(epoch, logs, seconds)

    def _keep(self, epoch: int, logs: dict, seconds: float) -> None:
        row = {
            "epoch": epoch + 1,
            **{name: float(value) for name, value in logs.items()},
            "learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "seconds": seconds,
            "seconds_per_step": seconds / self.steps,
        }
        watched = self.task.watched
        last = epoch + 1 == self.settings.epochs
        if last or (epoch + 1) % self.settings.validate_every == 0:
            self.copy_weights()
            score = self.task.validate(self.scored)
            if score is not None:
                logs[watched] = row[watched] = score
                if score > max((r.get(watched, -1.0) for r in self.history), default=-1.0):
                    _save(self.single, self.folder / "best.keras")
        self.history.append(row)
        # The last epoch is always validated, but until then a column may have holes.
        names = tuple(max(self.history, key=len))
        _write_rows(self.folder / "history.csv", [names, *([r.get(n, "") for n in names] for r in self.history)])
        if time.monotonic() - self.kept_at >= self.keep_every:
            _replace(self.folder / "state.weights.h5", self.model.save_weights)
            self.kept_at = time.monotonic()

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
    there = dataclasses.asdict(_read_settings(path))
    for name, value in dataclasses.asdict(settings).items():
        if there[name] != value:
            raise ValueError(
                f"{folder}: holds a run with {name} {there[name]}, not {value}; "
                "choose another folder (--out), or begin anew with --overwrite."
            )


def _read_settings(path: Path) -> Settings:
    return Settings(**json.loads(path.read_text()))


def _read_history(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


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


def _write_rows(path: Path, rows: Sequence[Sequence]) -> None:
    def write(temporary: Path) -> None:
        with open(temporary, "w", newline="") as file:
            csv.writer(file).writerows(rows)

    _replace(path, write)
