import json

import keras
import numpy as np
import pytest
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as evaluation
from PIL import Image
from scipy import stats

import helpers  # noqa: F401  (imports Keras quietly)
from helpers.data import street_classes
from helpers.scores import intervals, metrics


def areas(rows):
    """Slices of one row each, from strings of 0 and 1: bool (n, 1, pixels)."""
    return np.array([[list(map(int, row))] for row in rows], bool)


# Patient "b" comes first and its slices are not together: the order must not matter.
PATIENTS = np.array(["b", "a", "a", "b", "a"])
MASKS = areas(["1100", "0000", "1111", "1000", "0000"])
PREDICTIONS = areas(["0110", "0000", "1110", "0000", "0001"])
#          both, predicted, true
COUNTS = [[1, 2, 2], [0, 0, 0], [3, 3, 4], [0, 0, 1], [0, 1, 0]]


def test_counts_of_each_slice(monkeypatch):
    result = metrics.counts(MASKS, PREDICTIONS)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, COUNTS)
    monkeypatch.setattr(metrics, "_CHUNK", 8)  # two slices at a time
    np.testing.assert_array_equal(metrics.counts(MASKS, PREDICTIONS), COUNTS)


def test_counts_refuse_what_is_not_a_mask():
    with pytest.raises(ValueError, match="predictions must be boolean .* but it is float32"):
        metrics.counts(MASKS, PREDICTIONS.astype("float32"))
    with pytest.raises(ValueError, match="masks must be boolean .* but it is uint8"):
        metrics.counts(MASKS.astype("uint8") * 255, PREDICTIONS)
    with pytest.raises(ValueError, match="the same shape"):
        metrics.counts(MASKS, PREDICTIONS[:3])
    with pytest.raises(ValueError, match=r"shape \(n, height, width\)"):
        metrics.counts(MASKS[0], PREDICTIONS[0])


def test_dice_and_iou():
    # Dice 2 * 1 / 4, empty, 6 / 7, 0 / 1, 0 / 1; IoU 1 / 3, empty, 3 / 4, 0, 0
    np.testing.assert_allclose(metrics.dice(np.array(COUNTS)), [0.5, 1, 6 / 7, 0, 0])
    np.testing.assert_allclose(metrics.iou(np.array(COUNTS)), [1 / 3, 1, 3 / 4, 0, 0])
    np.testing.assert_allclose(metrics.dice(np.array(COUNTS), empty=0.0), [0.5, 0, 6 / 7, 0, 0])
    np.testing.assert_allclose(metrics.iou(np.array(COUNTS), empty=0.25), [1 / 3, 0.25, 3 / 4, 0, 0])
    # the whole set: both 4, predicted 6, true 7
    assert metrics.dice(np.sum(COUNTS, axis=0)) == pytest.approx(8 / 13)
    assert metrics.iou(np.sum(COUNTS, axis=0)) == pytest.approx(4 / 9)


def test_counts_of_a_small_type_are_divided_whole():
    # 2 * 150 / (200 + 200) and 150 / (200 + 200 - 150), where uint8 ends at 255
    small = np.array([[150, 200, 200]], np.uint8)
    assert metrics.dice(small) == 0.75 and metrics.iou(small) == 0.6
    assert metrics.scores_from_counts(small, ["a"])["original_iou"] == pytest.approx(0.6)


def test_counts_of_each_patient():
    result = metrics.per_patient(np.array(COUNTS), PATIENTS)
    assert list(result) == ["a", "b"]
    np.testing.assert_array_equal(result["a"], [3, 4, 4])
    np.testing.assert_array_equal(result["b"], [1, 2, 3])
    with pytest.raises(ValueError, match="each of the 5 slices"):
        metrics.per_patient(np.array(COUNTS), PATIENTS[:4])


def test_positives_only():
    np.testing.assert_array_equal(metrics.positives_only(np.array(COUNTS)), [[1, 2, 2], [3, 3, 4], [0, 0, 1]])


def test_original_iou():
    # (1 / 3 + 1 + 3 / 4 + 0 + 0) / 5, but for the 1e-6
    assert metrics.original_iou(MASKS, PREDICTIONS) == pytest.approx((1 / 3 + 1 + 3 / 4) / 5, abs=1e-5)
    # one true pixel missed: (0 + 1e-6) / (1 + 1e-6), just above 0
    miss = metrics.original_iou(areas(["1000"]), areas(["0000"]))
    assert miss == pytest.approx(1e-6 / (1 + 1e-6), rel=1e-9)
    # probabilities are rounded, and 0.5 rounds to 0, as in PyTorch
    probabilities = np.array([[[0.5, 0.51, 0.9, 0.0]]], "float32")
    assert metrics.original_iou(areas(["0110"]), probabilities) == 1


