"""Windows that slide, scales and mirror images: what is averaged, and that nothing shows a seam."""

import sys
import types

import keras
import numpy as np
import pytest

from helpers.nets import inference, zoo
from helpers.training import run_folder


def pointwise():
    """Each pixel's three probabilities are its three colours: what lies beside it does not matter."""
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, keras.layers.Identity()(inputs))


def counting():
    """The probability of each pixel is that which one window gives it: 1 where the window's own top left corner is."""
    inputs = keras.Input((None, None, 3))
    first = keras.layers.Lambda(lambda x: keras.ops.zeros_like(x[..., :1]) + x[:, :1, :1, :1])(inputs)
    return keras.Model(inputs, first)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 70, 101, 3), dtype="uint8")


@pytest.mark.parametrize("window", [(32, 64), (70, 101), (500, 40), (1, 7)])
def test_windows_of_a_pointwise_network_give_what_the_whole_image_gives(images, window):
    expected = images / 255
    if window == (1, 7):
        images, expected = images[:, :3, :20], expected[:, :3, :20]
    found = inference.predict_probabilities(pointwise(), images, window=window)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_windows_cover_all_and_overlap_by_a_third():
    for whole, side in [(1024, 512), (2048, 1024), (100, 33), (64, 64), (65, 64), (7, 1)]:
        starts = inference.starts(whole, side)
        assert starts[0] == 0 and starts[-1] == whole - side
        steps = np.diff(starts)
        assert (steps > 0).all() and (steps <= max(1, round(side * 2 / 3))).all()
    assert inference.starts(1024, 512) == [0, 256, 512]


def test_one_window_fades_into_the_next_without_a_seam():
    # Each window answers with the red of its own corner, so the answers of neighbours differ as much as they can.
    images = np.zeros((1, 32, 96, 3), "uint8")
    images[0, 0, 0, 0] = 255
    found = inference.predict_probabilities(counting(), images, window=(32, 48))[0, 16]
    starts = inference.starts(96, 48)
    assert starts == [0, 24, 48]
    # By hand: at column x the tent of a window that begins at s is 1 - |x - s - 23.5| / 24.
    tents = [np.clip(1 - abs(np.arange(96) - start - 23.5) / 24, 0, None) for start in starts]
    np.testing.assert_allclose(found, tents[0] / np.sum(tents, axis=0), atol=1e-6)
    assert abs(np.diff(found)).max() < 0.05


def test_scales_are_averaged_at_the_images_own_size(images):
    stripes = np.zeros((1, 64, 64, 3), "uint8")
    stripes[:, :, ::2] = 200  # gone at half the size, where two columns become one of 100
    model = pointwise()
    half = inference.predict_probabilities(model, stripes, scales=(0.5,))
    np.testing.assert_allclose(half, 100 / 255, atol=1e-6)
    both = inference.predict_probabilities(model, stripes, scales=(1.0, 0.5))
    np.testing.assert_allclose(both, (stripes / 255 + 100 / 255) / 2, atol=1e-6)


def test_torch_names_its_devices_itself(monkeypatch):
    """Keras 3.15 has no list of them, and fails where it is asked for one."""
    for number, names in ((0, ["cpu:0"]), (2, ["cuda:0", "cuda:1"])):
        torch = types.SimpleNamespace(cuda=types.SimpleNamespace(device_count=lambda number=number: number))
        torch.__version__ = "2.0"
        monkeypatch.setitem(sys.modules, "torch", torch)
        monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
        monkeypatch.setattr(keras.distribution, "list_devices", lambda: pytest.fail("Keras was asked"))
        assert inference.devices() == names
        assert inference.on_gpu() == inference.worth_compiling() == bool(number)
        assert run_folder.environment()["devices"] == ", ".join(names)


def test_flips_average_the_image_and_its_mirror_image_in_windows_too():
    model = zoo.build("UNet", (None, None, 3), classes=3, filters=2)
    image = np.random.default_rng(1).integers(0, 256, (1, 32, 64, 3), dtype="uint8")
    for window in (None, (32, 32)):
        plain = inference.predict_probabilities(model, image, window=window)
        mirrored = inference.predict_probabilities(model, image[:, :, ::-1], window=window)[:, :, ::-1]
        both = inference.predict_probabilities(model, image, flips=True, window=window)
        np.testing.assert_allclose(both, (plain + mirrored) / 2, atol=1e-5)


