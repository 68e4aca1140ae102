"""From a trained network and images of any size to probabilities at the images' own size.

Used in every lesson that looks at a prediction.
"""

import dataclasses
import importlib
import itertools
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import keras
import numpy as np
import scipy.ndimage
from PIL import Image

import helpers.nets.zoo  # noqa: F401  registers the attention layers, which a saved network may hold
from helpers.nets import checkpoint

# Committed, so they lie in the repository and not where DATA_HOME says.
WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
TRAINED = ("brain", "phantom", "streets")
# Every network of the zoo halves its input at most five times.
PAD_TO = 32


def weights_file(source: str | Path) -> Path:
    """Return the .keras file that is meant: a path, or the name of one that comes with the course.

    Raises:
        FileNotFoundError: there is no such file.
    """
    path = WEIGHTS / f"{source}.keras" if str(source) in TRAINED else Path(source)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; give the .keras file of a trained network, or one of {', '.join(TRAINED)}."
        )
    return path


def load_model(source: str | Path, auxiliary: bool = False) -> keras.Model:
    """Load a network for prediction.

    Args:
        source: a .keras file, or the name of one that comes with the course: "brain", "phantom" or "streets".
        auxiliary: keep the second head of a network that has one; only training needs it.

    Raises:
        FileNotFoundError, ValueError: there is no such file, or it holds no network for RGB images.
    """
    path = weights_file(source)
    checkpoint.check(path)
    try:
        model = cast(keras.Model, keras.models.load_model(path, compile=False))
    except Exception as error:  # Keras raises many kinds for a file of another make
        raise ValueError(f"{path}: {_unloadable(str(error), checkpoint.version(path))}") from error
    try:
        inputs, outputs = model.input_shape, model.output_shape
    except AttributeError:  # one that has not seen an image yet
        raise ValueError(f"{path}: was saved before it was built for images: give a trained network.") from None
    if len(inputs) != 4 or inputs[-1] != 3 or (inputs[1] is None) != (inputs[2] is None):
        raise ValueError(f"{path}: takes inputs of shape {inputs}; give a network for RGB images.")
    heads = getattr(model, "output", None)  # a Sequential one that was loaded has none to show
    if isinstance(heads, dict):
        if "main" not in heads:
            raise ValueError(
                f"{path}: gives the outputs {', '.join(heads)}, and none is named main: save a network with one output."
            )
        outputs = heads["main"].shape
    if len(outputs) != 4 or not isinstance(outputs[-1], int):  # a list of four outputs has a length of 4 too
        raise ValueError(f"{path}: gives outputs of shape {outputs}; give a network that segments.")
    if isinstance(heads, dict) and not auxiliary:
        model = keras.Model(model.input, heads["main"], name=model.name)
    model.jit_compile = worth_compiling()
    return model


def _unloadable(words: str, version: str) -> str:
    """Say why Keras does not load a network whose file is whole, from what it says itself."""
    if "`Lambda` layer" in words or "Python lambda" in words:
        return (
            "holds a Lambda layer, whose code could do anything when the file is read: save the network with a layer "
            "of Keras in its place."
        )
    unknown = re.search(r"Could not locate (?:class|function) '(\w+)'", words)
    if unknown:
        return f"holds {unknown[1]}, which neither Keras nor this course has: give a network of the course's layers."
    reason = (words.strip() or "?").splitlines()[0]
    return f"was saved by Keras {version}, and Keras {keras.__version__}, which is here, cannot read it ({reason})."


def worth_compiling() -> bool:
    """Whether to compile a step with XLA: on a GPU, and always on JAX, which else runs each operation by itself."""
    return keras.backend.backend() == "jax" or on_gpu()


def on_gpu() -> bool:
    """Whether there is a GPU."""
    return any(device.startswith(("gpu", "cuda")) for device in devices())


def devices() -> list[str]:
    """Names of what this backend of Keras computes on, such as "gpu:0"."""
    if keras.backend.backend() == "torch":  # for which Keras has no list
        torch = importlib.import_module("torch")
        return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu:0"]
    # Asked for "gpu", JAX raises an error where there is none.
    return keras.distribution.list_devices()