def test_an_all_black_prediction_scores_the_share_of_empty_slices():
    # 617 of 1,000 slices have no tumour, much as in the original's validation: each counts as a perfect 1.
    masks = np.zeros((1000, 2, 2), bool)
    masks[617:, 0, 0] = True
    patients = np.arange(1000) % 10
    black = np.zeros_like(masks)
    assert metrics.original_iou(masks, black) == pytest.approx(0.617, abs=1e-5)
    result = metrics.scores(masks, black, patients)
    assert result["original_iou"] == pytest.approx(0.617, abs=1e-5)
    assert result["dice"]["mean"] == 0
    assert result["positives_iou"] == 0
    for key, number in result["baseline"].items():
        assert number == result[key]


def test_confusion_matrix_and_mean_iou(monkeypatch):
    labels = np.array([[0, 0, 0, 1], [1, 2, 255, 255]], np.uint8)
    predictions = np.array([[0, 0, 1, 1], [1, 1, 2, 3]], np.uint8)
    expected = [[2, 1, 0, 0], [0, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    confusion = metrics.confusion_matrix(labels, predictions, classes=4)
    np.testing.assert_array_equal(confusion, expected)
    # class 0: 2 / 3; class 1: 2 / (2 + 4 - 2) = 1 / 2; class 2: 0 / 1; class 3 is nowhere
    np.testing.assert_allclose(metrics.class_iou(confusion), [2 / 3, 1 / 2, 0, np.nan])
    assert metrics.mean_iou(confusion) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    monkeypatch.setattr(metrics, "_CHUNK", 3)
    np.testing.assert_array_equal(metrics.confusion_matrix(labels, predictions, classes=4), expected)


def test_mean_iou_of_a_set_is_not_the_mean_of_its_images():
    first = metrics.confusion_matrix(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), 2)
    second = metrics.confusion_matrix(np.array([1, 1]), np.array([1, 1]), 2)
    # class 0: 3 / 4; class 1: 2 / 3
    assert metrics.mean_iou(first + second) == pytest.approx((3 / 4 + 2 / 3) / 2)


def test_mean_iou_equals_keras():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(5, size=(2, 3, 8, 8))
    keras_metric = keras.metrics.MeanIoU(num_classes=6, ignore_class=4)
    keras_metric.update_state(labels, predictions)
    confusion = metrics.confusion_matrix(labels, predictions, classes=6, ignore_index=4)
    assert metrics.mean_iou(confusion) == pytest.approx(float(keras_metric.result()), rel=1e-6)


def test_confusion_matrix_refuses_what_is_no_class():
    one, two = np.array([0, 1]), np.array([0, 5])
    with pytest.raises(ValueError, match="predictions must lie between 0 and 1, but one is 5"):
        metrics.confusion_matrix(one, two, classes=2)
    with pytest.raises(ValueError, match="labels must lie between 0 and 1, but one is 255"):
        metrics.confusion_matrix(np.array([0, 255]), one, classes=2, ignore_index=None)
    with pytest.raises(ValueError, match="predictions must be integers"):
        metrics.confusion_matrix(one, np.array([0.2, 0.8]), classes=2)
    with pytest.raises(ValueError, match="the same shape"):
        metrics.confusion_matrix(one, np.zeros(3, int), classes=2)
    with pytest.raises(ValueError, match="no pixel"):
        metrics.mean_iou(np.zeros((2, 2), int))


def test_bootstrap_interval():
    values = np.array([0.0] * 50 + [1.0] * 50)
    low, high = intervals.bootstrap_interval(values)
    assert isinstance(low, float)
    # the mean of 100 draws has a standard deviation of 0.5 / 10: 0.5 +- 1.96 * 0.05
    assert low == pytest.approx(0.402, abs=0.02)
    assert high == pytest.approx(0.598, abs=0.02)
    narrow = intervals.bootstrap_interval(values, level=0.5)
    # +- 0.674 * 0.05
    assert narrow == pytest.approx((0.466, 0.534), abs=0.02)
    assert intervals.bootstrap_interval(values) == (low, high)
    assert intervals.bootstrap_interval(np.arange(30.0), seed=1) != intervals.bootstrap_interval(np.arange(30.0))
    assert intervals.bootstrap_interval([0.25]) == (0.25, 0.25)
    # more than half of the draws of three values out of two 0 and one 1 have the median 0, but not 97.5 %
    assert intervals.bootstrap_interval([0, 0, 1], statistic=np.median) == (0, 1)
    # a median is always one of an odd number of values, which a mean hardly ever is
    assert set(intervals.bootstrap_interval([0.1, 0.3, 0.8], statistic=np.median)) <= {0.1, 0.3, 0.8}


def test_paired_interval_by_hand():
    # Every patient 0.1 higher, whatever their own level: no draw of patients changes that.
    easy_and_hard = np.array([[0.2, 0.9, 0.5]])
    assert intervals.paired_interval(easy_and_hard + 0.1, easy_and_hard) == pytest.approx((0.1, 0.1, 0.1))
    # One of two patients gains 1: the draws are 0, 1/2, 1/2, 1, each in a quarter of the cases.
    assert intervals.paired_interval([[0.0, 1.0]], [[0.0, 0.0]]) == pytest.approx((0.5, 0.0, 1.0))
    assert intervals.paired_interval([[0.0, 1.0]], [[0.0, 0.0]], level=0.4) == pytest.approx((0.5, 0.5, 0.5))
    # Two seeds, one 0.2 higher for every patient: the seeds are drawn too, those of the baseline as well.
    seeds = np.array([[0.4, 0.8], [0.6, 1.0]])
    assert intervals.paired_interval(seeds, seeds[:1]) == pytest.approx((0.1, 0.0, 0.2))
    assert intervals.paired_interval(seeds[:1], seeds) == pytest.approx((-0.1, -0.2, 0.0))
    assert intervals.paired_interval(seeds, seeds, seed=3) == intervals.paired_interval(seeds, seeds, seed=3)


def test_paired_interval_agrees_with_the_bootstrap_of_differences():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=(2, 1, 40))
    _, low, high = intervals.paired_interval(ours, theirs, draws=20_000)
    assert (low, high) == pytest.approx(intervals.bootstrap_interval((ours - theirs)[0], draws=20_000), abs=0.02)


