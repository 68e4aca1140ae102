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

    An image of more than `WHOLE` pixels is predicted in windows, and a line says so; the network sees what it sees in
    `inference.predict_probabilities` with a window, but only a band of probabilities is ever in memory. A network that
    is built for one size sees the whole at that size all the same; its probabilities are scaled up strip by strip.

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
    return _in_bands(model, image, rule, averaging, window or WINDOW)


def _in_bands(
    model: keras.Model,
    image: np.ndarray,
    rule: Callable[[np.ndarray], np.ndarray],
    averaging: dict,
    window: Sequence[int],
) -> np.ndarray:
    """Decide row by row; each scale has bands of its own."""
    flips, scales = averaging.get("flips", False), averaging.get("scales", (1.0,))
    result = np.empty(image.shape[:2], "uint8")
    rows = zip(*(_rows(model, image, flips, scale, window) for scale in scales), strict=True)
    for number, each in enumerate(rows):
        mean = np.mean(each, axis=0)
        result[number] = rule(mean[None, :, 0] if mean.shape[-1] == 1 else mean[None])[0]
    return result


def _rows(
    model: keras.Model, image: np.ndarray, flips: bool, scale: float, window: Sequence[int]
) -> Iterator[np.ndarray]:
    """Slide a window over the image, and yield each row's probabilities (width, classes) when no later one touches it.

    The window has its size in the scaled image, as in `inference.predict_probabilities`.
    """
    size = image.shape[:2]
    sides = [min(max(1, round(side / scale)), whole) for side, whole in zip(window, size, strict=True)]
    weights = inference.window_weights(sides)
    tops, lefts = map(inference.starts, size, sides)
    total: np.ndarray | None = None
    sum_of_weights = np.zeros((sides[0], size[1], 1), "float32")
    for top, following in zip(tops, [*tops[1:], size[0]], strict=True):
        for left in lefts:
            columns = slice(left, left + sides[1])
            piece = image[None, top : top + sides[0], columns]
            maps = inference.predict_probabilities(model, piece, flips, batch=1, scales=(scale,))[0].reshape(*sides, -1)
            if total is None:
                total = np.zeros((sides[0], size[1], maps.shape[-1]), "float32")
            total[:, columns] += weights * maps
            sum_of_weights[:, columns] += weights
        assert total is not None  # there is a window
        done = following - top
        yield from total[:done] / sum_of_weights[:done]
        for rows in (total, sum_of_weights):
            rows[: sides[0] - done] = rows[done:]
            rows[sides[0] - done :] = 0


def _scaled_up(
    model: keras.Model, image: np.ndarray, rule: Callable[[np.ndarray], np.ndarray], averaging: dict
) -> np.ndarray:
    """Predict the image in the size in which a network built for one size sees it, and decide at the full size."""
    height, width = image.shape[:2]
    flips, scales = averaging.get("flips", False), averaging.get("scales", (1.0,))
    channels = []  # of each scale
    for scale in scales:
        small = inference.scaled_to_fit(inference.scaled(image[None], scale), model.input_shape[1:3])
        maps = inference.predict_probabilities(model, small, flips, batch=1)[0]
        maps = maps.reshape(*maps.shape[:2], -1)
        channels.append([Image.fromarray(channel) for channel in np.moveaxis(maps, -1, 0)])
    result = np.empty((height, width), "uint8")
    for top in range(0, height, _STRIP):
        bottom = min(top + _STRIP, height)
        strip = np.mean([_enlarged(each, (width, height), top, bottom) for each in channels], axis=0)
        result[top:bottom] = rule(strip[..., 0] if strip.shape[-1] == 1 else strip)
    return result


def _enlarged(channels: Sequence[Image.Image], size: tuple[int, int], top: int, bottom: int) -> np.ndarray:
    """Rows of probabilities, scaled to `size`: (bottom - top, width, classes)."""
    width, height = channels[0].size
    box = 0, top * height / size[1], width, bottom * height / size[1]
    rows = (each.resize((size[0], bottom - top), Image.Resampling.BILINEAR, box=box) for each in channels)
    return np.stack([np.asarray(row) for row in rows], axis=-1)