@dataclasses.dataclass(frozen=True)
class AreaRule:
    """From the probabilities of one class to its area.

    Attributes:
        threshold: the probability from which a pixel belongs to the area.
        smallest_part: connected parts that are smaller than this share of the largest one are dropped; 0 keeps all.
            In a patient's slices, one above the other, a tumour is one part and most false alarms are small ones.
    """

    threshold: float = 0.5
    smallest_part: float = 0.0

    def __call__(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the area, bool, of probabilities (height, width), or (slices, height, width) of one volume."""
        return self.without_small_parts(probabilities >= self.threshold)

    def without_small_parts(self, area: np.ndarray) -> np.ndarray:
        """Return the area, bool of the same shape, without its small parts; corners connect."""
        if not self.smallest_part or not area.any():
            return area
        parts = np.zeros(area.shape, "int32")
        scipy.ndimage.label(area, np.ones((3,) * area.ndim), output=parts)
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0  # all that is outside
        return (sizes >= self.smallest_part * sizes.max())[parts]


HALF = AreaRule()
"""A probability of one half or more, and every part."""


def predict_probabilities(
    model: keras.Model,
    images: np.ndarray,
    flips: bool = False,
    batch: int = 16,
    scales: Sequence[float] = (1.0,),
    window: tuple[int, int] | None = None,
) -> np.ndarray:
    """Predict each image of a stack at its own size.

    A network built for one size sees the image scaled to fit into that size (the rest is padded with 0);
    a network built for any size sees it continued as in a mirror, to a multiple of 32 (a black strip below a street
    passed for a car, and cost 0.07 of its mean IoU). Either way the prediction is brought back.

    Args:
        model: a network of the zoo; takes float32 in [0, 1].
        images: (n, height, width, 3) uint8, normalised as the network was trained.
        flips: average the predictions of each image and of its mirror image (test-time augmentation).
        batch: images per step.
        scales: average the predictions of each image scaled by these factors.
        window: (height, width) of a window that slides over the image, for images that are too large for memory.
            Windows overlap by a third or more; where they do, the prediction fades from one to the next, so that
            there is no seam. Built by hand in lesson 13. None predicts the whole image at once.

    Returns:
        float32 probabilities in [0, 1], (n, height, width) for one class, (n, height, width, classes) for several.

    Raises:
        ValueError: the images are no stack of RGB images in uint8, a scale or a side of the window is not above 0, or
            the network has several heads.
    """
    check_images(images)
    heads = getattr(model, "output", None)
    if isinstance(heads, dict):
        raise ValueError(f"{model.name} has the heads {', '.join(heads)}: give a network of one, as load_model does.")
    if not scales or min(scales) <= 0:
        raise ValueError(f"scales are {tuple(scales)}: give factors above 0.")
    if window is not None and min(window) < 1:
        raise ValueError(f"window is {tuple(window)}: give a height and a width above 0.")
    height, width = images.shape[1:3]
    if not len(images):
        classes = model.output_shape[-1]
        return np.zeros((0, height, width) + (() if classes == 1 else (classes,)), "float32")
    total: np.ndarray | None = None
    for scale in scales:
        seen = scaled(images, scale)
        maps = _predict(model, seen, flips, batch) if window is None else _slide(model, seen, flips, batch, window)
        resized = _resize(maps, height, width)
        if total is None:
            total = resized
        else:
            total += resized
    assert total is not None  # there is a scale
    total /= len(scales)
    return total[..., 0] if total.shape[-1] == 1 else total


def _predict(model: keras.Model, images: np.ndarray, flips: bool, batch: int) -> np.ndarray:
    """(n, height, width, 3) uint8 to (n, height, width, classes), in batches."""
    predictions = []
    for start in range(0, len(images), batch):
        inputs, restore = fitted(model, images[start : start + batch])
        # The last batch is filled up: one shape means that the step is traced and compiled once.
        filled = np.pad(inputs, [(0, batch - len(inputs) if len(images) > batch else 0), (0, 0), (0, 0), (0, 0)])
        outputs = model.predict_on_batch(filled)
        if flips:
            outputs = (outputs + model.predict_on_batch(filled[:, :, ::-1])[:, :, ::-1]) / 2
        maps = restore(outputs[: len(inputs)])
        predictions.append(maps[..., None] if maps.ndim == 3 else maps)
    return np.concatenate(predictions)


def _slide(model: keras.Model, images: np.ndarray, flips: bool, batch: int, window: tuple[int, int]) -> np.ndarray:
    """As `_predict`, window by window: each pixel is the weighted mean of the windows that it lies in."""
    size = images.shape[1:3]
    sides = [min(side, whole) for side, whole in zip(window, size, strict=True)]
    weights = window_weights(sides)
    total: np.ndarray | None = None
    sum_of_weights = np.zeros((*size, 1), "float32")
    for top, left in itertools.product(*map(starts, size, sides)):
        rows, columns = slice(top, top + sides[0]), slice(left, left + sides[1])
        maps = _predict(model, images[:, rows, columns], flips, batch)
        if total is None:
            total = np.zeros((len(images), *size, maps.shape[-1]), "float32")
        total[:, rows, columns] += weights * maps
        sum_of_weights[rows, columns] += weights
    assert total is not None  # there is a window
    return total / sum_of_weights


def window_weights(sides: Sequence[int]) -> np.ndarray:
    """A tent over each side of a window, 1 in its middle and nearly 0 at its ends, (height, width, 1) float32."""
    tents = [1 - abs(np.arange(side, dtype="float32") - (side - 1) / 2) / (side / 2) for side in sides]
    return (tents[0][:, None] * tents[1])[..., None]


def starts(whole: int, side: int) -> list[int]:
    """Where windows of `side` begin that cover `whole`, evenly spread, a third of each in the next one or more."""
    steps = math.ceil((whole - side) / max(1, side * 2 // 3))
    return [round(number * (whole - side) / max(steps, 1)) for number in range(steps + 1)]


def fitted(
    model: keras.Model, images: np.ndarray, mirrored: bool = True
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Give images as a network takes them, and the way back for what it makes of them.

    Args:
        model: a network of the zoo.
        images: (n, height, width, 3) uint8.
        mirrored: what a network of any size sees beyond the border: the image as in a mirror; False for 0, as of masks.

    Returns:
        float32 images in [0, 1] in a size that the network takes; and a function that brings maps
        (n, h, w, classes), of any resolution, to the images' own size: (n, height, width) for one class,
        (n, height, width, classes) for several.

    Raises:
        ValueError: the images are no stack of RGB images in uint8.
    """
    check_images(images)
    height, width = images.shape[1:3]
    inputs, (top, left, bottom, right) = _fit(images, model.input_shape[1:3], mirrored)

    def restore(maps: np.ndarray) -> np.ndarray:
        inside = _resize(maps, *inputs.shape[1:3])[:, top:bottom, left:right]
        resized = _resize(inside, height, width)
        return resized[..., 0] if resized.shape[-1] == 1 else resized

    return inputs.astype("float32") / 255, restore


def check_images(images: np.ndarray) -> None:
    """Raise ValueError if the images are no stack of RGB images in uint8."""
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"images are {images.dtype} of shape {images.shape}: give uint8 of shape (n, height, width, 3)."
        )


