"""Read people's own images and masks, in two folders or side by side.

    images/cat_01.jpg        or        cat_01.jpg
    masks/cat_01.png                   cat_01_mask.png

PNG, JPEG or TIFF, of any size; in a mask each value is a class. The page "Your own images" of the docs says it all.
"""

import collections
import csv
import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from helpers.data import disk, image_files, inspection

IGNORE = 255
"""The label of a pixel that is neither learned nor scored."""

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "photos", "inputs", "input")
MASK_FOLDERS = ("masks", "mask", "labels", "label", "annotations", "annotation", "segmentations", "groundtruth",
                "ground_truth", "gt", "targets", "target")  # fmt: skip
_FEW = 10  # pixels of a whole set: so few are no class
_MANY = 10  # masks: from so many on one may stand out


@dataclasses.dataclass(frozen=True)
class Pair:
    """An image and its mask.

    Attributes:
        name: the image's path below the folder, without its suffix.
        image, mask: the files.
    """

    name: str
    image: Path
    mask: Path


@dataclasses.dataclass(frozen=True)
class Classes:
    """What the values of the masks mean.

    Attributes:
        values: of the classes, ascending.
        pixels: of each class in the whole set.
        ignored: whether 255 is no class, but says that a pixel counts for nothing.
    """

    values: tuple[int, ...]
    pixels: tuple[int, ...]
    ignored: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The values of a network's channels in words: of 0 and another value, the other alone."""
        chosen = self.values[1:] if self.one_area else self.values
        return tuple(map(str, chosen))

    @property
    def one_area(self) -> bool:
        """Whether the masks show one area against the rest: 0 and another value."""
        return len(self.values) == 2 and self.values[0] == 0

    @property
    def words(self) -> str:
        """The classes with their shares, to print."""
        total = sum(self.pixels)
        shares = [f"{value} ({count / total:.2%})" for value, count in zip(self.values, self.pixels, strict=True)]
        kind = "one area" if self.one_area else f"{len(self.values)} classes"
        return f"{kind}, values {', '.join(shares)}" + (", 255 ignored" if self.ignored else "")


def folder_of(source: str | Path) -> Path:
    """Return the folder of the images and masks.

    Raises:
        FileNotFoundError, NotADirectoryError: it is not there, or is a file.
    """
    folder = Path(source).expanduser()
    if folder.is_file():
        raise NotADirectoryError(f"{folder} is a file, not a folder; give the folder that holds the images and masks")
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: no such folder; pairs are your own images and masks, so give their folder (on the command line "
            "--data FOLDER)"
        )
    return folder


def find(source: str | Path) -> list[Pair]:
    """List the pairs of a folder by name, without opening a file.

    Raises:
        ValueError: an image without mask, a mask without image, or two files of one name.
        FileNotFoundError: the folder is missing or holds no pair.
    """
    folder = folder_of(source)
    pairs, findings = _scan(folder)
    inspection.refuse("pairs", folder, findings)
    if not pairs:
        raise FileNotFoundError(
            f"{folder}: holds no pair; put images into images/ and masks of the same names into masks/, or beside each "
            "NAME.jpg its NAME_mask.png"
        )
    return pairs


