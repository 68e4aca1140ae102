"""Several devices give what one device gives, and a process that was killed goes on where the others stopped."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_streets import write_scene
from test_streets_task import draw

from helpers.nets import inference
from helpers.training import devices

EPOCHS, STEPS = 3, 3
JAX = {
    "KERAS_BACKEND": "jax",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=2 --xla_backend_optimization_level=1",
    "JAX_LOG_COMPILES": "1",
}
VARIABLES = {"tensorflow": {"KERAS_BACKEND": "tensorflow"}, "jax": JAX}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    result = tmp_path_factory.mktemp("set") / "streets"
    for split, frames in (("train", range(6)), ("val", range(6, 8))):
        for frame in frames:
            write_scene(result, split, "ulm", frame, *draw(frame))
    return result


def command(folder, out, *words):
    options = ["--dataset", "cityscapes", "--data", folder, "--out", out, "--models", "UNet", "--filters", 2]
    options += ["--crop", 32, 32, "--epoch", EPOCHS, "--steps", STEPS, "--batch", 4, "--validate-every", EPOCHS]
    # A mean over all pixels is the same for the whole batch as for its halves.
    options += ["--loss", "CrossEntropy_AllPixels", "--optimizer", "SGD", "--learningrate", 0.01, *words]
    return [sys.executable, "-m", "helpers.train", *map(str, options)]


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
def alone(folder, tmp_path_factory):
    """What one device makes of the run, for each backend."""
    known = {}

    def run(backend):
        if backend not in known:
            out = tmp_path_factory.mktemp(backend)
            words = finish(*start(command(folder, out), out, **VARIABLES[backend]))
            # Uncompiled, JAX makes a program of each operation, and a step takes ten times as long.
            assert "jit(conv_general_dilated)" not in words
            known[backend] = outcome(out)
        return known[backend]

    return run


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_devices_end_where_one_ends(backend, alone, folder, tmp_path):
    finish(*start(command(folder, tmp_path, "--devices", 2), tmp_path, **VARIABLES[backend]))
    losses, weights = alone(backend)
    assert len(losses) == EPOCHS and losses[-1] < losses[0]
    assert_same((losses, weights), outcome(tmp_path))


def together(folder, out, tmp_path):
    """Two processes that share one run, on a port of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [
        start(
            command(folder, out), tmp_path, KERAS_BACKEND="jax", XLA_FLAGS="--xla_backend_optimization_level=1",
            KERAS_DISTRIBUTION_NUM_PROCESSES="2", KERAS_DISTRIBUTION_PROCESS_ID=str(number),
            KERAS_DISTRIBUTION_JOB_ADDRESSES=f"127.0.0.1:{port}",
        )
        for number in range(2)
    ]  # fmt: skip


def test_two_processes_end_where_one_ends_also_when_one_is_killed(alone, folder, tmp_path):
    out = tmp_path / "two"
    processes = together(folder, out, tmp_path)
    state = out / "cityscapes/UNet-CrossEntropy_AllPixels/seed_0/state.weights.h5"
    while not state.exists() and all(process.poll() is None for process, _ in processes):
        time.sleep(0.002)
    os.kill(processes[1][0].pid, signal.SIGKILL)
    assert state.exists() and not (state.parent / "scores.json").exists()
    processes[0][0].kill()  # left alone it waits for the other, until JAX gives up after minutes
    for process, _ in processes:
        process.wait(timeout=60)
    for process in together(folder, out, tmp_path):
        finish(*process)
    assert_same(alone("jax"), outcome(out))


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


def test_a_batch_that_devices_cannot_share_is_refused(folder, tmp_path):
    process, log = start(command(folder, tmp_path / "out", "--devices", 3), tmp_path)
    assert process.wait(timeout=120) == 2
    log.seek(0)
    assert "batch is 4, which 3 devices cannot share" in log.read()
