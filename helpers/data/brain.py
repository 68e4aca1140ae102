"""Read brain slices and their tumour masks from the layout of the Kaggle set lgg-mri-segmentation.

    kaggle_3m/TCGA_CS_4941_19960909/TCGA_CS_4941_19960909_1.tif         3 channels, uint8
    kaggle_3m/TCGA_CS_4941_19960909/TCGA_CS_4941_19960909_1_mask.tif    1 channel, 0 or 255

The embedded phantom set has the same layout. Built by hand in lessons 01 and 04.
"""

import collections
import contextlib
import dataclasses
import errno
import hashlib
import itertools
import os
import re
import shlex
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.data import disk, image_files, inspection

PERCENTILES = (10, 99)
"""`normalise_images` measures each channel of a patient at these two percentiles, after Buda et al. (2019)."""

UPPER_PERCENTILE_VALUE = 200
"""Where `normalise_images` puts the upper percentile: tumours are brighter still and need the room to 255."""

_PATIENT = re.compile(r"[A-Za-z0-9]+_[A-Za-z0-9]+_[A-Za-z0-9]+_\d{8}")
_SLICE = re.compile(r"(?P<patient>.+)_(?P<number>\d+)(?P<mask>_mask)?", re.IGNORECASE)
_CACHE_VERSION = 2
_LARGEST_SHARE = 0.5  # of a slice that is tumour; in the Kaggle set it is an eighth


@dataclasses.dataclass(frozen=True)
class Slices:
    """Brain slices with their masks, one row for each slice.

    Attributes:
        images: (n, height, width, 3) uint8: pre-contrast T1, FLAIR, post-contrast T1.
        masks: (n, height, width) bool, True inside the tumour.
        patients: (n,) str, such as "TCGA_CS_4941_19960909".
        numbers: (n,) int, the slice number in the file's name.
    """

    images: np.ndarray
    masks: np.ndarray
    patients: np.ndarray
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def select(self, rows: np.ndarray) -> "Slices":
        """Return the slices in `rows`, an array of indices or a boolean array of length n."""
        return Slices(self.images[rows], self.masks[rows], self.patients[rows], self.numbers[rows])

    def few(self, where: np.ndarray, with_tumour: int, without: int) -> "Slices":
        """Return at most so many slices with and without tumour, spread evenly over those in `where`, (n,) bool."""

        def spread(rows: np.ndarray, most: int) -> np.ndarray:
            return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]

        has_tumour = self.has_tumour
        kinds = (where & has_tumour, with_tumour), (where & ~has_tumour, without)
        return self.select(np.sort(np.concatenate([spread(np.flatnonzero(rows), most) for rows, most in kinds])))

    @property
    def has_tumour(self) -> np.ndarray:
        """(n,) bool: True where the slice's mask is not empty."""
        return self.masks.any(axis=(1, 2))


def tumour_slices(slices: Slices) -> np.ndarray:
    """Return the indices of the slices that have a tumour, (m,) int, ascending. Built in lesson 01."""
    return np.flatnonzero(slices.has_tumour)


def folder_of(source: str | Path = "phantom") -> Path:
    """Return the folder of patients that `source` names; phantoms are made on first use, with a bar.

    Args:
        source: "phantom", "kaggle" (fetched by `python -m helpers.prepare`),
            or the path of a folder of patients, or of a folder with a `kaggle_3m` inside.

    Raises:
        FileNotFoundError: the folder is missing; the message says which command makes it.
        NotADirectoryError: the path is a file.
    """
    if source == "phantom":
        folder = disk.data_home() / "phantom_brain" / "kaggle_3m"
        if not folder.is_dir():
            from helpers.data import phantom_brain  # costs an import that only the first use needs

            folder = phantom_brain.make(folder.parent)
        return folder
    if source == "kaggle":
        folder = disk.data_home() / "lgg-mri-segmentation" / "kaggle_3m"
        if not folder.is_dir():
            raise FileNotFoundError(
                f"{folder} is missing; fetch it with `python -m helpers.prepare brain --source kaggle`"
            )
        return folder
    folder = Path(source).expanduser()
    if (folder / "kaggle_3m").is_dir():
        return folder / "kaggle_3m"
    if not folder.exists():
        raise FileNotFoundError(
            f"{folder} is missing; give the folder that holds the patients' folders, or phantom, "
            "or kaggle after `python -m helpers.prepare brain --source kaggle`"
        )
    if not folder.is_dir():
        raise NotADirectoryError(
            f"{folder} is a file, not a folder; unpack a downloaded zip with "
            f"`python -m helpers.prepare brain --source {shlex.quote(str(folder))}`"
        )
    return folder


