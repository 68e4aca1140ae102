"""The optimizers by name; the schedules are tested where they train."""

import keras
import numpy as np
import pytest

import helpers  # noqa: F401  (imports Keras quietly)
from helpers.training import schedules


def test_sgd_decays_within_the_momentum_as_pytorch_does():
    weight = keras.Variable(np.array([2.0, -1.0], "float32"))
    optimizer = schedules.optimizer("SGD", 0.1, 0.5)
    optimizer.build([weight])
    # By hand: v = 0.9 v + gradient + 0.5 w; w = w - 0.1 v.
    value, velocity = np.array([2.0, -1.0]), np.zeros(2)
    for gradient in ([1.0, 0.0], [0.0, 2.0], [0.0, 0.0]):
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [weight])
        velocity = 0.9 * velocity + np.array(gradient) + 0.5 * value
        value = value - 0.1 * velocity
    np.testing.assert_allclose(weight.numpy(), value, rtol=1e-6)


def test_sgd_is_made_again_from_its_settings():
    optimizer = schedules.optimizer("SGD", schedules.get("poly", 0.01, 100), 5e-4)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(again, schedules.DecayedSGD)
    assert again.decay == 5e-4 and again.momentum == 0.9
    assert float(again.learning_rate) == pytest.approx(0.01)


def test_adamw_is_keras_own():
    optimizer = schedules.optimizer("AdamW", 0.01, 5e-4)
    assert isinstance(optimizer, keras.optimizers.AdamW) and optimizer.weight_decay == 5e-4


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="optimizer is 'Adam': choose one of AdamW, SGD"):
        schedules.optimizer("Adam", 0.01, 0.0)
