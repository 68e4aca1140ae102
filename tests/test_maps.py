"""Where a network looks: attention maps and Grad-CAM, against numbers worked by hand."""

import keras
import numpy as np
import pytest

from helpers.nets import attention, maps, zoo

HEIGHT, WIDTH = 20, 28  # does not divide by 32, so the network sees it padded


@pytest.fixture
def images():
    """Two black images with one bright pixel each: red 255, and red 102 with green 51."""
    stack = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    stack[0, 3, 7, 0] = 255
    stack[1, 16, 25, :2] = 102, 51
    return stack


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def test_map_of_pixels_lies_on_its_pixels(images):
    inputs = keras.Input((None, None, 3))
    gate = attention.SpatialGate(kernel_size=1, name="gate")
    model = keras.Model(inputs, gate(inputs))
    # 3 x the maximum over the channels, 0 x the mean; the normalisation divides by the root of 1 + 1e-5
    gate.convolution.set_weights([np.array([3.0, 0.0], "float32").reshape(1, 1, 2, 1)])
    found = maps.attention_maps(model, images)
    assert list(found) == ["gate"] and found["gate"].shape == (2, HEIGHT, WIDTH)
    expected = np.full((2, HEIGHT, WIDTH), 0.5)
    expected[0, 3, 7], expected[1, 16, 25] = sigmoid(3), sigmoid(1.2)
    np.testing.assert_allclose(found["gate"], expected, atol=1e-4)


def test_weights_of_channels(images):
    inputs = keras.Input((None, None, 3))
    layer = attention.SqueezeExcitation(ratio=3, name="squeeze_excitation")
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([np.array([[320.0], [0.0], [0.0]], "float32"), np.array([[1.0, 0.0, -2.0]], "float32")])
    # 32 x 32 = 1024 pixels, one of them red: the mean is 1 / 1024, the unit in the middle 0.3125; the second image's
    # pixel comes four times, since rows 8 to 19 and columns 24 to 27 are mirrored
    found = maps.attention_maps(model, images)["squeeze_excitation"]
    np.testing.assert_allclose(found[0], sigmoid(np.array([0.3125, 0, -0.625])), atol=1e-5)
    np.testing.assert_allclose(found[1], sigmoid(4 * 0.4 * np.array([0.3125, 0, -0.625])), atol=1e-5)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("UNet", {}),
        ("SE_UNet", {f"attention_merge_{level}": (2, 4 * 2**level) for level in (1, 2, 3, 4)}),
        ("Attention_UNet", {f"attention_skip_{level}": (2, HEIGHT, WIDTH) for level in (2, 3, 4)}),
        (
            "CBAM_UNet",
            {f"attention_skip_{level}_channels": (2, 2 * 2**level) for level in (1, 2, 3, 4)}
            | {f"attention_skip_{level}_pixels": (2, HEIGHT, WIDTH) for level in (1, 2, 3, 4)},
        ),
    ],
)
def test_one_call_gives_every_map(network, expected, images):
    model = zoo.build(network, (None, None, 3), filters=4)
    found = maps.attention_maps(model, images)
    assert {name: weights.shape for name, weights in found.items()} == expected
    assert all(0 <= weights.min() <= weights.max() <= 1 for weights in found.values())


@pytest.fixture
def linear():
    """Logits 2 x red - green of a layer of features that copies red and green."""
    inputs = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(2, 1, use_bias=False, name="features")
    head = keras.layers.Conv2D(1, 1, name="head_conv")
    outputs = keras.layers.Activation("sigmoid", name="main")(head(features(inputs)))
    model = keras.Model(inputs, outputs)
    features.set_weights([np.array([[1, 0], [0, 1], [0, 0]], "float32").reshape(1, 1, 3, 2)])
    head.set_weights([np.array([2.0, -1.0], "float32").reshape(1, 1, 2, 1), np.zeros(1, "float32")])
    return model


def test_grad_cam_of_a_linear_network(linear):
    images = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    images[0, 0, 0, 0] = 255  # 2 x 1 - 0 = 2
    images[0, 5, 9, :2] = 102, 51  # 2 x 0.4 - 0.2 = 0.6
    images[0, 7, 3, 1] = 204  # 2 x 0 - 0.8, below 0: dropped
    where = np.zeros((1, HEIGHT, WIDTH), bool)
    where[0, 11, 11] = True  # the weight of each channel is its gradient there, over all pixels the same ratio
    found = maps.grad_cam(linear, images, "features", where)
    expected = np.zeros((1, HEIGHT, WIDTH))
    expected[0, 0, 0], expected[0, 5, 9] = 1, 0.3
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_grad_cam_asks_about_each_pixel_once_near_the_lower_and_right_border_too():
    """By hand: of red^2 + green^2 each pixel's gradient is 2, so both are equally high, with padding (40) or not."""
    inputs = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(2, 1, use_bias=False, name="features")
    head = keras.layers.Conv2D(1, 1, name="head_conv")
    copied = features(inputs)
    model = keras.Model(inputs, head(keras.layers.Multiply()([copied, copied])))
    features.set_weights([np.array([[1, 0], [0, 1], [0, 0]], "float32").reshape(1, 1, 3, 2)])
    head.set_weights([np.ones((1, 1, 2, 1), "float32"), np.zeros(1, "float32")])
    for side in (64, 40):
        images = np.zeros((1, side, side, 3), np.uint8)
        images[0, 5, 5, 0] = images[0, side - 3, side - 3, 1] = 255
        found = maps.grad_cam(model, images, "features", images.any(axis=-1))
        np.testing.assert_allclose((found[0, 5, 5], found[0, side - 3, side - 3]), 1, atol=1e-5)


