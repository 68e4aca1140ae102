import keras
import numpy as np
import pytest

from helpers.nets import attention

LN3 = np.log(3.0)  # sigmoid(ln 3) = 3/4, sigmoid(0) = 1/2, sigmoid(-ln 3) = 1/4

# Channel 0 holds 0, 4, 2, 2: mean 2, maximum 4. Channel 1 is 1 everywhere.
IMAGE = np.array([[[[0, 1], [4, 1]], [[2, 1], [2, 1]]]], "float32")

ONE_INPUT = {
    "SqueezeExcitation": lambda **settings: attention.SqueezeExcitation(ratio=2, **settings),
    "ChannelGate": lambda **settings: attention.ChannelGate(ratio=2, **settings),
    "SpatialGate": lambda **settings: attention.SpatialGate(kernel_size=3, **settings),
    "CBAM": lambda **settings: attention.CBAM(ratio=2, kernel_size=3, **settings),
}


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def random_images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def count(layer, trainable=False):
    variables = layer.trainable_variables if trainable else layer.variables
    return sum(int(np.prod(variable.shape)) for variable in variables)


def test_squeeze_excitation_by_hand():
    layer = attention.SqueezeExcitation(ratio=2)
    layer.build(IMAGE.shape)
    # The means are (2, 1); the middle is relu(2 - 1) = 1; the scores are (0, ln 3).
    layer.squeeze.set_weights([np.array([[1.0], [-1.0]])])
    layer.excite.set_weights([np.array([[0.0, LN3]])])
    np.testing.assert_allclose(numpy_of(layer.attention(IMAGE)), [[[[0.5, 0.75]]]], rtol=1e-6)
    np.testing.assert_allclose(numpy_of(layer(IMAGE)), IMAGE * [0.5, 0.75], rtol=1e-6)
    # With the signs turned round the middle is relu(-1) = 0, so every weight is a half.
    layer.squeeze.set_weights([np.array([[-1.0], [1.0]])])
    np.testing.assert_allclose(numpy_of(layer(IMAGE)), IMAGE * 0.5, rtol=1e-6)


def channel_gate_by_hand(gate):
    # Mean (2, 1): relu(2 - 1 - 2) = 0. Maximum (4, 1): relu(4 - 1 - 2) = 1. The output's bias counts twice:
    # scores (0 + ln 3, -ln 3 / 2 - ln 3 / 2), so the weights are 3/4 and 1/4.
    gate.squeeze.set_weights([np.array([[1.0], [-1.0]]), np.array([-2.0])])
    gate.excite.set_weights([np.array([[LN3, 0.0]]), np.array([0.0, -LN3 / 2])])


def test_channel_gate_by_hand():
    layer = attention.ChannelGate(ratio=2)
    layer.build(IMAGE.shape)
    channel_gate_by_hand(layer)
    np.testing.assert_allclose(numpy_of(layer.attention(IMAGE)), [[[[0.75, 0.25]]]], rtol=1e-6)
    np.testing.assert_allclose(numpy_of(layer(IMAGE)), IMAGE * [0.75, 0.25], rtol=1e-6)


def spatial_gate_by_hand(gate):
    # Score of a pixel: its own maximum minus its right neighbour's mean, normalised to ln 3 / 2 * score / 2.
    kernel = np.zeros((3, 3, 2, 1))
    kernel[1, 1, 0, 0] = 1
    kernel[1, 2, 1, 0] = -1
    gate.convolution.set_weights([kernel])
    gate.normalization.set_weights(list(np.array([[LN3 / 2], [0.0], [0.0], [4.0 - 1e-5]])))


def test_spatial_gate_by_hand():
    image = np.array([[[[0, 2], [4, 0]]]], "float32")  # maxima 2 and 4, means 1 and 2
    layer = attention.SpatialGate(kernel_size=3)
    layer.build(image.shape)
    spatial_gate_by_hand(layer)
    # Scores: 2 - 2 = 0 and 4 - 0 (the padding) = 4, so ln 3 / 2 * 4 / 2 = ln 3.
    np.testing.assert_allclose(numpy_of(layer.attention(image)), [[[[0.5], [0.75]]]], rtol=1e-5)
    np.testing.assert_allclose(numpy_of(layer(image)), [[[[0, 1], [3, 0]]]], rtol=1e-5)


def test_spatial_gate_normalises_by_the_batch_while_training():
    layer = attention.SpatialGate(kernel_size=3)
    images = random_images(4, 6, 6, 3)
    layer(images, training=True)
    assert np.any(numpy_of(layer.normalization.moving_mean) != 0)
    before = [numpy_of(variable) for variable in layer.variables]
    layer(images, training=False)
    for variable, value in zip(layer.variables, before, strict=True):
        np.testing.assert_array_equal(numpy_of(variable), value)


