"""Images of any make in files: what counts as one, find them, read them upright, write what a network found in them."""

import contextlib
import dataclasses
import os
import re
import stat
import threading
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from helpers.data import disk

SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp", ".gif")
MASK_NAME = re.compile(
    r"(?P<image>.+)[-_.](masks?|labels?|labelIds|seg|segmentation|annotation|gt|ground_?truth|target)", re.IGNORECASE
)
"""What the name of a mask, without its suffix, looks like beside that of its image."""
IMAGE_NAME = re.compile(r"(?P<image>.+)[-_.](image|img)", re.IGNORECASE)
"""What the name of an image may look like beside that of its mask."""
RED, GREEN = (230, 30, 30), (30, 200, 60)

_OF_THE_SYSTEM = ("__MACOSX", "@eaDir", "Thumbs.db")
_REDUCED, _TRANSPARENCY = 1, 4  # bits of a TIFF page's NewSubfileType: a smaller copy, and a mask of what is seen
_DARK = 64  # of 256: deep colours whose upper bytes stay below it use the lower ones only

_ONE_AT_A_TIME = threading.Lock()

# Large photographs are what people have. Pillow still refuses what is larger than 179 megapixels.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is wrong in a folder, in one line.

    Attributes:
        place: the path below the folder, as it can be printed.
        words: what is wrong.
        stops: whether a training on the rest would be wrong; else it is only worth knowing.
        ambiguous: whether it leaves open which of two files is meant.
    """

    place: str
    words: str
    stops: bool = True
    ambiguous: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.words}"


def is_image(path: Path) -> bool:
    """Whether a name is that of an image: by its suffix in upper or lower case; what is the system's own is none."""
    return path.suffix.lower() in SUFFIXES and not is_of_the_system(path.name)


def is_of_the_system(name: str) -> bool:
    """Whether a file or folder is no person's: hidden, or put there by macOS (._name), Windows or a file server."""
    return name.startswith(".") or name in _OF_THE_SYSTEM


def is_overlay(path: Path) -> bool:
    """Whether a file is a picture that `predict` has drawn."""
    return path.stem.endswith("_overlay")


def is_to_predict(path: Path) -> bool:
    """Whether a file is an image to predict: neither a mask by its name nor an overlay."""
    return is_image(path) and not MASK_NAME.fullmatch(path.stem) and not is_overlay(path)


def same_letters(name: str) -> str:
    """A name to compare with others: macOS writes an umlaut as two signs, and Linux as one."""
    return unicodedata.normalize("NFC", disk.printable(name))


def files(folder: Path) -> tuple[list[Path], list[Finding]]:
    """List the images of a folder and of those in it by name, through links too, and what cannot be followed.

    A link that leads nowhere or back up, a folder that cannot be opened, and what only has the name of an image are
    findings, and hide nothing of the rest.
    """
    found: list[Path] = []
    findings: list[Finding] = []

    def enter(place: Path, above: tuple[tuple[int, int], ...]) -> None:
        try:
            status = place.stat()
            with os.scandir(place) as entries:
                names = sorted(entry.name for entry in entries if not is_of_the_system(entry.name))
        except OSError as error:
            findings.append(Finding(disk.below(folder, place), f"folder cannot be opened ({error.strerror})"))
            return
        own = status.st_dev, status.st_ino
        if own in above:
            findings.append(Finding(disk.below(folder, place), "link that leads back to a folder that it lies in"))
            return
        for name in names:
            path = place / name
            try:
                mode = path.stat()
            except OSError as error:
                if path.is_symlink():
                    words = f"link that leads nowhere ({error.strerror}); remove it or put its file back"
                    findings.append(Finding(disk.below(folder, path), words))
                elif is_image(path):
                    findings.append(Finding(disk.below(folder, path), f"cannot be read ({error.strerror})"))
                continue
            if stat.S_ISDIR(mode.st_mode):
                enter(path, (*above, own))
            elif is_image(path):
                if stat.S_ISREG(mode.st_mode):
                    found.append(path)
                else:
                    findings.append(Finding(disk.below(folder, path), "is no file, though it is named as an image"))

    enter(folder, ())
    return found, findings