def load(source: str | Path = "phantom", size: int | None = None, progress: bool = True) -> Slices:
    """Read every slice of a data set, sorted by patient and slice number. Built in lesson 01.

    The first load writes a cache in `disk.data_home()/cache`; later loads map it into memory in well under a
    second. The arrays are read-only. A change of any file of the data set makes a new cache.

    Args:
        source: "phantom", "kaggle" or a folder, as in `folder_of`.
        size: side of the returned square slices in pixels; None keeps the files' own size. Images are
            averaged over boxes; a mask's pixel is True where at least half of its area is tumour.
        progress: show a progress bar while files are read; the making of phantoms always shows one.

    Raises:
        FileNotFoundError: the folder is missing or holds no slices.
        ValueError: a file cannot be read, an image and its mask do not fit, two files are of one slice, or the
            images differ in size and `size` is None. The message names the file.
        OSError: the cache cannot be written, for instance because the disk is full.
    """
    if size is not None and size < 1:
        raise ValueError(f"size is {size}; give the side of a slice in pixels, such as 128")
    folder = folder_of(source).resolve()
    layout = _scan(folder)
    files = layout.slices
    if not files:
        raise FileNotFoundError(
            f"{folder} holds no slices in the Kaggle layout (PATIENT/PATIENT_NUMBER.tif); give the folder "
            "that holds the patients' folders, such as kaggle_3m"
        )
    inspection.refuse_ambiguous("brain", folder, layout.findings)
    inspection.refuse("brain", folder, _unpaired(folder, files))
    target = _cache_folder(folder, files, size)
    if not target.is_dir():
        _write_cache(target, folder, files, size, progress)
    try:
        return _open_cache(target)
    except (OSError, ValueError, EOFError):  # something outside this program has damaged the cache
        shutil.rmtree(target)
        _write_cache(target, folder, files, size, progress)
        return _open_cache(target)


def normalise(slices: Slices) -> Slices:
    """Scale each channel of each patient by its own percentiles: `normalise_images`, patient by patient.

    Returns:
        New slices with images (n, h, w, 3) uint8; masks, patients and numbers are shared with the input.
    """
    images = np.empty(slices.images.shape, np.uint8)
    for patient in np.unique(slices.patients):
        rows = np.flatnonzero(slices.patients == patient)
        images[rows] = normalise_images(slices.images[rows])
    return dataclasses.replace(slices, images=images)


def normalise_images(images: np.ndarray) -> np.ndarray:
    """Scale each channel of one patient's slices by its own percentiles.

        value -> clip((value - p10) / (p99 - p10) * 200, 0, 255), rounded to uint8

    p10 and p99 are percentiles over all pixels of all slices: the smallest value that at least 10 (99) per
    cent of the pixels do not exceed. Above p99 there is room up to 255, because that is where tumours are.
    A channel with p99 = p10 is scaled as if p99 were p10 + 1. Built by hand in lesson 04.

    The two percentiles are those of Buda et al. (2019), whose published code takes them of all channels together and
    then subtracts each channel's mean and divides by its standard deviation.

    Args:
        images: (n, h, w, 3) uint8, all slices of one patient.

    Returns:
        (n, h, w, 3) uint8, a new array.
    """
    # Pillow counts and maps bytes faster than numpy does: see the stack as one tall image.
    tall = Image.fromarray(images.reshape(-1, images.shape[2], 3))
    tables = [_percentile_table(counts) for counts in np.reshape(tall.histogram(), (3, 256))]
    return np.array(tall.point(np.concatenate(tables).tolist())).reshape(images.shape)


def check(folder: str | Path, progress: bool = True) -> list[str]:
    """Open every file of a data set and return all that is wrong with it, one line for each problem: see `inspect`."""
    return inspect(folder, progress).lines