def test_cbam_is_the_channel_gate_and_then_the_spatial_gate_on_its_result():
    layer = attention.CBAM(ratio=2, kernel_size=3)
    layer.build(IMAGE.shape)
    channel_gate_by_hand(layer.channel_gate)
    spatial_gate_by_hand(layer.spatial_gate)
    # After the channel gate: (0, 1/4) (3, 1/4) / (3/2, 1/4) (3/2, 1/4).
    # Maxima 1/4, 3 / 3/2, 3/2; means 1/8, 13/8 / 7/8, 7/8.
    scores = np.array([[1 / 4 - 13 / 8, 3.0], [3 / 2 - 7 / 8, 3 / 2]])
    expected = 1 / (1 + 3 ** (-scores / 4))  # sigmoid(ln 3 / 4 * score)
    channels, pixels = layer.attention(IMAGE)
    np.testing.assert_allclose(numpy_of(channels), [[[[0.75, 0.25]]]], rtol=1e-6)
    np.testing.assert_allclose(numpy_of(pixels)[0, ..., 0], expected, rtol=1e-5)
    np.testing.assert_allclose(numpy_of(layer(IMAGE)), IMAGE * [0.75, 0.25] * expected[None, ..., None], rtol=1e-5)


def pass_the_product_on(gate, channels):
    """Let the gate's last convolution and normalisation give back what they get."""
    gate.convolution.set_weights([np.eye(channels)[None, None], np.zeros(channels)])
    one, zero = np.ones(channels), np.zeros(channels)
    gate.normalization.set_weights([one, zero, zero, one - 1e-5])


def test_attention_gate_by_hand():
    features = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    gate = np.array([[[[0.0], [-40.0]], [[2.0], [0.0]]]], "float32")
    layer = attention.AttentionGate(1)
    layer.build(features.shape, gate.shape)
    # theta takes the lower right pixel of each 2x2 block (5, 7 / 13, 15), phi gives 3 gate + 1
    # (1, -119 / 7, 1), relu gives 6, 0 / 20, 16; psi subtracts 6 and takes ln 3 times: 0, -6 ln 3, ...
    theta = np.zeros((2, 2, 1, 1))
    theta[1, 1] = 1
    layer.theta.set_weights([theta])
    layer.phi.set_weights([np.full((1, 1, 1, 1), 3.0), np.array([1.0])])
    layer.psi.set_weights([np.full((1, 1, 1, 1), LN3), np.array([-6 * LN3])])
    pass_the_product_on(layer, 1)
    a, b, c, d = (1 / (1 + 3.0**-score) for score in (0, -6, 14, 10))
    # Bilinear, twice the size, pixel centres: weights 1, 3/4, 1/4, 0 of the first and the rest of the second.
    first = np.array([1, 3 / 4, 1 / 4, 0])
    top, bottom = (first * left + (1 - first) * right for left, right in ((a, b), (c, d)))
    expected = first[:, None] * top + (1 - first)[:, None] * bottom
    np.testing.assert_allclose(numpy_of(layer.attention(features, gate))[0, ..., 0], expected, rtol=1e-5)
    np.testing.assert_allclose(numpy_of(layer(features, gate))[0, ..., 0], features[0, ..., 0] * expected, rtol=1e-4)


