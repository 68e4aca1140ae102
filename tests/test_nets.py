import functools
import math
import pathlib
import re

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
}
PLAIN = [name for name in zoo.NAMES if name not in zoo.PRETRAINABLE]
TENSORFLOW = keras.backend.backend() == "tensorflow"  # there, one step without a graph takes a third of the time
# Another backend compiles each network for ten seconds: one for each kind of attention, of few levels, is enough to
# hear of a layer that it cannot train; the layers themselves and all shapes are tested there, too.
TRAINED = PLAIN if TENSORFLOW else ["Full_SE_UNet", "Full_CBAM_UNet", "Attention_UNet"]


# How a network is put together is not the backend's affair.
structure = pytest.mark.skipif(not TENSORFLOW, reason="the same with every backend, seen with TensorFlow")


@pytest.fixture(scope="module", autouse=True)
def shallow_elsewhere():
    """Three levels are the fewest with an attention gate."""
    with pytest.MonkeyPatch.context() as patch:
        if not TENSORFLOW:
            patch.setattr(zoo, "LEVELS", 3)
        yield


def count(variables):
    return sum(math.prod(variable.shape) for variable in variables)


@functools.cache
def small(name, input_shape=(32, 32, 3), filters=2, **settings):
    return zoo.build(name, input_shape=input_shape, filters=filters, **settings)


def images(*shape):
    return np.random.default_rng(0).random(shape, dtype="float32")


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_names():
    assert zoo.DEFAULT in zoo.NAMES
    assert set(PUBLISHED) < set(zoo.NAMES)
    assert set(zoo.PRETRAINABLE) == {name for name in zoo.NAMES if name.startswith(("Res_", "Lite0_"))}
    assert set(zoo.AUXILIARY) < set(zoo.NAMES) == set(zoo.DIVISOR)


def test_the_names_are_written_down_as_they_are():
    rows = re.findall(r"^\| (\w+) \|", zoo.__doc__, re.MULTILINE)
    assert sorted(rows) == sorted(("name", *zoo.NAMES))
    root = pathlib.Path(__file__).parents[1]
    pages = " ".join(page.read_text("utf-8") for page in (root / "README.md", *root.glob("docs/**/*.md")))
    assert [name for name in zoo.NAMES if f"`{name}`" not in pages] == []


@structure
@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_the_published_ones(name):
    model = zoo.build(name)
    assert (count(model.trainable_variables), model.count_params()) == PUBLISHED[name]


@structure
@pytest.mark.parametrize(("auxiliary", "trainable"), [(False, 28_987_795), (True, 29_062_886)])
def test_parameters_of_unet_s5_d16(auxiliary, trainable):
    model = zoo.build("UNet_S5_D16", (512, 1024, 3), classes=19, auxiliary=auxiliary)
    assert count(model.trainable_variables) == trainable
    main = model.output["main"] if auxiliary else model.output
    assert tuple(main.shape) == (None, 512, 1024, 19)


@structure
def test_multiply_adds_of_unet_s5_d16():
    model = zoo.build("UNet_S5_D16", (512, 1024, 3), classes=19)
    total = 0
    for layer in model.layers:
        height, width = layer.output.shape[1:3]
        if isinstance(layer, keras.layers.Conv2D):
            total += height * width * math.prod(layer.kernel.shape)
        if isinstance(layer, keras.layers.BatchNormalization):
            total += 2 * math.prod(layer.output.shape[1:])
    assert round(total / 1e9) == 406
    # The first convolution by hand: 3 x 3 x 3 to 64 channels on each of 512 x 1024 pixels.
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert math.prod(first.kernel.shape) * 512 * 1024 == 905_969_664


