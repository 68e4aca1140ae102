import functools
import inspect
import math

import keras
import numpy as np
import pytest

import helpers  # noqa: F401  (imports Keras quietly)
from helpers.scores import losses

# Without the names that only preset a setting of another.
ALL = [make for make in losses._BY_NAME.values() if not isinstance(make, functools.partial)]
PARTS = [make for make in ALL if inspect.isclass(make)]
SHARED = tuple(losses.Shared.__annotations__)
MODES = ["binary", "multiclass"]
LOG_2, LOG_5 = math.log(2), math.log(5)


def binary(values):
    """Images in rows, pixels in columns, as (batch, 1, pixels, 1)."""
    return np.array(values, "float32")[:, None, :, None]


def value(loss, y_true, y_pred, **arguments):
    return keras.ops.convert_to_numpy(loss(y_true, y_pred, **arguments))


def differentiate(loss):
    """A function of y_true and y_pred: the loss and its gradient by y_pred, on the backend in use."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        def both(y_true, y_pred):
            y_pred = tensorflow.convert_to_tensor(y_pred)
            with tensorflow.GradientTape() as tape:
                tape.watch(y_pred)
                total = loss(y_true, y_pred)
            return total, tape.gradient(total, y_pred)

    elif keras.backend.backend() == "jax":
        import jax

        both = jax.jit(jax.value_and_grad(loss, argnums=1))

    else:
        import torch

        def both(y_true, y_pred):
            y_pred = torch.as_tensor(y_pred).clone().requires_grad_()
            total = loss(y_true, y_pred)
            total.backward()
            return total, y_pred.grad

    def run(y_true, y_pred):
        return [keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")) for x in both(y_true, y_pred)]

    return run


def gradient(loss, y_true, y_pred):
    return differentiate(loss)(y_true, y_pred)[1]


def example(mode, seed=0, ignored=False):
    """Labels (2, 4, 4[, 1]) and probabilities (2, 4, 4, 1 or 3), some pixels of each image labelled 255."""
    rng = np.random.default_rng(seed)
    if mode == "binary":
        y_true = rng.integers(2, size=(2, 4, 4, 1)).astype("float32")
        y_pred = rng.uniform(0.05, 0.95, (2, 4, 4, 1)).astype("float32")
    else:
        y_true = rng.integers(3, size=(2, 4, 4)).astype("int32")
        y_pred = rng.dirichlet([1, 1, 1], (2, 4, 4)).astype("float32") * 0.9 + np.float32(1 / 30)
    if ignored:
        y_true[0, 0] = y_true[1, :2, 1] = 255
    return y_true, y_pred


def logits(mode, y_pred):
    return np.log(y_pred / (1 - y_pred)) if mode == "binary" else np.log(y_pred) + 3


# Numbers worked by hand


def test_dice_over_the_batch_as_the_original_computes_it():
    y_true = binary([[1, 1], [0, 0]])
    y_pred = binary([[0.8, 0.6], [0.2, 0.0]])
    # sum(p y) = 1.4, sum p = 1.6, sum y = 2: 1 - (2.8 + 1) / (3.6 + 1) = 0.8 / 4.6
    assert value(losses.Dice(), y_true, y_pred) == pytest.approx(0.8 / 4.6, abs=1e-6)
    # smooth 0: 1 - 2.8 / 3.6
    assert value(losses.Dice(smooth=0), y_true, y_pred) == pytest.approx(0.8 / 3.6, abs=1e-6)


def test_dice_of_each_image():
    y_true = binary([[1, 1], [0, 0]])
    y_pred = binary([[0.8, 0.6], [0.2, 0.0]])
    # first: 1 - 3.8 / (1.4 + 2 + 1) = 0.6 / 4.4; second: 1 - 1 / (0.2 + 0 + 1) = 0.2 / 1.2
    each = value(losses.Dice(per="image", reduction="none"), y_true, y_pred)
    np.testing.assert_allclose(each, [0.6 / 4.4, 0.2 / 1.2], atol=1e-6)
    mean = value(losses.Dice(per="image"), y_true, y_pred)
    assert mean == pytest.approx((0.6 / 4.4 + 0.2 / 1.2) / 2, abs=1e-6)
    total = value(losses.Dice(per="image", reduction="sum"), y_true, y_pred)
    assert total == pytest.approx(0.6 / 4.4 + 0.2 / 1.2, abs=1e-6)


def test_dice_over_classes_leaves_absent_classes_out():
    y_true = np.array([[[0, 0, 1]]])
    y_pred = np.array([[[[0.7, 0.2, 0.1], [0.6, 0.2, 0.2], [0.1, 0.9, 0.0]]]], "float32")
    # class 0: 2 * 1.3 / (1.4 + 2) = 2.6 / 3.4; class 1: 2 * 0.9 / (1.3 + 1) = 1.8 / 2.3; class 2 is absent
    expected = ((1 - 2.6 / 3.4) + (1 - 1.8 / 2.3)) / 2
    for per in ("batch", "image"):
        loss = losses.Dice("multiclass", per=per, smooth=0)
        assert value(loss, y_true, y_pred) == pytest.approx(expected, abs=1e-6)


def test_dice_over_classes_knows_the_classes_of_each_image():
    y_true = np.array([[[0, 0]], [[1, 1]]])
    y_pred = np.array([[[[0.5, 0.5], [1.0, 0.0]]], [[[0.0, 1.0], [0.0, 1.0]]]], "float32")
    # first image, class 0 only: 1 - 2 * 1.5 / (1.5 + 2) = 0.5 / 3.5; second, class 1 only: 0
    each = value(losses.Dice("multiclass", per="image", smooth=0, reduction="none"), y_true, y_pred)
    np.testing.assert_allclose(each, [0.5 / 3.5, 0], atol=1e-6)
    # batch: class 0: 1 - 2 * 1.5 / (1.5 + 2) = 0.5 / 3.5; class 1: 1 - 2 * 2 / (2.5 + 2) = 0.5 / 4.5
    batch = value(losses.Dice("multiclass", smooth=0), y_true, y_pred)
    assert batch == pytest.approx((0.5 / 3.5 + 0.5 / 4.5) / 2, abs=1e-6)


def test_focal_is_equation_5_of_lin_for_each_pixel():
    y_true, y_pred = binary([[1, 0]]), binary([[0.9, 0.9]])
    # y = 1: 0.25 * (1 - 0.9)^2 * -log 0.9 = 0.25 * 0.01 * 0.1053605 = 0.000263401
    # y = 0: 0.75 * (1 - 0.1)^2 * -log 0.1 = 0.75 * 0.81 * 2.3025851 = 1.398820437
    assert value(losses.Focal(), y_true[:, :, :1], y_pred[:, :, :1]) == pytest.approx(0.000263401, rel=1e-4)
    assert value(losses.Focal(), y_true, y_pred) == pytest.approx(0.699541919, rel=1e-5)
    # without alpha (equation 4): (0.01 * 0.1053605 + 0.81 * 2.3025851) / 2
    assert value(losses.Focal(alpha=None), y_true, y_pred) == pytest.approx(0.933073769, rel=1e-5)
    # gamma 1, alpha 0.25: (0.25 * 0.1 * 0.1053605 + 0.75 * 0.9 * 2.3025851) / 2
    assert value(losses.Focal(gamma=1), y_true, y_pred) == pytest.approx(0.778439478, rel=1e-5)


def test_focal_over_classes():
    y_true = np.array([[[0, 2]]])
    y_pred = np.array([[[[0.5, 0.25, 0.25], [0.4, 0.4, 0.2]]]], "float32")
    # 0.25 * (0.5^2 * log 2 + 0.8^2 * log 5) / 2
    expected = 0.25 * (0.25 * LOG_2 + 0.64 * LOG_5) / 2
    assert value(losses.Focal("multiclass"), y_true, y_pred) == pytest.approx(expected, rel=1e-5)


def test_batch_focal_is_what_the_original_calls_focal():
    y_true, y_pred = binary([[1, 1]]), binary([[0.5, 0.2]])
    # B = (log 2 + log 5) / 2 = log(10) / 2, exp(-B) = 1 / sqrt(10) = 0.3162278
    # 0.25 * (1 - 0.3162278)^2 * 1.1512925 = 0.25 * 0.4675445 * 1.1512925 = 0.1345701
    assert value(losses.BatchFocal(), y_true, y_pred) == pytest.approx(0.1345701, rel=1e-5)
    # Lin's: 0.25 * (0.25 * log 2 + 0.64 * log 5) / 2 = 0.1504164
    assert value(losses.Focal(), y_true, y_pred) == pytest.approx(0.1504164, rel=1e-5)


def test_cross_entropy_over_valid_or_all_pixels():
    y_true = np.array([[[0, 255]], [[1, 2]]])
    y_pred = np.full((2, 1, 2, 3), 1 / 3, "float32")
    y_pred[0, 0, 0] = [0.5, 0.3, 0.2]
    y_pred[1, 0, 0] = [0.4, 0.2, 0.4]
    y_pred[1, 0, 1] = [0.25, 0.25, 0.5]
    # the three valid pixels: log 2, log 5, log 2
    total = 2 * LOG_2 + LOG_5
    valid = losses.CrossEntropy("multiclass", ignore_index=255)
    assert value(valid, y_true, y_pred) == pytest.approx(total / 3, rel=1e-5)
    everything = losses.CrossEntropy("multiclass", ignore_index=255, average="all")
    assert value(everything, y_true, y_pred) == pytest.approx(total / 4, rel=1e-5)
    by_name = losses.get("CrossEntropy_AllPixels", "multiclass", 255)
    assert value(by_name, y_true, y_pred) == pytest.approx(total / 4, rel=1e-5)


def test_cross_entropy_with_class_weights():
    y_true = np.array([[[0, 255]], [[1, 2]]])
    y_pred = np.full((2, 1, 2, 3), 1 / 3, "float32")
    y_pred[0, 0, 0] = [0.5, 0.3, 0.2]
    y_pred[1, 0, 0] = [0.4, 0.2, 0.4]
    y_pred[1, 0, 1] = [0.25, 0.25, 0.5]
    # log 2 counts once, log 5 twice, log 2 four times; the weights of the three valid pixels add up to 7
    total = 5 * LOG_2 + 2 * LOG_5
    valid = losses.get("CrossEntropyLoss", "multiclass", 255, class_weights=[1, 2, 4])
    assert value(valid, y_true, y_pred) == pytest.approx(total / 7, rel=1e-5)
    scaled = losses.CrossEntropy("multiclass", ignore_index=255, class_weights=[0.01, 0.02, 0.04])
    assert value(scaled, y_true, y_pred) == pytest.approx(total / 7, rel=1e-5)
    everything = losses.get("CrossEntropy_AllPixels", "multiclass", 255, class_weights=[1, 2, 4])
    assert value(everything, y_true, y_pred) == pytest.approx(total / 4, rel=1e-5)
    both = losses.get("Dice_CrossEntropy", "multiclass", 255, class_weights=[1, 2, 4])
    dice = value(losses.Dice("multiclass", ignore_index=255), y_true, y_pred)
    assert value(both, y_true, y_pred) == pytest.approx(dice + total / 7, rel=1e-5)
    with pytest.raises(ValueError, match="2 class weights for 3 classes"):
        losses.CrossEntropy("multiclass", class_weights=[1, 2])(y_true, y_pred)


def test_binary_cross_entropy_with_ignored_pixels():
    y_true, y_pred = binary([[1, 0, 255, 255]]), binary([[0.5, 0.8, 0.9, 0.1]])
    # (log 2 + log 5) over 2 valid or 4 pixels
    valid = losses.CrossEntropy(ignore_index=255)
    assert value(valid, y_true, y_pred) == pytest.approx((LOG_2 + LOG_5) / 2, rel=1e-5)
    everything = losses.CrossEntropy(ignore_index=255, average="all")
    assert value(everything, y_true, y_pred) == pytest.approx((LOG_2 + LOG_5) / 4, rel=1e-5)


def test_dice_with_ignored_pixels():
    y_true, y_pred = binary([[1, 0, 255]]), binary([[0.5, 0.25, 0.9]])
    # 1 - (2 * 0.5 + 1) / (0.75 + 1 + 1)
    assert value(losses.Dice(ignore_index=255), y_true, y_pred) == pytest.approx(0.75 / 2.75, abs=1e-6)


def test_a_class_can_be_the_one_that_is_ignored():
    y_true = np.array([[[0, 1]]])
    y_pred = np.array([[[[0.9, 0.1], [0.5, 0.5]]]], "float32")
    assert value(losses.CrossEntropy("multiclass", ignore_index=0), y_true, y_pred) == pytest.approx(LOG_2)


def test_sums_and_their_weights():
    y_true, y_pred = example("binary")
    dice, focal = value(losses.Dice(), y_true, y_pred), value(losses.Focal(), y_true, y_pred)
    batch_focal = value(losses.BatchFocal(), y_true, y_pred)
    entropy = value(losses.CrossEntropy(), y_true, y_pred)
    close = pytest.approx
    assert value(losses.DiceFocal(), y_true, y_pred) == close(dice + focal)
    assert value(losses.DiceFocal(dice_weight=2, focal_weight=5), y_true, y_pred) == close(2 * dice + 5 * focal)
    assert value(losses.BatchDiceFocal(), y_true, y_pred) == close(dice + batch_focal)
    weighted = losses.DiceCrossEntropy(dice_weight=0.5, cross_entropy_weight=3)
    assert value(weighted, y_true, y_pred) == close(0.5 * dice + 3 * entropy)
    dice = value(losses.Dice(per="image"), y_true, y_pred)
    assert value(losses.DiceCrossEntropy(per="image"), y_true, y_pred) == close(dice + entropy)


# Against Keras, where Keras is right, and where it is not


def test_focal_equals_keras():
    y_true, y_pred = example("binary")
    ours, theirs = losses.Focal(), keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True)
    assert value(ours, y_true, y_pred) == pytest.approx(value(theirs, y_true, y_pred), rel=1e-5)
    unbalanced = keras.losses.BinaryFocalCrossentropy()  # alpha 0.25 stands in its signature and is not used
    assert value(losses.Focal(alpha=None), y_true, y_pred) == pytest.approx(value(unbalanced, y_true, y_pred))


def test_focal_with_gamma_0_is_the_cross_entropy():
    for mode in MODES:
        y_true, y_pred = example(mode)
        focal, entropy = losses.Focal(mode, alpha=None, gamma=0), losses.CrossEntropy(mode)
        assert value(focal, y_true, y_pred) == pytest.approx(value(entropy, y_true, y_pred), rel=1e-6)


@pytest.mark.parametrize("from_logits", [False, True])
def test_cross_entropy_equals_keras(from_logits):
    y_true, y_pred = example("multiclass", ignored=True)
    y_pred = logits("multiclass", y_pred) if from_logits else y_pred
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits, ignore_class=255)
    ours = losses.CrossEntropy("multiclass", ignore_index=255, from_logits=from_logits)
    assert value(ours, y_true, y_pred) == pytest.approx(value(theirs, y_true, y_pred), rel=1e-5)
    y_true, y_pred = example("binary")
    y_pred = logits("binary", y_pred) if from_logits else y_pred
    theirs = keras.losses.BinaryCrossentropy(from_logits=from_logits)
    ours = losses.CrossEntropy(from_logits=from_logits)
    assert value(ours, y_true, y_pred) == pytest.approx(value(theirs, y_true, y_pred), rel=1e-5)


def test_dice_teaches_on_an_empty_mask_where_keras_does_not():
    y_true, y_pred = binary([[0, 0, 0]]), binary([[0.5, 0.25, 0.25]])
    assert value(keras.losses.Dice(), y_true, y_pred) == pytest.approx(1)
    assert np.abs(gradient(keras.losses.Dice(), y_true, y_pred)).max() < 1e-6
    # ours: 1 - 1 / (1 + 1); each pixel's gradient is 1 / (1 + 1)^2
    assert value(losses.Dice(), y_true, y_pred) == pytest.approx(0.5)
    np.testing.assert_allclose(gradient(losses.Dice(), y_true, y_pred).ravel(), [0.25] * 3, atol=1e-6)
    # and at a right answer it is 0
    assert value(losses.Dice(), y_true, 0 * y_pred) == 0


# Behaviour that all of them share


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", ALL)
def test_logits_and_probabilities_agree(make, mode):
    y_true, y_pred = example(mode, ignored=True)
    expected = value(make(mode, ignore_index=255), y_true, y_pred)
    result = value(make(mode, ignore_index=255, from_logits=True), y_true, logits(mode, y_pred))
    assert result == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", PARTS)
def test_ignored_pixels_count_for_nothing(make, mode):
    y_true, y_pred = example(mode, ignored=True)
    ignored = y_true[..., 0] == 255 if mode == "binary" else y_true == 255
    loss = make(mode, ignore_index=255)
    slope = gradient(loss, y_true, y_pred)
    assert np.all(slope[ignored] == 0)
    assert np.all(np.abs(slope[~ignored]).max(axis=-1) > 0)
    changed = y_pred.copy()
    changed[ignored] = changed[ignored][..., ::-1] ** 2
    assert value(loss, y_true, changed) == value(loss, y_true, y_pred)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", PARTS)
def test_labels_with_and_without_a_channel_axis(make, mode):
    y_true, y_pred = example(mode)
    flat = y_true.reshape(2, 4, 4)
    assert value(make(mode), flat[..., None], y_pred) == value(make(mode), flat, y_pred)


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("make", PARTS)
def test_finite_with_finite_gradient_at_the_extremes(make, from_logits):
    mixed, black = ([-1e4, -90, 0, 90, 1e4], [-1e4]) if from_logits else ([0, 1e-8, 0.5, 1], [0])
    settings = {"from_logits": from_logits, "ignore_index": 255}
    if "smooth" in inspect.signature(make).parameters:
        settings["smooth"] = 0.0  # the hardest case
    binary_loss, multiclass_loss = (differentiate(make(mode, **settings)) for mode in MODES)
    # an empty mask, a full one, one that is all ignored, and an empty one with nothing predicted
    for label, numbers in ((0, mixed), (1, mixed), (255, mixed), (0, black * len(mixed))):
        pixels = binary([numbers, numbers])
        labels = np.full_like(pixels, label)
        rest = 0 * pixels if from_logits else (1 - pixels) / 2
        for total, slope in (
            binary_loss(labels, pixels),
            multiclass_loss(labels, np.concatenate([rest, pixels, rest], axis=-1)),
        ):
            assert np.isfinite(total), (label, numbers)
            assert np.all(np.isfinite(slope)), (label, numbers)


@pytest.mark.parametrize("gamma", [0.0, 0.5])
@pytest.mark.parametrize("make", [losses.Focal, losses.BatchFocal])
def test_focal_with_a_small_gamma_has_a_finite_gradient_where_it_is_right(make, gamma):
    loss = make(gamma=gamma, from_logits=True)
    assert np.all(np.isfinite(gradient(loss, binary([[1, 0]]), binary([[200, -200]]))))


def test_all_pixels_ignored_costs_nothing():
    y_pred = binary([[0.5, 0.25]])
    for make in (losses.CrossEntropy, losses.Focal, losses.BatchFocal, losses.Dice):
        assert value(make(ignore_index=255), np.full_like(y_pred, 255), y_pred) == 0
    multiclass = losses.Dice("multiclass", ignore_index=255)
    assert value(multiclass, np.full((1, 1, 2), 255), np.full((1, 1, 2, 2), 0.5)) == 0


def test_wrong_logits_keep_their_slope():
    # log(1 + exp(50)) = 50, slope 1 for each of the 2 pixels; probabilities are clipped and have lost it
    y_true, y_pred = binary([[0, 1]]), binary([[50, -50]])
    loss = losses.CrossEntropy(from_logits=True)
    assert value(loss, y_true, y_pred) == pytest.approx(50)
    np.testing.assert_allclose(gradient(loss, y_true, y_pred).ravel(), [0.5, -0.5], rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "mode", "dtype"),
    [
        (losses.Dice, "binary", "float16"),
        (losses.Dice, "multiclass", "bfloat16"),
        (losses.Focal, "binary", "bfloat16"),
        (losses.BatchFocal, "binary", "float16"),
        (losses.CrossEntropy, "multiclass", "float16"),
    ],
)
def test_half_precision_neither_overflows_nor_drifts(make, mode, dtype):
    # 320 x 320 pixels of 0.75: their sum, 76,800, is above the largest float16, 65,504.
    classes = 1 if mode == "binary" else 2
    y_true = np.zeros((1, 320, 320), "float32")
    y_true[:, :, :80] = 1
    y_pred = np.full((1, 320, 320, classes), 0.75 if classes == 1 else 0.5, "float32")
    half = keras.ops.cast(y_pred, dtype)
    y_true = y_true[..., None] if classes == 1 else y_true
    expected = value(make(mode), y_true, y_pred)
    total, slope = differentiate(make(mode))(y_true, half)
    assert total == pytest.approx(float(expected), rel=1e-5)
    assert np.isfinite(total)
    assert np.all(np.isfinite(slope))


def test_computes_in_float32_under_a_float16_default():
    floatx = keras.config.floatx()
    keras.config.set_floatx("float16")
    try:
        loss = losses.Dice(smooth=1)
        assert loss.dtype == "float32"
        result = loss(np.ones((1, 256, 256, 1)), np.full((1, 256, 256, 1), 0.5))
    finally:
        keras.config.set_floatx(floatx)
    # 1 - (65,536 + 1) / (32,768 + 65,536 + 1)
    assert keras.ops.convert_to_numpy(result) == pytest.approx(1 - 65537 / 98305, rel=1e-5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", ALL)
def test_a_label_that_is_no_class_gives_nan(make, mode):
    y_true, y_pred = example(mode, ignored=True)
    assert np.isnan(value(make(mode), y_true, y_pred))  # 255 is not told to be ignored
    assert np.isfinite(value(make(mode, ignore_index=255), y_true, y_pred))


def test_a_loss_for_the_batch_is_not_a_scalar_when_keras_divides_it_among_devices():
    y_true, y_pred = map(keras.ops.convert_to_tensor, example("binary"))
    for make in ALL:
        loss = make()
        shape = tuple(loss.call(y_true, y_pred).shape)
        assert shape == ((1,) if loss.one_number_per_batch else (2,)), make
        assert tuple(loss(y_true, y_pred).shape) == ()


# Weights of images


def test_weights_of_images():
    y_true, y_pred = binary([[1], [1]]), binary([[0.5], [0.2]])
    # (3 * log 2 + 0 * log 5) / 2 images
    assert value(losses.CrossEntropy(), y_true, y_pred, sample_weight=[3, 0]) == pytest.approx(1.5 * LOG_2)
    column = np.array([[3.0], [0.0]])
    assert value(losses.CrossEntropy(), y_true, y_pred, sample_weight=column) == pytest.approx(1.5 * LOG_2)
    # per image with smooth 1: 1 - 2 / 2.5 = 0.2 and 1 - 1.4 / 2.2 = 0.8 / 2.2
    dice = losses.Dice(per="image")
    expected = (0.2 + 4 * 0.8 / 2.2) / 2
    assert value(dice, y_true, y_pred, sample_weight=[1, 4]) == pytest.approx(expected, rel=1e-5)


def test_weights_that_cannot_be_used_are_refused():
    y_true, y_pred = example("binary")
    for make in (losses.Dice, losses.BatchFocal, losses.DiceFocal, losses.BatchDiceFocal):
        with pytest.raises(ValueError, match="cannot weight its images"):
            make()(y_true, y_pred, sample_weight=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"shape \(batch,\)"):
        losses.CrossEntropy()(y_true, y_pred, sample_weight=np.ones((2, 4, 4)))


# Settings, names, saving


@pytest.mark.parametrize(
    ("make", "settings", "message"),
    [
        (losses.Dice, {"mode": "multi"}, "mode must be one of 'binary', 'multiclass', but it is 'multi'"),
        (losses.Dice, {"per": "pixel"}, "per must be one of 'batch', 'image', but it is 'pixel'"),
        (losses.Dice, {"smooth": -1}, "smooth must be 0 or more, but it is -1"),
        (losses.Dice, {"reduction": "max"}, "reduction must be one of 'mean', 'sum', 'none'"),
        (losses.CrossEntropy, {"average": "some"}, "average must be one of 'valid', 'all', but it is 'some'"),
        (losses.DiceCrossEntropy, {"average": "some"}, "average must be one of 'valid', 'all'"),
        (losses.CrossEntropy, {"class_weights": [1, 2]}, "class_weights are for mode='multiclass'"),
        (losses.CrossEntropy, {"mode": "multiclass", "class_weights": [1, -2]}, "a class weight must be 0 or more"),
        (losses.Focal, {"gamma": -1}, "gamma must be 0 or more"),
        (losses.Focal, {"alpha": 2}, "alpha must lie between 0 and 1"),
        (losses.DiceFocal, {"focal_weight": -1}, "the weight of Focal must be 0 or more, but it is -1"),
    ],
)
def test_bad_settings_are_refused(make, settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)


def test_shapes_that_do_not_fit_are_refused():
    y_true, y_pred = example("binary")
    with pytest.raises(ValueError, match="1 channel"):
        losses.Dice()(y_true, np.concatenate([y_pred, y_pred], axis=-1))
    with pytest.raises(ValueError, match="a channel for each class"):
        losses.Dice("multiclass")(y_true, y_pred)
    with pytest.raises(ValueError, match="do not fit"):
        losses.Focal()(y_true[:, :2], y_pred)
    labels, probabilities = example("multiclass")
    with pytest.raises(ValueError, match="one label for each pixel"):
        losses.CrossEntropy("multiclass")(np.eye(3)[labels], probabilities)


@pytest.mark.parametrize("name", losses.NAMES)
def test_names(name):
    loss = losses.get(name, mode="multiclass", ignore_index=255)
    assert (loss.mode, loss.ignore_index) == ("multiclass", 255)
    assert losses.get(name).mode == "binary" and losses.get(name).ignore_index is None
    labels, probabilities = example("multiclass", ignored=True)
    assert np.isfinite(value(loss, labels, probabilities))
    if name in losses.WITH_CLASS_WEIGHTS:
        weighted = losses.get(name, "multiclass", 255, class_weights=[1, 2, 4])
        assert value(weighted, labels, probabilities) != value(loss, labels, probabilities)
    else:
        with pytest.raises(ValueError, match=f"{name} takes no class weights"):
            losses.get(name, "multiclass", 255, class_weights=[1, 2, 4])


def test_the_names_of_the_original_are_kept():
    assert {"DiceLoss", "FocalLoss", "Dice_Focal"} <= set(losses.NAMES)
    assert isinstance(losses.get("FocalLoss"), losses.Focal) and not isinstance(
        losses.get("FocalLoss"), losses.BatchFocal
    )


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("Dice", "DiceLoss"), ("focalloss", "FocalLoss"), ("dice_focal", "Dice_Focal"), ("Zzz", "")],
)
def test_an_unknown_name_is_refused_with_the_nearest(name, nearest):
    with pytest.raises(ValueError, match=f"{name!r} is unknown: did you mean '{nearest}"):
        losses.get(name)


# Every setting differs from its default, so that none can be left out of a configuration.
SETTINGS = {
    "mode": "multiclass",
    "per": "image",
    "smooth": 0.5,
    "alpha": 0.75,
    "gamma": 3.0,
    "average": "all",
    "class_weights": [1.0, 2.0, 4.0],
    "dice_weight": 2.0,
    "focal_weight": 3.0,
    "cross_entropy_weight": 4.0,
    "from_logits": True,
    "ignore_index": 255,
    "reduction": "sum",
    "name": "mine",
}


@pytest.mark.parametrize("make", ALL)
def test_configurations_hold_every_setting(make):
    own = [name for name in inspect.signature(make).parameters if name != "shared"]
    settings = {name: SETTINGS[name] for name in (*own, *SHARED)}
    loss = make(**settings)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    if inspect.isclass(make):
        found = again.get_config()
    else:
        names = [name for name in own if name.endswith("_weight")]
        weights = dict(zip(names, (again.first_weight, again.second_weight), strict=True))
        found = {**again.first.get_config(), **again.second.get_config(), **weights, "name": again.name}
    assert {**found, **settings} == found  # a sum over the batch has `per` in its Dice, but does not ask for it


@pytest.mark.parametrize("make", ALL)
def test_every_setting_of_the_test_above_differs_from_its_default(make):
    defaults = {name: each.default for name, each in inspect.signature(make).parameters.items() if name != "shared"}
    defaults |= {name: inspect.signature(losses.SegmentationLoss).parameters[name].default for name in SHARED}
    assert not [name for name, default in defaults.items() if default == SETTINGS[name]]


def test_a_weighted_sum_of_any_two_losses():
    y_true, y_pred = example("binary")
    parts = losses.CrossEntropy(name="one"), losses.Focal(name="two")
    loss = losses.WeightedSum(*parts, 2.0, 0.5)
    entropy, focal = (value(part, y_true, y_pred) for part in parts)
    assert value(loss, y_true, y_pred) == pytest.approx(2 * entropy + 0.5 * focal)
    assert loss.name == "one_two"
    # each of the two is one loss for each image, so their sum can weight images
    assert value(loss, y_true, y_pred, sample_weight=[0.0, 0.0]) == 0
    with pytest.raises(ValueError, match="cannot weight its images"):
        losses.WeightedSum(losses.CrossEntropy(), losses.BatchFocal())(y_true, y_pred, sample_weight=[1.0, 2.0])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (losses.Focal(from_logits=True), "the same from_logits, but theirs are False and True"),
        (losses.Focal("multiclass"), "the same mode, but theirs are 'binary' and 'multiclass'"),
        (losses.Focal(ignore_index=255), "the same ignore_index, but theirs are None and 255"),
        (losses.Focal(reduction="sum"), "the same reduction, but theirs are 'mean' and 'sum'"),
        (keras.losses.BinaryCrossentropy(), "adds losses of helpers.scores.losses"),
    ],
)
def test_a_sum_of_losses_that_do_not_fit_is_refused(other, message):
    with pytest.raises(ValueError, match=message):
        losses.WeightedSum(losses.Dice(), other)


@pytest.mark.parametrize("make", [losses.Focal, losses.DiceCrossEntropy])
def test_a_compiled_model_trains_and_reloads_with_its_loss(make, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid")(inputs))
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=make(ignore_index=255))
    images = np.random.default_rng(0).normal(size=(4, 4, 4, 3)).astype("float32")
    masks = (images[..., :1] > 0).astype("float32")
    before = model.evaluate(images, masks, verbose=0)
    model.fit(images, masks, epochs=4, verbose=0)
    after = model.evaluate(images, masks, verbose=0)
    assert after < before
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.loss) is type(make())
    assert again.loss.get_config() == model.loss.get_config()
    assert again.evaluate(images, masks, verbose=0) == pytest.approx(after, rel=1e-6)
