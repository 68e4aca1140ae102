"""A network as the bytes of a .keras file, with a note of what it was trained for.

The note is one more entry of the archive, which Keras leaves alone; what stands in it is for the tasks to say. The
archive has a checksum for each entry, so that a file which was cut off or damaged is known before it is used.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import keras

NOTE = "trained_for.json"
_NEEDED = ("config.json", "metadata.json", "model.weights.h5")
_OTHER_MAKES = {
    b"\x89HDF": "is an HDF5 file, of Keras 2 or of weights alone: load it where it was made, and save the whole "
    "network as a .keras file",
    b"\x80": "is a pickle, which can run anything when it is read: save the network with Keras, as a .keras file",
    b"version https://git-lfs": "is a pointer to a file that git-lfs has not fetched: run git lfs pull",
}
"""How files begin that are often given for one of Keras 3, and what they are."""


class _Memory(io.BytesIO):
    """A file in memory: HDF5 that meets a full disk ends in a segmentation fault, Python in an OSError."""

    def __str__(self) -> str:
        return "memory.keras"  # Keras asks for the suffix


def serialise(model: keras.Model, note: dict[str, Any] | None = None) -> bytes:
    """Return a network, without its optimizer, as the content of a .keras file.

    Args:
        model: what to save.
        note: what it was trained for, of plain values; None for no note.
    """
    # Keras saves the optimizer of a compiled model along, twice the weights again.
    # A Sequential that was never called has neither `input` nor `output`.
    ends = (model.inputs[0], model.outputs[0]) if isinstance(model, keras.Sequential) else (model.input, model.output)
    bare = keras.Model(*ends, name=model.name)
    return _saved(bare, note)


def serialise_state(model: keras.Model, note: dict[str, Any]) -> bytes:
    """Return a compiled network with its optimizer as the content of a .keras file, whose weights `fit` goes on from.

    Args:
        model: what to save.
        note: what else there is to go on from, of plain values.
    """
    return _saved(model, note)


def _saved(model: keras.Model, note: dict[str, Any] | None) -> bytes:
    memory = _Memory()
    keras.saving.save_model(model, memory)
    if note is not None:
        with zipfile.ZipFile(memory, "a") as archive:
            archive.writestr(NOTE, json.dumps(note, indent=2) + "\n")
    return memory.getvalue()


def check(path: Path) -> None:
    """Read a .keras file once through.

    Raises:
        ValueError: it is empty, cut off, damaged or of another make; says which.
        OSError: there is none, or it cannot be read.
    """
    with open(path, "rb") as file:
        beginning = file.read(64)
    if not beginning:
        raise ValueError(f"{path}: is empty: get it again, or train it again.")
    for mark, words in _OTHER_MAKES.items():
        if beginning.startswith(mark):
            raise ValueError(f"{path}: {words}.")
    try:
        with zipfile.ZipFile(path) as archive:
            missing = [name for name in _NEEDED if name not in archive.namelist()]
            damaged = None if len(missing) == len(_NEEDED) else archive.testzip()
    except Exception as error:  # a damaged archive raises many kinds: BadZipFile, zlib.error, EOFError, ...
        cut = "is cut off or damaged" if beginning.startswith(b"PK") else "is not a network saved by Keras 3"
        raise ValueError(f"{path}: {cut} ({error}): get it again, or train it again.") from error
    if len(missing) == len(_NEEDED):
        raise ValueError(
            f"{path}: is a zip archive, as PyTorch's and NumPy's files are, but no network saved by Keras 3: give a "
            ".keras file."
        )
    if damaged or missing:
        words = f"{damaged} in it does not fit its checksum" if damaged else f"{missing[0]} is missing in it"
        raise ValueError(f"{path}: is damaged ({words}): get it again, or train it again.")


def version(path: Path) -> str:
    """The version of Keras that saved a whole .keras file; "?" if it does not say so."""
    with zipfile.ZipFile(path) as archive:
        try:
            return str(json.loads(archive.read("metadata.json"))["keras_version"])
        except (ValueError, KeyError, TypeError):
            return "?"


def is_whole(path: Path) -> bool:
    """Whether there is such a .keras file, undamaged."""
    try:
        check(path)
    except (OSError, ValueError):
        return False
    return True


def read_note(path: Path) -> dict[str, Any] | None:
    """Return the note in a .keras file; None if it has none.

    Raises:
        ValueError: the file is no .keras file, or its note is damaged.
    """
    check(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(NOTE)) if NOTE in archive.namelist() else None
    except ValueError as error:
        raise ValueError(f"{path}: {NOTE} in it is damaged ({error}): get it again, or train it again.") from error
