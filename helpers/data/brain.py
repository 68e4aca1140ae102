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
import shutil
import uuid
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.data import disk

PERCENTILES = (10, 99)
"""`normalise_images` measures each channel of a patient at these two percentiles (Buda et al. 2019)."""

UPPER_PERCENTILE_VALUE = 200
"""Where `normalise_images` puts the upper percentile: tumours are brighter still and need the room to 255."""

_PATIENT = re.compile(r"[A-Za-z0-9]+_[A-Za-z0-9]+_[A-Za-z0-9]+_\d{8}")
_CACHE_VERSION = 1


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
            f"`python -m helpers.prepare brain --source {folder}`"
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
        ValueError: a file cannot be read, an image and its mask do not fit, or the images differ in size
            and `size` is None. The message names the file.
        OSError: the cache cannot be written, for instance because the disk is full.
    """
    if size is not None and size < 1:
        raise ValueError(f"size is {size}; give the side of a slice in pixels, such as 128")
    folder = folder_of(source).resolve()
    files = _scan(folder)
    if not files:
        raise FileNotFoundError(
            f"{folder} holds no slices in the Kaggle layout (PATIENT/PATIENT_NUMBER.tif); give the folder "
            "that holds the patients' folders, such as kaggle_3m"
        )
    _refuse_unpaired(folder, files)
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
    """Scale each channel of one patient's slices by its own percentiles (Buda et al. 2019).

        value -> clip((value - p10) / (p99 - p10) * 200, 0, 255), rounded to uint8

    p10 and p99 are percentiles over all pixels of all slices: the smallest value that at least 10 (99) per
    cent of the pixels do not exceed. Above p99 there is room up to 255, because that is where tumours are.
    A channel with p99 = p10 is scaled as if p99 were p10 + 1. Built by hand in lesson 04.

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
    """Open every file of a data set and return all that is wrong with it, one line for each problem.

    A line starts with the file's path below `folder`. Reported are: an image without mask, a mask without
    image, sizes that differ, masks with values other than 0 and 255, files that cannot be read to their
    end, images with the same pixels as another one (images of one value alone, such as pure air, may
    repeat), folders that are no patient or are empty, slices missing from a run of numbers, and file names
    that fit no slice. Files beside the patients' folders, such as data.csv, are left alone.

    Raises:
        FileNotFoundError, NotADirectoryError: `folder` is not there, as in `folder_of`.
    """
    folder = folder_of(folder).resolve()
    files = _scan(folder)
    problems = _layout_problems(folder, files)
    sizes = {}
    seen = {}
    for slice_files in disk.progress_bar(files, desc=f"checking {folder.name}", unit="slice", disable=not progress):
        image = mask = None
        if slice_files.image:
            try:
                image = disk.read_rgb(slice_files.image)
            except ValueError as error:
                problems.append(f"{disk.below(folder, slice_files.image)}: {error}")
        else:
            problems.append(f"{disk.below(folder, slice_files.mask)}: mask without image")
        if slice_files.mask:
            try:
                mask = _read_mask(slice_files.mask)
            except ValueError as error:
                problems.append(f"{disk.below(folder, slice_files.mask)}: {error}")
        else:
            problems.append(f"{disk.below(folder, slice_files.image)}: image without mask")
        if image is not None:
            name = disk.below(folder, slice_files.image)
            if mask is not None and image.size != mask.size:
                problems.append(f"{disk.below(folder, slice_files.mask)}: {_misfit(image, mask)}")
            else:
                sizes[name] = image.size
            digest = hashlib.sha256(f"{image.size}".encode() + image.tobytes()).digest()
            one_value = all(low == high for low, high in image.getextrema())
            if not one_value and seen.setdefault(digest, name) != name:
                problems.append(f"{name}: duplicate, the same pixels as {seen[digest]}")
    if sizes:
        usual = collections.Counter(sizes.values()).most_common(1)[0][0]
        problems += [
            f"{name}: {disk.size_words(found)} pixels, where most images have {disk.size_words(usual)}"
            for name, found in sizes.items()
            if found != usual
        ]
    return sorted(problems, key=disk.natural_order)


@dataclasses.dataclass(frozen=True)
class _SliceFiles:
    """The files of one slice; image or mask is None where it is missing."""

    patient: str
    number: int
    image: Path | None
    mask: Path | None
    stamp: str  # names, sizes in bytes and times of change: changes when a file does


def _scan(folder: Path) -> list[_SliceFiles]:
    """List all slices below `folder` by patient and number, without opening a file."""
    found = collections.defaultdict(dict)
    stamps = collections.defaultdict(list)
    for patient in _patient_folders(folder):
        pattern = re.compile(re.escape(patient.name) + r"_(\d+)(_mask)?\.tif")
        with os.scandir(patient) as entries:
            for entry in entries:
                match = pattern.fullmatch(entry.name)
                if match:
                    key = (patient.name, int(match[1]), match[1])
                    found[key]["mask" if match[2] else "image"] = Path(entry.path)
                    status = entry.stat()
                    stamps[key].append(f"{entry.name} {status.st_size} {status.st_mtime_ns}")
    return [
        _SliceFiles(*key[:2], found[key].get("image"), found[key].get("mask"), str(sorted(stamps[key])))
        for key in sorted(found)
    ]