def _scan(folder: Path) -> tuple[list[Pair], list[image_files.Finding]]:
    """The pairs, and what is wrong with the names and places of the others."""
    paths, findings = image_files.files(folder)
    inside = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    images_in = next((inside[name] for name in IMAGE_FOLDERS if name in inside), None)
    masks_in = next((inside[name] for name in MASK_FOLDERS if name in inside), None)
    images: dict[str, list[Path]] = collections.defaultdict(list)
    masks: dict[str, list[Path]] = collections.defaultdict(list)
    paths = [path for path in paths if not image_files.is_overlay(path)]
    if images_in is None or masks_in is None:
        for path in paths:
            if image_files.MASK_NAME.fullmatch(path.stem):
                masks[_key(folder, path, image_files.MASK_NAME)].append(path)
            else:
                images[_key(folder, path, image_files.IMAGE_NAME)].append(path)
    else:
        in_both = {_key(images_in, path) for path in paths if images_in in path.parents} & {
            _key(masks_in, path) for path in paths if masks_in in path.parents
        }
        ends = (images_in, images, image_files.IMAGE_NAME), (masks_in, masks, image_files.MASK_NAME)
        for path in paths:
            for inside, found, pattern in ends:
                if inside in path.parents:
                    # of one name as they are, or else without what tells them apart
                    whole = _key(inside, path)
                    found[whole if whole in in_both else _key(inside, path, pattern)].append(path)
                    break
            else:
                words = f"lies neither in {disk.printable(images_in.name)}/ nor in {disk.printable(masks_in.name)}/"
                findings.append(image_files.Finding(disk.below(folder, path), words))
    for found, other, words in ((images, masks, "image without mask"), (masks, images, "mask without image")):
        for key, several in found.items():
            findings += [
                image_files.Finding(disk.below(folder, path), "a second file of one name") for path in several[1:]
            ]
            if key not in other:
                findings.append(image_files.Finding(disk.below(folder, several[0]), words))
    pairs = [Pair(key, images[key][0], masks[key][0]) for key in sorted(images, key=disk.natural_order) if key in masks]
    return pairs, sorted(findings, key=lambda finding: disk.natural_order(str(finding)))


def _key(folder: Path, path: Path, pattern: re.Pattern | None = None) -> str:
    """The path below the folder, without suffix and, by the pattern, without what tells image and mask apart."""
    match = pattern.fullmatch(path.stem) if pattern else None
    return image_files.same_letters(
        path.with_name(match["image"] if match else path.stem).relative_to(folder).as_posix()
    )


def read_mask(path: Path, verify: bool = False) -> Image.Image:
    """Read a mask upright, mode L, its values as they are in the file.

    Raises:
        ValueError: it cannot be read, is a JPEG, or has colours, values above 255 or grey of 2 or 4 bits; the message
            does not name the file.
    """
    return _valued(_open_mask(path, verify))


def _open_mask(path: Path, verify: bool = False) -> Image.Image:
    mask = image_files.open_image(path, verify, labels=True)
    # Each GIF has a palette of its own, so that its colours are its values.
    return mask.convert("RGB") if path.suffix.lower() == ".gif" else mask


def _valued(mask: Image.Image) -> Image.Image:
    if mask.mode == "1":
        return mask.convert("L")
    if mask.mode in ("LA", "RGBA"):
        mask = mask.convert(mask.mode[:-1])  # how opaque a pixel is says nothing about its class
    values = np.asarray(mask)  # of a palette, the indices
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            raise ValueError("mask is coloured; give one value for each class, as a picture in grey or with a palette")
        values = values[..., 0]
    if values.dtype.kind == "f" and (values == np.rint(values)).all():  # whole numbers, as some programs write them
        values = values.astype("int64")
    if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
        raise ValueError(f"mask has mode {mask.mode} with values below 0, above 255 or between integers; give 0 to 255")
    return Image.fromarray(values.astype("uint8"))


def classes_of(pairs: Sequence[Pair], progress: bool = True, trained: Sequence[str] | None = None) -> Classes:
    """Find the classes in the masks: the values that they hold, or those that a network was trained for.

    255 is ignored where the other values run 0, 1, 2 and on, or 1, 2 and on, without a gap, and there are several of
    them; else it is a class as any other. Beside 0 and 1 a mask has to hold both 1 and 255: where each has one of them,
    both may be the area.

    Args:
        pairs: as `find` gives them.
        progress: show a bar.
        trained: the classes of a network that is to be scored; of one area, masks of 0 and one other value show it too.

    Raises:
        ValueError: a mask cannot be read, the masks are all of one value, leave open what 255 is, or hold stray values,
            as JPEG leaves them; of those for a network, only that they leave it open or hold what it was not trained
            for.
    """
    counts, beside = _counted(_Masks(tuple((pair.mask, *disk.stamp(pair.mask)) for pair in pairs), progress))
    classes, problem = _judged(counts, beside, trained)
    if problem:
        raise ValueError(f"{disk.printable(pairs[0].mask.parent)}: {problem}")
    return classes