def _fit(
    images: np.ndarray, sides: tuple[int, int] | tuple[None, None], mirrored: bool
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Scale or pad a stack to what the network takes; the box says where the image lies in it."""
    if sides[0] is None or sides[1] is None:
        height, width = images.shape[1:3]
        padding, mode = ((0, -height % PAD_TO), (0, -width % PAD_TO)), "symmetric" if mirrored else "constant"
    else:
        images = scaled_to_fit(images, sides)
        height, width = images.shape[1:3]
        top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
        padding, mode = ((top, sides[0] - height - top), (left, sides[1] - width - left)), "constant"
    padded = np.pad(images, [(0, 0), *padding, (0, 0)], mode=mode)
    top, left = padding[0][0], padding[1][0]
    return padded, (top, left, top + height, left + width)


def scaled_to_fit(images: np.ndarray, sides: Sequence[int]) -> np.ndarray:
    """Scale a stack, (n, h, w, 3) uint8, until it just fits into a height and a width."""
    return scaled(images, min(side / whole for side, whole in zip(sides, images.shape[1:3], strict=True)))


def scaled(images: np.ndarray, factor: float) -> np.ndarray:
    """Scale a stack, (n, h, w, 3) uint8, by a factor: averaged when it shrinks, bilinear when it grows."""
    height, width = (max(1, round(side * factor)) for side in images.shape[1:3])
    if images.shape[1:3] == (height, width):
        return images
    how = Image.Resampling.BOX if height < images.shape[1] else Image.Resampling.BILINEAR
    return np.stack([np.asarray(Image.fromarray(image).resize((width, height), how)) for image in images])


def _resize(maps: np.ndarray, height: int, width: int) -> np.ndarray:
    """(n, h, w, classes) to (n, height, width, classes), bilinear."""
    if maps.shape[1:3] == (height, width):
        return maps
    return np.stack(
        [
            np.stack(
                [
                    np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BILINEAR))
                    for channel in np.moveaxis(np.asarray(image, "float32"), -1, 0)
                ],
                axis=-1,
            )
            for image in maps
        ]
    )