def test_small_parts_of_a_volume_are_dropped_and_corners_connect():
    probabilities = np.zeros((3, 5, 9), "float32")
    probabilities[0, 0, :4] = 0.5  # four pixels,
    probabilities[1, 1, 4] = 0.9  # and a fifth above them, at a corner: one part
    probabilities[2, 4, 7:] = 0.9  # two
    probabilities[0, 4, 8] = 0.49
    at_half = probabilities >= 0.5
    assert np.array_equal(inference.HALF(probabilities), at_half)
    assert np.array_equal(inference.AreaRule(smallest_part=0.4)(probabilities), at_half), "two fifths are enough"
    larger = at_half.copy()
    larger[2] = False
    assert np.array_equal(inference.AreaRule(smallest_part=0.41)(probabilities), larger)
    low = inference.AreaRule(threshold=0.4, smallest_part=0.41)(probabilities)
    assert np.array_equal(low, larger), "a slice lies between the faint pixel and the two"
    one_slice = inference.AreaRule(smallest_part=0.9)(probabilities[2])
    assert np.array_equal(one_slice, at_half[2]), "an image by itself has parts of its own"
    assert not inference.AreaRule(smallest_part=0.5)(np.zeros((2, 4, 4))).any()


def heads(*names):
    """A network with an output for each name, as a dictionary."""
    inputs = keras.Input((32, 32, 3))
    return keras.Model(inputs, {name: keras.layers.Conv2D(1, 1, name=name)(inputs) for name in names}, name="own")


def test_a_network_with_named_outputs_is_loaded_with_main_alone_or_refused(tmp_path, images):
    path = tmp_path / "heads.keras"
    heads("main", "edges").save(path)
    assert inference.load_model(path).output.shape == (None, 32, 32, 1)
    with pytest.raises(ValueError, match="own has the heads main, edges: give a network of one"):
        inference.predict_probabilities(inference.load_model(path, auxiliary=True), images)
    heads("area", "edges").save(path)
    for auxiliary in (False, True):
        with pytest.raises(ValueError, match=r"heads.keras: gives the outputs area, edges, and none is named main"):
            inference.load_model(path, auxiliary)


@pytest.mark.parametrize("many", [2, 4])
def test_a_network_with_a_list_of_outputs_is_refused(many, tmp_path):
    inputs = keras.Input((32, 32, 3))
    path = tmp_path / "several.keras"
    keras.Model(inputs, [keras.layers.Conv2D(1, 1)(inputs) for _ in range(many)]).save(path)
    with pytest.raises(ValueError, match=r"several.keras: gives outputs of shape \[.*give a network that segments"):
        inference.load_model(path)


def test_a_network_whose_main_output_is_no_map_is_refused(tmp_path):
    inputs = keras.Input((32, 32, 3))
    path = tmp_path / "classifier.keras"
    keras.Model(inputs, {"main": keras.layers.GlobalAveragePooling2D()(inputs)}).save(path)
    with pytest.raises(ValueError, match=r"gives outputs of shape \(None, 3\); give a network that segments"):
        inference.load_model(path)


@pytest.mark.parametrize(
    ("change", "message"), [({"scales": ()}, "scales"), ({"scales": (1, 0)}, "scales"), ({"window": (0, 9)}, "window")]
)
def test_what_cannot_be_meant_is_refused(images, change, message):
    with pytest.raises(ValueError, match=message):
        inference.predict_probabilities(pointwise(), images, **change)


def test_a_network_for_oblong_images_sees_each_scaled_to_fit():
    image = keras.Input((16, 32, 3))
    network = keras.Model(image, keras.layers.Lambda(lambda values: values[..., :1])(image))
    wide, square = np.full((1, 8, 16, 3), 255, "uint8"), np.full((1, 20, 20, 3), 255, "uint8")
    assert inference.fitted(network, wide)[0].min() == 1, "it fills the network's input"
    inputs, _ = inference.fitted(network, square)
    assert inputs.shape == (1, 16, 32, 3) and inputs[:, :, 8:24].min() == 1 and inputs[:, :, :8].max() == 0
    assert inputs[:, :, 24:].max() == 0
    assert np.allclose(inference.predict_probabilities(network, square), 1)


def test_beyond_its_border_an_image_goes_on_as_in_a_mirror():
    """By hand: in an image of one value the mean of 3 x 3 pixels is that value, in its last row and column too."""
    inputs = keras.Input((None, None, 3))
    mean = keras.layers.Conv2D(1, 3, padding="same", use_bias=False, kernel_initializer="ones")
    model = keras.Model(inputs, mean(inputs))
    mean.set_weights([np.full((3, 3, 3, 1), 1 / 27, "float32")])
    probabilities = inference.predict_probabilities(model, np.full((1, 33, 40, 3), 255, "uint8"))
    assert np.allclose(probabilities[0, 1:, 1:], 1, atol=1e-6)  # above and to the left the network itself adds zeros