@dataclasses.dataclass(frozen=True)
class _Masks:
    """Files with their sizes and times of change, which are the same as others with or without a bar."""

    stamps: tuple[tuple[Any, ...], ...]
    progress: bool = dataclasses.field(compare=False)


@functools.lru_cache(maxsize=4)  # a run asks for them several times
def _counted(masks: _Masks) -> tuple[tuple[int, ...], bool]:
    """The pixels of each value, (256,), and whether 255 stands beside an area in a mask."""
    total, beside = np.zeros(256, "int64"), False
    ahead = disk.made_ahead(_named_mask, ((path,) for path, *_ in masks.stamps))
    for mask in disk.progress_bar(
        ahead, desc="finding classes", total=len(masks.stamps), unit="mask", disable=not masks.progress
    ):
        counts = mask.histogram()
        total += counts
        beside |= _is_beside(_held(counts))
    return tuple(total.tolist()), beside


def _is_beside(held: Iterable[int]) -> bool:
    """Whether a mask that holds these values shows an area, and 255 too."""
    return IGNORE in held and any(value not in (0, IGNORE) for value in held)


def _named_mask(path: Path) -> Image.Image:
    try:
        return read_mask(path)
    except ValueError as error:
        raise ValueError(f"{disk.printable(path)}: {error}; get this file again or leave it out") from error


def _judged(counts: Sequence[int], beside: bool, trained: Sequence[str] | None) -> tuple[Classes, str | None]:
    """The classes of masks, as `classes_of` says, and what is wrong with their values, if anything is."""
    classes = _classes(counts, trained)
    wrong = _stray(counts, classes) if trained is None else _unknown(counts, classes)
    return classes, wrong or _doubtful(counts, beside, classes)


def _classes(counts: Sequence[int], trained: Sequence[str] | None) -> Classes:
    held = _held(counts)
    values = held if trained is None else _known(held, trained)
    others = [value for value in values if value != IGNORE]
    without_gap = len(others) > 1 and others[0] in (0, 1) and others[-1] - others[0] + 1 == len(others)
    ignored = IGNORE in held and without_gap and (trained is None or IGNORE not in values)
    chosen = others if ignored else values
    return Classes(tuple(chosen), tuple(counts[value] for value in chosen), ignored)


def _held(counts: Sequence[int]) -> list[int]:
    return [value for value, count in enumerate(counts) if count]


def _known(held: Sequence[int], trained: Sequence[str]) -> list[int]:
    """The values that a network knows in masks that hold these: its own, or of one area the only other one than 0."""
    values = list(map(int, trained))
    if len(values) > 1:
        return values
    others = [value for value in held if value]
    # 255 beside the values 0 and 1 of a network's own masks would have been ignored
    other_value = len(others) == 1 and (values[0], others[0]) != (1, IGNORE)
    return [0, *(others if other_value else values)]


def _unknown(counts: Sequence[int], classes: Classes) -> str | None:
    """What keeps masks from being scored for a network of these classes, if anything does."""
    known = (*classes.values, IGNORE) if classes.ignored else classes.values
    unknown = [value for value in _held(counts) if value not in known]
    if unknown:
        words = f"the masks hold {_words(unknown)}, and the network was trained for {_words(classes.values)}"
        return f"{words}: give masks with the same values"
    return None