@pytest.mark.parametrize(
    ("scores", "baseline", "message"),
    [
        ([[0.5, 0.5]], [[0.5]], "the same patients"),
        ([0.5, 0.5], [0.5, 0.5], "the same patients"),
        (np.zeros((0, 2)), np.zeros((1, 2)), "the same patients"),
    ],
)
def test_paired_interval_refuses(scores, baseline, message):
    with pytest.raises(ValueError, match=message):
        intervals.paired_interval(scores, baseline)
    with pytest.raises(ValueError, match="level must lie"):
        intervals.paired_interval([[0.5]], [[0.5]], level=95)


def test_welch_interval_agrees_with_scipy_and_is_of_the_seeds_alone():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((3, 20)), rng.random((5, 20)) * 0.3
    found = intervals.welch_interval(ours, theirs, level=0.9)
    by_scipy = stats.ttest_ind(ours.mean(axis=1), theirs.mean(axis=1), equal_var=False).confidence_interval(0.9)
    assert found == pytest.approx((ours.mean() - theirs.mean(), by_scipy.low, by_scipy.high))
    assert intervals.welch_interval(ours, theirs) == pytest.approx(intervals.welch_interval(ours[:, ::-1], theirs))
    # by hand: means 0.6 and 0.8 against 0.5 and 0.5, one degree of freedom, t = 12.706
    found = intervals.welch_interval([[0.6], [0.8]], [[0.5], [0.5]])
    assert found == pytest.approx((0.2, 0.2 - 1.2706, 0.2 + 1.2706), abs=1e-4)
    assert intervals.welch_interval([[0.5], [0.5]], [[0.25], [0.25]]) == (0.25, 0.25, 0.25)


