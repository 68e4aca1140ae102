"""Losses for segmentation, on every Keras backend. Built by hand in lesson 03.

All of them share these settings:

- ``mode="binary"``: `y_true` (batch, height, width, 1) of 0 and 1, `y_pred` (batch, height, width, 1).
- ``mode="multiclass"``: `y_true` (batch, height, width) or (batch, height, width, 1) of integers, `y_pred`
  (batch, height, width, classes).
- ``from_logits=False``: `y_pred` holds probabilities in [0, 1]; `True`: values before the sigmoid or softmax.
  A probability nearer to 0 or 1 than 1e-7 has no gradient in a cross-entropy; a logit always has one.
- ``ignore_index``: the value in `y_true` whose pixels count for nothing (255 in Cityscapes); `None` for no
  such value.
- ``reduction``: as in `keras.losses.Loss`, over one value for each image ("mean", "sum", or "none" to see
  them). A loss that is one number for the whole batch gives that number.

Everything is computed in float32, whatever the predictions come in, because a float16 sum over one batch of
slices overflows. A label that is neither a class nor `ignore_index` (a mask of 0 and 255, say) gives NaN, so
that it is noticed. `sample_weight` is one weight for each image; a loss over the whole batch refuses it.
"""

import difflib
import functools
from collections.abc import Sequence
from typing import Any

import keras

_MODES = ("binary", "multiclass")
_REDUCTIONS = ("mean", "sum", "none", None, "sum_over_batch_size", "mean_with_sample_weight")


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