def below(path: Path) -> tuple[list[Path], list[str]]:
    """List the images to predict: those below a folder without masks and overlays, or an image alone.

    Returns:
        The images, and a sentence for each thing that is in the way, among it what is named as the mask of an image
        that is not there.

    Raises:
        FileNotFoundError: there is no such path, or no image in it.
    """
    if path.is_file():
        return [path], []
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such file or folder; give an image or a folder of images.")
    found, findings = files(path)
    chosen = [file for file in found if is_to_predict(file)]
    problems = [f"{path / finding.place}: {finding.words}" for finding in findings]
    stems = {file.stem for file in chosen}
    stems |= {match["image"] for match in map(IMAGE_NAME.fullmatch, stems) if match}
    for file in found:
        match = MASK_NAME.fullmatch(file.stem)
        # Perhaps a photograph, perhaps the mask of a slice that is lost; but nobody calls a photograph labelIds.
        if match and match["image"] not in stems and match[2] != "labelIds":
            words = "is left out, since it is named as a mask, and of no image in here; rename it if it is an image"
            problems.append(f"{disk.printable(file)}: {words}")
    if not chosen and not problems:
        raise FileNotFoundError(f"{path}: holds no image ({', '.join(SUFFIXES)}); give a folder that does.")
    taken: dict[tuple[Path, str], Path] = {}
    for file in chosen:
        first = taken.setdefault((file.parent, file.stem), file)
        if first != file:
            words = f"would be written over what is found in {disk.printable(first.name)}; rename it"
            problems.append(f"{disk.printable(file)}: {words}")
    return list(taken.values()), problems


def open_image(path: Path, verify: bool = False, labels: bool = False) -> Image.Image:
    """Read an image to its end, upright and quietly.

    `verify` also compares the checksums of a PNG, whose last bytes may be missing though all its pixels are there;
    `labels` says that each value is a class, which no way of saving may change.

    Raises:
        ValueError: that cannot be done, or it holds several pages, or colours of 16 bits of which Pillow would keep
            none, or labels that are not sure to be as they were drawn; the message does not name the file.
    """
    try:
        if verify:
            with _quietly(path), Image.open(path) as image:
                image.verify()
        with _quietly(path), Image.open(path) as image:
            pages = _pages(image)
            raw = str(image.tile)
            deep = ";16" in raw and image.mode in ("RGB", "RGBA")
            is_jpeg = image.format in ("JPEG", "MPO") or "jpeg" in str(image.info.get("compression"))  # of a TIFF
            image.load()
            if image.getexif().get(0x0112, 1) != 1:  # how the camera was held
                image = ImageOps.exif_transpose(image)
    except Exception as error:  # Pillow raises nearly anything on a damaged file
        reason = str(error).replace(f" {str(path)!r}", "").replace(str(path), "") or type(error).__name__
        raise ValueError(f"unreadable or truncated image ({disk.printable(reason)})") from error
    if pages > 1:
        raise ValueError(f"holds {pages} pages, of which only the first would be used: save each as a file of its own")
    if deep and max(high for _, high in image.convert("RGB").getextrema()) < _DARK:
        raise ValueError("has colours of 16 bits of which only the lower are used: save it with 8 bits for each colour")
    if labels and is_jpeg:
        raise ValueError("is a JPEG, which changes the values of classes: save it as PNG where it was drawn")
    for bits in (2, 4):
        if labels and f"L;{bits}" in raw:
            words = f"has grey of {bits} bits, of which programs read the values as they are or {255 // (2**bits - 1)}"
            raise ValueError(f"{words} times as large: save it with 8 bits")
    return image


def open_rgb(path: Path, verify: bool = False) -> Image.Image:
    """Read an image as `open_image` does; ValueError also if it has no three channels of 8 bits."""
    image = open_image(path, verify)
    if image.mode != "RGB":
        raise ValueError(f"image has mode {image.mode}, not three channels of 8 bits (RGB)")
    return image


def _pages(image: Image.Image) -> int:
    """How many pictures a file holds, without smaller copies of one; those of a telephone's JPEG are of one moment."""
    number = getattr(image, "n_frames", 1) if image.format in ("TIFF", "GIF", "PNG") else 1
    if number == 1 or image.format != "TIFF":
        return number
    whole = 0
    for page in range(number):
        image.seek(page)
        whole += not image.tag_v2.get(254, 0) & (_REDUCED | _TRANSPARENCY) and image.tag_v2.get(255, 1) != 2
    image.seek(0)
    return max(whole, 1)


@contextlib.contextmanager
def _quietly(path: Path) -> Iterator[None]:
    """Silence what Pillow and libtiff, its C library, print about a damaged TIFF before Pillow raises.

    The process has one standard error, so TIFFs are read one at a time, and no other file touches it.
    """
    if not is_tiff(path):
        yield
        return
    with _ONE_AT_A_TIME:
        try:
            standard_error = os.dup(2)
        except OSError:  # closed: nothing can be printed
            yield
            return
        try:
            with warnings.catch_warnings(), open(os.devnull, "wb") as nowhere:
                warnings.simplefilter("ignore")
                os.dup2(nowhere.fileno(), 2)
                yield
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)


def is_tiff(path: Path) -> bool:
    """Whether a file is a TIFF by its name: while one is read, what is written to standard error is lost."""
    return path.suffix.lower() in (".tif", ".tiff")