def test_of_two_identical_networks_welch_holds_the_truth_as_often_as_it_says_and_the_bootstrap_does_not():
    rng = np.random.default_rng(0)
    held = {"welch": 0, "bootstrap": 0}
    for _ in range(300):
        ours, theirs = rng.normal(0.6, 0.03, (2, 3, 1)) + rng.normal(0, 0.05, (2, 3, 20))
        for name, (_, low, high) in {
            "welch": intervals.welch_interval(ours, theirs),
            "bootstrap": intervals.paired_interval(ours, theirs, draws=200),
        }.items():
            held[name] += low <= 0 <= high
    assert held["welch"] / 300 > 0.93 and held["bootstrap"] / 300 < 0.92, held


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.05, "better"),
        (-0.05, -0.01, "worse"),
        (-0.01, 0.05, "cannot tell"),
        (0, 0.05, "cannot tell"),
        (0.001, 0.019, "too small to matter"),
        (-0.019, 0.019, "too small to matter"),
        (0.001, 0.02, "better"),
        (-0.02, -0.001, "worse"),
    ],
)
def test_verdict(low, high, said):
    assert intervals.verdict(low, high, worth=0.02) == said


def test_welch_interval_refuses():
    with pytest.raises(ValueError, match="1 and 2 seeds: train each network twice"):
        intervals.welch_interval([[0.5]], [[0.5], [0.6]])
    with pytest.raises(ValueError, match="the same patients"):
        intervals.welch_interval([[0.5], [0.5]], [[0.5, 0.6], [0.5, 0.6]])
    with pytest.raises(ValueError, match="level must lie"):
        intervals.welch_interval([[0.5], [0.6]], [[0.5], [0.6]], level=95)


def test_bootstrap_interval_refuses():
    with pytest.raises(ValueError, match="one number for each patient"):
        intervals.bootstrap_interval([])
    with pytest.raises(ValueError, match="level must lie between 0 and 1, but it is 95"):
        intervals.bootstrap_interval([0.5], level=95)


def test_sum_interval():
    # Three scenes of one pixel, one of them right: the share of right ones lies at 0, 1/3, 2/3 or 1 with the chances
    # 8/27, 12/27, 6/27 and 1/27 = 3.7 %: more than 2.5 % of the draws lie at 1, fewer than 5 %.
    scenes = np.array([[1, 1], [0, 1], [0, 1]])
    share = lambda total: total[0] / total[1]  # noqa: E731
    assert intervals.sum_interval(scenes, share, draws=20_000) == pytest.approx((0, 1))
    assert intervals.sum_interval(scenes, share, level=0.9, draws=20_000) == pytest.approx((0, 2 / 3))
    # A draw of nothing but empty scenes has no share and is left out.
    assert intervals.sum_interval(np.array([[1, 2], [0, 0]]), share) == (0.5, 0.5)
    with pytest.raises(ValueError, match="level must lie"):
        intervals.sum_interval(scenes, share, level=95)


def test_scores_by_hand():
    result = metrics.scores(MASKS, PREDICTIONS, PATIENTS)
    # a: both 3, predicted 4, true 4: 6 / 8; b: both 1, predicted 2, true 3: 2 / 5
    assert result["patients"] == {"a": pytest.approx(0.75), "b": pytest.approx(0.4)}
    assert result["dice"]["mean"] == result["dice"]["median"] == pytest.approx(0.575)
    # of two patients, a quarter of the draws are all a and a quarter all b
    assert result["dice"]["interval"] == pytest.approx([0.4, 0.75])
    assert result["whole_set_dice"] == pytest.approx(8 / 13)
    # the three slices with tumour: 1 / 3, 3 / 4, 0
    assert result["positives_iou"] == pytest.approx((1 / 3 + 3 / 4) / 3)
    assert result["slices"] == 5
    assert result["tumour_free_slices"] == 2
    assert result["false_positive_slices"] == 1
    assert result["original_iou"] == pytest.approx((1 / 3 + 1 + 3 / 4) / 5, abs=1e-5)
    # all black: every patient has a tumour, so 0; two of five slices are empty, so 0.4
    baseline = result["baseline"]
    assert baseline["dice"] == {"mean": 0, "median": 0, "interval": [0, 0]}
    assert baseline["whole_set_dice"] == baseline["positives_iou"] == baseline["false_positive_slices"] == 0
    assert baseline["original_iou"] == pytest.approx(0.4, abs=1e-5)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_the_median_is_not_the_mean():
    masks, predictions = areas(["10", "10", "10"]), areas(["10", "10", "01"])
    result = metrics.scores(masks, predictions, ["a", "b", "c"])
    assert result["dice"]["mean"] == pytest.approx(2 / 3)
    assert result["dice"]["median"] == 1


