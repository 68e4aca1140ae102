"""Optimizers, and learning rates that change by iteration, so that a resumed run goes on where it stopped.

Used in lesson 06 (cosine) and lesson 13 (SGD, poly).
"""

import keras

NAMES = ("constant", "cosine", "poly")


def get(name: str, learning_rate: float, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate for each of `steps` iterations.

    - constant: `learning_rate` throughout.
    - cosine: a linear warm-up over the first twentieth, then half a cosine down to 0
      (Loshchilov and Hutter 2017, eq. 5, without restarts).
    - poly: 1e-4 + (learning_rate - 1e-4) * (1 - step / steps) ** 0.9 (as UNet-S5-D16 was trained on Cityscapes).

    Raises ValueError for any other name.
    """
    if name == "constant":
        return learning_rate
    if name == "cosine":
        warm_up = steps // 20
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warm_up else learning_rate,
            decay_steps=max(steps - warm_up, 1),
            warmup_target=learning_rate if warm_up else None,
            warmup_steps=warm_up,
        )
    if name == "poly":
        floor = min(1e-4, learning_rate)
        return keras.optimizers.schedules.PolynomialDecay(learning_rate, steps, end_learning_rate=floor, power=0.9)
    raise ValueError(f"schedule is {name!r}: choose one of {', '.join(NAMES)}.")


OPTIMIZERS = ("AdamW", "SGD")


@keras.saving.register_keras_serializable(package="where_to_look")
class DecayedSGD(keras.optimizers.SGD):
    """SGD whose weight decay is a part of the gradient, and so of the momentum, as PyTorch and mmsegmentation have it.

    Keras' own `weight_decay` shrinks the weights beside the momentum: with momentum 0.9 it acts a tenth as much.

    Args:
        learning_rate: or a schedule.
        decay: what is added to the gradient of each weight, times the weight.
        momentum: share of the last step that is repeated.
    """

    def __init__(self, learning_rate=0.01, decay: float = 0.0, momentum: float = 0.9, name: str = "decayed_sgd"):
        super().__init__(learning_rate, momentum, name=name)
        self.decay = decay

    def update_step(self, gradient, variable, learning_rate):
        """Take one step for one variable."""
        super().update_step(gradient + self.decay * keras.ops.cast(variable, gradient.dtype), variable, learning_rate)

    def get_config(self) -> dict:
        """The settings, from which `from_config` makes the same optimizer again."""
        config = super().get_config()
        own = ("learning_rate", "momentum", "name")
        return {**{name: config[name] for name in own}, "decay": self.decay}


def optimizer(name: str, learning_rate, weight_decay: float) -> keras.optimizers.Optimizer:
    """Return an optimizer by its name.

    - AdamW: decay beside the gradient (Loshchilov and Hutter 2019).
    - SGD: momentum 0.9, decay within the gradient (`DecayedSGD`).

    Args:
        name: one of `OPTIMIZERS`.
        learning_rate: what `get` returned.
        weight_decay: 0 or more.

    Raises ValueError for any other name.
    """
    check_optimizer(name)
    if name == "AdamW":
        return keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay)
    return DecayedSGD(learning_rate, weight_decay)


def check_optimizer(name: str) -> None:
    """Raise ValueError for a name that is none; makes no optimizer, whose variables would wake the backend."""
    if name not in OPTIMIZERS:
        raise ValueError(f"optimizer is {name!r}: choose one of {', '.join(OPTIMIZERS)}.")