@structure
def test_parameters_of_the_attention_unet():
    # On top of the U-Net three gates with C = 64, 128, 256 channels, 2 C in the signal and C / 2 inside:
    # theta 4 C C / 2, phi (2 C + 1) C / 2, psi C / 2 + 1, convolution C (C + 1), normalisation 2 C.
    gates = [2 * c * c + (2 * c + 1) * c // 2 + c // 2 + 1 + c * (c + 1) + 2 * c for c in (64, 128, 256)]
    assert count(zoo.build("Attention_UNet").trainable_variables) == 7_763_041 + sum(gates)


@pytest.mark.parametrize("name", TRAINED)
def test_trains_a_step_saves_and_reloads(name, tmp_path):
    keras.utils.set_random_seed(1)
    model = zoo.build(name, input_shape=(32, 32, 3), filters=2)
    batch, masks = images(2, 32, 32, 3), (images(2, 32, 32, 1) > 0.7).astype("float32")
    before = model.get_weights()
    # Adam's steps do not depend on the size of a gradient: only a gradient of exactly 0 moves nothing.
    model.compile(keras.optimizers.Adam(0.1, epsilon=1e-12), "binary_crossentropy", run_eagerly=TENSORFLOW)
    assert np.isfinite(model.train_on_batch(batch, masks))
    unmoved = [
        variable.path
        for variable, value in zip(model.weights, before, strict=True)
        if np.array_equal(numpy_of(variable), value)
    ]
    # The one unit in the middle of so narrow an attention layer may be switched off by its ReLU.
    assert all("/squeeze/" in path or "/excite/" in path for path in unmoved), unmoved

    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    output = numpy_of(model(batch))
    assert output.shape == (2, 32, 32, 1) and output.dtype == "float32"
    assert output.min() >= 0 and output.max() <= 1
    np.testing.assert_array_equal(numpy_of(reloaded(batch)), output)
    assert [layer.name for layer in reloaded.layers] == [layer.name for layer in model.layers]
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model.layers)


@pytest.mark.parametrize("name", ["UNet", "UNet_S5_D16"])
def test_several_classes_give_probabilities_that_add_up_to_one(name):
    output = numpy_of(small(name, classes=5)(images(2, 32, 32, 3)))
    assert output.shape == (2, 32, 32, 5)
    np.testing.assert_allclose(output.sum(-1), 1, rtol=1e-5)


def test_auxiliary_head_gives_a_dictionary(tmp_path):
    model = small("UNet_S5_D16", classes=3, auxiliary=True)
    output = model(images(1, 32, 32, 3))
    assert set(output) == {"main", "auxiliary"}
    assert tuple(output["main"].shape) == tuple(output["auxiliary"].shape) == (1, 32, 32, 3)
    assert reads(model, "auxiliary_head_conv_1", "decoder_2_relu_2")
    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")(images(1, 32, 32, 3))
    for key in output:
        np.testing.assert_array_equal(numpy_of(reloaded[key]), numpy_of(output[key]))


def test_auxiliary_head_learns():
    model = zoo.build("UNet_S5_D16", (16, 16, 3), classes=3, filters=2, auxiliary=True)
    before = numpy_of(model.get_layer("auxiliary_head_conv").kernel)
    model.compile("sgd", {key: "sparse_categorical_crossentropy" for key in model.output}, run_eagerly=TENSORFLOW)
    labels = np.zeros((2, 16, 16), "int32")
    model.train_on_batch(images(2, 16, 16, 3), {"main": labels, "auxiliary": labels})
    assert not np.array_equal(numpy_of(model.get_layer("auxiliary_head_conv").kernel), before)