def test_attention_gate_reads_the_product_with_one_more_layer():
    features, gate = random_images(2, 4, 4, 3), random_images(2, 2, 2, 5)
    layer = attention.AttentionGate()
    layer.build(features.shape, gate.shape)
    pass_the_product_on(layer, 3)
    weights = numpy_of(layer.attention(features, gate))
    layer.convolution.set_weights([2 * np.eye(3)[None, None, ::-1], np.ones(3)])  # 2 x, channels reversed, + 1
    expected = (features * weights)[..., ::-1] * 2 + 1
    np.testing.assert_allclose(numpy_of(layer(features, gate)), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("sides", [(5, 7), (4, 7), (6, 6), (3, 3)])
@pytest.mark.parametrize("upsampling", ["bilinear", "nearest"])
def test_attention_gate_takes_odd_sizes_and_gates_of_any_size(sides, upsampling):
    features, gate = random_images(2, *sides, 4), random_images(2, sides[0] // 2, sides[1] // 2, 6)
    layer = attention.AttentionGate(upsampling=upsampling)
    assert tuple(layer(features, gate).shape) == features.shape
    assert tuple(layer.attention(features, random_images(2, 2, 5, 6)).shape) == (2, *sides, 1)


# Counts from the formulas: SE 2 C h; channel gate 2 C h + h + C; spatial gate 49 * 2 and 2 of 4 of its
# normalisation; gate 4 C h + (G + 1) h + h + 1 and C (C + 1) + 2 C of 4 C; here C = 64, h = 4 or 32, G = 128.
@pytest.mark.parametrize(
    ("layer", "shapes", "trainable", "total"),
    [
        (attention.SqueezeExcitation(), [(1, 8, 8, 64)], 512, 512),
        (attention.ChannelGate(), [(1, 8, 8, 64)], 580, 580),
        (attention.SpatialGate(), [(1, 8, 8, 64)], 100, 102),
        (attention.CBAM(), [(1, 8, 8, 64)], 680, 682),
        (attention.AttentionGate(), [(1, 8, 8, 64), (1, 4, 4, 128)], 8192 + 4128 + 33 + 4160 + 128, 16769),
    ],
)
def test_parameters(layer, shapes, trainable, total):
    layer.build(*shapes)
    assert (count(layer, trainable=True), count(layer)) == (trainable, total)


@pytest.mark.parametrize("channels", [3, 8])
def test_few_channels_leave_one_unit_in_the_middle(channels):
    layer = attention.CBAM()
    layer.build((1, 8, 8, channels))
    assert layer.channel_gate.squeeze.units == 1


@pytest.mark.parametrize("name", ONE_INPUT)
def test_maps_have_their_shapes_and_lie_between_zero_and_one(name):
    layer = ONE_INPUT[name]()
    images = random_images(2, 8, 6, 4) * 5
    layer.build(images.shape)
    for attended in map(numpy_of, keras.tree.flatten(layer.attention(images))):
        assert attended.shape in ((2, 1, 1, 4), (2, 8, 6, 1))
        assert attended.min() >= 0 and attended.max() <= 1
    assert layer.compute_output_shape((None, None, 6, 4)) == (None, None, 6, 4)


def networks():
    inputs = keras.Input((8, 8, 4))
    for make in ONE_INPUT.values():
        yield keras.Model(inputs, make(name="attend")(inputs))
    layer = attention.AttentionGate(3, "nearest", name="attend")
    yield keras.Model(inputs, layer(inputs, keras.layers.MaxPooling2D(2)(inputs)))


@pytest.mark.parametrize("index", range(5))
def test_saves_and_reloads_without_custom_objects(index, tmp_path):
    model = list(networks())[index]
    images = random_images(2, 8, 8, 4)
    for variable in model.variables:  # values that no initialiser gives
        variable.assign(variable + 0.1)
    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    assert reloaded.get_layer("attend").get_config() == model.get_layer("attend").get_config()
    np.testing.assert_array_equal(numpy_of(reloaded(images)), numpy_of(model(images)))


@pytest.mark.parametrize("index", range(5))
def test_the_map_of_a_layer_inside_a_network_can_be_looked_at(index):
    model = list(networks())[index]
    layer = model.get_layer("attend")
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    look = keras.Model(model.input, layer.attention(*inputs))
    images = random_images(2, 8, 8, 4)
    values = [images] if index < 4 else [images, images.reshape(2, 4, 2, 4, 2, 4).max((2, 4))]
    for ours, direct in zip(
        keras.tree.flatten(look(images)), keras.tree.flatten(layer.attention(*values)), strict=True
    ):
        np.testing.assert_allclose(numpy_of(ours), numpy_of(direct), rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ONE_INPUT)
def test_mixed_precision(name, policy):
    layer = ONE_INPUT[name](dtype=policy)
    images = np.abs(random_images(1, 64, 64, 4)) * 100  # their sum overflows float16, their mean does not
    output = layer(images)
    assert keras.backend.standardize_dtype(output.dtype) == policy.removeprefix("mixed_")
    assert {keras.backend.standardize_dtype(variable.dtype) for variable in layer.trainable_variables} == {"float32"}
    assert np.isfinite(numpy_of(keras.ops.cast(output, "float32"))).all()


def test_mixed_precision_of_the_attention_gate():
    layer = attention.AttentionGate(dtype="mixed_float16")
    output = layer(random_images(1, 7, 8, 4), random_images(1, 3, 4, 6))
    assert keras.backend.standardize_dtype(output.dtype) == "float16"


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_double_with_fixed_and_with_free_sides_is_what_keras_does(interpolation):
    inputs = keras.Input((None, None, 4))
    model = keras.Model(inputs, attention.Double(interpolation)(inputs))
    assert model.output_shape == (None, None, None, 4)
    # Only from the second size on does TensorFlow's graph leave the sides free.
    for images in (random_images(2, 3, 5, 4), random_images(2, 4, 1, 4), random_images(2, 6, 7, 4)):
        expected = numpy_of(keras.layers.UpSampling2D(2, interpolation=interpolation)(images))
        np.testing.assert_allclose(numpy_of(attention.Double(interpolation)(images)), expected, rtol=1e-6)
        np.testing.assert_allclose(model.predict(images, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_free_sides():
    inputs = keras.Input((None, None, 4))
    x = inputs
    for make in ONE_INPUT.values():
        x = make()(x)
    gate = attention.AttentionGate(name="gate")
    x = gate(x, keras.layers.MaxPooling2D(2)(x))
    model = keras.Model(inputs, [x, gate.attention(*gate.input)])
    for sides in ((8, 8), (4, 12), (6, 4)):  # from the second on TensorFlow's graph leaves the sides free
        output, weights = model.predict(random_images(1, *sides, 4), verbose=0)
        assert output.shape == (1, *sides, 4) and weights.shape == (1, *sides, 1)