def inspect(source: str | Path, progress: bool = True) -> inspection.Inspection:
    """Look at every file of a data set that has not been looked at, and say all that is wrong with it.

    A line starts with the file's path below the folder. Reported are: an image without mask, a mask without
    image, sizes that differ, masks with values other than 0 and 255 or that cover most of a slice, an image of one
    value whose mask shows a tumour, files that cannot be read to their end or hold several pages, images with the same
    pixels as another one (images of one value alone, such as pure air, may repeat), folders that are no patient or
    are empty, files a level too high or too deep, links that lead nowhere, two files for one slice, and names that fit
    no slice. Worth knowing, but no reason not to train: slices missing from a run of numbers, and slices at its end
    that were there at an earlier inspection or that all other patients have. Files beside the patients' folders, such
    as data.csv, are left alone.

    Raises:
        FileNotFoundError, NotADirectoryError: the folder is not there, as in `folder_of`.
    """
    given = folder_of(source)
    folder = given.resolve()
    layout = _scan(folder)
    findings = layout.findings + _unpaired(folder, layout.slices)
    looks: dict[Path, inspection.Look] = {}
    for each in layout.slices:
        looks |= {path: look for path, look in ((each.image, _look_image), (each.mask, _look_mask)) if path}
    facts, gone = inspection.look_at_all("brain", folder, looks, "slice", progress)
    findings += inspection.unusable(folder, facts) + _of_one_value(folder, layout.slices, facts)
    findings += _sizes(folder, layout.slices, facts)
    findings += _duplicates(folder, layout.slices, facts) + _lost(folder, layout.slices, gone)
    patients = {each.patient for each in layout.slices}
    pairs = sum(each.image is not None and each.mask is not None for each in layout.slices)
    words = f"{len(patients)} patients, {pairs} slices in {disk.printable(given)}"
    return inspection.inspection(given, words, findings)


def _look_image(path: Path) -> inspection.Facts:
    return inspection.pixels(image_files.open_rgb(path))


def _look_mask(path: Path) -> inspection.Facts:
    mask = _read_mask(path)
    return {"size": list(mask.size), "share": mask.histogram()[255] / (mask.width * mask.height)}


def _unpaired(folder: Path, slices: Sequence["_SliceFiles"]) -> list[image_files.Finding]:
    missing = [(each.image, "image without mask") for each in slices if not each.mask]
    missing += [(each.mask, "mask without image") for each in slices if not each.image]
    return [image_files.Finding(disk.below(folder, path), words) for path, words in missing if path]


def _of_one_value(
    folder: Path, slices: Sequence["_SliceFiles"], facts: dict[Path, inspection.Facts]
) -> list[image_files.Finding]:
    """Images that show nothing where their mask shows a tumour, and masks that cannot be of a tumour."""
    findings = []
    shares = [facts[each.mask]["share"] for each in slices if each.mask and "share" in facts[each.mask]]
    if shares and not any(shares):
        words = "no mask shows a tumour, so there is nothing to learn"
        findings.append(image_files.Finding(disk.printable(folder.name), words, stops=False))
    for each in slices:
        share = facts[each.mask].get("share", 0) if each.mask else 0
        if share > _LARGEST_SHARE:
            words = f"mask covers {share:.0%} of the slice, so it is inverted or no mask of a tumour"
            findings.append(image_files.Finding(disk.below(folder, each.mask), words))
        elif each.image and share and facts[each.image].get("flat"):
            words = "image is of one value throughout, though its mask shows a tumour"
            findings.append(image_files.Finding(disk.below(folder, each.image), words))
    return findings


def _sizes(
    folder: Path, slices: Sequence["_SliceFiles"], facts: dict[Path, inspection.Facts]
) -> list[image_files.Finding]:
    """Masks of another size than their image, and images of another size than most."""
    findings, sizes = [], {}
    for each in slices:
        image = facts[each.image].get("size") if each.image else None
        mask = facts[each.mask].get("size") if each.mask else None
        if image and mask and image != mask:
            findings.append(image_files.Finding(disk.below(folder, each.mask), inspection.misfit(mask, image)))
        elif image:
            sizes[each.image] = tuple(image)
    usual = collections.Counter(sizes.values()).most_common(1)[0][0] if sizes else None
    for path, size in sizes.items():
        if size != usual:
            words = f"{disk.size_words(size)} pixels, where most images have {disk.size_words(usual)}"
            findings.append(image_files.Finding(disk.below(folder, path), f"{words}: cut or pad all to one size"))
    return findings