def test_grad_cam_takes_a_mask_of_any_kind(linear):
    images = np.full((1, HEIGHT, WIDTH, 3), 255, np.uint8)
    where = np.zeros((1, HEIGHT, WIDTH), bool)
    where[0, 4:9, 4:9] = True
    expected = maps.grad_cam(linear, images, "features", where)
    assert expected.max() == 1
    for mask in (where.astype("uint8"), where * np.uint8(255), where.astype("float32"), where.tolist()):
        assert np.array_equal(maps.grad_cam(linear, images, "features", mask), expected)


def test_grad_cam_asks_about_an_area_that_is_thinner_than_the_networks_pixels():
    inputs = keras.Input((10, 14, 3), name="image")
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="head_conv")(inputs))
    where = np.zeros((1, HEIGHT, WIDTH), bool)
    where[0, 4, 4] = True  # a quarter of a pixel of the network
    images = np.full((1, HEIGHT, WIDTH, 3), 255, np.uint8)
    assert maps.grad_cam(model, images, "image", where).min() == 1


def test_grad_cam_asks_about_what_is_marked(linear):
    images = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    images[..., 1] = 255  # the logit is -1 everywhere: nothing is marked
    images[1, 4, 4] = 255, 0, 0  # but for one pixel of the second
    found = maps.grad_cam(linear, images, "features")
    assert not found[0].any()
    assert found[1, 4, 4] == 1 and np.count_nonzero(found[1]) == 1


def test_grad_cam_runs_through_a_whole_network(images):
    keras.utils.set_random_seed(0)
    model = zoo.build("Attention_UNet", (None, None, 3), filters=4)
    where = np.ones((2, HEIGHT, WIDTH), bool)
    found = maps.grad_cam(model, images, "decoder_3_relu_2", where)
    assert found.shape == (2, HEIGHT, WIDTH) and found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize(
    ("network", "settings", "message"),
    [
        ("UNet", {"classes": 5}, "UNet has 5 classes: give a network of one class"),
        ("UNet_S5_D16", {"auxiliary": True}, "UNet_S5_D16 has 2 heads: give a network of one head"),
    ],
)
@pytest.mark.parametrize("where", [None, np.ones((2, HEIGHT, WIDTH), bool)], ids=["what is marked", "all"])
def test_grad_cam_refuses_a_network_of_several_answers(network, settings, message, where, images):
    model = zoo.build(network, (None, None, 3), filters=2, **settings)
    with pytest.raises(ValueError, match=message):
        maps.grad_cam(model, images, "bottleneck_relu_2", where)


def test_grad_cam_refuses_a_network_without_the_zoos_head(images):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1)(inputs), name="own")
    with pytest.raises(ValueError, match="own has no layer 'head_conv'"):
        maps.grad_cam(model, images, "anything")


def test_wrong_input_is_named(linear, images):
    for layer in ("bottle", "head_conv", "main"):
        with pytest.raises(ValueError, match=f"no layer {layer!r} before its head: .* such as .*features"):
            maps.grad_cam(linear, images, layer)
    with pytest.raises(ValueError, match=r"where has the shape \(20, 28\)"):
        maps.grad_cam(linear, images, "features", np.ones((HEIGHT, WIDTH), bool))
    for network in (zoo.build("SE_UNet", (None, None, 3), filters=4), linear):  # with attention and without
        with pytest.raises(ValueError, match="give uint8"):
            maps.attention_maps(network, images / 255)


@pytest.mark.parametrize("sides", [(None, None), (32, 32)])
def test_maps_of_no_image(sides, images):
    model = zoo.build("CBAM_UNet", (*sides, 3), filters=4)
    found, of_two = (maps.attention_maps(model, stack) for stack in (images[:0], images))
    assert {name: weights.shape[1:] for name, weights in of_two.items()} == {
        name: weights.shape[1:] for name, weights in found.items()
    }
    assert {len(weights) for weights in found.values()} == {0}
    assert maps.grad_cam(model, images[:0], "bottleneck_relu_2").shape == (0, HEIGHT, WIDTH)