def _patient_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _layout_problems(folder: Path, files: list[_SliceFiles]) -> list[str]:
    """Return what names alone can tell: wrong folders and file names, empty patients, missing slices."""
    problems = []
    numbers = collections.defaultdict(set)
    known = set()
    for slice_files in files:
        numbers[slice_files.patient].add(slice_files.number)
        known |= {slice_files.image, slice_files.mask}
    folders = _patient_folders(folder)
    if not folders:
        problems.append(f"{folder}: no patients' folders in here")
    for path in folders:
        patient = path.name
        if not _PATIENT.fullmatch(patient):
            problems.append(f"{patient}: folder is no patient (a patient is called TCGA_CS_4941_19960909)")
        elif patient not in numbers:
            problems.append(f"{patient}: empty patient, no slice in the folder")
        problems += [
            f"{disk.below(folder, file)}: name fits no slice (a slice is called {patient}_NUMBER[_mask].tif)"
            for file in path.glob("*.tif")
            if file not in known and not file.name.startswith(".")
        ]
        for before, after in itertools.pairwise([0, *sorted(numbers[patient])]):
            if after - before > 1:
                more = f", and so on to {after - 1}" if after - before > 2 else ""
                problems.append(f"{patient}/{patient}_{before + 1}.tif: missing slice{more}")
    return problems


def _read_mask(path: Path) -> Image.Image:
    mask = disk.read(path)
    if mask.mode == "1":
        mask = mask.convert("L")
    if mask.mode != "L":
        raise ValueError(f"mask has mode {mask.mode}, not one channel of 8 bits (L)")
    values = [value for value, count in enumerate(mask.histogram()) if count]
    if not set(values) <= {0, 255}:
        others = [value for value in values if value not in (0, 255)]
        raise ValueError(f"mask with values other than 0 and 255 ({', '.join(map(str, others[:5]))})")
    return mask


def _misfit(image: Image.Image, mask: Image.Image) -> str:
    return f"mask has {disk.size_words(mask.size)} pixels, its image {disk.size_words(image.size)}"


def _advice(folder: Path) -> str:
    return f"see all that is wrong with `python -m helpers.prepare brain --check {folder}`"


def _refuse_unpaired(folder: Path, files: list[_SliceFiles]) -> None:
    for file in files:
        if not file.mask:
            raise ValueError(f"{file.image}: image without mask; {_advice(folder)}")
        if not file.image:
            raise ValueError(f"{file.mask}: mask without image; {_advice(folder)}")


def _read_slice(folder: Path, files: _SliceFiles, size: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return an image (h, w, 3) uint8 and its mask (h, w) bool."""
    path = files.image
    try:
        image = disk.read_rgb(path)
        path = files.mask
        mask = _read_mask(path)
        if image.size != mask.size:
            raise ValueError(_misfit(image, mask))
    except ValueError as error:
        raise ValueError(f"{path}: {error}; {_advice(folder)}") from error
    if size is None or image.size == (size, size):
        return np.asarray(image), np.asarray(mask) > 0
    # In floating point, so that rounding cannot decide about a pixel that is exactly half tumour.
    shares = np.asarray(mask.convert("F").resize((size, size), Image.Resampling.BOX)) / 255
    return np.asarray(image.resize((size, size), Image.Resampling.BOX)), shares >= 0.5 - 1e-6


def _cache_folder(folder: Path, files: list[_SliceFiles], size: int | None) -> Path:
    """Name the cache: data set and size, then a digest of the files' names, sizes and times of change."""
    data_set = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    content = hashlib.sha256(f"{_CACHE_VERSION} {[file.stamp for file in files]}".encode()).hexdigest()[:16]
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
                        f"{file.image}: has {disk.size_words(image.shape[1::-1])} pixels, {files[0].image.name} has "
                        f"{disk.size_words(first.shape[1::-1])}; give size= (on the command line --size) to resize them"
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
    for path in target.parent.glob(target.name.rpartition("-")[0] + "-*"):
        unfinished = path.with_suffix("") if path.suffix == ".lock" else path
        being_written = unfinished.suffix == ".tmp" and not disk.is_abandoned(unfinished)
        if path != target and not being_written:
            shutil.rmtree(path, ignore_errors=True)


def _percentile_table(counts: np.ndarray) -> np.ndarray:
    """Return the (256,) uint8 table that maps a channel's values, from the counts of each value (256,)."""
    below = np.cumsum(counts)
    low, high = (np.searchsorted(100 * below, percentile * below[-1]) for percentile in PERCENTILES)
    scaled = (np.arange(256) - low) / max(high - low, 1) * UPPER_PERCENTILE_VALUE
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
