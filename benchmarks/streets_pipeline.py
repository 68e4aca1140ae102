"""Images per second of the training pipeline of the streets, against the limit: decoding the same files, no more.

    python benchmarks/streets_pipeline.py                      # made-up scenes of 2048 x 1024, pieces of 512 x 1024
    python benchmarks/streets_pipeline.py --data cityscapes

The two take turns, so that whatever else the machine does falls on both. Run by hand.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import helpers  # noqa: F401  # isort: skip  (first: it keeps the start-up lines of TensorFlow away)
import numpy as np
from PIL import Image

from helpers.data import disk, image_files, phantom_streets, streets
from helpers.settings import Settings
from helpers.tasks import streets as streets_task


def write_large_scenes(folder, count=12):
    """Phantom streets, eight times as wide and high and with the grain of a photograph, which PNG cannot compress."""
    for number in range(count):
        photograph, labels = phantom_streets.scene(0, number)
        grain = np.random.default_rng(number).normal(0, 2, (1024, 2048, 3))
        large = np.asarray(Image.fromarray(photograph).resize((2048, 1024), Image.Resampling.BICUBIC))
        name = f"made_000000_{number:06}"
        for part, kind, picture in (
            ("leftImg8bit", "leftImg8bit", np.clip(large + grain, 0, 255).astype("uint8")),
            ("gtFine", "gtFine_labelIds", labels.repeat(8, axis=0).repeat(8, axis=1)),
        ):
            home = Path(folder) / part / "train" / "made"
            home.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(home / f"{name}_{kind}.png")


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="cityscapes or a folder; made-up scenes unless it is given")
    parser.add_argument("--crop", type=int, nargs=2, default=(512, 1024))
    parser.add_argument("--images", type=int, default=48, help="in each turn")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if options.data is None:
            write_large_scenes(temporary)
        scenes = streets.scenes(options.data or temporary, "train")
        settings = Settings(dataset="cityscapes", crop=tuple(options.crop), batch=8)

        def decode(scene):
            image_files.open_image(scene.image), image_files.open_image(scene.labels)

        workers = os.cpu_count() or 1
        jobs = ((scene,) for scene in itertools.cycle(scenes))
        decoded = disk.made_ahead(decode, jobs, workers)
        batches = streets_task.batches(scenes, settings)
        rates = {"decoding alone": [], "the pipeline": []}
        for turn in range(options.turns + 1):
            for name, side, number in (
                ("decoding alone", decoded, options.images),
                ("the pipeline", batches, options.images // settings.batch),
            ):
                time.sleep(0.5)  # until the other side has made ahead what it makes ahead
                started = time.perf_counter()
                for _ in range(number):
                    next(side)
                if turn:  # the first fills what is made ahead
                    rates[name].append(options.images / (time.perf_counter() - started))
    for name, values in rates.items():
        print(f"{name}: {statistics.median(values):.1f} images/s ({min(values):.1f} to {max(values):.1f})")
    limit, pipeline = (statistics.median(values) for values in rates.values())
    print(f"ratio: {pipeline / limit:.2f}")


if __name__ == "__main__":
    main()
