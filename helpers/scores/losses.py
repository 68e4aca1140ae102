"""Losses for segmentation, on every Keras backend. Built by hand in lesson 03.

`SegmentationLoss` says what all of them share: `mode`, and the settings that each takes by name. To see the loss of
each image:

    losses.Dice(per="image", reduction="none")(y_true, y_pred)  # (batch,)
"""

import difflib
import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, TypedDict, Unpack

import keras

_MODES = ("binary", "multiclass")
_REDUCTIONS = ("mean", "sum", "none", None, "sum_over_batch_size", "mean_with_sample_weight")


class Shared(TypedDict, total=False):
    """The settings that every loss takes by name; `SegmentationLoss` says what they mean."""

    from_logits: bool
    ignore_index: int | None
    reduction: str | None
    name: str | None


def _one_of(setting: str, value: Any, allowed: tuple) -> Any:
    if value not in allowed:
        raise ValueError(f"{setting} must be one of {', '.join(map(repr, allowed))}, but it is {value!r}.")
    return value


def _at_least_zero(setting: str, value: float) -> float:
    if not value >= 0:
        raise ValueError(f"{setting} must be 0 or more, but it is {value!r}.")
    return value


def _fraction(setting: str, value: float | None) -> float | None:
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"{setting} must lie between 0 and 1 or be None, but it is {value!r}.")
    return value