def _doubtful(counts: Sequence[int], beside: bool, classes: Classes) -> str | None:
    """Why 255, though it seems to be ignored, may be an area, if it may: programs write one area as 1 or as 255."""
    areas = [value for value in classes.values if value]
    if classes.ignored and not (beside if classes.one_area else any(counts[value] for value in areas)):
        return (
            f"the masks hold {IGNORE}, and none of them beside {_words(areas)}, so {IGNORE} may be an area or count "
            "for nothing: give all areas their value, or add a mask that holds both"
        )
    return None


def _words(values: Sequence[int]) -> str:
    return ", ".join(map(str, values[:5])) + (", ..." if len(values) > 5 else "")


def _stray(counts: Sequence[int], classes: Classes) -> str | None:
    """What keeps a set's masks from being trained on, if anything does."""
    if len(classes.values) < 2:
        return f"every mask is {classes.values[0]} throughout, so there is nothing to learn"
    if len(classes.values) == 256:
        return "the masks hold all values from 0 to 255; give masks of at most 255 classes, as PNG"
    between = [value for value in classes.values if value not in (0, 255)]
    gap = between != list(range(1, len(between) + 1))
    near = [value for value in between if value <= 16], [value for value in between if value >= 239]
    if gap and counts[0] and counts[255] and (min(map(len, near)) >= 3 or len(between) > 100):
        return (
            f"the masks hold {len(between)} values between 0 and 255 ({', '.join(map(str, between[:5]))}, ...), as "
            "JPEG or smooth edges leave them: save the masks as PNG, of the values 0 and 255 alone"
        )
    few = [value for value, count in zip(classes.values, classes.pixels, strict=True) if count < _FEW]
    if few and len(classes.values) > 2:
        return (
            f"the value {few[0]} stands in fewer than {_FEW} pixels of all masks, which is no class: repaint these "
            "pixels, or set them to a class"
        )
    return None


def class_table(classes: Classes) -> np.ndarray:
    """For each value its label, (256,) uint8: 0 and 1 of one area, else the place of the class; `IGNORE` for others."""
    table = np.full(256, IGNORE, "uint8")
    table[list(classes.values)] = np.arange(len(classes.values))
    return table


def read(pair: Pair, table: np.ndarray, size: int | None = None) -> tuple[Image.Image, Image.Image]:
    """Read an image upright, mode RGB, and the label of each pixel, mode L.

    Args:
        pair: what to read.
        table: of `class_table`.
        size: of the longer side; None for the file's own.

    Raises:
        OSError, ValueError: a file cannot be read, or the two differ in size; the message names it.
    """
    image = Image.fromarray(image_files.read(pair.image))
    labels = _named_mask(pair.mask).point(table.tolist())
    if image.size != labels.size:
        raise ValueError(
            f"{disk.printable(pair.mask)}: {inspection.misfit(labels.size, image.size)}; get both files again"
        )
    if size is not None and max(image.size) != size:
        factor = size / max(image.size)
        small = tuple(max(1, round(side * factor)) for side in image.size)
        image = image.resize(small, Image.Resampling.BOX if factor < 1 else Image.Resampling.BILINEAR)
        labels = labels.resize(small, Image.Resampling.NEAREST)
    return image, labels


def groups_of(pairs: Sequence[Pair], groups: str | None) -> np.ndarray:
    """Return what stays on one side of the split, (n,) str, a group for each pair.

    Args:
        pairs: as `find` gives them.
        groups: a pattern (a regular expression) that is searched for in each name, and whose one ( ) is the group; or
            a CSV file with a header and two columns, file and group, between commas or semicolons; None makes each pair
            its own group.

    Raises:
        ValueError: the pattern or the CSV file is none, or a pair has no group or two of them.
        FileNotFoundError: there is no such CSV file.
    """
    if groups is None:
        return np.array([pair.name for pair in pairs])
    if groups.lower().endswith(".csv"):
        known = _groups_in(Path(groups).expanduser())
        found = [next((known[name] for name in _names_of(pair) if name in known), None) for pair in pairs]
    else:
        try:
            pattern = re.compile(groups)
        except re.error as error:
            raise ValueError(f"groups is {groups!r}, which is no pattern ({error}).") from error
        if pattern.groups != 1:
            raise ValueError(f"groups is {groups!r}: put what names the group, and nothing else, between ( and ).")
        matches = [pattern.search(pair.name) for pair in pairs]
        found = [match[1] if match else None for match in matches]
    for pair, group in zip(pairs, found, strict=True):
        if not group:
            raise ValueError(f"{pair.name}: has no group by {groups}; change the pattern or add the file.")
    return np.array(found)


