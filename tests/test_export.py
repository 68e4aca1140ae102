"""A network as an ONNX file: it answers as in Keras, says what it is for, and is written whole or not at all."""

import json

import keras
import numpy as np
import pytest

from helpers import export, tasks
from helpers.nets import attention, checkpoint, encoders, unet
from helpers.settings import Settings
from helpers.tasks.purpose import Purpose

tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow exports a network")


def plug(layer):
    return lambda level, width: layer(name=f"attention_{level}_{layer.__name__}")


def network(sides=(16, 16), classes=1, seed=0, **settings):
    """A small network with weights that tell one pixel from another."""
    keras.utils.set_random_seed(seed)
    built = unet.build_unet(encoders.plain((4, 8, 8)), (8, 4), (*sides, 3), classes=classes, **settings)
    rng = np.random.default_rng(seed)
    for layer in built.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weights.shape) for weights in layer.get_weights()])
    head = built.get_layer("head_conv")
    head.kernel.assign(8 * head.kernel)
    return built


def purpose_of(model, dataset="brain"):
    task = tasks.get(dataset)
    return Purpose.of_run(Settings(dataset=dataset), task.known_classes, model.input_shape[1:3], task.normalisation)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    model = network()
    path = tmp_path_factory.mktemp("model") / "model.keras"
    path.write_bytes(checkpoint.serialise(model, purpose_of(model).note()))
    return path


def needs_the_extra():
    for name in ("onnx", "tf2onnx", "onnxruntime"):
        pytest.importorskip(name, reason=f"{name} comes with the extra onnx")


# every kind of layer of the zoo's own: three attentions, both ways up, both heads, sides that are given and free
@tensorflow
@pytest.mark.parametrize(
    ("settings", "half"),
    [
        (
            {
                "skip": plug(attention.AttentionGate),
                "merge": plug(attention.SqueezeExcitation),
                "stage": plug(attention.CBAM),
            },
            False,
        ),
        ({"sides": (None, None), "classes": 3, "up": unet.bilinear_merge, "head": unet.fcn_head}, True),
    ],
    ids=["attention", "any_size"],
)
def test_a_network_answers_as_in_keras(settings, half, monkeypatch):
    needs_the_extra()
    monkeypatch.setattr(export, "LARGE", 2)
    model = network(**settings)
    content = export.to_onnx(model, {"helpers": "0"}, half)
    difference, share = export.compare(content, model, None if model.output_shape[-1] > 1 else 0.5)
    assert 0 < difference < (0.02 if half else 1e-5) and share <= export.MOST_PIXELS
    other = network(**settings, seed=1)
    assert export.compare(content, other, None)[0] > export.LARGEST_DIFFERENCE[half]


@tensorflow
def test_the_command_writes_a_file_that_says_what_it_is_for(model_file, tmp_path, capsys, monkeypatch):
    needs_the_extra()
    monkeypatch.setattr(export, "LARGE", 2)
    import onnx
    import onnxruntime

    target = tmp_path / "model.onnx"
    for words in ([], ["--half"]):
        export.main(["--model", str(model_file), "--output", str(target), *words])
        assert "probabilities differ from those of Keras by" in capsys.readouterr().out
        assert list(tmp_path.iterdir()) == [target]
        session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
        (image,), (answer,) = session.get_inputs(), session.get_outputs()
        assert (image.name, image.type, image.shape) == ("image", "tensor(float)", ["images", 16, 16, 3])
        assert (answer.name, answer.type, answer.shape) == ("probabilities", "tensor(float)", ["images", 16, 16, 1])
        note = json.loads(session.get_modelmeta().custom_metadata_map["trained_for"])
        assert Purpose.of_note(note) == tasks.load(model_file)[1]
        kinds = {weights.data_type for weights in onnx.load(target).graph.initializer if np.prod(weights.dims) > 8} & {
            onnx.TensorProto.FLOAT,
            onnx.TensorProto.FLOAT16,
        }
        assert kinds == {onnx.TensorProto.FLOAT16 if words else onnx.TensorProto.FLOAT}


@tensorflow
def test_a_file_that_answers_otherwise_is_not_written(model_file, tmp_path, monkeypatch):
    needs_the_extra()
    target = tmp_path / "model.onnx"
    target.write_text("as it was")
    to_onnx, other = export.to_onnx, network(seed=1)
    monkeypatch.setattr(export, "to_onnx", lambda model, *settings: to_onnx(other, *settings))
    with pytest.raises(ValueError, match=r"answers otherwise, and is not written \(probabilities differ"):
        export.main(["--model", str(model_file), "--output", str(target)])
    assert target.read_text() == "as it was" and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.keras", "give a name that ends in .onnx"),
        ("nowhere/model.onnx", "nowhere: no such folder for model.onnx"),
        ("folder.onnx", "folder.onnx: is a folder"),
    ],
)
def test_a_wrong_output_is_told_before_the_network_is_read(name, message, tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises((ValueError, OSError), match=message):
        export.main(["--model", "nobody reads this", "--output", str(tmp_path / name)])


def without(monkeypatch, *missing):
    find_spec = export.importlib.util.find_spec
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None if name in missing else find_spec(name))


def test_what_has_to_be_installed_is_told_before_the_network_is_read(tmp_path, monkeypatch):
    without(monkeypatch, "onnx", "tf2onnx")
    with pytest.raises(
        ValueError, match=r'onnx and tf2onnx cannot be found.*pip install -c requirements.txt -e "\.\[onnx\]"'
    ):
        export.main(["--model", "nobody reads this", "--output", str(tmp_path / "model.onnx")])


def test_without_onnxruntime_the_file_is_written_and_the_command_says_that_it_is_not_compared(monkeypatch):
    without(monkeypatch, "onnxruntime")
    monkeypatch.setattr(export, "to_onnx", lambda *settings: b"content")
    model = network()
    content, words = export.exported(model, purpose_of(model))
    assert content == b"content" and "not compared with Keras" in words and '".[onnx]"' in words


def test_on_another_backend_it_says_which_one_exports(tmp_path, monkeypatch):
    without(monkeypatch)
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(export.keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="Keras runs on jax: set KERAS_BACKEND"):
        export.check(tmp_path / "model.onnx")


def test_what_is_halved_is_many_weights_that_fit():
    needs_the_extra()
    from onnx import TensorProto, helper, numpy_helper

    values = {
        "many": np.full((2, export.LARGE // 2), 0.1),
        "few": np.full(export.LARGE - 1, 0.1),
        "beyond": np.full(export.LARGE, 1e5),
        "whole": np.ones(export.LARGE),
    }
    types = {name: "int64" if name == "whole" else "float32" for name in values}
    weights = [numpy_helper.from_array(values[name].astype(types[name]), name) for name in values]
    graph = helper.make_graph([], "graph", [], [], weights)
    export._halve(graph)
    found = {each.name: each.data_type for each in graph.initializer}
    assert found.pop("many_half") == TensorProto.FLOAT16
    assert found == {"few": TensorProto.FLOAT, "beyond": TensorProto.FLOAT, "whole": TensorProto.INT64}
    assert [(node.op_type, *node.input, *node.output) for node in graph.node] == [("Cast", "many_half", "many")]
