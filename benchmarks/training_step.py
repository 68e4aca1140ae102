"""What a training step costs: our SE_UNet against the same layers written straight down, and the real pipeline
against one fixed batch.

    python benchmarks/training_step.py                  # the original's network: 256 x 256, 32 filters; ten minutes
    python benchmarks/training_step.py --size 128 --filters 16 --batch 16
    python benchmarks/training_step.py --size 64 --filters 16 --batch 8 --models UNet SE_UNet --table cost.csv

With --models, these networks beside each other instead.

The sides take turns in one run, step by step, so that whatever else the machine does falls on both. Run by hand.
"""

import argparse
import dataclasses
import functools
import statistics
import time
from pathlib import Path

import helpers  # noqa: F401  # isort: skip  (first: it keeps the start-up lines of TensorFlow away)
import keras
import numpy as np

from helpers.data import brain
from helpers.nets import zoo
from helpers.scores import losses
from helpers.settings import Settings
from helpers.tasks import brain as brain_task


def straight_down(size, filters):
    """SE_UNet with nothing but Keras' own layers, one after the other."""

    def block(x, width):
        for _ in range(2):
            x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
            x = keras.layers.ReLU()(x)
        return x

    def squeeze_and_excite(x):
        channels = x.shape[-1]
        weights = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
        weights = keras.layers.Dense(channels // 16, activation="relu", use_bias=False)(weights)
        weights = keras.layers.Dense(channels, activation="sigmoid", use_bias=False)(weights)
        return keras.layers.Multiply()([x, weights])

    x = inputs = keras.Input((size, size, 3))
    skips = []
    for level in range(4):
        x = block(x, filters * 2**level)
        skips.append(x)
        x = keras.layers.MaxPooling2D(2)(x)
    x = block(x, filters * 16)
    for level in reversed(range(4)):
        x = keras.layers.Conv2DTranspose(filters * 2**level, 2, strides=2)(x)
        x = keras.layers.Concatenate()([x, skips[level]])
        x = block(squeeze_and_excite(x), filters * 2**level)
    return keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="float32")(x))


def compiled(model):
    model.compile(keras.optimizers.AdamW(1e-4), losses.get("DiceLoss"), jit_compile=False)
    return model


def take_turns(sides, steps):
    """Seconds of each step of each side; the first two steps, which compile and warm up, are left out."""
    seconds = {name: [] for name in sides}
    for step in range(steps + 2):
        # The order alternates, so that neither side always runs on the other's warm caches.
        for name in list(sides)[:: 1 if step % 2 else -1]:
            started = time.perf_counter()
            sides[name]()
            if step >= 2:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def report(title, seconds):
    print(f"\n{title}")
    for name, values in seconds.items():
        low, middle, high = np.percentile(values, [25, 50, 75])
        print(f"  {name:<24}{1000 * middle:8.1f} ms a step  (middle half {1000 * low:.1f} to {1000 * high:.1f})")
    if len(seconds) == 2:
        ours, other = (statistics.median(values) for values in seconds.values())
        print(f"  ratio {ours / other:.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--filters", type=int, default=32)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--data", default="phantom")
    parser.add_argument("--models", nargs="+", metavar="NAME")
    parser.add_argument("--table", help="with --models: a CSV file for their medians")
    options = parser.parse_args()

    settings = dataclasses.replace(Settings(), size=options.size, batch=options.batch)
    slices = brain.normalise(brain.load(options.data, options.size))
    stream = brain_task.batches(slices, settings)
    images, masks = next(stream)

    shape = (options.size, options.size, 3)
    if options.models:
        networks = {name: compiled(zoo.build(name, shape, filters=options.filters)) for name in options.models}
        sides = {name: functools.partial(each.train_on_batch, images, masks) for name, each in networks.items()}
        seconds = take_turns(sides, options.steps)
        report("these networks, one fixed batch", seconds)
        if options.table:
            rows = [f"{name},{1000 * statistics.median(values):.1f}\n" for name, values in seconds.items()]
            Path(options.table).write_text("".join(["model,milliseconds_per_step\n", *rows]), encoding="utf-8")
        return
    ours = compiled(zoo.build("SE_UNet", shape, filters=options.filters))
    plain = compiled(straight_down(options.size, options.filters))
    assert ours.count_params() == plain.count_params(), "the two sides are not the same network"
    plain.set_weights(ours.get_weights())
    difference = np.abs(ours.predict_on_batch(images) - plain.predict_on_batch(images)).max()
    assert difference < 1e-5, f"the two sides differ by {difference}"

    report(
        "the network against the same layers written straight down",
        take_turns(
            {
                "zoo.build": lambda: ours.train_on_batch(images, masks),
                "straight down": lambda: plain.train_on_batch(images, masks),
            },
            options.steps,
        ),
    )
    report(
        "the real pipeline against one fixed batch",
        take_turns(
            {
                "loaded and augmented": lambda: ours.train_on_batch(*next(stream)),
                "fixed batch": lambda: ours.train_on_batch(images, masks),
            },
            options.steps,
        ),
    )


if __name__ == "__main__":
    main()
