"""Seconds and peak memory of predicting one photograph of 2048 x 1024, in each way that `predict` knows.

    python benchmarks/prediction_memory.py                  # UNet_S5_D16 in its published width, half an hour
    python benchmarks/prediction_memory.py --model Lite0_UNet

The weights are random: they change neither. Each way runs in a process of its own, since a peak never falls.
"""

import argparse
import resource
import subprocess
import sys
import time

import helpers  # noqa: F401  # isort: skip  (first: it keeps the start-up lines of TensorFlow away)
import numpy as np

from helpers.nets import inference, zoo

WINDOW = (512, 1024)
WAYS = {
    "whole": {},
    "windows": {"window": WINDOW},
    "windows, mirrored": {"window": WINDOW, "flips": True},
    "windows, mirrored, 0.5 to 1.75 of its size": {
        "window": WINDOW,
        "flips": True,
        "scales": (0.5, 0.75, 1.0, 1.25, 1.5, 1.75),
    },
}


def main() -> None:
    """Measure the way that is named, or each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="UNet_S5_D16", choices=zoo.NAMES)
    parser.add_argument("--way", choices=WAYS)
    options = parser.parse_args()
    if options.way is None:
        for way in WAYS:
            subprocess.run([sys.executable, __file__, "--model", options.model, "--way", way], check=True)
        return
    model = zoo.build(options.model, input_shape=(None, None, 3), classes=19)
    photograph = np.random.default_rng(0).integers(0, 256, (1, 1024, 2048, 3), dtype="uint8")
    started = time.perf_counter()
    inference.predict_probabilities(model, photograph, batch=1, **WAYS[options.way])
    seconds = time.perf_counter() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.model}, {options.way}: {seconds:.0f} s, {megabytes:,.0f} MB", flush=True)


if __name__ == "__main__":
    main()