def test_scores_of_folds_joined_equal_the_scores_of_the_set():
    folds = [np.array([0, 3]), np.array([4, 1, 2])]
    joined = np.concatenate([metrics.counts(MASKS[rows], PREDICTIONS[rows]) for rows in folds])
    order = np.concatenate(folds)
    expected = metrics.scores(MASKS[order], PREDICTIONS[order], PATIENTS[order])
    assert metrics.scores_from_counts(joined, PATIENTS[order]) == expected
    assert expected["dice"] == metrics.scores(MASKS, PREDICTIONS, PATIENTS)["dice"]


def test_a_patient_without_tumour_scores_what_empty_says():
    masks, predictions, patients = areas(["0000", "1100"]), areas(["0000", "1000"]), ["healthy", "ill"]
    # ill: 2 * 1 / 3
    result = metrics.scores(masks, predictions, patients)
    assert result["patients"] == {"healthy": 1, "ill": pytest.approx(2 / 3)}
    assert result["baseline"]["dice"]["mean"] == 0.5
    strict = metrics.scores(masks, predictions, patients, empty=0.0)
    assert strict["patients"]["healthy"] == 0
    assert strict["baseline"]["dice"]["mean"] == 0


def test_scores_without_any_tumour_or_any_slice():
    result = metrics.scores(areas(["00"]), areas(["01"]), ["a"])
    assert result["positives_iou"] is None
    assert result["patients"] == {"a": 0}
    json.dumps(result, allow_nan=False)
    with pytest.raises(ValueError, match="no slice"):
        metrics.scores(np.zeros((0, 2, 2), bool), np.zeros((0, 2, 2), bool), [])


# The Keras metrics


@pytest.mark.parametrize(("make", "expected"), [(metrics.CountedDice, 8 / 13), (metrics.CountedIoU, 4 / 9)])
def test_counted_metrics_add_up_over_batches(make, expected):
    metric = make()
    truth, probabilities = MASKS[..., None].astype("float32"), PREDICTIONS[..., None] * 0.4 + 0.3
    for rows in (slice(0, 1), slice(1, 5)):
        metric.update_state(truth[rows], probabilities[rows])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 1  # empty against empty
    metric.update_state(truth[:1], probabilities[:1])
    single = {"dice": 0.5, "iou": 1 / 3}[metric.name]
    assert float(metric.result()) == pytest.approx(single, rel=1e-6)


def test_counted_metrics_settings():
    metric = metrics.CountedDice(threshold=0.2, empty=0.0)
    assert float(metric.result()) == 0
    # predicted: 0.3 and 0.9, not 0.1; true: the first two; 2 * 1 / (2 + 2)
    metric.update_state([[[[1.0], [1.0], [0.0]]]], [[[[0.3], [0.1], [0.9]]]])
    assert float(metric.result()) == 0.5
    with pytest.raises(ValueError, match="threshold must lie between 0 and 1"):
        metrics.CountedDice(threshold=50)
    with pytest.raises(ValueError, match="takes no sample_weight"):
        metric.update_state([[1.0]], [[1.0]], sample_weight=[2.0])


def test_counted_metrics_do_not_broadcast():
    # (batch, h, w) against (batch, h, w, 1)
    metric = metrics.CountedDice()
    metric.update_state(MASKS.astype("float32"), PREDICTIONS[..., None].astype("float32"))
    assert float(metric.result()) == pytest.approx(8 / 13, rel=1e-6)


def test_counted_metrics_count_in_float32():
    ones = keras.ops.ones((2, 256, 256, 1), dtype="float16")
    floatx = keras.config.floatx()
    keras.config.set_floatx("float16")
    try:
        metric = metrics.CountedIoU()
        metric.update_state(ones, ones)
        assert float(metric.both) == 2 * 256 * 256
        assert float(metric.result()) == 1
    finally:
        keras.config.set_floatx(floatx)


