"""Images of any make in files: find them, read them upright, and write what a network found in them."""

import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")
MASK_NAME = re.compile(
    r"(?P<image>.+)[-_.](masks?|labels?|labelIds|seg|segmentation|annotation|gt|ground_?truth|target)", re.IGNORECASE
)
"""What the name of a mask, without its suffix, looks like beside that of its image."""
RED, GREEN = (230, 30, 30), (30, 200, 60)


def below(path: Path) -> list[Path]:
    """List the images of a folder and its folders, without masks and overlays; of an image, the image alone.

    Raises:
        FileNotFoundError: there is no such path, or no image in it.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such file or folder; give an image or a folder of images.")
    found = [
        file
        for file in sorted(path.rglob("*"))
        if is_image(file) and not MASK_NAME.fullmatch(file.stem) and not file.stem.endswith("_overlay")
    ]
    if not found:
        raise FileNotFoundError(f"{path}: holds no image ({', '.join(SUFFIXES)}); give a folder that does.")
    return found


def is_image(path: Path) -> bool:
    """Whether a file's name is that of an image; those that begin with a dot are of the system."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read(path: Path) -> np.ndarray:
    """Read an image upright, as its camera held it, (height, width, 3) uint8.

    Raises:
        OSError: it cannot be read, or its values are no 8 or 16 bits; the message names the file.
    """
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16"):
                upright = Image.fromarray((np.asarray(upright) >> 8).astype("uint8"))
            if upright.mode in ("I", "F"):
                raise ValueError(f"mode {upright.mode}, not 8 or 16 bits")
            return np.asarray(upright.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(f"{path}: cannot be read as an image ({error}); replace it or leave it out.") from error


def contour(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask (height, width) bool that touch its outside. Built by hand in lesson 01."""
    return mask & ~ndimage.binary_erosion(mask)


def folder_for(path: Path, output: Path, root: Path) -> Path:
    """Make the folder for what is found in an image: under the same folders as the input's."""
    folder = output / path.parent.relative_to(root)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_area(
    folder: Path, stem: str, image: np.ndarray, area: np.ndarray, truth: np.ndarray | None = None, value: int = 255
) -> None:
    """Write an area as STEM_mask.png, 0 and `value`, and as STEM_overlay.png, its contour in red over the image.

    Args:
        folder: where to.
        stem: of the names.
        image: (height, width, 3) uint8.
        area: (height, width) bool.
        truth: the true area, whose contour is drawn in green below; None when it is not known.
        value: of a pixel in the area.
    """
    Image.fromarray(area.astype("uint8") * np.uint8(value)).save(folder / f"{stem}_mask.png")
    overlay = image.copy()
    if truth is not None and truth.shape == area.shape:
        overlay[contour(truth)] = GREEN
    overlay[contour(area)] = RED
    Image.fromarray(overlay).save(folder / f"{stem}_overlay.png")


def write_classes(folder: Path, name: str, overlay_name: str, image: np.ndarray, values: np.ndarray, colours) -> None:
    """Write the value of each pixel as NAME, and as OVERLAY_NAME the colours of the classes over the image.

    Args:
        folder: where to.
        name, overlay_name: of the two files.
        image: (height, width, 3) uint8.
        values: (height, width) uint8, what stands in the file.
        colours: (height, width, 3) uint8, of each pixel's class.
    """
    Image.fromarray(values).save(folder / name)
    Image.fromarray(image // 2 + colours // 2).save(folder / overlay_name)
