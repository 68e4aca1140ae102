"""Scores for segmentation, from counts of pixels, added up before they are divided. Built in lesson 02.

`counts` gives three numbers for each slice: the pixels in both areas, in the predicted one and in the true
one. Rows that are added up are the counts of a patient or of a whole set, and `dice` and `iou` turn any
counts into a score.
"""

import math
from collections.abc import Sequence

import keras
import numpy as np

from helpers.scores import intervals

_CHUNK = 1 << 22  # pixels at a time, so that a set mapped from a file never stands in memory


def counts(masks: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Count the pixels of each slice: (n, 3) int64, in both areas, in the predicted one, in the true one.

    >>> masks, predictions = np.array([[[True, True, False]]]), np.array([[[False, True, True]]])
    >>> counts(masks, predictions).tolist()
    [[1, 2, 2]]

    Args:
        masks: true areas, bool (n, height, width).
        predictions: predicted areas, bool (n, height, width).

    Raises:
        ValueError: for arrays of other types (threshold probabilities first) or of shapes that differ.
    """
    for name, array in (("masks", masks), ("predictions", predictions)):
        if array.dtype != bool or array.ndim != 3:
            raise ValueError(
                f"{name} must be boolean of shape (n, height, width), but it is {array.dtype} of "
                f"{array.shape}: threshold it first."
            )
    if masks.shape != predictions.shape:
        raise ValueError(f"masks {masks.shape} and predictions {predictions.shape} must have the same shape.")
    result = np.zeros((len(masks), 3), np.int64)
    step = max(1, _CHUNK // max(1, masks[:1].size))
    for start in range(0, len(masks), step):
        rows = slice(start, start + step)
        true, predicted = np.asarray(masks[rows]), np.asarray(predictions[rows])
        for column, area in enumerate((true & predicted, predicted, true)):
            result[rows, column] = np.count_nonzero(area.reshape(len(area), -1), axis=1)
    return result


def _ratio(numerator: np.ndarray, denominator: np.ndarray, empty: float) -> np.ndarray:
    result = np.full(np.shape(denominator), empty, dtype=float)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result[()]


def _columns(counts: np.ndarray) -> np.ndarray:
    """The pixels in both areas, in the predicted one and in the true one, (3, ...), in a type that holds their sums."""
    return np.moveaxis(np.asarray(counts, float), -1, 0)


def dice(counts: np.ndarray, empty: float = 1.0) -> np.ndarray:
    """Dice coefficient, 2 |A and B| / (|A| + |B|), in [0, 1], of counts (..., 3). Built in lesson 02.

    >>> dice([[1, 2, 2], [0, 0, 3], [0, 0, 0]]).tolist()  # 2 * 1 / (2 + 2), nothing found, nothing there
    [0.5, 0.0, 1.0]

    Args:
        counts: what `counts` gives, or rows of it added up.
        empty: the score of an empty prediction on an empty mask.
    """
    both, predicted, true = _columns(counts)
    return _ratio(2 * both, predicted + true, empty)


def iou(counts: np.ndarray, empty: float = 1.0) -> np.ndarray:
    """Intersection over union, |A and B| / |A or B|, in [0, 1], of counts (..., 3). Built in lesson 02.

    >>> iou([[1, 1, 2], [0, 0, 3], [0, 0, 0]]).tolist()  # 1 / (1 + 2 - 1), nothing found, nothing there
    [0.5, 0.0, 1.0]

    Args:
        counts: what `counts` gives, or rows of it added up.
        empty: the score of an empty prediction on an empty mask.
    """
    both, predicted, true = _columns(counts)
    return _ratio(both, predicted + true - both, empty)


def per_patient(counts: np.ndarray, patients: Sequence[str] | np.ndarray) -> dict[str, np.ndarray]:
    """Add up the counts (n, 3) of each patient's slices: {patient: (3,)}, sorted by patient.

    >>> each = per_patient(np.array([[1, 2, 2], [0, 0, 3], [1, 1, 1]]), ["a", "b", "a"])
    >>> {patient: row.tolist() for patient, row in each.items()}
    {'a': [2, 3, 3], 'b': [0, 0, 3]}

    Args:
        counts: what `counts` gives.
        patients: the patient of each slice, (n,).

    Raises:
        ValueError: if there is not one patient for each slice.
    """
    of_slice = np.asarray(patients)
    if of_slice.shape != (len(counts),):
        raise ValueError(
            f"patients must name the patient of each of the {len(counts)} slices, but its shape is {of_slice.shape}."
        )
    names, rows = np.unique(of_slice, return_inverse=True)
    sums = np.zeros((len(names), 3), np.int64)
    np.add.at(sums, rows, counts)
    return {str(name): row for name, row in zip(names, sums, strict=True)}


def positives_only(counts: np.ndarray) -> np.ndarray:
    """The rows of counts (n, 3) whose mask is not empty: the slices with tumour.

    >>> positives_only(np.array([[1, 2, 2], [0, 5, 0]])).tolist()
    [[1, 2, 2]]
    """
    return counts[counts[:, 2] > 0]


def original_iou(masks: np.ndarray, predictions: np.ndarray) -> float:
    """The IoU of "Attention Based U-Nets": (|A and B| + 1e-6) / (|A or B| + 1e-6), averaged over slices.

    An empty prediction on an empty mask counts 1, so a set with many empty slices scores high with nothing
    found. For replication only; lesson 02 shows what it hides.

    >>> masks, nothing = np.array([[[True, True]], [[False, False]]]), np.zeros((2, 1, 2), bool)
    >>> round(original_iou(masks, nothing), 4)  # (0 + 1) / 2: the empty slice is "right"
    0.5

    Args:
        masks: true areas, bool (n, height, width).
        predictions: predicted areas, bool, or probabilities, which are rounded (0.5 goes to 0), (n, height,
            width).
    """
    if predictions.dtype != bool:
        predictions = predictions > 0.5
    return _original_iou(counts(masks, predictions))


def _original_iou(counts: np.ndarray) -> float:
    both, predicted, true = _columns(counts)
    return float(np.mean((both + 1e-6) / (predicted + true - both + 1e-6)))


def confusion_matrix(
    labels: np.ndarray, predictions: np.ndarray, classes: int, ignore_index: int | None = 255
) -> np.ndarray:
    """Count pixels by true class (row) and predicted class (column): (classes, classes) int64.

    The matrices of several images or batches are added up before `mean_iou` divides.

    >>> confusion_matrix(np.array([0, 0, 1, 255]), np.array([0, 1, 1, 1]), classes=2).tolist()
    [[1, 1], [0, 1]]

    Args:
        labels: true classes, integers of any shape.
        predictions: predicted classes, integers of the same shape.
        classes: number of classes.
        ignore_index: label whose pixels are left out, or None.

    Raises:
        ValueError: for shapes that differ, values that are not integers, or a class out of range.
    """
    if labels.shape != predictions.shape:
        raise ValueError(f"labels {labels.shape} and predictions {predictions.shape} must have the same shape.")
    for name, array in (("labels", labels), ("predictions", predictions)):
        if not np.issubdtype(array.dtype, np.integer):
            raise ValueError(f"{name} must be integers, the number of each class, but they are {array.dtype}.")
    labels, predictions = labels.reshape(-1), predictions.reshape(-1)
    matrix = np.zeros(classes * classes, np.int64)
    for start in range(0, labels.size, _CHUNK):
        true = labels[start : start + _CHUNK].astype(np.int64)
        predicted = predictions[start : start + _CHUNK].astype(np.int64)
        if ignore_index is not None:
            kept = true != ignore_index
            true, predicted = true[kept], predicted[kept]
        for name, values in (("labels", true), ("predictions", predicted)):
            wrong = values[(values < 0) | (values >= classes)]
            if wrong.size:
                raise ValueError(f"{name} must lie between 0 and {classes - 1}, but one is {wrong[0]}.")
        matrix += np.bincount(true * classes + predicted, minlength=classes * classes)
    return matrix.reshape(classes, classes)


def class_iou(confusion: np.ndarray) -> np.ndarray:
    """IoU of each class, (classes,), from a confusion matrix; NaN for a class neither true nor predicted.

    >>> class_iou(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]])).tolist()  # 1 / (2 + 1 - 1), 1 / (1 + 2 - 1), none
    [0.5, 0.5, nan]
    """
    both = np.diagonal(confusion)
    return _ratio(both, confusion.sum(axis=0) + confusion.sum(axis=1) - both, np.nan)


def mean_iou(confusion: np.ndarray) -> float:
    """Mean IoU over the classes present, as Keras, mmsegmentation and Cityscapes' own scripts compute it.

    A class counts as present when at least one pixel has it as its label or as its prediction. So a class
    without any true pixel scores 0 as soon as it is predicted once, and counts.

    >>> mean_iou(np.array([[1, 1, 0], [0, 3, 0], [0, 0, 0]]))  # (1 / 2 + 3 / 4) / 2; the third class is nowhere
    0.625

    Args:
        confusion: what `confusion_matrix` gives, added up over a whole set.

    Raises:
        ValueError: if the matrix is empty.
    """
    if not np.any(confusion):
        raise ValueError("The confusion matrix has no pixel in it: every pixel was ignored, or no image was counted.")
    return float(np.nanmean(class_iou(confusion)))


def street_scores(confusions: np.ndarray, names: Sequence[str], draws: int = 1000, seed: int = 0) -> dict:
    """The scores of a set of street scenes, beside those of calling every pixel the commonest class.

    >>> result = street_scores(np.array([[[1, 1], [0, 3]]]), ["sky", "road"])
    >>> result["mean_iou"], result["pixel_accuracy"], result["baseline"]
    (0.625, 0.8, {'class': 'road', 'mean_iou': 0.3, 'pixel_accuracy': 0.6})

    Args:
        confusions: the confusion matrix of each scene, (n, classes, classes).
        names: of the classes.
        draws: how often the scenes are drawn with replacement for the interval.
        seed: of the draws.

    Returns:
        A dictionary of plain numbers: "scenes"; "mean_iou" of all pixels added up, and the 95 % bootstrap
        "interval" of it over the scenes; "pixel_accuracy"; "classes", {name: IoU}, None for a class that is neither
        true nor predicted anywhere; "baseline", with "class", "mean_iou" and "pixel_accuracy".

    Raises:
        ValueError: every pixel is ignored.
    """
    total = confusions.sum(axis=0)
    mean = mean_iou(total)
    true = total.sum(axis=1)
    commonest = np.zeros_like(total)
    commonest[:, true.argmax()] = true
    return {
        "scenes": len(confusions),
        "mean_iou": mean,
        "interval": list(intervals.sum_interval(confusions, mean_iou, draws=draws, seed=seed)),
        "pixel_accuracy": float(np.trace(total) / total.sum()),
        "classes": {
            name: None if math.isnan(value) else float(value)
            for name, value in zip(names, class_iou(total), strict=True)
        },
        "baseline": {
            "class": names[true.argmax()],
            "mean_iou": mean_iou(commonest),
            "pixel_accuracy": float(true.max() / true.sum()),
        },
    }


def scores(
    masks: np.ndarray, predictions: np.ndarray, patients: Sequence[str] | np.ndarray, empty: float = 1.0, seed: int = 0
) -> dict:
    """The scores of a set of slices; see `scores_from_counts`.

    >>> masks, predictions = np.array([[[True, True, False]]]), np.array([[[False, True, True]]])
    >>> scores(masks, predictions, ["a"])["dice"]
    {'mean': 0.5, 'median': 0.5, 'interval': [0.5, 0.5]}

    Args:
        masks: true areas, bool (n, height, width).
        predictions: predicted areas, bool (n, height, width).
        patients: the patient of each slice, (n,).
        empty: score of a patient without tumour in whom nothing is predicted.
        seed: of the bootstrap.
    """
    return scores_from_counts(counts(masks, predictions), patients, empty, seed)


def scores_from_counts(
    counts: np.ndarray, patients: Sequence[str] | np.ndarray, empty: float = 1.0, seed: int = 0
) -> dict:
    """The scores that `python -m helpers.evaluate` writes as JSON, beside those of an all-black prediction.

    To score a cross-validation, join the counts and patients of its folds first.

    >>> result = scores_from_counts([[1, 2, 2], [0, 0, 0], [0, 0, 3]], ["a", "a", "b"])
    >>> result["patients"], result["dice"]["mean"], result["tumour_free_slices"]  # all of a: 2 * 1 / (2 + 2)
    ({'a': 0.5, 'b': 0.0}, 0.25, 1)

    Args:
        counts: what the function `counts` gives, (n, 3).
        patients: the patient of each slice, (n,).
        empty: score of a patient without tumour in whom nothing is predicted.
        seed: of the bootstrap.

    Returns:
        A dictionary of plain numbers: "slices"; "tumour_free_slices"; "dice" with the "mean" and "median" of
        the patients' Dice and the 95 % bootstrap "interval" of the mean; "whole_set_dice", from all pixels
        added up; "positives_iou", the mean IoU of the slices with tumour (None if there are none);
        "false_positive_slices", how many slices without tumour have a predicted pixel; "original_iou";
        "baseline", the same for a prediction that is all black; and "patients", {patient: Dice}.

    Raises:
        ValueError: without slices, or if there is not one patient for each.
    """
    counts = np.asarray(counts)
    if not len(counts):
        raise ValueError("There is no slice to score.")
    black = counts * [0, 0, 1]
    result = _scores(counts, patients, empty, seed)
    baseline = _scores(black, patients, empty, seed)
    dice_by_patient = result.pop("patients")
    del baseline["patients"]
    return {
        "slices": len(counts),
        "tumour_free_slices": int(np.count_nonzero(counts[:, 2] == 0)),
        **result,
        "baseline": baseline,
        "patients": dice_by_patient,
    }


def _scores(counts: np.ndarray, patients: Sequence[str] | np.ndarray, empty: float, seed: int) -> dict:
    by_patient = {name: float(dice(row, empty)) for name, row in per_patient(counts, patients).items()}
    values = list(by_patient.values())
    positives = positives_only(counts)
    false_positives = (counts[:, 2] == 0) & (counts[:, 1] > 0)
    return {
        "dice": {
            "mean": float(np.mean(values)),
            "median": float(np.median(values)),
            "interval": list(intervals.bootstrap_interval(values, seed=seed)),
        },
        "whole_set_dice": float(dice(counts.sum(axis=0), empty)),
        "positives_iou": float(np.mean(iou(positives))) if len(positives) else None,
        "false_positive_slices": int(np.count_nonzero(false_positives)),
        "original_iou": _original_iou(counts),
        "patients": by_patient,
    }


class _Counted(keras.metrics.Metric):
    """Pixels in both areas, predicted and true, added up over an epoch."""

    def __init__(self, name: str, threshold: float = 0.5, empty: float = 1.0):
        super().__init__(name=name, dtype="float32")
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1, but it is {threshold!r}.")
        self.threshold = threshold
        self.empty = empty
        self.both, self.predicted, self.true = (
            # Said again, because a weight does not take the metric's dtype, and one batch overflows float16.
            self.add_weight(shape=(), initializer="zeros", dtype="float32", name=count)
            for count in ("both", "predicted", "true")
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: `y_true` of 0 and 1 and probabilities `y_pred`, both (batch, height, width, 1)."""
        if sample_weight is not None:
            raise ValueError(f"The metric {self.name!r} counts pixels and takes no sample_weight.")
        # Flat, because (batch, h, w) against (batch, h, w, 1) would be broadcast without a word.
        true = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "float32") > 0.5
        predicted = keras.ops.cast(keras.ops.reshape(y_pred, (-1,)), "float32") > self.threshold
        for variable, area in (
            (self.both, keras.ops.logical_and(true, predicted)),
            (self.predicted, predicted),
            (self.true, true),
        ):
            variable.assign_add(keras.ops.sum(keras.ops.cast(area, "float32")))

    def _score(self, numerator, denominator):
        score = numerator / keras.ops.maximum(denominator, 1.0)
        return keras.ops.where(denominator > 0, score, float(self.empty))

    def get_config(self) -> dict:
        """The settings, from which `from_config` makes the same metric again."""
        return {"name": self.name, "threshold": self.threshold, "empty": self.empty}