def _duplicates(
    folder: Path, slices: Sequence["_SliceFiles"], facts: dict[Path, inspection.Facts]
) -> list[image_files.Finding]:
    """Images with the same pixels as another: one line for a patient who is another one throughout."""
    seen: dict[str, _SliceFiles] = {}
    twins: dict[str, list[tuple[_SliceFiles, _SliceFiles]]] = collections.defaultdict(list)
    number: collections.Counter[str] = collections.Counter()
    for each in slices:
        digest = facts[each.image].get("digest") if each.image else None
        if digest is None or facts[each.image]["flat"]:
            continue
        number[each.patient] += 1
        first = seen.setdefault(digest, each)
        if first is not each:
            twins[each.patient].append((each, first))
    findings = []
    for patient, pairs in twins.items():
        others = {first.patient for _, first in pairs}
        if len(pairs) == number[patient] > 1 and len(others) == 1 and patient not in others:
            words = f"duplicate patient, each slice has the same pixels as one of {others.pop()}"
            findings.append(image_files.Finding(patient, words))
            continue
        for each, first in pairs:
            words = f"duplicate, the same pixels as {disk.below(folder, first.image)}"
            findings.append(image_files.Finding(disk.below(folder, each.image), words))
    return findings


def _lost(
    folder: Path, slices: Sequence["_SliceFiles"], gone: dict[str, inspection.Facts]
) -> list[image_files.Finding]:
    """Slices missing from a run of numbers, and from its end: those seen before, or that all other patients have."""
    numbers: dict[str, set[int]] = collections.defaultdict(set)
    for each in slices:
        numbers[each.patient].add(each.number)
    earlier: dict[str, set[int]] = collections.defaultdict(set)
    for name in gone:
        parts = Path(name).parts
        match = _SLICE.fullmatch(Path(name).stem)
        if len(parts) == 2 and match:
            earlier[disk.printable(parts[0])].add(int(match["number"]))
    last = {patient: max(present) for patient, present in numbers.items()}
    findings = []
    for patient, present in numbers.items():
        for before, after in itertools.pairwise([0, *sorted(present)]):
            if after - before > 1:
                more = f", and so on to {after - 1}" if after - before > 2 else ""
                findings.append(
                    image_files.Finding(f"{patient}/{patient}_{before + 1}.tif", f"missing slice{more}", stops=False)
                )
        beyond = max(earlier[patient], default=0)
        others = {number for other, number in last.items() if other != patient}
        words = None
        if beyond > last[patient]:
            memory = inspection.memory_of("brain", folder)
            words = f"was there at an earlier check (if it is meant to be gone, delete {memory})"
        elif len(last) > 3 and len(others) == 1 and min(others) > last[patient]:
            beyond, words = min(others), "all other patients have it"
        if words:
            more = f", and so on to {beyond}" if beyond - last[patient] > 1 else ""
            place = f"{patient}/{patient}_{last[patient] + 1}.tif"
            findings.append(image_files.Finding(place, f"missing slice{more}: {words}", stops=False))
    return findings


@dataclasses.dataclass(frozen=True)
class _SliceFiles:
    """The files of one slice; image or mask is None where it is missing."""

    patient: str
    number: int
    image: Path | None
    mask: Path | None


@dataclasses.dataclass(frozen=True)
class _Layout:
    """The slices of a folder by patient and number, and what is wrong with the names and places of the others."""

    slices: list[_SliceFiles]
    findings: list[image_files.Finding]