class _SegmentationLoss(keras.losses.Loss):
    """What all the losses share: labels aligned with predictions, ignored pixels, averages, settings."""

    one_number_per_batch = False

    def __init__(self, mode: str, from_logits: bool, ignore_index: int | None, reduction: str | None, name: str):
        super().__init__(name=name, reduction=_one_of("reduction", reduction, _REDUCTIONS), dtype="float32")
        self.mode = _one_of("mode", mode, _MODES)
        self.from_logits = from_logits
        self.ignore_index = ignore_index

    def __call__(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            sample_weight = keras.ops.convert_to_tensor(sample_weight, dtype="float32")
            shape = tuple(sample_weight.shape)
            if self.one_number_per_batch:
                raise ValueError(
                    f"{type(self).__name__} is one number for the whole batch and cannot weight its images: "
                    "leave sample_weight out, or choose a loss for each image such as Dice(per='image')."
                )
            if len(shape) > 1 and shape[1:] != (1,):
                raise ValueError(
                    f"{type(self).__name__} weights whole images: sample_weight must have the shape "
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
class Dice(_SegmentationLoss):
    """One minus the soft Dice coefficient, 1 - (2 sum(p y) + smooth) / (sum(p) + sum(y) + smooth).

    Milletari et al. 2016 (V-Net), without the squares below the line. ``Dice(per="batch", smooth=1.0)`` is
    the loss of the original "Attention Based U-Nets". Built by hand in lesson 03.

    With ``mode="multiclass"`` it is the mean over the classes that are present, that is, that have at least
    one valid pixel in `y_true` of the batch (or of the image). Without a valid pixel it is 0.

    Args:
        mode: "binary" or "multiclass" (shapes at the top of this module).
        per: "batch" adds up over the whole batch before it divides; "image" divides for each image.
        smooth: 0 or more; keeps the loss of an empty mask finite and lets it fall with the prediction. With
            0, an empty mask costs 1 whatever is predicted, and teaches nothing.
        from_logits: whether `y_pred` comes before the sigmoid or softmax.
        ignore_index: label that counts for nothing, or None.
        reduction: over the images, "mean" by default; without effect with ``per="batch"``.
        name: name of the loss.

    Raises:
        ValueError: for a setting that is not allowed, or labels that do not fit the predictions.
    """

    def __init__(
        self,
        mode: str = "binary",
        per: str = "batch",
        smooth: float = 1.0,
        from_logits: bool = False,
        ignore_index: int | None = None,
        reduction: str | None = "mean",
        name: str = "dice",
    ):
        super().__init__(mode, from_logits, ignore_index, reduction, name)
        self.per = _one_of("per", per, ("batch", "image"))
        self.smooth = _at_least_zero("smooth", smooth)
        self.one_number_per_batch = per == "batch"

    def call(self, y_true, y_pred):
        """Give (batch,) losses, or (1,) with ``per="batch"``."""
        labels, predictions, valid = self._align(y_true, y_pred)
        if self.mode == "binary":
            if self.from_logits:
                predictions = keras.ops.sigmoid(predictions)
            labels, predictions = labels[..., None], predictions[..., None]
        else:
            if self.from_logits:
                predictions = keras.ops.softmax(predictions, axis=-1)
            labels = keras.ops.one_hot(keras.ops.cast(labels, "int32"), predictions.shape[-1], dtype="float32")
        valid = valid[..., None]
        labels, predictions = labels * valid, predictions * valid
        axes = tuple(range(0 if self.per == "batch" else 1, len(labels.shape) - 1))
        both = keras.ops.sum(labels * predictions, axis=axes)
        true = keras.ops.sum(labels, axis=axes)
        total = keras.ops.sum(predictions, axis=axes) + true
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
class CrossEntropy(_SegmentationLoss):
    """The mean of -log(p of the true class) over the pixels. Built by hand in lesson 03.

    Args:
        mode: "binary" or "multiclass" (shapes at the top of this module).
        ignore_index: label that counts for nothing, or None.
        average: "valid" divides by the number of pixels that are not ignored, as Keras and PyTorch do; "all"
            divides by the number of all pixels, as mmsegmentation does, so that a batch with many ignored
            pixels weighs less.
        from_logits: whether `y_pred` comes before the sigmoid or softmax.
        class_weights: with ``mode="multiclass"``, a factor for the pixels of each class, 0 or more; None weighs all
            alike. The mean over the valid pixels is then the weighted one, as in PyTorch.
        reduction: over the images, "mean" by default.
        name: name of the loss.

    Raises:
        ValueError: for a setting that is not allowed, or labels that do not fit the predictions.
    """

    def __init__(
        self,
        mode: str = "binary",
        ignore_index: int | None = None,
        average: str = "valid",
        from_logits: bool = False,
        class_weights: Sequence[float] | None = None,
        reduction: str | None = "mean",
        name: str = "cross_entropy",
    ):
        super().__init__(mode, from_logits, ignore_index, reduction, name)
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
class Focal(_SegmentationLoss):
    """The focal loss, -alpha_t (1 - p_t)^gamma log(p_t) of every pixel, averaged over the valid ones.

    Lin et al. 2017, eq. 5: p_t is the probability of the true class, and alpha_t is alpha for a pixel of the
    foreground and 1 - alpha for one of the background. Built by hand in lesson 03.

    With ``mode="multiclass"`` alpha is the same factor for every class, as in Keras.

    Args:
        mode: "binary" or "multiclass" (shapes at the top of this module).
        alpha: in [0, 1]; None leaves the factor out (eq. 4).
        gamma: 0 or more; 0 gives the weighted cross-entropy, more turns pixels down that are already right.
        from_logits: whether `y_pred` comes before the sigmoid or softmax.
        ignore_index: label that counts for nothing, or None.
        reduction: over the images, "mean" by default.
        name: name of the loss.

    Raises:
        ValueError: for a setting that is not allowed, or labels that do not fit the predictions.
    """

    def __init__(
        self,
        mode: str = "binary",
        alpha: float | None = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        ignore_index: int | None = None,
        reduction: str | None = "mean",
        name: str = "focal",
    ):
        super().__init__(mode, from_logits, ignore_index, reduction, name)
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

    Args:
        mode: "binary" or "multiclass" (shapes at the top of this module).
        alpha: factor in [0, 1]; None leaves it out.
        gamma: 0 or more.
        from_logits: whether `y_pred` comes before the sigmoid or softmax.
        ignore_index: label that counts for nothing, or None.
        reduction: without effect, since the loss is one number for the batch.
        name: name of the loss.

    Raises:
        ValueError: for a setting that is not allowed, or labels that do not fit the predictions.
    """

    one_number_per_batch = True

    def __init__(
        self,
        mode: str = "binary",
        alpha: float | None = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        ignore_index: int | None = None,
        reduction: str | None = "mean",
        name: str = "batch_focal",
    ):
        super().__init__(mode, alpha, gamma, from_logits, ignore_index, reduction, name)

    def call(self, y_true, y_pred):
        """Give one loss for the batch, (1,)."""
        labels, predictions, valid = self._align(y_true, y_pred)
        mean = _as_one(self._average(self._cross_entropy(labels, predictions), valid))
        return (1.0 if self.alpha is None else self.alpha) * _focal(mean, self.gamma)


class _DicePlus(_SegmentationLoss):
    """A weighted sum of a `Dice` and another loss."""

    def __init__(
        self,
        dice: Dice,
        other: _SegmentationLoss,
        weights: dict[str, float],
        reduction: str | None,
        name: str,
    ):
        super().__init__(dice.mode, dice.from_logits, dice.ignore_index, reduction, name)
        self.dice, self.other = dice, other
        self.weights = {setting: _at_least_zero(setting, weight) for setting, weight in weights.items()}
        self.one_number_per_batch = dice.one_number_per_batch

    def call(self, y_true, y_pred):
        """Give (batch,) losses, or (1,) where the Dice part is one number for the batch."""
        other = self.other.call(y_true, y_pred)
        if self.one_number_per_batch:
            other = _as_one(other)
        dice_weight, other_weight = self.weights.values()
        return dice_weight * self.dice.call(y_true, y_pred) + other_weight * other

    def get_config(self) -> dict:
        """The settings, from which `from_config` makes the same loss again."""
        return {**self.other.get_config(), **self.dice.get_config(), **super().get_config(), **self.weights}


@keras.saving.register_keras_serializable(package="where_to_look")
class DiceFocal(_DicePlus):
    """The plain sum of `Dice` and `Focal`, or a weighted one. Built by hand in lesson 03.

    Args:
        mode: "binary" or "multiclass" (shapes at the top of this module).
        dice_weight: factor of the Dice loss.
        focal_weight: factor of the focal loss.
        per, smooth: as in `Dice`.
        alpha, gamma: as in `Focal`.
        from_logits: whether `y_pred` comes before the sigmoid or softmax.
        ignore_index: label that counts for nothing, or None.
        reduction: over the images, "mean" by default; without effect with ``per="batch"``.
        name: name of the loss.

    Raises:
        ValueError: for a setting that is not allowed, or labels that do not fit the predictions.
    """

    def __init__(
        self,
        mode: str = "binary",
        dice_weight: float = 1.0,
        focal_weight: float = 1.0,
        per: str = "batch",
        smooth: float = 1.0,
        alpha: float | None = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        ignore_index: int | None = None,
        reduction: str | None = "mean",
        name: str = "dice_focal",
    ):
        dice = Dice(mode, per, smooth, from_logits, ignore_index)
        focal = Focal(mode, alpha, gamma, from_logits, ignore_index)
        weights = {"dice_weight": dice_weight, "focal_weight": focal_weight}
        super().__init__(dice, focal, weights, reduction, name)


@keras.saving.register_keras_serializable(package="where_to_look")
class BatchDiceFocal(_DicePlus):
    """The sum of `Dice` over the batch and `BatchFocal`: "Dice_Focal" of "Attention Based U-Nets".

    For replication only; `DiceFocal` is the sum with the true focal loss.

    Args:
        mode: "binary" or "multiclass" (shapes at the top of this module).
        dice_weight: factor of the Dice loss.
        focal_weight: factor of the batch's focal loss.
        smooth: as in `Dice`.
        alpha, gamma: as in `BatchFocal`.
        from_logits: whether `y_pred` comes before the sigmoid or softmax.
        ignore_index: label that counts for nothing, or None.
        reduction: without effect, since the loss is one number for the batch.
        name: name of the loss.

    Raises:
        ValueError: for a setting that is not allowed, or labels that do not fit the predictions.
    """

    def __init__(
        self,
        mode: str = "binary",
        dice_weight: float = 1.0,
        focal_weight: float = 1.0,
        smooth: float = 1.0,
        alpha: float | None = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        ignore_index: int | None = None,
        reduction: str | None = "mean",
        name: str = "batch_dice_focal",
    ):
        dice = Dice(mode, "batch", smooth, from_logits, ignore_index)
        focal = BatchFocal(mode, alpha, gamma, from_logits, ignore_index)
        weights = {"dice_weight": dice_weight, "focal_weight": focal_weight}
        super().__init__(dice, focal, weights, reduction, name)

    def get_config(self) -> dict:
        """The settings, from which `from_config` makes the same loss again."""
        config = super().get_config()
        del config["per"]
        return config


@keras.saving.register_keras_serializable(package="where_to_look")
class DiceCrossEntropy(_DicePlus):
    """The plain sum of `Dice` and `CrossEntropy`, or a weighted one. Built by hand in lesson 03.

    Args:
        mode: "binary" or "multiclass" (shapes at the top of this module).
        dice_weight: factor of the Dice loss.
        cross_entropy_weight: factor of the cross-entropy.
        per, smooth: as in `Dice`.
        average, class_weights: as in `CrossEntropy`.
        from_logits: whether `y_pred` comes before the sigmoid or softmax.
        ignore_index: label that counts for nothing, or None.
        reduction: over the images, "mean" by default; without effect with ``per="batch"``.
        name: name of the loss.

    Raises:
        ValueError: for a setting that is not allowed, or labels that do not fit the predictions.
    """

    def __init__(
        self,
        mode: str = "binary",
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
        per: str = "batch",
        smooth: float = 1.0,
        average: str = "valid",
        from_logits: bool = False,
        ignore_index: int | None = None,
        class_weights: Sequence[float] | None = None,
        reduction: str | None = "mean",
        name: str = "dice_cross_entropy",
    ):
        dice = Dice(mode, per, smooth, from_logits, ignore_index)
        cross_entropy = CrossEntropy(mode, ignore_index, average, from_logits, class_weights)
        weights = {"dice_weight": dice_weight, "cross_entropy_weight": cross_entropy_weight}
        super().__init__(dice, cross_entropy, weights, reduction, name)


_BY_NAME = {
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
) -> keras.losses.Loss:
    """Make a loss by its name on the command line, with default settings.

    DiceLoss, FocalLoss and Dice_Focal are the names of "Attention Based U-Nets". FocalLoss and Dice_Focal use
    the true focal loss here; BatchFocalLoss and Batch_Dice_Focal compute what the original does.
    CrossEntropy_AllPixels divides by all pixels, ignored or not, as mmsegmentation does; CrossEntropyLoss by those
    that are not ignored.

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
