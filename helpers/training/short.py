"""A training of seconds, made again and again from other seeds: what the lessons compare their small networks with.

Its pieces are built in lesson 06.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from helpers.scores import losses
from helpers.training import schedules


class ShortTraining:
    """Train a small network as often as one likes, each time anew from the first weights of a seed.

    To build and compile a network takes Keras longer than many of its steps, so one network is compiled once and put
    back to its beginning: weights, and what the optimizer remembers. AdamW with a cosine schedule (lesson 06), Dice +
    cross-entropy (lesson 03); no augmentation, which so short a training does not repay.

    Args:
        build: gives the network with the first weights of a seed, as `zoo.small` does; called with the seed, and with
            what `begin` is given beside it.
        images: (n, height, width, 3) uint8, normalised.
        masks: (n, height, width) bool.
        epochs: passes over the images.
        batch: images in a step.
        rate: the highest learning rate.

    Attributes:
        network: the one network that is trained; it holds the weights of the last training.
    """

    def __init__(
        self,
        build: Callable[..., keras.Model],
        images: np.ndarray,
        masks: np.ndarray,
        epochs: int,
        batch: int = 8,
        rate: float = 0.01,
    ):
        self.build, self.epochs, self.batch = build, epochs, batch
        self.images, self.masks = images.astype("float32") / 255, masks[..., None].astype("float32")
        self.network = build(0)
        schedule = schedules.get("cosine", rate, epochs * -(-len(images) // batch))
        self.network.compile(keras.optimizers.AdamW(schedule), losses.DiceCrossEntropy())  # pyright: ignore[reportArgumentType]
        self.network.optimizer.build(self.network.trainable_variables)
        self._fresh = [keras.ops.convert_to_numpy(variable) for variable in self.network.optimizer.variables]

    def begin(self, seed: int, **settings) -> keras.Model:
        """Put the network back to the first weights of a seed and return it; `settings` are for `build`."""
        for variable, value in zip(self.network.optimizer.variables, self._fresh, strict=True):
            variable.assign(value)
        self.network.set_weights(self.build(seed, **settings).get_weights())
        return self.network

    def go_on(self, epochs: int | None = None, callbacks: Sequence[keras.callbacks.Callback] = ()) -> keras.Model:
        """Train the network as it is for so many epochs, or for all of them, and return it."""
        epochs = self.epochs if epochs is None else epochs
        self.network.fit(
            self.images,
            self.masks,
            batch_size=self.batch,
            epochs=epochs,
            callbacks=list(callbacks),
            verbose=0,  # pyright: ignore[reportArgumentType]
        )
        return self.network

    def __call__(self, seed: int, **settings) -> keras.Model:
        """Train the network from the first weights of a seed to the end and return it."""
        self.begin(seed, **settings)
        return self.go_on()
