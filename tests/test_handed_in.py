"""Networks from strangers' hands: what is no plain network of known layers is refused before Keras sees it."""

import io
import json
import zipfile

import keras
import numpy as np
import pytest

from helpers.nets import attention, checkpoint, encoders, handed_in, inference, unet


def parts(model):
    """The entries of the model's .keras file, {name: bytes}."""
    with zipfile.ZipFile(io.BytesIO(checkpoint.serialise(model))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def entries():
    """The file of a tiny network that is accepted."""
    inputs = keras.Input((48, 48, 3))
    x = keras.layers.Conv2D(2, 3, padding="same", activation="relu", name="first")(inputs)
    return parts(keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid", name="last")(x)))


@pytest.fixture
def save(tmp_path):
    """Write the entries of an archive and return the path."""

    def save(entries, compression=zipfile.ZIP_STORED):
        path = tmp_path / "network.keras"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        return path

    return save


def test_a_network_with_the_layers_of_the_course_is_loaded_as_it_was(save):
    model = unet.build_unet(
        encoders.plain((4, 8, 8)),
        (8, 4),
        (48, 48, 3),
        skip=lambda level, width: attention.AttentionGate(width=4) if level == 2 else attention.CBAM(4),
        merge=lambda level, width: attention.SqueezeExcitation(4),
        up=unet.bilinear_merge,
    )
    images = np.random.default_rng(0).random((2, 48, 48, 3), dtype="float32")
    loaded = handed_in.load(save(parts(model)))
    assert np.array_equal(*(keras.ops.convert_to_numpy(each(images)) for each in (model, loaded)))


def test_every_layer_that_is_allowed_can_be_loaded_and_ours_are_there():
    assert {"SqueezeExcitation", "CBAM", "AttentionGate", "Double"} <= handed_in.OURS
    for name in handed_in.LAYERS:
        assert issubclass(getattr(keras.layers, name), keras.layers.Layer), name


def described(entries, change):
    """The entries with a description that `change` has altered in place."""
    description = json.loads(entries["config.json"])
    change(description, {each["name"]: each for each in description["config"]["layers"]})
    return {**entries, "config.json": json.dumps(description)}


HOSTILE = {
    "a Lambda": {"module": "keras.layers", "class_name": "Lambda", "registered_name": None},
    "a class of Python": {"module": "builtins", "class_name": "eval", "registered_name": None},
    "a module of the system": {"module": "os", "class_name": "system", "registered_name": "os>system"},
    "a function": {"class_name": "function", "config": "system"},
    "a module alone": {"module": "antigravity"},
    "a pickled lambda": {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}},
    "a layer that opens files": {"module": "keras.layers", "class_name": "StringLookup", "registered_name": None},
    "a name that is no text": {"module": "keras.layers", "class_name": ["Conv2D"], "registered_name": None},
    "ours by another name": {"module": "keras.layers", "class_name": "ReLU", "registered_name": "where_to_look>CBAM"},
    "another thing of Keras": {"module": "keras.initializers", "class_name": "get", "registered_name": None},
    "a way into Keras": {"module": "keras.src.saving.saving_lib", "class_name": "load_model", "registered_name": None},
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("place", ["layer", "setting"])
def test_a_description_that_names_anything_else_is_refused_before_keras_reads_it(
    what, place, entries, save, monkeypatch
):
    def change(description, layers):
        if place == "layer":
            layers["last"].update(HOSTILE[what])
        else:
            layers["last"]["config"]["kernel_initializer"] = {"config": {}, **HOSTILE[what]}

    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras has read it"))
    with pytest.raises(ValueError, match="not among the layers that are loaded"):
        handed_in.load(save(described(entries, change)))


def test_what_it_was_compiled_with_is_left_alone(entries, save):
    def change(description, layers):
        description["compile_config"] = {"loss": {"module": "os", "class_name": "system", "registered_name": None}}

    assert handed_in.load(save(described(entries, change))).count_params() == 59  # 3 * 9 * 2 + 2, then 2 + 1


@pytest.mark.parametrize(
    ("entry", "content", "words"),
    [
        ("payload.pkl", b"cos\nsystem\n", "holds 'payload.pkl'"),
        ("assets/vocabulary.txt", b"a", "holds 'assets/vocabulary.txt'"),
        ("../../escape", b"a", "no part of a network"),
        ("config.json", b"{", "not a network saved by Keras 3, or is damaged"),
        ("config.json", b"[]", "describes no network"),
        ("config.json", b"[" * 100_000, "damaged"),
        ("model.weights.h5", b"no weights", "Keras cannot load it"),
    ],
)
def test_a_file_with_other_parts_is_refused(entry, content, words, entries, save):
    with pytest.raises(ValueError, match=words):
        handed_in.load(save({**entries, entry: content}))


def test_a_file_that_is_too_large_packed_or_unpacked_is_refused(entries, save, tmp_path):
    zeros = bytes(handed_in.BYTES)
    with pytest.raises(ValueError, match="is larger than 4 MB: save it without the optimizer"):
        handed_in.load(save({**entries, "trained_for.json": zeros}))
    path = save({**entries, "trained_for.json": zeros}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match="unpacks to more than 4 MB"):
        handed_in.load(path)
    (tmp_path / "pickle.keras").write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(ValueError, match="not a network saved by Keras 3"):
        handed_in.load(tmp_path / "pickle.keras")


def test_a_part_that_is_there_twice_is_refused(entries, save):
    path = save(entries)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ValueError, match="holds a part twice"):
        handed_in.load(path)


def network(inputs=(48, 48, 3), filters=1, kernel=1):
    image = keras.Input(inputs)
    return keras.Model(image, keras.layers.Conv2D(filters, kernel, padding="same", activation="sigmoid")(image))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: network((64, 64, 3)), r"takes \(None, 64, 64, 3\)"),
        (lambda: network((48, 48, 1)), r"takes \(None, 48, 48, 1\)"),
        (lambda: network(filters=2), r"gives \(None, 48, 48, 2\)"),
        (lambda: network(kernel=191), r"has 109,444 parameters, where 100,000 are allowed"),
    ],
)
def test_a_network_against_the_rules_is_refused_with_what_is_wanted(model, words, save):
    with pytest.raises(ValueError, match=words):
        handed_in.load(save(parts(model())))


def test_weights_that_are_no_numbers_are_refused(save):
    model = network()
    model.set_weights([np.full(each.shape, np.nan) for each in model.get_weights()])
    with pytest.raises(ValueError, match="NaN or infinite"):
        handed_in.load(save(parts(model)))


def test_a_network_for_slices_of_any_size_is_accepted(save):
    assert handed_in.load(save(parts(network((None, None, 3))))).count_params() == 4


def test_the_network_of_the_course_keeps_its_own_rules():
    assert handed_in.load(inference.WEIGHTS / "capstone.keras").count_params() == 29_945