def _names_of(pair: Pair) -> list[str]:
    """What a CSV of groups may call a pair: its name, or the path of its image, in whole or the last parts of it."""
    parts = pair.image.with_suffix("").parts
    paths = [Path(*parts[first:]).as_posix() for first in range(len(parts))]
    return [pair.name, *map(image_files.same_letters, paths), pair.name.rpartition("/")[2]]


def _groups_in(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; give a CSV with the columns file and group.")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(",;", key=first.count)
            header, *rows = list(csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True)) or [[]]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not in UTF-8; save it as CSV UTF-8.") from error
    except csv.Error as error:
        raise ValueError(f"{path}: is no CSV ({error}); mend its quotes, or save the table anew as CSV.") from error
    columns = [name.strip().lower() for name in header]
    if not {"file", "group"} <= set(columns):
        raise ValueError(f"{path}: its first line does not name the columns file and group; add them.")
    known: dict[str, str] = {}
    for row in rows:
        cells = dict(zip(columns, map(str.strip, row), strict=False))
        if cells.get("file") and cells.get("group"):
            file, group = PurePosixPath(cells["file"].replace("\\", "/")), cells["group"]
            file = file.with_suffix("") if image_files.is_image(Path(file.name)) else file
            name = image_files.same_letters(str(file))
            if known.setdefault(name, group) != group:
                raise ValueError(f"{path}: {name} is in the groups {known[name]} and {group}; leave it in one of them.")
    return known


