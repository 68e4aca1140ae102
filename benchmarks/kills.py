"""Kill trainings at random moments, begin them again, and see whether all end as if nothing had happened.

    python benchmarks/kills.py --kills 20

Each trial makes phantom patients and trains a tiny network on them, in a fork of this process, which is killed with
SIGKILL after a random part of the time that a whole trial takes; the same commands are then given again. It counts the
kills by what was being done, and ends with exit code 1 if a trial ends in other weights, scores or curves than one
that nobody killed, or leaves a file behind. Needs a system that can fork (Linux, macOS).
"""

import argparse
import collections
import json
import mmap
import os
import random
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from helpers import prepare, train
from helpers.data import brain, phantom_brain
from helpers.tasks import TASKS
from helpers.training import keeper, run_folder

DOING = ["starting", "preparing", "reading", "training", "validating", "saving", "scoring"]
doing = mmap.mmap(-1, 1)  # shared with the forks


def watched(place, name: str, word: str) -> None:
    """Have a function say what is being done, for as long as it runs."""
    function = getattr(place, name)

    def tell(*arguments, **settings):
        before, doing[0] = doing[0], DOING.index(word)
        try:
            return function(*arguments, **settings)
        finally:
            doing[0] = before

    setattr(place, name, tell)


def commands(folder: Path) -> None:
    """What is killed."""
    os.environ["DATA_HOME"] = str(folder / "home")
    patients = str(folder / "home/patients")
    if not (folder / "home/patients/kaggle_3m").exists():
        prepare.main(["brain", "--patients", "4", "--output", patients])
    words = f"--data {patients}/kaggle_3m --size 32 --filters 2 --epoch 6 --batch 8 --validation 0.5 --steps 4"
    train.main([*words.split(), "--learningrate", "0.01", "--out", str(folder / "runs")])


def fork(folder: Path) -> int:
    """Begin the commands in a process of their own."""
    doing[0] = DOING.index("starting")
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(os.open(folder.with_suffix(".log"), os.O_CREAT | os.O_APPEND | os.O_WRONLY), 2)
        watched(prepare, "main", "preparing")
        watched(brain, "load", "reading")
        watched(keeper.Keeper, "on_epoch_begin", "training")
        watched(keeper.Keeper, "on_train_begin", "training")
        watched(keras.Model, "fit", "training")
        watched(TASKS["brain"], "validate", "validating")
        watched(TASKS["brain"], "score", "scoring")
        watched(run_folder, "write", "saving")
        watched(phantom_brain, "make", "preparing")
        commands(folder)
        code = 0
    finally:
        os._exit(code)


def wait(process: int, seconds: float) -> int | None:
    """Wait for a process, so long at most: its exit code, or None if it still runs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def outcome(folder: Path) -> tuple:
    """Weights, scores and curves of the run in a trial's folder, and the names of all that is in the folder."""
    (run,) = folder.glob("runs/brain/*/seed_0")
    # in the archives of networks stands when they were written
    weights = [np.concatenate([w.ravel() for w in keras.models.load_model(run / f"{which}.keras").get_weights()])
               for which in ("final", "best")]  # fmt: skip
    curves = [[row["epoch"], row["loss"], row["validation_dice"]] for row in run_folder.read_history(run)]
    scores = json.loads((run / "scores.json").read_text())
    # a cache is named after its folder and the times of its files
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if "home/cache/" not in p.as_posix())
    caches = sorted(re.sub("[0-9a-f]{12,}", "*", path.name) for path in folder.glob("home/cache/*"))
    return [each.tobytes() for each in weights], scores, curves, names, caches


def _differences(what: str, there, needed) -> str:
    """The names that differ."""
    return ", ".join(set(there) ^ set(needed)) if what in ("files", "caches") else ""


def main() -> int:
    """Run the trials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="how many (20)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the random moments (0)")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    kills, trials, faults = collections.Counter(), 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        start = time.monotonic()
        whole = Path(temporary) / "whole"
        whole.mkdir()
        if code := wait(fork(whole), 3600):
            print(whole.with_suffix(".log").read_text()[-2000:], f"the commands fail by themselves: {code}")
            return 1
        seconds = time.monotonic() - start
        print(f"a whole trial takes {seconds:.0f} s", flush=True)
        folders = []
        while kills.total() < options.kills:
            trials += 1
            folder = Path(temporary) / f"trial-{trials}"
            folder.mkdir()
            folders.append(folder)
            while True:
                process = fork(folder)
                left = kills.total() < options.kills
                code = wait(process, rng.uniform(0, seconds) if left else 3600)
                if code is None:
                    os.kill(process, signal.SIGKILL)
                    os.waitpid(process, 0)
                    kills[DOING[doing[0]]] += 1
                    print(f"kill {kills.total()} in trial {trials}: {DOING[doing[0]]}", flush=True)
                elif code:
                    faults += 1
                    print(folder.with_suffix(".log").read_text()[-2000:], f"trial {trials} ends with exit code {code}")
                    break
                else:
                    break
        expected = outcome(whole)
        for folder in folders:
            for what, there, needed in zip(
                ("weights", "scores", "curves", "files", "caches"), outcome(folder), expected, strict=True
            ):
                if there != needed:
                    faults += 1
                    print(f"{folder.name} ends in other {what}: {_differences(what, there, needed)}")
    print(
        f"{kills.total()} kills in {trials} trials ({', '.join(f'{n} {w}' for w, n in kills.items())}): {faults} faults"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