@pytest.mark.parametrize("name", ["Attention_UNet", "UNet_S5_D16"])
def test_free_sides(name):
    model = small(name, input_shape=(None, None, 3))
    for sides in ((16, 16), (16, 48)):  # from the second on TensorFlow's graph leaves the sides free
        batch = images(1, *sides, 3)
        predicted = model.predict(batch, verbose=0)
        assert predicted.shape == (1, *sides, 1)
        np.testing.assert_allclose(predicted, numpy_of(model(batch)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", pytest.param("mixed_float16", marks=structure)])
def test_last_activation_stays_in_float32(policy):
    keras.config.set_dtype_policy(policy)
    try:
        for name in ("Full_CBAM_UNet", "Attention_UNet"):
            model = zoo.build(name, (16, 16, 3), filters=2)
            output = model(images(1, 16, 16, 3))
            assert keras.backend.standardize_dtype(output.dtype) == "float32"
            assert np.isfinite(numpy_of(output)).all()
            assert model.get_layer("decoder_1_conv_1").compute_dtype == policy.removeprefix("mixed_")
    finally:
        keras.config.set_dtype_policy("float32")


@structure
def test_filters_scale_the_widths():
    for name in ("UNet", "UNet_S5_D16"):
        model = small(name, filters=3)
        layers = [f"encoder_{level}" for level in (1, 2, 3, 4)] + ["bottleneck"]
        assert [model.get_layer(f"{layer}_conv_2").filters for layer in layers] == [3, 6, 12, 24, 48]
        assert [model.get_layer(f"decoder_{level}_conv_2").filters for level in (4, 3, 2, 1)] == [
            24,
            12,
            6,
            3,
        ]


def attention_layers(model):
    kinds = (attention.SqueezeExcitation, attention.CBAM, attention.AttentionGate)
    return {layer.name: type(layer).__name__ for layer in model.layers if isinstance(layer, kinds)}


def named(kind, place, levels):
    return {f"attention_{place}_{level}": kind for level in levels}


SE, CBAM, GATE = "SqueezeExcitation", "CBAM", "AttentionGate"


@structure
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
    ],
)
def test_attention_sits_where_it_should(name, expected):
    assert attention_layers(small(name)) == expected


def reads(model, reader, source):
    """Whether the layer `reader` takes what the layer `source` gives."""
    inputs = keras.tree.flatten(model.get_layer(reader).input)
    return any(tensor is model.get_layer(source).output for tensor in inputs)


@structure
def test_cbam_unet_attends_what_is_skipped_and_what_the_last_pool_reads():
    model = small("CBAM_UNet")
    for level in (1, 2, 3, 4):
        assert reads(model, f"attention_skip_{level}", f"encoder_{level}_relu_2")
        assert reads(model, f"decoder_{level}_concat", f"attention_skip_{level}")
        assert reads(model, f"encoder_{level}_pool", f"encoder_{level}_relu_2") == (level < 4)
    assert reads(model, "encoder_4_pool", "attention_skip_4")


@structure
def test_full_networks_attend_after_each_pool_and_before_the_head():
    model = small("Full_SE_UNet")
    for level, block in enumerate(("encoder_2", "encoder_3", "encoder_4", "bottleneck"), start=1):
        assert reads(model, f"attention_stage_{level}", f"encoder_{level}_pool")
        assert reads(model, f"{block}_conv_1", f"attention_stage_{level}")
        assert reads(model, f"attention_merge_{level}", f"decoder_{level}_concat")
        assert reads(model, f"decoder_{level}_conv_1", f"attention_merge_{level}")
    assert reads(model, "attention_stage_0", "decoder_1_relu_2")
    assert reads(model, "head_conv", "attention_stage_0")


@structure
def test_attention_gates_take_the_decoder_below_as_signal():
    model = small("Attention_UNet")
    for level, below in ((4, "bottleneck"), (3, "decoder_4"), (2, "decoder_3")):
        skip, gate = model.get_layer(f"attention_skip_{level}").input
        assert skip is model.get_layer(f"encoder_{level}_relu_2").output
        assert gate is model.get_layer(f"{below}_relu_2").output
        assert reads(model, f"decoder_{level}_concat", f"attention_skip_{level}")
    assert reads(model, "decoder_1_concat", "encoder_1_relu_2")


@structure
@pytest.mark.parametrize(("name", "first"), [("UNet", "decoder_2_up"), ("UNet_S5_D16", "encoder_2_relu_2")])
def test_order_of_the_concatenation(name, first):
    assert small(name).get_layer("decoder_2_concat").input[0] is small(name).get_layer(first).output


@structure
@pytest.mark.parametrize("name", ["UNet", "UNet_S5_D16"])
def test_convolutions_and_normalisations_are_as_in_the_original(name):
    model = small(name)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            assert (layer.momentum, layer.epsilon) == (0.9, 1e-5)
        if isinstance(layer, keras.layers.Conv2D):
            assert layer.use_bias == (layer.name == "head_conv")


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
        (("UNet", (0, 64, 3)), "0 x 64 .* use 16 x 64"),
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
