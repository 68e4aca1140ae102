"""A training that can be watched in a notebook."""

import math
import time

import keras

from helpers.show import figures


class LivePlot(keras.callbacks.Callback):
    """Draw the curves of a training at the end of each epoch, with the time left above them (lesson 06).

    Give it to `fit` with `verbose=0`: `callbacks=[live.LivePlot()]`. The last picture stays in the saved
    notebook, with alt text. In a terminal it shows nothing: there, use Keras' own progress bar.

    Attributes:
        history: for each metric its value at each epoch so far, NaN where it was not measured.
        first_epoch: the number of the first one, from 0 on; a resumed training does not begin there.
    """

    # Seconds. An epoch of a small exercise takes less time than a picture of it.
    PAUSE = 0.5

    def __init__(self):
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.first_epoch = 0

    def on_train_begin(self, logs=None):
        """Open the two places in the output that the training then changes: a line of text and a picture."""
        self.history, self.latest = {}, {}
        self.epoch = None
        self.begun = time.monotonic()
        self.timed_from = None
        self.said = self.drawn = 0.0
        self.line = self.picture = None
        self.visible = figures.in_notebook()

    def on_epoch_begin(self, epoch, logs=None):
        """Note where we are; a resumed training does not begin at epoch 0."""
        if self.epoch is None:
            self.first_epoch = epoch
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Say how much time is left, about twice a second."""
        steps = self.params.get("steps")
        if steps:
            self._say_progress(self.epoch + (batch + 1) / steps, f", step {batch + 1} of {steps}")

    def on_epoch_end(self, epoch, logs=None):
        """Add the epoch's values to the curves."""
        measured = {name: float(value) for name, value in (logs or {}).items()}
        self.latest |= measured
        for name in self.latest:
            # A metric that was not there before, or is not there each time, keeps its place on the axis.
            values = self.history.setdefault(name, [math.nan] * (epoch - self.first_epoch))
            values.append(measured.get(name, math.nan))
        self._say_progress(epoch + 1, "")
        if time.monotonic() - self.drawn > self.PAUSE:
            self._draw()

    def on_train_end(self, logs=None):
        """Leave the final picture."""
        if not self.history:
            return
        self._draw()
        epochs = self.epoch - self.first_epoch + 1
        seconds = time.monotonic() - self.begun
        self._say(f"{epochs} epoch{'s' if epochs > 1 else ''} in {duration(seconds)}")

    def _say_progress(self, position: float, detail: str) -> None:
        """`position` is in epochs. The clock leaves out the first step, which traces the network."""
        now = time.monotonic()
        if self.timed_from is None:
            self.timed_from = (now, position)
        elapsed, done = now - self.timed_from[0], position - self.timed_from[1]
        if now - self.said < self.PAUSE:
            return
        self.said = now
        epochs = self.params.get("epochs") or self.epoch + 1
        left = f", about {duration(elapsed / done * (epochs - position))} left" if done > 0 else ""
        self._say(f"epoch {self.epoch + 1} of {epochs}{detail}{left}")

    def _say(self, words: str) -> None:
        if self.visible:
            self.line = show({"text/plain": words}, self.line, raw=True)

    def _draw(self) -> None:
        if not self.visible:
            return
        figure = figures.training_curves(self.history, self.first_epoch + 1)
        values = ", ".join(f"{name} {value:.3g}" for name, value in self.latest.items())
        alt = f"Training curves up to epoch {self.epoch + 1}. Last values: {values}."
        self.picture = show(figures.Picture(figure, alt), self.picture)
        self.drawn = time.monotonic()


def show(output, handle=None, raw: bool = False):
    """Show something in the notebook, in the place of an earlier output if its handle is given."""
    from IPython import display

    if handle is None:
        return display.display(output, raw=raw, display_id=True)
    handle.update(output, raw=raw)
    return handle


def duration(seconds: float) -> str:
    """Write a time the way people say it: 8 s, 2 min 5 s, 1 h 20 min."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
