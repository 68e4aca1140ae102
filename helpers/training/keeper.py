"""What keeps a run while it trains: validation, the best weights, the state after each epoch, and the time left."""

import math
import time
from pathlib import Path

import keras
import numpy as np

from helpers.data import disk
from helpers.nets import checkpoint
from helpers.settings import Settings
from helpers.tasks import Task
from helpers.training import devices, run_folder


class Keeper(keras.callbacks.Callback):
    """Validates, keeps the best weights and the state after each epoch, and shows the time left.

    Args:
        settings: of the run.
        folder: where it is kept.
        task: its data.
        note: what the network is trained for; goes into each .keras file.
        trained: the network in training.
        single: the same network on one device, which predicts and is saved: one that is spread over devices predicts
            whole batches only.
        spread: the devices.
        progress: show a bar.
        keep_every: seconds from one saving of the state to the next, at least.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        task: Task,
        note: dict,
        trained: keras.Model,
        single: keras.Model,
        spread: devices.Devices,
        progress: bool,
        keep_every: float = 0.0,
    ):
        super().__init__()
        self.settings, self.folder, self.task, self.note, self.spread = settings, folder, task, note, spread
        self.trained, self.single, self.steps = trained, single, task.steps
        self.progress = progress and spread.process == 0
        self.keep_every, self.kept_at = keep_every, -math.inf
        self.history: list[dict[str, float]] = []
        self.best = -math.inf
        self.scored = single
        if isinstance(single.output, dict):
            self.scored = keras.Model(single.input, single.output["main"])
        self.scored.jit_compile = trained.jit_compile

    def copy_weights(self) -> None:
        """Give the twin the weights of the network in training."""
        if self.single is not self.trained:
            self.single.set_weights(self.trained.get_weights())

    def save(self, which: str) -> None:
        """Write the weights as they are as "best" or "final"."""
        run_folder.write(self.folder / f"{which}.keras", checkpoint.serialise(self.single, self.note))

    def resume(self, model: keras.Model, note: dict | None) -> int:
        """Load the state of the last whole epoch, if there is one, and return how many epochs are done.

        Args:
            model: to load it into.
            note: as `run_folder.read_state` gives it.

        Raises:
            ValueError: the state is of another network, or there are other images now.
        """
        path = self.folder / "state.keras"
        if note is None:
            if self.spread.process == 0:
                (self.folder / "history.csv").unlink(missing_ok=True)
            return 0
        if note["steps"] != self.steps:
            raise ValueError(
                f"{self.folder}: was begun with {note['steps']} steps in an epoch, and {self.settings.data} gives "
                f"{self.steps} now: give the images that it was begun with, or begin anew with --overwrite."
            )
        run_folder.refuse_other_images(self.settings, self.folder, note, self.note["split"])
        try:
            model.load_weights(path)
        except Exception as error:  # Keras raises many kinds
            reason = str(error).strip().splitlines()[0]
            raise ValueError(
                f"{path}: does not fit this version's {self.settings.model} ({reason}): go on with the version that "
                "wrote it, or begin anew with --overwrite."
            ) from error
        self.history = note["history"]
        if self.spread.process == 0:
            run_folder.write_history(self.folder, self.history)  # a kill can have left another
        scores = [row[self.task.watched] for row in self.history if self.task.watched in row]
        if checkpoint.is_whole(self.folder / "best.keras"):
            self.best = max(scores, default=-math.inf)
        elif scores and self.spread.process == 0:
            best = disk.printable(self.folder / "best.keras")
            print(f"{best}: is lost; the best of the epochs from here on is kept.", flush=True)
        return len(self.history)

    def on_train_begin(self, logs=None):
        """Show the bar."""
        done = len(self.history) * self.steps
        self.bar = disk.progress_bar(
            total=self.settings.epochs * self.steps,
            initial=done,
            desc=f"{self.settings.model} {self.settings.loss} seed {self.settings.seed}",
            unit="step",
            disable=not self.progress,
        )

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock, and seed dropout."""
        self.epoch = epoch
        self.started = time.perf_counter()
        # Dropout draws from the epoch's own seed, so that a resumed epoch repeats.
        for number, generator in enumerate(_seed_generators(self.trained)):
            seed = np.random.default_rng((self.settings.seed, epoch, number)).integers(2**31, size=2)
            generator.state.assign(seed.astype(generator.state.dtype))

    def on_train_batch_end(self, batch: int, logs: dict):
        """Move the bar; ValueError when the loss is no number any more."""
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

    def on_epoch_end(self, epoch: int, logs: dict):
        """Validate and keep the epoch, in the first process."""
        seconds = time.perf_counter() - self.started
        if self.spread.process == 0:
            # What one process alone does must not be divided, or it waits for the others.
            with self.spread.alone():
                self._keep(epoch, logs, seconds)

    def _keep(self, epoch: int, logs: dict, seconds: float) -> None:
        row = {
            "epoch": epoch + 1,
            **{name: float(value) for name, value in logs.items()},
            "learning_rate": float(np.asarray(keras.ops.convert_to_numpy(self.trained.optimizer.learning_rate))),
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
                if score > self.best:
                    self.save("best")
                    self.best = score
        self.history.append(row)
        run_folder.write_history(self.folder, self.history)
        if time.monotonic() - self.kept_at >= self.keep_every:
            note = {**self.note, "steps": self.steps, "history": self.history}
            run_folder.write(self.folder / "state.keras", checkpoint.serialise_state(self.trained, note))
            self.kept_at = time.monotonic()

    def on_train_end(self, logs=None):
        """Close the bar."""
        self.bar.close()


def _seed_generators(model: keras.Model) -> list[keras.random.SeedGenerator]:
    return [layer.seed_generator for layer in model.layers if hasattr(layer, "seed_generator")]