def _scan(folder: Path) -> _Layout:
    """List all slices below `folder` without opening a file."""
    paths, findings = image_files.files(folder)
    found: dict[tuple[str, int], dict[str, Path]] = collections.defaultdict(dict)
    strange: dict[str, list[image_files.Finding]] = collections.defaultdict(list)
    elsewhere = []
    for path in paths:
        name, parts = disk.below(folder, path), path.relative_to(folder).parts
        match = _SLICE.fullmatch(path.stem)
        if len(parts) == 1:
            if match:  # another picture beside the patients is none of ours
                elsewhere.append(image_files.Finding(name, "lies a level too high: put it into its patient's folder"))
            continue
        patient = disk.printable(parts[0])
        if len(parts) > 2:
            elsewhere.append(image_files.Finding(name, "lies too deep: put it into its patient's folder"))
        elif not match or image_files.same_letters(match["patient"]) != image_files.same_letters(parts[0]):
            if not image_files.is_overlay(path):
                words = f"name fits no slice (a slice is called {patient}_NUMBER[_mask].tif)"
                strange[patient].append(image_files.Finding(name, words))
        else:
            slot = found[patient, int(match["number"])]
            kind = "mask" if match["mask"] else "image"
            if kind in slot:
                words = f"a second {kind} of one slice, beside {disk.printable(slot[kind].name)}"
                findings.append(image_files.Finding(name, words, ambiguous=True))
            else:
                slot[kind] = path
    slices = [_SliceFiles(*key, found[key].get("image"), found[key].get("mask")) for key in sorted(found)]
    patients = {each.patient for each in slices}
    folders = _folders(folder)
    if not slices:
        hint = f": its images lie elsewhere, such as {elsewhere[0].place}" if elsewhere else ""
        if not folders or elsewhere:
            findings.append(image_files.Finding(disk.printable(folder), f"no patients' folders in here{hint}"))
            return _Layout(slices, findings)
    findings += elsewhere
    listed = {finding.place for finding in findings}
    for patient in folders:
        if patient in patients:
            findings += strange[patient]
        elif _PATIENT.fullmatch(patient) and not strange[patient]:
            findings.append(image_files.Finding(patient, "empty patient, no slice in the folder"))
        elif patient not in listed:
            holds = (
                f", and of {len(strange[patient])} images in it none is named as a slice" if strange[patient] else ""
            )
            words = f"folder is no patient (a patient is called TCGA_CS_4941_19960909){holds}"
            findings.append(image_files.Finding(patient, words))
    return _Layout(slices, findings)


def _folders(folder: Path) -> list[str]:
    """The folders directly in a folder, as they can be printed."""
    names = sorted(path.name for path in folder.iterdir() if not image_files.is_of_the_system(path.name))
    return [disk.printable(name) for name in names if os.path.isdir(folder / name)]


def _read_mask(path: Path) -> Image.Image:
    mask = image_files.open_image(path)
    if mask.mode == "1":
        mask = mask.convert("L")
    if mask.mode != "L":
        raise ValueError(f"mask has mode {mask.mode}, not one channel of 8 bits (L)")
    values = [value for value, count in enumerate(mask.histogram()) if count]
    if not set(values) <= {0, 255}:
        others = [value for value in values if value not in (0, 255)]
        raise ValueError(f"mask with values other than 0 and 255 ({', '.join(map(str, others[:5]))})")
    return mask


def _advice(folder: Path) -> str:
    return inspection.advice("brain", folder)