@keras.saving.register_keras_serializable(package="where_to_look")
class CountedDice(_Counted):
    """Dice of all the pixels seen since the epoch began, as a Keras metric, for binary masks.

    Keras' own running mean of batch scores depends on how the slices fall into batches; this does not.

    >>> score = CountedDice()
    >>> for prediction in (0.9, 0.1):  # two batches of one true pixel: found, missed
    ...     score.update_state(keras.ops.ones((1, 1, 1, 1)), keras.ops.full((1, 1, 1, 1), prediction))
    >>> round(float(score.result()), 4)  # 2 * 1 / (1 + 2)
    0.6667

    Args:
        name: name of the metric.
        threshold: a pixel is predicted where its probability is above this, in (0, 1).
        empty: the score as long as no pixel is true or predicted.

    Raises:
        ValueError: for a threshold out of range, or when a sample_weight is given.
    """

    def __init__(self, name: str = "dice", threshold: float = 0.5, empty: float = 1.0):
        super().__init__(name, threshold, empty)

    def result(self):
        """The score, a scalar."""
        return self._score(2 * self.both, self.predicted + self.true)


@keras.saving.register_keras_serializable(package="where_to_look")
class CountedIoU(_Counted):
    """IoU of all the pixels seen since the epoch began, as a Keras metric, for binary masks.

    >>> score = CountedIoU()
    >>> for prediction in (0.9, 0.1):  # two batches of one true pixel: found, missed
    ...     score.update_state(keras.ops.ones((1, 1, 1, 1)), keras.ops.full((1, 1, 1, 1), prediction))
    >>> round(float(score.result()), 4)  # 1 / 2
    0.5

    Args:
        name: name of the metric.
        threshold: a pixel is predicted where its probability is above this, in (0, 1).
        empty: the score as long as no pixel is true or predicted.

    Raises:
        ValueError: for a threshold out of range, or when a sample_weight is given.
    """

    def __init__(self, name: str = "iou", threshold: float = 0.5, empty: float = 1.0):
        super().__init__(name, threshold, empty)

    def result(self):
        """The score, a scalar."""
        return self._score(self.both, self.predicted + self.true - self.both)