@pytest.mark.parametrize("make", [metrics.CountedDice, metrics.CountedIoU])
def test_a_compiled_model_shows_and_reloads_the_metric(make, tmp_path):
    inputs = keras.Input((1, 4, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid", use_bias=False)(inputs))
    model.set_weights([np.ones((1, 1, 1, 1), "float32")])
    still = keras.optimizers.SGD(0.0)
    model.compile(still, "binary_crossentropy", metrics=[make(name="score", threshold=0.6, empty=0.5)])
    # sigmoid(1) = 0.73 is above 0.6 and sigmoid(0) = 0.5 is below, so the predictions are PREDICTIONS.
    images, masks = PREDICTIONS[..., None].astype("float32"), MASKS[..., None].astype("float32")
    # The batches of 2, 2 and 1 slices would have another mean of their own scores.
    history = model.fit(images, masks, batch_size=2, epochs=2, verbose=0).history["score"]
    expected = {"CountedDice": 8 / 13, "CountedIoU": 4 / 9}[make.__name__]
    assert history == pytest.approx([expected, expected], rel=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    score = again.evaluate(images, masks, batch_size=5, verbose=0, return_dict=True)["score"]
    assert score == pytest.approx(expected, rel=1e-6)
    config = make.from_config(make(name="x", threshold=0.25, empty=0.0).get_config()).get_config()
    assert config == {"name": "x", "threshold": 0.25, "empty": 0.0}


def test_street_scores_by_hand():
    # Two scenes of three classes; the third is neither true nor predicted.
    confusions = np.array([[[6, 2, 0], [0, 2, 0], [0, 0, 0]], [[0, 0, 0], [4, 6, 0], [0, 0, 0]]])
    scores = metrics.street_scores(confusions, ["road", "sky", "train"])
    # Together: road 6 both, 8 true, 10 predicted; sky 8 both, 12 true, 10 predicted.
    assert scores["classes"] == {"road": 6 / 12, "sky": 8 / 14, "train": None}
    assert scores["mean_iou"] == pytest.approx((6 / 12 + 8 / 14) / 2)
    assert scores["pixel_accuracy"] == 14 / 20 and scores["scenes"] == 2
    # All sky: 12 of 20 right, and road is found nowhere.
    assert scores["baseline"] == {"class": "sky", "mean_iou": 12 / 20 / 2, "pixel_accuracy": 12 / 20}
    # Of the draws of two scenes a quarter is the second alone: sky 6 / 10, road 0, mean 0.3; a quarter the first
    # alone: road 6 / 8, sky 2 / 4, mean 0.625. So these are the ends.
    assert scores["interval"] == [pytest.approx(0.3), pytest.approx(0.625)]


def test_street_scores_without_a_labelled_pixel():
    with pytest.raises(ValueError, match="no pixel in it"):
        metrics.street_scores(np.zeros((2, 3, 3), int), ["road", "sky", "train"])


def test_mean_iou_equals_the_official_evaluation(tmp_path):
    """Against Cityscapes' own script, which reads label ids from files, also predicted ones that are not scored."""
    rng = np.random.default_rng(0)
    total, pairs = np.zeros((19, 19), int), []
    for number in range(4):
        truth = rng.choice([7, 8, 11, 13, 23, 24, 26, 33, 0, 1, 4, 255], (40, 60)).astype("uint8")
        classes = np.where(rng.random(truth.shape) < 0.6, street_classes.CLASS_OF_LABEL_ID[truth], 0)
        wrong = (rng.random(truth.shape) < 0.1) | (classes == street_classes.IGNORE)
        classes = np.where(wrong, rng.integers(0, 19, truth.shape), classes).astype("uint8")
        names = [tmp_path / f"ulm_000000_{number:06}_{kind}.png" for kind in ("gtFine_labelIds", "predicted")]
        Image.fromarray(np.where(truth == 255, 0, truth).astype("uint8")).save(names[0])
        Image.fromarray(street_classes.LABEL_ID_OF_CLASS[classes]).save(names[1])
        pairs.append(names)
        total += metrics.confusion_matrix(street_classes.CLASS_OF_LABEL_ID[truth], classes, 19)
    evaluation.args.evalInstLevelScore, evaluation.args.JSONOutput, evaluation.args.quiet = False, False, True
    truths, predictions = ([str(pair[which]) for pair in pairs] for which in (0, 1))
    official = evaluation.evaluateImgLists(predictions, truths, evaluation.args)
    for each, value in zip(street_classes.CLASSES, metrics.class_iou(total), strict=True):
        assert official["classScores"][each.name] == pytest.approx(value, abs=1e-6, nan_ok=True)
    assert official["averageScoreClasses"] == pytest.approx(metrics.mean_iou(total), abs=1e-6)
