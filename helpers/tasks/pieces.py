"""What tasks share that train on pieces of photographs, cut out and varied ahead of the training step."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from helpers.data import augment, disk
from helpers.settings import Settings


def check(settings: Settings) -> None:
    """Raise ValueError for factors of a scale that are in the wrong order."""
    lowest, highest = settings.scale
    if lowest > highest:
        raise ValueError(f"scale is {lowest} {highest}: give the lowest factor first, and then the highest.")


def batches(
    examples: Sequence[Any],
    read: Callable[[Any], tuple[Image.Image, Image.Image]],
    crop: tuple[int, int],
    settings: Settings,
    first: int = 0,
    share: tuple[int, int] = (0, 1),
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give batches without end from step `first` on, read by threads ahead of the training step.

    A piece depends on the seed and on its place in the run alone: a resumed run sees the same ones. Each pass over
    the examples has its own order.

    Args:
        examples: to train on.
        read: gives the photograph, mode RGB, and the classes, mode L, of one example.
        crop: height and width of a piece.
        settings: of the run.
        first: the step to begin with.
        share: which of how many equal parts of each batch to read, for one of several processes.

    Gives:
        images (batch, height, width, 3) float32 in [0, 1] and classes (batch, height, width) uint8, 255 ignored.
    """
    vary = augment.StreetAugmentation(crop, settings.scale)
    if not settings.augment:
        vary = augment.StreetAugmentation.none(crop)

    size = settings.batch // share[1]

    def jobs() -> Iterator[tuple[int, Any]]:
        start = first * settings.batch
        for number in itertools.count(start // len(examples)):
            order = np.random.default_rng((settings.seed, number)).permutation(len(examples))
            for place, row in enumerate(order, start=number * len(examples)):
                if place >= start and place % settings.batch // size == share[0]:
                    yield place, examples[row]

    def piece(place: int, example: Any) -> tuple[np.ndarray, np.ndarray]:
        # The 1 keeps these draws apart from those of the order.
        return vary(*read(example), np.random.default_rng((settings.seed, place, 1)))

    ahead = disk.made_ahead(piece, jobs())
    while True:
        images, classes = zip(*itertools.islice(ahead, size), strict=True)
        # One piece at a time: a tenth of the time of stacking all and then dividing the stack.
        batch = np.empty((size, *crop, 3), "float32")
        for row, image in enumerate(images):
            np.multiply(image, np.float32(1 / 255), out=batch[row])
        yield batch, np.stack(classes)
