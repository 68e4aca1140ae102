"""The short training of the lessons: each seed anew, whatever was trained before."""

import numpy as np

from helpers.nets import zoo
from helpers.training import short


def material(count=8):
    """Squares on noise, (count, 48, 48, 3) uint8, and where they are, (count, 48, 48) bool."""
    rng = np.random.default_rng(0)
    images, masks = rng.integers(0, 60, (count, 48, 48, 3), dtype="uint8"), np.zeros((count, 48, 48), bool)
    for mask, left in zip(masks, rng.integers(4, 30, count), strict=True):
        mask[10:24, left : left + 12] = True
    images[masks] += 150
    return images, masks


def test_a_seed_gives_the_same_weights_whatever_was_trained_before():
    training = short.ShortTraining(zoo.small, *material(), epochs=2)
    first = training(1).get_weights()
    other = training(2).get_weights()
    again = training(1).get_weights()
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not all(np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def test_begin_puts_back_the_first_weights_and_the_optimizer():
    training = short.ShortTraining(zoo.small, *material(), epochs=2)
    assert training(3) is training.network
    assert int(training.network.optimizer.iterations) == 2  # 8 images in batches of 8, two epochs
    untrained = training.begin(3)
    assert all(np.array_equal(*pair) for pair in zip(untrained.get_weights(), zoo.small(3).get_weights(), strict=True))
    assert int(training.network.optimizer.iterations) == 0
    training.go_on(epochs=1)
    assert int(training.network.optimizer.iterations) == 1


def test_begin_hands_its_settings_to_build():
    def build(seed, bias=0.0):
        network = zoo.small(seed)
        network.get_layer("head_conv").bias.assign([bias])
        return network

    training = short.ShortTraining(build, *material(), epochs=1)
    assert training.begin(0, bias=-2.0).get_layer("head_conv").bias[0] == -2.0


def test_it_learns():
    images, masks = material()
    network = short.ShortTraining(zoo.small, images, masks, epochs=30)(0)
    found = np.asarray(network(images.astype("float32") / 255))[..., 0] >= 0.5
    assert (found == masks).mean() > 0.95  # all black: 0.93
