"""What tasks share that predict photographs: those that cannot be read, and those too large to be seen whole."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from helpers.data import disk, image_files
from helpers.nets import inference

WHOLE = 2048 * 1024
"""The pixels of the largest image that is predicted at once, a scene of Cityscapes."""

WINDOW = 512, 1024
"""Height and width of the windows in which larger ones are predicted, unless others are asked for."""

_STRIP = 512  # rows that are decided at once


def readable(paths: Sequence[Path], failures: list[str]) -> Iterator[tuple[Path, np.ndarray]]:
    """Read one image after the other, (height, width, 3) uint8, with a bar; why one cannot be goes into `failures`."""
    for path in disk.progress_bar(paths, unit="image"):
        try:
            image = image_files.read(path)
        except OSError as error:
            failures.append(str(error))
        else:
            yield path, image


def decide(
    model: keras.Model, path: Path, image: np.ndarray, rule: Callable[[np.ndarray], np.ndarray], averaging: dict
) -> np.ndarray:
    """Predict an image and decide about each pixel, in bounded memory.

    An image of more than `WHOLE` pixels is predicted in windows, and a line says so; the probabilities are those of
    `inference.predict_probabilities` with a window, but only a band of them is ever in memory. A network that is built
    for one size sees the whole at that size all the same; its probabilities are scaled up strip by strip.

    Args:
        model: a network of the zoo.
        path: of the image, for the line.
        image: (height, width, 3) uint8.
        rule: makes (height, width) uint8 or bool of probabilities (height, width) or (height, width, classes).
        averaging: flips, scales and window, as `inference.predict_probabilities` takes them.

    Returns:
        (height, width) uint8, what the rule makes of it.
    """
    height, width = image.shape[:2]
    window = averaging.get("window")
    if height * width <= WHOLE:
        return rule(inference.predict_probabilities(model, image[None], batch=1, **averaging)[0]).astype("uint8")
    if window is None and model.input_shape[1] is not None:
        return _scaled_up(model, image, rule, averaging)
    if window is None:
        words = f"{width} x {height} pixels, predicted in windows of {WINDOW[0]} x {WINDOW[1]} (--window sets others)"
        print(f"{disk.printable(path)}: {words}", flush=True)
    return _in_bands(model, image, rule, {**averaging, "window": None}, window or WINDOW)


def _in_bands(
    model: keras.Model,
    image: np.ndarray,
    rule: Callable[[np.ndarray], np.ndarray],
    averaging: dict,
    window: Sequence[int],
) -> np.ndarray:
    """Slide a window over the image; rows that no later window touches are decided, and their probabilities go."""
    size = image.shape[:2]
    sides = [min(side, whole) for side, whole in zip(window, size, strict=True)]
    weights = inference.window_weights(sides)
    tops, lefts = map(inference.starts, size, sides)
    result = np.empty(size, "uint8")
    total: np.ndarray | None = None
    sum_of_weights = np.zeros((sides[0], size[1], 1), "float32")
    for top, following in zip(tops, [*tops[1:], size[0]], strict=True):
        for left in lefts:
            columns = slice(left, left + sides[1])
            piece = image[None, top : top + sides[0], columns]
            maps = inference.predict_probabilities(model, piece, batch=1, **averaging)[0].reshape(*sides, -1)
            if total is None:
                total = np.zeros((sides[0], size[1], maps.shape[-1]), "float32")
            total[:, columns] += weights * maps
            sum_of_weights[:, columns] += weights
        assert total is not None  # there is a window
        done = following - top
        total[:done] /= sum_of_weights[:done]
        result[top:following] = rule(total[:done, :, 0] if total.shape[-1] == 1 else total[:done])
        for rows in (total, sum_of_weights):
            rows[: sides[0] - done] = rows[done:]
            rows[sides[0] - done :] = 0
    return result


def _scaled_up(
    model: keras.Model, image: np.ndarray, rule: Callable[[np.ndarray], np.ndarray], averaging: dict
) -> np.ndarray:
    """Predict a smaller copy, which a network built for one size scales down further, and decide at the full size."""
    height, width = image.shape[:2]
    factor = (WHOLE / 4 / (height * width)) ** 0.5
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
    maps = inference.predict_probabilities(model, small[None], batch=1, **averaging)[0]
    channels = [Image.fromarray(channel) for channel in np.moveaxis(maps.reshape(*maps.shape[:2], -1), -1, 0)]
    result = np.empty((height, width), "uint8")
    for top in range(0, height, _STRIP):
        bottom = min(top + _STRIP, height)
        box = 0, top * size[1] / height, size[0], bottom * size[1] / height
        strip = [
            np.asarray(each.resize((width, bottom - top), Image.Resampling.BILINEAR, box=box)) for each in channels
        ]
        result[top:bottom] = rule(strip[0] if len(strip) == 1 else np.stack(strip, axis=-1))
    return result
