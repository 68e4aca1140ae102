"""A network as the bytes of a .keras file, with a note of what it was trained for.

The note is one more entry of the archive, which Keras leaves alone; what stands in it is for the tasks to say.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import keras

NOTE = "trained_for.json"
_WEIGHTS = "model.weights.h5"  # the entry of the archive; alone in a file, `load_weights` reads it too


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
    bare = keras.Model(model.input, model.output, name=model.name)
    memory = _saved(bare)
    if note is not None:
        with zipfile.ZipFile(memory, "a") as archive:
            archive.writestr(NOTE, json.dumps(note, indent=2) + "\n")
    return memory.getvalue()


def serialise_state(model: keras.Model) -> bytes:
    """Return the weights of a compiled network and of its optimizer as the content of a .weights.h5 file."""
    with zipfile.ZipFile(_saved(model)) as archive:
        return archive.read(_WEIGHTS)


def _saved(model: keras.Model) -> _Memory:
    memory = _Memory()
    keras.saving.save_model(model, memory)
    return memory


def read_note(path: Path) -> dict[str, Any] | None:
    """Return the note in a .keras file; None if it has none.

    Raises:
        ValueError: the file is no .keras file, or its note is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(NOTE)) if NOTE in archive.namelist() else None
    except (zipfile.BadZipFile, ValueError) as error:
        raise ValueError(f"{path}: is not a network saved by Keras 3, or is damaged ({error}).") from error
