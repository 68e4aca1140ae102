"""Vary images and their masks together, with Pillow and numpy alone. Built by hand in lessons 04 and 12.

The same on every backend of Keras, and the same for the same random generator.
"""

import dataclasses
import math

import numpy as np
from PIL import Image

from helpers.data.street_classes import IGNORE

_CELLS = 4  # the elastic deformation moves the corners of 4 x 4 cells


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Random changes to brain slices; each image of a batch gets its own.

    The geometric ones move image and mask alike; what comes in from outside the frame is black, no tumour.
    The others change the image alone, each channel by itself.

    Attributes:
        flip: mirror left and right half of the images.
        rotation: turn by up to this many degrees, either way.
        scale: enlarge by a factor in [1 - scale, 1 + scale].
        shift: move by up to this fraction of the height and of the width, either way.
        elastic: standard deviation of a smooth deformation, as a fraction of the shorter side: the corners of
            4 x 4 cells move, what lies between follows (as in Ronneberger et al. 2015, with a 3 x 3 grid).
        gamma: raise values in [0, 1] to a power in [1 / (1 + gamma), 1 + gamma].
        contrast: multiply values by a factor in [1 - contrast, 1 + contrast].
        brightness: add up to this fraction of the full range, or take it away.
        missing_channel: the probability that FLAIR stands in for a T1 channel, as it does in the Kaggle set where
            a patient's scan is missing: in two thirds of these cases for one of the two, in one third for both.
    """

    flip: bool = True
    rotation: float = 15.0
    scale: float = 0.15
    shift: float = 0.08
    elastic: float = 0.02
    gamma: float = 0.3
    contrast: float = 0.2
    brightness: float = 0.05
    missing_channel: float = 0.3

    @classmethod
    def none(cls) -> "Augmentation":
        """Return the augmentation that changes nothing."""
        return cls(False, 0, 0, 0, 0, 0, 0, 0, 0)

    def __call__(
        self, images: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return new images and masks; the arguments stay as they are.

        Args:
            images: (n, height, width, 3) uint8, 4 pixels a side or more.
            masks: (n, height, width) bool.
            rng: the source of all randomness. An image takes the same number of draws whatever the
                settings are.

        Raises:
            ValueError: arrays of another type or shape.
        """
        if images.dtype != np.uint8 or masks.dtype != bool or images.shape != (*masks.shape, 3):
            raise ValueError(
                f"images are {images.dtype} {images.shape} and masks {masks.dtype} {masks.shape}: "
                "augmentation takes uint8 (n, height, width, 3) and bool (n, height, width)"
            )
        count, height, width = masks.shape
        meshes = self._meshes(count, height, width, rng)
        tables = self._tables(count, rng)
        chance = rng.random(count)
        missing, both = chance < self.missing_channel, chance < self.missing_channel / 3
        t1_channels = rng.choice((0, 2), count)

        moves = any((self.flip, self.rotation, self.scale, self.shift, self.elastic))
        new_images, new_masks = images.copy(), masks.copy()
        for row in range(count):
            image = Image.fromarray(images[row])
            if moves:
                mask = Image.fromarray(masks[row].view(np.uint8))
                image = image.transform(image.size, Image.Transform.MESH, meshes[row], Image.Resampling.BILINEAR)
                mask = mask.transform(mask.size, Image.Transform.MESH, meshes[row], Image.Resampling.NEAREST)
                new_masks[row] = np.asarray(mask)
            new_images[row] = np.asarray(image.point(tables[row]))
            if missing[row]:
                lost = (0, 2) if both[row] else (t1_channels[row],)
                new_images[row][..., lost] = new_images[row, ..., 1:2]
        return new_images, new_masks

    def _meshes(self, count, height, width, rng) -> list:
        """Return for each image what Image.Transform.MESH takes: (box in the new, corners in the old image).

        A point p of the new image shows the old one at  c + A (p - c - t) + d(p),  with the centre c, the
        shift t, the deformation d, and A = mirror x rotation / scale.
        """
        xs = np.linspace(0, width, _CELLS + 1).round()
        ys = np.linspace(0, height, _CELLS + 1).round()
        points = np.stack(np.meshgrid(xs, ys), axis=-1)  # (row, column, (x, y))
        centre = np.array([width, height]) / 2

        mirror = np.where(self.flip & (rng.random(count) < 0.5), -1.0, 1.0)
        angle = np.radians(_around_zero(rng, self.rotation, count))
        scale = 1 + _around_zero(rng, self.scale, count)
        shift = _around_zero(rng, self.shift, (count, 2)) * (width, height)
        bend = rng.standard_normal((count, *points.shape)) * self.elastic * min(height, width)

        cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
        matrix = np.stack([mirror * cosine, mirror * sine, -sine, cosine], axis=-1).reshape(count, 1, 1, 2, 2)
        offset = points - centre - shift[:, None, None]
        old = centre + (matrix @ offset[..., None])[..., 0] + bend

        # Pillow wants a cell's corners in the order north-west, south-west, south-east, north-east.
        corners = (old[:, :-1, :-1], old[:, 1:, :-1], old[:, 1:, 1:], old[:, :-1, 1:])
        quads = np.concatenate(corners, axis=-1).reshape(count, -1, 8).tolist()
        lines = [(int(y0), int(y1)) for y0, y1 in zip(ys, ys[1:], strict=False)]
        columns = [(int(x0), int(x1)) for x0, x1 in zip(xs, xs[1:], strict=False)]
        boxes = [(x0, y0, x1, y1) for y0, y1 in lines for x0, x1 in columns]
        return [list(zip(boxes, quad, strict=True)) for quad in quads]

    def _tables(self, count, rng) -> list[list[int]]:
        """Return for each image the new value of every value, (count, 3 * 256), channel after channel."""
        power = (1 + self.gamma) ** _around_zero(rng, 1, (count, 3, 1))
        factor = 1 + _around_zero(rng, self.contrast, (count, 3, 1))
        addend = _around_zero(rng, self.brightness, (count, 3, 1))
        values = factor * (np.arange(256) / 255) ** power + addend
        return np.rint(255 * values.clip(0, 1)).astype(int).reshape(count, -1).tolist()


