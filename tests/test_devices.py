"""Several devices give what one device gives, and a process that was killed goes on where the others stopped."""

import csv
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from test_streets import write_scene
from test_streets_task import draw

from helpers import tasks
from helpers.nets import inference
from helpers.training import devices, experiment

EPOCHS, STEPS = 3, 3
# Level 1 of 3 of XLA's optimisation: a program that runs nine steps is not worth more.
JAX = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_backend_optimization_level=1", "JAX_LOG_COMPILES": "1"}
TWO_DEVICES = {
    "tensorflow": {"KERAS_BACKEND": "tensorflow"},
    "jax": {**JAX, "XLA_FLAGS": f"{JAX['XLA_FLAGS']} --xla_force_host_platform_device_count=2"},
}
# What is divided does not depend on the depth of the network, and a U-Net takes XLA a minute to compile.
TRAIN = """
import os, sys, time
import keras
from helpers import train
from helpers.nets import zoo
from helpers.training.keeper import Keeper

def build(name, input_shape, classes, **settings):
    image = keras.Input(input_shape)
    features = keras.layers.Conv2D(4, 3, padding="same", use_bias=False)(image)
    features = keras.layers.ReLU()(keras.layers.BatchNormalization()(features))
    features = keras.layers.Conv2DTranspose(4, 2, 2)(keras.layers.MaxPooling2D()(features))
    return keras.Model(image, keras.layers.Conv2D(classes, 1, activation="softmax")(features))

zoo.build = build
if "STAND_STILL" in os.environ:
    go_on = Keeper.on_epoch_begin
    Keeper.on_epoch_begin = lambda self, epoch, logs=None: time.sleep(600) if epoch == 1 else go_on(self, epoch, logs)
common, outs = sys.argv[1].split("|"), sys.argv[2:]
for out in outs:
    number = out[-1] if out[-1].isdigit() else "1"
    train.main([*common, "--out", out, "--devices", number])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    result = tmp_path_factory.mktemp("set") / "streets"
    for split, frames in (("train", range(6)), ("val", range(6, 8))):
        for frame in frames:
            write_scene(result, split, "ulm", frame, *draw(frame))
    return result


def command(folder, *outs):
    """Train once for each folder; a digit at its end is the number of devices."""
    options = ["--dataset", "cityscapes", "--data", folder, "--models", "UNet", "--pretrain", False, "--filters", 2]
    options += ["--crop", 32, 32, "--epoch", EPOCHS, "--steps", STEPS, "--batch", 4, "--validate-every", EPOCHS]
    # A mean over all pixels is the same for the whole batch as for its halves.
    options += ["--loss", "CrossEntropy_AllPixels", "--optimizer", "SGD", "--learningrate", 0.01]
    return [sys.executable, "-c", TRAIN, "|".join(map(str, options)), *map(str, outs)]


def start(words, tmp_path, **variables):
    environment = {**os.environ, **variables, "TF_CPP_MIN_LOG_LEVEL": "2"}
    log = open(tmp_path / f"log-{time.time_ns()}.txt", "w+")  # noqa: SIM115  (read after the process has ended)
    return subprocess.Popen(words, env=environment, stdout=log, stderr=subprocess.STDOUT), log


def finish(process, log):
    process.wait(timeout=300)
    log.seek(0)
    words = log.read()
    assert process.returncode == 0, words[-3000:]
    return words


def outcome(out):
    """The losses of the epochs, and the final weights in one row."""
    (run,) = Path(out).glob("cityscapes/*/seed_0")
    with open(run / "history.csv", newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    weights = inference.load_model(run / "final.keras").get_weights()
    return losses, np.concatenate([each.ravel() for each in weights])


def assert_same(one, other):
    # Variances that are put together from halves are rounded otherwise, and each step carries that on.
    np.testing.assert_allclose(one[0], other[0], rtol=1e-3)
    np.testing.assert_allclose(one[1], other[1], atol=1e-2)


@pytest.fixture(scope="module")
def one_and_two(folder, tmp_path_factory):
    """What one device and two make of the run, for each backend, in one process: TensorFlow must have two at first."""
    known = {}

    def run(backend):
        if backend not in known:
            out = tmp_path_factory.mktemp(backend)
            words = finish(*start(command(folder, out / "by_2", out / "by_1"), out, **TWO_DEVICES[backend]))
            # Uncompiled, JAX makes a program of each operation, and a step takes ten times as long.
            assert "jit(conv_general_dilated)" not in words
            known[backend] = outcome(out / "by_1"), outcome(out / "by_2")
        return known[backend]

    return run


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_devices_end_where_one_ends(backend, one_and_two):
    one, two = one_and_two(backend)
    assert len(one[0]) == EPOCHS and one[0][-1] < one[0][0]
    assert_same(one, two)


def together(folder, out, tmp_path, **variables):
    """Two processes that share one run, on a port of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [
        start(
            command(folder, out), tmp_path, **JAX, **variables, KERAS_DISTRIBUTION_NUM_PROCESSES="2",
            KERAS_DISTRIBUTION_PROCESS_ID=str(number), KERAS_DISTRIBUTION_JOB_ADDRESSES=f"127.0.0.1:{port}",
        )
        for number in range(2)
    ]  # fmt: skip


def test_two_processes_end_where_one_ends_also_when_one_is_killed(one_and_two, folder, tmp_path):
    out = tmp_path / "together"
    processes = together(folder, out, tmp_path, STAND_STILL="after the first epoch")
    state = out / "cityscapes/UNet-CrossEntropy_AllPixels/seed_0/state.keras"
    while not state.exists() and all(process.poll() is None for process, _ in processes):
        time.sleep(0.01)
    os.kill(processes[1][0].pid, signal.SIGKILL)
    assert state.exists() and not (state.parent / "scores.json").exists()
    processes[0][0].kill()  # left alone it waits for the other, until JAX gives up after minutes
    for process, _ in processes:
        process.wait(timeout=60)
    for process in together(folder, out, tmp_path):
        finish(*process)
    assert_same(one_and_two("jax")[0], outcome(out))
    assert not list(out.rglob("in_use.json"))


@pytest.mark.parametrize(
    ("number", "variables", "message"),
    [
        (0, {}, "devices is 0: give 1 or more"),
        (64, {}, "devices is 64, but"),
        (1, {"KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}, "several machines need JAX"),
    ],
)
def test_devices_that_are_not_there_are_refused(number, variables, message, monkeypatch):
    import tensorflow as tf

    tf.constant(0)  # TensorFlow has begun, and its devices are fixed
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message):
        devices.Devices(number)


def test_across_machines_all_their_devices_are_meant(monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: [f"cpu:{number}" for number in range(4)])
    for number in (1, 4):
        with pytest.raises(ValueError, match=f"devices is {number}, but JAX has 2 on each machine, .*give that number"):
            devices._data_parallel(number, processes=2)


def test_a_batch_that_devices_cannot_share_is_refused(tmp_path):
    settings = dataclasses.replace(tasks.get("cityscapes").defaults, batch=4)
    with pytest.raises(ValueError, match="batch is 4, which 3 devices cannot share: give a multiple of that"):
        experiment.run(settings, tmp_path / "run", number_of_devices=3)
    assert not (tmp_path / "run").exists()
