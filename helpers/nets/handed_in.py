"""The capstone's rules for a network that somebody hands in, and the way to load one without trusting its file.

A .keras file is a description of layers and their weights. Keras reads in it also what brings code along: a Lambda,
a class by its module, a layer that opens files. So the description is read first, as plain text, and only a network
of the layers that stand here is built at all. Used in lesson 15 and by the leaderboard.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np

from helpers.nets import attention

SIDE = 48  # of a slice, in pixels
PARAMETERS = 100_000  # of a network, at most
SLICES = 6_400  # shown in a training, at most; a slice that is shown twice counts twice
MINUTES = 5.0  # of a training on two cores, at most
NOISE = 25  # standard deviation of the noisiest hidden patient, of grey values 0 to 255
BYTES = 4_000_000  # of a file, and of all that is packed in it

_ENTRIES = {"config.json", "metadata.json", "model.weights.h5", "trained_for.json"}
# what makes a slice of a slice; none of these reads a file, calls a function or holds another layer
LAYERS = frozenset(
    ["InputLayer", "Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "Dense"]
    + ["BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "Rescaling"]
    + ["Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"]
    + ["Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise"]
    + ["MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "UpSampling2D"]
    + ["ZeroPadding2D", "Cropping2D", "Reshape"]
    + ["Concatenate", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]
)
OURS = frozenset(
    name
    for name, value in vars(attention).items()
    if isinstance(value, type) and issubclass(value, keras.layers.Layer) and value.__module__ == attention.__name__
)
_AIDS = {
    "keras.initializers": keras.initializers.Initializer,
    "keras.regularizers": keras.regularizers.Regularizer,
    "keras.constraints": keras.constraints.Constraint,
    "keras": keras.DTypePolicy,
}


def load(path: str | Path) -> keras.Model:
    """Load a network that was handed in; nothing in its file is run, and nothing that it says of itself is believed.

    Args:
        path: the .keras file.

    Returns:
        The network, for slices (batch, `SIDE`, `SIDE`, 3) in [0, 1] to one probability for each pixel.

    Raises:
        ValueError: the file is too large, no network, or one against the rules; the sentence says what to change.
        OSError: the file cannot be read.
    """
    path = Path(path)
    _check_description(_description(path))
    try:
        model = cast(keras.Model, keras.saving.load_model(path, compile=False, safe_mode=True))
    except Exception as error:  # Keras raises many kinds for what does not fit together
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{path.name}: Keras cannot load it ({reason[:200]}): save the network again.") from error
    _check_network(path.name, model)
    return model


def _description(path: Path) -> Any:
    """What the file says the network is, of plain values."""
    with open(path, "rb") as file:
        content = file.read(BYTES + 1)
    if len(content) > BYTES:
        raise ValueError(f"{path.name}: is larger than {BYTES / 1e6:.0f} MB: save it without the optimizer.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [entry.filename for entry in archive.infolist()]
            if strange := sorted(set(names) - _ENTRIES):
                raise ValueError(f"holds {strange[0][:60]!r}, which is no part of a network")
            if len(names) != len(set(names)):
                raise ValueError("holds a part twice")
            if sum(entry.file_size for entry in archive.infolist()) > BYTES:
                raise ValueError(f"unpacks to more than {BYTES / 1e6:.0f} MB")
            return json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise ValueError(f"{path.name}: is not a network saved by Keras 3, or is damaged: save it again.") from error
    except (ValueError, NotImplementedError, RuntimeError) as error:  # ours; or packed or locked in a strange way
        raise ValueError(f"{path.name}: {error}: save the network with Keras 3.") from error


def _check_description(description: Any) -> None:
    if not isinstance(description, dict):
        raise ValueError("the file describes no network: save it with Keras 3.")
    # what it was compiled with is left unread
    for part in _named({key: value for key, value in description.items() if key != "compile_config"}):
        module, name, registered = (part.get(key) for key in ("module", "class_name", "registered_name"))
        if not _is_allowed(module, name, registered):
            said = f"{name if isinstance(name, str) else module}"[:60]
            advice = "keras.layers has a layer for each such step" if "keras.src.ops" in str(module) else "leave it out"
            raise ValueError(
                f"the network holds {said!r}, which is not among the layers that are loaded "
                f"(helpers.nets.handed_in.LAYERS, and those of helpers.nets.attention): {advice}."
            )


def _named(value: Any) -> Iterator[dict]:
    """Every dictionary, however deep, that names a class, a module or a registered object."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if {"module", "class_name", "registered_name"} & set(value):
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _is_allowed(module: Any, name: Any, registered: Any) -> bool:
    if not isinstance(name, str):
        return False
    if module is None:
        return registered is None and name in ("__keras_tensor__", "__tuple__")
    if module == attention.__name__:
        return name in OURS and registered == f"where_to_look>{name}"
    if registered not in (None, name):
        return False
    if module in ("keras", "keras.src.models.functional", "keras.models") and name in ("Functional", "Model"):
        return True
    if module == "keras" and name == "Sequential":
        return True
    if module == "keras.layers":
        return name in LAYERS
    kind = _AIDS.get(module) if isinstance(module, str) else None
    found = getattr(keras if module == "keras" else getattr(keras, str(module).rpartition(".")[2], None), name, None)
    return kind is not None and isinstance(found, type) and issubclass(found, kind)


def _check_network(name: str, model: keras.Model) -> None:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"{name}: takes {len(model.inputs)} inputs and gives {len(model.outputs)} outputs: one of each is wanted."
        )
    for what, shape, channels in (("takes", model.inputs[0].shape, 3), ("gives", model.outputs[0].shape, 1)):
        sides_fit = len(shape) == 4 and all(side in (SIDE, None) for side in shape[1:3])
        if not sides_fit or shape[3] != channels or shape[0] is not None:
            raise ValueError(f"{name}: {what} {tuple(shape)}: ({None}, {SIDE}, {SIDE}, {channels}) is wanted.")
    if model.count_params() > PARAMETERS:
        raise ValueError(
            f"{name}: has {model.count_params():,} parameters, where {PARAMETERS:,} are allowed: make it smaller."
        )
    if not all(np.isfinite(values).all() for values in model.get_weights()):
        raise ValueError(f"{name}: has weights that are not numbers (NaN or infinite): train it with a lower rate.")
