"""Learning rates that change by iteration, so that a resumed run goes on where it stopped.

Used in lesson 06 (cosine) and lesson 13 (poly).
"""

import keras

NAMES = ("constant", "cosine", "poly")


def get(name: str, learning_rate: float, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate for each of `steps` iterations.

    - constant: `learning_rate` throughout.
    - cosine: a linear warm-up over the first twentieth, then half a cosine down to 0
      (Loshchilov and Hutter 2017, eq. 5, without restarts).
    - poly: learning_rate * (1 - step / steps) ** 0.9, not below 1e-4 (as UNet-S5-D16 was trained on Cityscapes).

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