class SegmentationLoss(keras.losses.Loss):
    """What all the losses share: labels aligned with predictions, ignored pixels, averages, settings.

    Everything is computed in float32, whatever the predictions come in, because a float16 sum over one batch of
    slices overflows. A label that is neither a class nor `ignore_index` (a mask of 0 and 255, say) gives NaN, so
    that it is noticed. `sample_weight` is one weight for each image; a loss over the whole batch refuses it.

    Args:
        mode: "binary": `y_true` (batch, height, width, 1) of 0 and 1, `y_pred` (batch, height, width, 1).
            "multiclass": `y_true` (batch, height, width) or (batch, height, width, 1) of integers, `y_pred`
            (batch, height, width, classes).
        from_logits: False: `y_pred` holds probabilities in [0, 1]. True: values before the sigmoid or softmax.
            A probability nearer to 0 or 1 than 1e-7 has no gradient in a cross-entropy; a logit always has one.
        ignore_index: the value in `y_true` whose pixels count for nothing (255 in Cityscapes); None for no
            such value.
        reduction: as in `keras.losses.Loss`, over one value for each image: "mean", "sum", or "none" to see
            them. A loss that is one number for the whole batch gives that number.
        name: of the loss; None for its class's, as in "dice_focal".

    Raises:
        ValueError: for a setting that is not allowed, labels that do not fit the predictions, or a `sample_weight`
            that cannot be used.
    """

    one_number_per_batch = False

    def __init__(
        self,
        mode: str = "binary",
        from_logits: bool = False,
        ignore_index: int | None = None,
        reduction: str | None = "mean",
        name: str | None = None,
    ):
        name = name or re.sub("(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()
        super().__init__(name=name, reduction=_one_of("reduction", reduction, _REDUCTIONS), dtype="float32")
        self.mode = _one_of("mode", mode, _MODES)
        self.from_logits = from_logits
        self.ignore_index = ignore_index

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Give the loss of a batch, reduced over its images, a scalar (or (batch,) with ``reduction="none"``)."""
        if sample_weight is not None:
            sample_weight = keras.ops.convert_to_tensor(sample_weight, dtype="float32")
            shape = tuple(sample_weight.shape)  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]
            if self.one_number_per_batch:
                raise ValueError(
                    f"The loss {self.name!r} is one number for the whole batch and cannot weight its images: "
                    "leave sample_weight out, or choose a loss for each image such as Dice(per='image')."
                )
            if len(shape) > 1 and shape[1:] != (1,):
                raise ValueError(
                    f"The loss {self.name!r} weights whole images: sample_weight must have the shape "
                    f"(batch,), but it has {shape}."
                )
        return super().__call__(y_true, y_pred, sample_weight)

    def get_config(self) -> dict:
        """The settings, from which `from_config` makes the same loss again."""
        return {
            "mode": self.mode,
            "from_logits": self.from_logits,
            "ignore_index": self.ignore_index,
            "reduction": self.reduction,
            "name": self.name,
        }

    def _align(self, y_true, y_pred):
        """Give labels (batch, h, w), predictions (batch, h, w[, classes]) and valid (batch, h, w)."""
        classes = y_pred.shape[-1]
        if (classes == 1) != (self.mode == "binary"):
            expected = "1 channel" if self.mode == "binary" else "a channel for each class"
            raise ValueError(
                f"With mode={self.mode!r} the predictions must have {expected}, "
                f"but their shape is {tuple(y_pred.shape)}."
            )
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        sides = tuple(y_true.shape), tuple(y_pred.shape[:-1])
        # Without this check (batch, h, w) would be broadcast against (batch, h, w, 1) without a word.
        if len(sides[0]) != len(sides[1]) or any(a != b for a, b in zip(*sides, strict=True) if a and b):
            raise ValueError(
                f"The labels of shape {tuple(y_true.shape)} do not fit the predictions of shape "
                f"{tuple(y_pred.shape)}: give one label for each pixel."
            )
        if self.mode == "binary":
            y_pred, highest = y_pred[..., 0], 1
        else:
            highest = classes - 1
        usable = keras.ops.logical_and(y_true >= 0, y_true <= highest)
        valid = keras.ops.where(usable, keras.ops.ones_like(y_true), float("nan"))
        if self.ignore_index is not None:
            ignored = keras.ops.equal(y_true, float(self.ignore_index))
            usable = keras.ops.logical_and(usable, keras.ops.logical_not(ignored))
            valid = keras.ops.where(ignored, 0.0, valid)
        return keras.ops.where(usable, y_true, 0.0), y_pred, valid

    def _by_class(self, y_true, y_pred):
        """Give labels and probabilities of each class, both (batch, h, w, classes) and 0 where ignored."""
        labels, predictions, valid = self._align(y_true, y_pred)
        if self.mode == "binary":
            probabilities = (keras.ops.sigmoid(predictions) if self.from_logits else predictions)[..., None]
            labels = labels[..., None]
        else:
            probabilities = keras.ops.softmax(predictions, axis=-1) if self.from_logits else predictions
            labels = keras.ops.one_hot(keras.ops.cast(labels, "int32"), predictions.shape[-1], dtype="float32")
        return labels * valid[..., None], probabilities * valid[..., None]

    def _cross_entropy(self, labels, predictions):
        """-log(p of the true class) for each pixel, (batch, h, w)."""
        if not self.from_logits:
            # 1 - 1e-8 is 1 in float32, and log(0) is not finite.
            smallest = max(keras.config.epsilon(), 1e-7)
            predictions = keras.ops.clip(predictions, smallest, 1 - smallest)
        if self.mode == "binary":
            return keras.ops.binary_crossentropy(labels, predictions, from_logits=self.from_logits)
        # One row for each pixel, because PyTorch cannot differentiate Keras' own transposition of an image.
        rows = keras.ops.reshape(predictions, (-1, predictions.shape[-1]))
        classes = keras.ops.cast(keras.ops.reshape(labels, (-1,)), "int32")
        values = keras.ops.sparse_categorical_crossentropy(classes, rows, from_logits=self.from_logits)
        return keras.ops.reshape(values, keras.ops.shape(labels))

    def _average(self, values, valid, average: str = "valid"):
        """One value for each image, (batch,), whose mean is the mean over the valid, or over all, pixels."""
        axes = tuple(range(1, len(values.shape)))
        sums = keras.ops.sum(values * valid, axis=axes)
        counted = keras.ops.sum(valid if average == "valid" else keras.ops.ones_like(valid))
        batch = keras.ops.cast(keras.ops.shape(values)[0], "float32")
        return sums * batch / keras.ops.maximum(counted, 1e-7)


def _as_one(values):
    """The mean as (1,): Keras divides a loss among the devices of a strategy only if it is not a scalar."""
    return keras.ops.reshape(keras.ops.mean(values), (1,))


def _focal(cross_entropy, gamma: float):
    """(1 - p)^gamma * -log(p), from the cross-entropy -log(p)."""
    # The floor keeps the gradient of the power finite at p = 1 for a gamma below 1.
    wrong = keras.ops.maximum(-keras.ops.expm1(-cross_entropy), 1e-7)
    return keras.ops.power(wrong, gamma) * cross_entropy


@keras.saving.register_keras_serializable(package="where_to_look")
class Dice(SegmentationLoss):
    """One minus the soft Dice coefficient, 1 - (2 sum(p y) + smooth) / (sum(p) + sum(y) + smooth).

    Milletari et al. 2016 (V-Net), without the squares below the line. ``Dice(per="batch", smooth=1.0)`` is
    the loss of the original "Attention Based U-Nets". Built by hand in lesson 03.

    With ``mode="multiclass"`` it is the mean over the classes that are present, that is, that have at least
    one valid pixel in `y_true` of the batch (or of the image). Without a valid pixel it is 0.

    >>> y_true, y_pred = keras.ops.array([[[[1.0], [1.0]]]]), keras.ops.array([[[[1.0], [0.0]]]])
    >>> round(float(Dice()(y_true, y_pred)), 4)  # 1 - (2 * 1 + 1) / (1 + 2 + 1)
    0.25

    Args:
        mode, **shared: as in `SegmentationLoss`; `reduction` is without effect with ``per="batch"``.
        per: "batch" adds up over the whole batch before it divides; "image" divides for each image.
        smooth: 0 or more; keeps the loss of an empty mask finite and lets it fall with the prediction. With
            0, an empty mask costs 1 whatever is predicted, and teaches nothing.
    """

    def __init__(self, mode: str = "binary", per: str = "batch", smooth: float = 1.0, **shared: Unpack[Shared]):
        super().__init__(mode, **shared)
        self.per = _one_of("per", per, ("batch", "image"))
        self.smooth = _at_least_zero("smooth", smooth)
        self.one_number_per_batch = per == "batch"

    def call(self, y_true, y_pred):
        """Give (batch,) losses, or (1,) with ``per="batch"``."""
        labels, probabilities = self._by_class(y_true, y_pred)
        axes = tuple(range(0 if self.per == "batch" else 1, len(labels.shape) - 1))
        both = keras.ops.sum(labels * probabilities, axis=axes)
        true = keras.ops.sum(labels, axis=axes)
        total = keras.ops.sum(probabilities, axis=axes) + true
        losses = 1 - (2 * both + self.smooth) / keras.ops.maximum(total + self.smooth, 1e-7)
        if self.mode == "multiclass":
            # A comparison would turn the NaN of a wrong label into "absent"; this keeps it.
            present = keras.ops.minimum(true, 1.0)
            losses = keras.ops.sum(losses * present, axis=-1, keepdims=True) / keras.ops.maximum(
                keras.ops.sum(present, axis=-1, keepdims=True), 1.0
            )
        return losses[..., 0] if self.per == "image" else losses

    def get_config(self) -> dict:
        """The settings, from which `from_config` makes the same loss again."""
        return {**super().get_config(), "per": self.per, "smooth": self.smooth}


@keras.saving.register_keras_serializable(package="where_to_look")
class CrossEntropy(SegmentationLoss):
    """The mean of -log(p of the true class) over the pixels. Built by hand in lesson 03.

    >>> y_true, y_pred = keras.ops.array([[[[1.0], [0.0]]]]), keras.ops.array([[[[0.5], [0.5]]]])
    >>> round(float(CrossEntropy()(y_true, y_pred)), 4)  # log 2
    0.6931

    Args:
        mode, **shared: as in `SegmentationLoss`.
        average: "valid" divides by the number of pixels that are not ignored, as Keras and PyTorch do; "all"
            divides by the number of all pixels, as mmsegmentation does, so that a batch with many ignored
            pixels weighs less.
        class_weights: with ``mode="multiclass"``, a factor for the pixels of each class, 0 or more; None weighs all
            alike. The mean over the valid pixels is then the weighted one, as in PyTorch.
    """

    def __init__(
        self,
        mode: str = "binary",
        average: str = "valid",
        class_weights: Sequence[float] | None = None,
        **shared: Unpack[Shared],
    ):
        super().__init__(mode, **shared)
        self.average = _one_of("average", average, ("valid", "all"))
        if class_weights is not None:
            if mode == "binary":
                raise ValueError("class_weights are for mode='multiclass': leave them out with mode='binary'.")
            class_weights = [_at_least_zero("a class weight", float(weight)) for weight in class_weights]
        self.class_weights = class_weights

    def call(self, y_true, y_pred):
        """Give (batch,) losses; their mean is the mean over the pixels of the batch."""
        labels, predictions, valid = self._align(y_true, y_pred)
        values = self._cross_entropy(labels, predictions)
        if self.class_weights is None:
            return self._average(values, valid, self.average)
        if len(self.class_weights) != predictions.shape[-1]:
            raise ValueError(
                f"There are {len(self.class_weights)} class weights for {predictions.shape[-1]} classes: give one for "
                "each class."
            )
        weights = keras.ops.take(
            keras.ops.convert_to_tensor(self.class_weights, dtype="float32"), keras.ops.cast(labels, "int32")
        )
        if self.average == "all":
            return self._average(values * weights, valid, "all")
        return self._average(values, valid * weights)

    def get_config(self) -> dict:
        """The settings, from which `from_config` makes the same loss again."""
        return {**super().get_config(), "average": self.average, "class_weights": self.class_weights}


@keras.saving.register_keras_serializable(package="where_to_look")
class Focal(SegmentationLoss):
    """The focal loss, -alpha_t (1 - p_t)^gamma log(p_t) of every pixel, averaged over the valid ones.

    Lin et al. 2017, eq. 5: p_t is the probability of the true class, and alpha_t is alpha for a pixel of the
    foreground and 1 - alpha for one of the background. Built by hand in lesson 03.

    With ``mode="multiclass"`` alpha is the same factor for every class, as in Keras.

    >>> y_true, y_pred = keras.ops.array([[[[1.0], [0.0]]]]), keras.ops.array([[[[0.5], [0.5]]]])
    >>> round(float(Focal()(y_true, y_pred)), 4)  # (0.25 + 0.75) / 2 * 0.5^2 * log 2
    0.0866

    Args:
        mode, **shared: as in `SegmentationLoss`.
        alpha: in [0, 1]; None leaves the factor out (eq. 4).
        gamma: 0 or more; 0 gives the weighted cross-entropy, more turns pixels down that are already right.
    """

    def __init__(self, mode: str = "binary", alpha: float | None = 0.25, gamma: float = 2.0, **shared: Unpack[Shared]):
        super().__init__(mode, **shared)
        self.alpha = _fraction("alpha", alpha)
        self.gamma = _at_least_zero("gamma", gamma)

    def call(self, y_true, y_pred):
        """Give (batch,) losses; their mean is the mean over the valid pixels of the batch."""
        labels, predictions, valid = self._align(y_true, y_pred)
        values = _focal(self._cross_entropy(labels, predictions), self.gamma)
        if self.alpha is not None:
            binary = self.mode == "binary"
            values *= self.alpha * labels + (1 - self.alpha) * (1 - labels) if binary else self.alpha
        return self._average(values, valid)

    def get_config(self) -> dict:
        """The settings, from which `from_config` makes the same loss again."""
        return {**super().get_config(), "alpha": self.alpha, "gamma": self.gamma}


@keras.saving.register_keras_serializable(package="where_to_look")
class BatchFocal(Focal):
    """What "Attention Based U-Nets" calls focal: alpha (1 - exp(-B))^gamma B.

    B is the mean cross-entropy of the batch, so this turns down whole batches that are right on average, not
    pixels, and alpha does not balance the classes. For replication only: `Focal` is the loss of Lin et al.
    Lesson 03 compares the two.

    >>> y_true, y_pred = keras.ops.array([[[[1.0], [0.0]]]]), keras.ops.array([[[[0.5], [0.5]]]])
    >>> round(float(BatchFocal()(y_true, y_pred)), 4)  # 0.25 * (1 - 1/2)^2 * log 2
    0.0433

    Args:
        mode, **shared: as in `SegmentationLoss`; `reduction` is without effect.
        alpha: factor in [0, 1]; None leaves it out.
        gamma: 0 or more.
    """

    one_number_per_batch = True

    def call(self, y_true, y_pred):
        """Give one loss for the batch, (1,)."""
        labels, predictions, valid = self._align(y_true, y_pred)
        mean = _as_one(self._average(self._cross_entropy(labels, predictions), valid))
        return (1.0 if self.alpha is None else self.alpha) * _focal(mean, self.gamma)


@keras.saving.register_keras_serializable(package="where_to_look")
class WeightedSum(SegmentationLoss):
    """Two losses, each times its weight, added up. One number for the batch where either of them is.

    >>> y_true, y_pred = keras.ops.array([[[[1.0], [0.0]]]]), keras.ops.array([[[[0.5], [0.5]]]])
    >>> round(float(WeightedSum(CrossEntropy(), Dice(), 1.0, 2.0)(y_true, y_pred)), 4)  # log 2 + 2 * (1 - 2 / 3)
    1.3598

    Args:
        first, second: losses of this module with the same shared settings, which are the sum's too.
        first_weight, second_weight: their factors, 0 or more.
        name: of the sum; None joins their names.
    """

    def __init__(
        self,
        first: SegmentationLoss,
        second: SegmentationLoss,
        first_weight: float = 1.0,
        second_weight: float = 1.0,
        name: str | None = None,
    ):
        for part in (first, second):
            if not isinstance(part, SegmentationLoss):
                raise ValueError(f"WeightedSum adds losses of helpers.scores.losses, and {part!r} is none of them.")
        for setting in ("mode", "from_logits", "ignore_index", "reduction"):
            one, other = getattr(first, setting), getattr(second, setting)
            if one != other:
                raise ValueError(f"The losses of a sum need the same {setting}, but theirs are {one!r} and {other!r}.")
        name = name or f"{first.name}_{second.name}"
        super().__init__(first.mode, first.from_logits, first.ignore_index, first.reduction, name)
        self.first, self.second = first, second
        self.first_weight = _at_least_zero(f"the weight of {type(first).__name__}", first_weight)
        self.second_weight = _at_least_zero(f"the weight of {type(second).__name__}", second_weight)
        self.one_number_per_batch = first.one_number_per_batch or second.one_number_per_batch

    def call(self, y_true, y_pred):
        """Give (batch,) losses, or (1,) where one of the two is one number for the batch."""
        first, second = self.first.call(y_true, y_pred), self.second.call(y_true, y_pred)
        if self.one_number_per_batch:
            first, second = _as_one(first), _as_one(second)
        return self.first_weight * first + self.second_weight * second

    def get_config(self) -> dict:
        """The two losses and the settings, from which `from_config` makes the same sum again."""
        return {
            "first": keras.losses.serialize(self.first),
            "second": keras.losses.serialize(self.second),
            "first_weight": self.first_weight,
            "second_weight": self.second_weight,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict) -> "WeightedSum":
        """Make the sum again that gave these settings."""
        parts = {part: keras.losses.deserialize(config[part]) for part in ("first", "second")}
        return cls(**{**config, **parts})


# The sums with a name of their own are functions that look like classes, as keras.Input is one.


def DiceFocal(
    mode: str = "binary",
    dice_weight: float = 1.0,
    focal_weight: float = 1.0,
    per: str = "batch",
    smooth: float = 1.0,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    **shared: Unpack[Shared],
) -> WeightedSum:
    """The plain sum of `Dice` and `Focal`, or a weighted one. Built by hand in lesson 03.

    >>> y_true, y_pred = keras.ops.array([[[[1.0], [0.0]]]]), keras.ops.array([[[[0.5], [0.5]]]])
    >>> round(float(DiceFocal()(y_true, y_pred)), 4)  # 1 - 2 / 3 + 0.0866
    0.42

    Args:
        mode, **shared: as in `SegmentationLoss`; `reduction` is without effect with ``per="batch"``.
        dice_weight, focal_weight: factors of the two losses, 0 or more.
        per, smooth: as in `Dice`.
        alpha, gamma: as in `Focal`.
    """
    dice, focal = Dice(mode, per, smooth, **shared), Focal(mode, alpha, gamma, **shared)
    return WeightedSum(dice, focal, dice_weight, focal_weight, shared.get("name"))


def BatchDiceFocal(
    mode: str = "binary",
    dice_weight: float = 1.0,
    focal_weight: float = 1.0,
    smooth: float = 1.0,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    **shared: Unpack[Shared],
) -> WeightedSum:
    """The sum of `Dice` over the batch and `BatchFocal`: "Dice_Focal" of "Attention Based U-Nets".

    For replication only; `DiceFocal` is the sum with the true focal loss.

    >>> y_true, y_pred = keras.ops.array([[[[1.0], [0.0]]]]), keras.ops.array([[[[0.5], [0.5]]]])
    >>> round(float(BatchDiceFocal()(y_true, y_pred)), 4)  # 1 - 2 / 3 + 0.0433
    0.3767

    Args:
        mode, **shared: as in `SegmentationLoss`; `reduction` is without effect.
        dice_weight, focal_weight: factors of the two losses, 0 or more.
        smooth: as in `Dice`.
        alpha, gamma: as in `BatchFocal`.
    """
    dice, focal = Dice(mode, "batch", smooth, **shared), BatchFocal(mode, alpha, gamma, **shared)
    return WeightedSum(dice, focal, dice_weight, focal_weight, shared.get("name"))


def DiceCrossEntropy(
    mode: str = "binary",
    dice_weight: float = 1.0,
    cross_entropy_weight: float = 1.0,
    per: str = "batch",
    smooth: float = 1.0,
    average: str = "valid",
    class_weights: Sequence[float] | None = None,
    **shared: Unpack[Shared],
) -> WeightedSum:
    """The plain sum of `Dice` and `CrossEntropy`, or a weighted one. Built by hand in lesson 03.

    >>> y_true, y_pred = keras.ops.array([[[[1.0], [0.0]]]]), keras.ops.array([[[[0.5], [0.5]]]])
    >>> round(float(DiceCrossEntropy()(y_true, y_pred)), 4)  # 1 - 2 / 3 + log 2
    1.0265

    Args:
        mode, **shared: as in `SegmentationLoss`; `reduction` is without effect with ``per="batch"``.
        dice_weight, cross_entropy_weight: factors of the two losses, 0 or more.
        per, smooth: as in `Dice`.
        average, class_weights: as in `CrossEntropy`.
    """
    dice, cross_entropy = Dice(mode, per, smooth, **shared), CrossEntropy(mode, average, class_weights, **shared)
    return WeightedSum(dice, cross_entropy, dice_weight, cross_entropy_weight, shared.get("name"))


_BY_NAME: dict[str, Callable[..., SegmentationLoss]] = {
    "DiceLoss": Dice,
    "FocalLoss": Focal,
    "Dice_Focal": DiceFocal,
    "CrossEntropyLoss": CrossEntropy,
    "CrossEntropy_AllPixels": functools.partial(CrossEntropy, average="all"),
    "Dice_CrossEntropy": DiceCrossEntropy,
    "BatchFocalLoss": BatchFocal,
    "Batch_Dice_Focal": BatchDiceFocal,
}
NAMES: tuple[str, ...] = tuple(_BY_NAME)
WITH_CLASS_WEIGHTS = ("CrossEntropyLoss", "CrossEntropy_AllPixels", "Dice_CrossEntropy")


def get(
    name: str, mode: str = "binary", ignore_index: int | None = None, class_weights: Sequence[float] | None = None
) -> SegmentationLoss:
    """Make a loss by its name on the command line, with default settings.

    DiceLoss, FocalLoss and Dice_Focal are the names of "Attention Based U-Nets". FocalLoss and Dice_Focal use
    the true focal loss here; BatchFocalLoss and Batch_Dice_Focal compute what the original does.
    CrossEntropy_AllPixels divides by all pixels, ignored or not, as mmsegmentation does; CrossEntropyLoss by those
    that are not ignored.

    >>> get("Dice_Focal", mode="multiclass", ignore_index=255).name
    'dice_focal'

    Args:
        name: one of `NAMES`.
        mode: "binary" or "multiclass".
        ignore_index: label that counts for nothing, or None.
        class_weights: as in `CrossEntropy`, for the names in `WITH_CLASS_WEIGHTS`; None weighs all classes alike.

    Raises:
        ValueError: for an unknown name, with the nearest known one; class weights for a loss that takes none.
    """
    if name not in _BY_NAME:
        lower = {known.lower(): known for known in NAMES}
        nearest = lower[difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.0)[0]]
        raise ValueError(f"The loss {name!r} is unknown: did you mean {nearest!r}, of {', '.join(NAMES)}?")
    if class_weights is None:
        return _BY_NAME[name](mode=mode, ignore_index=ignore_index)
    if name not in WITH_CLASS_WEIGHTS:
        raise ValueError(f"{name} takes no class weights: leave them out, or choose {', '.join(WITH_CLASS_WEIGHTS)}.")
    return _BY_NAME[name](mode=mode, ignore_index=ignore_index, class_weights=class_weights)