def inspect(source: str | Path, progress: bool = True, trained: Sequence[str] | None = None) -> inspection.Inspection:
    """Look at every file of a set that has not been looked at, and say what it holds and all that is wrong with it.

    A line starts with the file's path below the folder. Reported are: an image without mask and the reverse, two
    files of one name, files that lie beside the folders of images and masks, links that lead nowhere, files that cannot
    be read to their end or hold several pages, sizes that differ, images with the same pixels as another one, images
    of one value whose mask shows something, coloured masks, masks that are JPEG or have grey of 2 or 4 bits, a value
    that has one colour here and another there, stray values, 255 that may be an area. Worth knowing, but no reason not
    to train, is a mask that looks inverted beside many others.

    Args:
        source: the folder.
        progress: show a bar.
        trained: the classes of a network that is to be scored: then it says which values are stray, and masks in which
            there is nothing to learn are in order.

    Raises:
        FileNotFoundError, NotADirectoryError: as `folder_of`.
    """
    folder = folder_of(source)
    pairs, findings = _scan(folder)
    looks: dict[Path, inspection.Look] = {pair.image: _look_image for pair in pairs}
    looks |= {pair.mask: _look_mask for pair in pairs}
    facts, _ = inspection.look_at_all("pairs", folder, looks, "file", progress)

    def find(path: Path, words: str, stops: bool = True) -> None:
        findings.append(image_files.Finding(disk.below(folder, path), words, stops))

    findings += inspection.unusable(folder, facts)
    counts, beside = np.zeros(256, "int64"), False
    seen_as: dict[str, Path] = {}
    shown: dict[str, tuple[str, Path]] = {}
    for pair in pairs:
        image, mask = facts[pair.image], facts[pair.mask]
        if "digest" in image and not image["flat"] and seen_as.setdefault(image["digest"], pair.image) != pair.image:
            find(pair.image, f"duplicate, the same pixels as {disk.below(folder, seen_as[image['digest']])}")
        if "counts" in mask:
            for value, number in mask["counts"].items():
                counts[int(value)] += number
            beside |= _is_beside(set(map(int, mask["counts"])))
            for value, colour in mask["colours"].items():
                first, other = shown.setdefault(value, (colour, pair.mask))
                if first != colour:
                    words = (
                        f"the value {value} is {colour}, and {first} in {disk.below(folder, other)}, so it may stand"
                    )
                    find(pair.mask, f"{words} for two things: save all masks in grey, or with one palette")
                    break
            if image.get("flat") and len(mask["counts"]) > 1:
                find(pair.image, "image is of one value throughout, though its mask shows something")
            if image.get("size", mask["size"]) != mask["size"]:
                find(pair.mask, inspection.misfit(mask["size"], image["size"]))
    words = f"{len(pairs)} pairs in {disk.printable(folder)}"
    if counts.any():
        classes, stray = _judged(counts.tolist(), beside, trained)
        for pair in pairs:
            if classes.ignored and set(map(int, facts[pair.mask].get("counts", ()))) == {IGNORE}:
                find(pair.mask, f"mask is {IGNORE} throughout, so no pixel of it counts")
        findings += [image_files.Finding("masks", stray)] if stray else []
        words += "" if stray else f", {classes.words}"
        if classes.one_area and not stray:
            for path in _inverted({pair.mask: facts[pair.mask] for pair in pairs}, classes.values[1]):
                find(
                    path,
                    "mask shows its area nearly everywhere and all round, as no other does: inverted?",
                    stops=False,
                )
    elif not findings:
        findings.append(image_files.Finding(disk.printable(folder), "no pair in here"))
    return inspection.inspection(folder, words, findings)


def _look_image(path: Path) -> inspection.Facts:
    image_files.open_image(path, verify=True)
    try:
        return inspection.pixels(Image.fromarray(image_files.read(path)))
    except OSError as error:
        raise ValueError(str(error).removeprefix(f"{disk.printable(path)}: ")) from error


def _look_mask(path: Path) -> inspection.Facts:
    picture = _open_mask(path, verify=True)
    mask = _valued(picture)
    values = np.asarray(mask)
    rim = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    counts = {value: number for value, number in enumerate(mask.histogram()) if number}
    colours = _colours(picture, counts)
    return {"size": list(mask.size), "counts": counts, "rim": float((rim > 0).mean()), "colours": colours}


def _colours(mask: Image.Image, values: Iterable[int]) -> dict[str, str]:
    """The colours in which a mask shows its values, as on a web page: without those that are their own grey, but 0."""
    palette = bytes(mask.getpalette() or ()) if mask.mode == "P" else b""
    greys = {value: bytes(3 * [value]) for value in values}
    shown = {value: palette[3 * value : 3 * value + 3] or grey for value, grey in greys.items()}
    return {str(value): f"#{colour.hex()}" for value, colour in shown.items() if not value or colour != greys[value]}


def _inverted(masks: dict[Path, inspection.Facts], area: int) -> list[Path]:
    """The masks of one area that cover most of their image and its rim, where hardly another touches the rim at all."""
    shares = {}
    for path, seen in masks.items():
        if "counts" in seen:
            counts = {int(value): number for value, number in seen["counts"].items()}
            shares[path] = counts.get(area, 0) / sum(counts.values()), seen["rim"]
    full = [path for path, (share, rim) in shares.items() if share > 0.5 and rim > 0.9]
    others = [shares[path] for path in shares if path not in full]
    alone = len(shares) >= _MANY and len(full) <= max(1, len(shares) // 20)
    return full if alone and all(share < 0.5 and rim < 0.2 for share, rim in others) else []