def _read_slice(folder: Path, files: _SliceFiles, size: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return an image (h, w, 3) uint8 and its mask (h, w) bool."""
    path = files.image
    try:
        image = image_files.open_rgb(path)
        path = files.mask
        mask = _read_mask(path)
        if image.size != mask.size:
            raise ValueError(inspection.misfit(mask.size, image.size))
    except ValueError as error:
        raise ValueError(f"{disk.printable(path)}: {error}; {_advice(folder)}") from error
    if size is None or image.size == (size, size):
        return np.asarray(image), np.asarray(mask) > 0
    return shrink(image, mask, size)


def shrink(image: Image.Image, mask: Image.Image, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale a slice to a square: a pixel is the mean of what it covers, and tumour if half of that or more is.

    Args:
        image: mode RGB.
        mask: mode L, 0 and 255.
        size: the new side in pixels.

    Returns:
        The image (size, size, 3) uint8 and the mask (size, size) bool.
    """
    # In floating point, so that rounding cannot decide about a pixel that is exactly half tumour.
    shares = np.asarray(mask.convert("F").resize((size, size), Image.Resampling.BOX)) / 255
    return np.asarray(image.resize((size, size), Image.Resampling.BOX)), shares >= 0.5 - 1e-6


def _cache_folder(folder: Path, files: list[_SliceFiles], size: int | None) -> Path:
    """Name the cache: data set and size, then a digest of the files' names and stamps."""
    data_set = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    stamps = [(str(path), disk.stamp(path)) for file in files for path in (file.image, file.mask) if path]
    content = hashlib.sha256(os.fsencode(f"{_CACHE_VERSION} {stamps}")).hexdigest()[:16]
    return disk.data_home() / "cache" / f"brain-{data_set}-{size or 'full'}-{content}"


def _open_cache(target: Path) -> Slices:
    def read(name, mmap_mode=None):
        return np.load(target / f"{name}.npy", mmap_mode=mmap_mode)

    return Slices(read("images", "r"), read("masks", "r"), read("patients"), read("numbers"))


def _write_cache(target: Path, folder: Path, files: list[_SliceFiles], size: int | None, progress: bool) -> None:
    """Read all slices into `target`, one at a time: the set is never in memory, nor half in `target`."""
    first, _ = _read_slice(folder, files[0], size)
    needed = len(files) * first.shape[0] * first.shape[1] * 4  # bytes: three channels and a mask
    partial = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.tmp")
    writing = contextlib.ExitStack()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_old_caches(target)
        if shutil.disk_usage(target.parent).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        writing.enter_context(disk.being_written(partial))
        partial.mkdir()
        # Written as ordinary files: on a full disk a memory map ends in a bus error, a file in an OSError.
        with open(partial / "images.npy", "wb") as images, open(partial / "masks.npy", "wb") as masks:
            _write_header(images, (len(files), *first.shape), np.uint8)
            _write_header(masks, (len(files), *first.shape[:2]), np.bool_)
            for file in disk.progress_bar(files, desc=f"reading {folder.name}", unit="slice", disable=not progress):
                image, mask = _read_slice(folder, file, size)
                if image.shape != first.shape:
                    raise ValueError(
                        f"{disk.printable(file.image)}: has {disk.size_words(image.shape[1::-1])} pixels, "
                        f"{disk.printable(files[0].image.name)} has {disk.size_words(first.shape[1::-1])}; give size= "
                        "to resize them"
                    )
                images.write(image.tobytes())
                masks.write(mask.tobytes())
            for written in (images, masks):
                written.flush()
                os.fsync(written.fileno())
        np.save(partial / "patients.npy", np.array([file.patient for file in files]))
        np.save(partial / "numbers.npy", np.array([file.number for file in files]))
        try:
            partial.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was quicker with the same cache
                raise
    except OSError as error:
        raise OSError(
            f"the cache of {folder} cannot be written to {target.parent} ({error.strerror or error}): it "
            f"takes {needed / 1e6:.0f} MB; free some space, or set DATA_HOME to a folder on another disk"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        writing.close()


def _write_header(file, shape: tuple[int, ...], dtype: type) -> None:
    description = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, description)


def _remove_old_caches(target: Path) -> None:
    """Remove caches of the same set and size from before its files changed, and what a kill left behind."""
    found = target.parent.glob(target.name.rpartition("-")[0] + "-*")
    # each asked once, whether its lock is listed before it or after it: a lock that is asked and free is gone
    for path in {path.with_suffix("") if path.suffix == ".lock" else path for path in found}:
        being_written = path.suffix == ".tmp" and not disk.is_abandoned(path)
        if path != target and not being_written:
            shutil.rmtree(path, ignore_errors=True)


def _percentile_table(counts: np.ndarray) -> np.ndarray:
    """Return the (256,) uint8 table that maps a channel's values, from the counts of each value (256,)."""
    below = np.cumsum(counts)
    low, high = (np.searchsorted(100 * below, percentile * below[-1]) for percentile in PERCENTILES)
    scaled = (np.arange(256) - low) / max(high - low, 1) * UPPER_PERCENTILE_VALUE
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