@dataclasses.dataclass(frozen=True)
class StreetAugmentation:
    """Random crops of a street scene, as UNet-S5-D16 was trained on Cityscapes (mmsegmentation's pipeline).

    The scene is scaled, a piece is cut out, mirrored, and its colours are distorted. Only the piece is scaled, so a
    large photograph costs little more than its decoding. What lies outside of a scene that became smaller than the
    piece is black, and its class is ignored. Saturation and hue are changed by one matrix in YIQ, a tenth of the work
    of mmsegmentation's way through HSV: greys stay grey, and colours keep their brightness.

    Attributes:
        crop: (height, width) of the piece in pixels.
        scale: enlarge by a factor drawn evenly from this range.
        most: draw the place anew where a single class has this share of the labelled pixels or more.
        redraws: how often at most; then the last one is taken.
        flip: mirror left and right in half of the pieces.
        brightness: add up to this, or take it away, of 255; each of the four colour changes happens in half of the
            pieces.
        contrast, saturation: multiply by a factor in [1 - it, 1 + it].
        hue: turn the circle of colours by up to this many of its 180 steps (of two degrees), either way.
    """

    crop: tuple[int, int] = (512, 1024)
    scale: tuple[float, float] = (0.5, 2.0)
    most: float = 0.75
    redraws: int = 10
    flip: bool = True
    brightness: float = 32.0
    contrast: float = 0.5
    saturation: float = 0.5
    hue: float = 18.0

    @classmethod
    def none(cls, crop: tuple[int, int]) -> "StreetAugmentation":
        """Return the augmentation that only cuts a piece out."""
        return cls(crop, (1.0, 1.0), 1.0, 0, False, 0, 0, 0, 0)

    def __call__(
        self, image: Image.Image, classes: Image.Image, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the piece and its classes: (height, width, 3) uint8 and (height, width) uint8.

        Args:
            image: a photograph, mode RGB.
            classes: of the same size, mode L, 0 to 18 or 255.
            rng: the source of all randomness.

        Raises:
            ValueError: another mode, or sizes that differ.
        """
        if image.mode != "RGB" or classes.mode != "L" or image.size != classes.size:
            raise ValueError(
                f"the image is {image.mode} of {image.size} and the classes are {classes.mode} of {classes.size}: "
                "augmentation takes RGB and L of one size"
            )
        factor = rng.uniform(*self.scale)
        for _ in range(1 + self.redraws):
            size, box = self._place(image.size, factor, rng)
            piece_classes = classes.resize(size, Image.Resampling.NEAREST, box)
            counts = piece_classes.histogram()[:IGNORE]
            if max(counts) < self.most * sum(counts):
                break
        piece = self._distort(image.resize(size, Image.Resampling.BILINEAR, box), rng)
        pixels, labels = np.asarray(piece), np.asarray(piece_classes)
        if size != self.crop[::-1]:
            below, beside = self.crop[0] - size[1], self.crop[1] - size[0]
            pixels = np.pad(pixels, ((0, below), (0, beside), (0, 0)))
            labels = np.pad(labels, ((0, below), (0, beside)), constant_values=IGNORE)
        if self.flip and rng.random() < 0.5:
            pixels, labels = pixels[:, ::-1], labels[:, ::-1]
        return pixels, labels

    def _place(self, size, factor, rng) -> tuple[tuple[int, int], tuple[float, float, float, float]]:
        """Draw a place: the (width, height) of the piece, and the box of the unscaled scene that it shows."""
        scaled = [max(1, round(side * factor)) for side in size]
        cut = [min(side, wanted) for side, wanted in zip(scaled, self.crop[::-1], strict=True)]
        start = [rng.integers(side - part + 1) for side, part in zip(scaled, cut, strict=True)]
        back = [side / new for side, new in zip(size, scaled, strict=True)]
        low = [first * share for first, share in zip(start, back, strict=True)]
        high = [(first + part) * share for first, part, share in zip(start, cut, back, strict=True)]
        return tuple(cut), (*low, *(min(end, side) for end, side in zip(high, size, strict=True)))

    def _distort(self, piece: Image.Image, rng: np.random.Generator) -> Image.Image:
        """Change brightness, contrast, saturation and hue, contrast before or after the two others."""
        happens = rng.random(4) < 0.5
        addend, factor, saturation, hue = np.where(
            happens, _around_zero(rng, 1, 4) * (self.brightness, self.contrast, self.saturation, self.hue), 0.0
        )
        contrast_first = rng.random() < 0.5
        values = np.clip(np.arange(256) + addend, 0, 255)
        if contrast_first:
            values = values * (1 + factor)
        piece = _mapped(piece, values)
        if saturation or hue:
            piece = piece.convert("RGB", _colour_matrix(1 + saturation, math.radians(2 * hue)))
        if not contrast_first:
            piece = _mapped(piece, np.arange(256) * (1 + factor))
        return piece


def _mapped(image: Image.Image, table: np.ndarray) -> Image.Image:
    """Give each value of each channel the one that the table (256,) has for it."""
    rounded = table.clip(0, 255).astype(int).tolist()
    return image if rounded == list(range(256)) else image.point(3 * rounded)


# From red, green and blue to brightness and the two axes of colour of television's YIQ.
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def _colour_matrix(saturation: float, angle: float) -> tuple[float, ...]:
    """The matrix (three rows of four) that stretches and turns colours about the greys, which stay as they are."""
    cosine, sine = saturation * math.cos(angle), saturation * math.sin(angle)
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    matrix = np.linalg.inv(_TO_YIQ) @ turn @ _TO_YIQ
    return tuple(np.hstack([matrix, np.zeros((3, 1))]).ravel().tolist())


def _around_zero(rng: np.random.Generator, limit: float, shape) -> np.ndarray:
    return limit * rng.uniform(-1, 1, shape)