def read(path: Path) -> np.ndarray:
    """Read an image upright, as its camera held it, (height, width, 3) uint8; values of other types as `in_bytes` says.

    Raises:
        OSError: it cannot be read, or holds NaN or infinity; the message names the file.
    """
    return in_bytes([read_values(path)])[0]


def read_values(path: Path) -> np.ndarray:
    """Read an image upright, (height, width, 3) uint8; or of its own type, (height, width), if it has more than 8 bits.

    Raises:
        OSError: as `read`.
    """
    try:
        image = open_image(path)
        if not (image.mode.startswith("I") or image.mode == "F"):
            return np.asarray(image.convert("RGB"))
        values = np.asarray(image)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(f"{np.count_nonzero(~np.isfinite(values))} pixels are NaN or infinite")
        return values
    except (ValueError, MemoryError) as error:
        reason = str(error) or "there is not enough memory"
        raise OSError(
            f"{disk.printable(path)}: cannot be read as an image ({reason}); replace it or leave it out."
        ) from error


def in_bytes(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Scale images that belong together, such as the slices of one volume, to uint8 by one rule for all of them.

    Those of 8 bits stay as they are. Integers from 0 on lose their lowest bits, as many as the largest value of all
    images has more than 8: a scan of 12 bits in a file of 16 keeps its upper 8 of 12. Fractions from 0 to 1 are
    multiplied by 255, also where some below 2 stand among them, which count as 1; those up to 255 are rounded. Anything
    else, such as Hounsfield units, goes linearly from its lowest to its highest value.

    Args:
        images: (height, width, 3) uint8, or (height, width) integers or fractions.

    Returns:
        (height, width, 3) uint8 each.
    """
    deep = [image for image in images if image.dtype != np.uint8]
    if not deep:
        return list(images)
    lowest, highest = min(image.min() for image in deep), max(image.max() for image in deep)

    def scaled(image: np.ndarray) -> np.ndarray:
        if image.dtype == np.uint8:
            return image
        if lowest >= 0 and image.dtype.kind in "iu":
            small = image >> max(0, int(highest).bit_length() - 8)
        elif lowest >= 0 and highest <= 255:
            # A rounding, or a scaling that overshoots, takes a fraction a little above 1.
            small = np.rint(np.minimum(image, 1) * 255.0 if highest < 2 else image)
        else:
            span = float(highest) - float(lowest) or 1.0
            small = np.rint((image.astype("float64") - float(lowest)) / span * 255)
        return np.repeat(small.astype("uint8")[..., None], 3, axis=2)

    return [scaled(image) for image in images]


def contour(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask (height, width) bool that touch its outside. Built by hand in lesson 01."""
    return mask & ~ndimage.binary_erosion(mask)


def folder_for(path: Path, output: Path, root: Path) -> Path:
    """Make the folder for what is found in an image: under the same folders as the input's."""
    folder = output / path.parent.relative_to(root)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def written(stem: str, kind: str = "mask") -> tuple[str, str]:
    """The names of the two files that are written for an image: what is found in it, and its overlay."""
    return f"{stem}_{kind}.png", f"{stem}_overlay.png"


def save(image: np.ndarray, path: Path, **settings) -> None:
    """Write an image, uint8, as Pillow does with these settings; OSError, with the file's name, where it cannot be."""
    try:
        Image.fromarray(image).save(path, **settings)
    except OSError as error:
        if error.filename is None:  # as of a full disk
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise


def write_area(
    folder: Path, stem: str, image: np.ndarray, area: np.ndarray, truth: np.ndarray | None = None, value: int = 255
) -> None:
    """Write an area, 0 and `value`, and an overlay, its contour in red over the image, under the names of `written`.

    Args:
        folder: where to.
        stem: of the names.
        image: (height, width, 3) uint8.
        area: (height, width) bool.
        truth: the true area, whose contour is drawn in green below; None when it is not known.
        value: of a pixel in the area.
    """
    name, overlay_name = written(stem)
    overlay = image.copy()
    if truth is not None and truth.shape == area.shape:
        overlay[contour(truth)] = GREEN
    overlay[contour(area)] = RED
    # The overlay first: a mask without one is taken for a true mask.
    save(overlay, folder / overlay_name)
    save(area.astype("uint8") * np.uint8(value), folder / name)


def write_classes(folder: Path, name: str, overlay_name: str, image: np.ndarray, values: np.ndarray, colours) -> None:
    """Write the value of each pixel as NAME, and as OVERLAY_NAME the colours of the classes over the image.

    Args:
        folder: where to.
        name, overlay_name: of the two files.
        image: (height, width, 3) uint8.
        values: (height, width) uint8, what stands in the file.
        colours: (height, width, 3) uint8, of each pixel's class.
    """
    save(image // 2 + colours // 2, folder / overlay_name)  # first, as in `write_area`
    save(values, folder / name)
