"""One experiment, one folder: honest splits, resume, and nothing lost."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from helpers.data import brain
from helpers.training import experiment

TINY = experiment.Settings(size=32, filters=4, epochs=3, batch=4, learning_rate=1e-3, validation=0.3)


@pytest.fixture
def settings(kaggle_folder):
    return dataclasses.replace(TINY, data=str(kaggle_folder))


def weights(folder, which="final"):
    return keras.models.load_model(folder / f"{which}.keras").get_weights()


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def test_a_run_leaves_everything_in_its_folder(settings, tmp_path):
    result = experiment.run(settings, tmp_path / "run", progress=False)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "best.keras",
        "environment.json",
        "final.keras",
        "history.csv",
        "scores.json",
        "settings.json",
        "slices.csv",
    ]
    assert [row["epoch"] for row in result.history] == [1, 2, 3]
    assert experiment.Settings(**json.loads((tmp_path / "run/settings.json").read_text())) == settings
    slices = brain.load(settings.data)
    train, validation = experiment.split(settings, slices.patients)
    assert set(result.scores["patients"]) == set(slices.patients[validation])
    assert not set(slices.patients[train]) & set(slices.patients[validation])
    counts, patients = experiment.read_counts(tmp_path / "run")
    # The third column is the true area, at the masks' own size.
    assert np.array_equal(counts[:, 2], slices.masks[validation].sum(axis=(1, 2)))
    assert np.array_equal(patients, slices.patients[validation])


def test_the_scores_are_those_of_the_final_weights(settings, tmp_path):
    result = experiment.run(settings, tmp_path / "run", progress=False)
    slices = brain.load(settings.data)
    held_out = slices.select(experiment.split(settings, slices.patients)[1])
    counts = experiment.count(result.model("final"), held_out)
    assert np.array_equal(counts, experiment.read_counts(tmp_path / "run")[0])


def test_equal_settings_end_in_equal_weights_and_another_seed_does_not(settings, tmp_path):
    experiment.run(settings, tmp_path / "a", progress=False)
    experiment.run(settings, tmp_path / "b", progress=False)
    experiment.run(dataclasses.replace(settings, seed=1), tmp_path / "c", progress=False)
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert not same(weights(tmp_path / "a"), weights(tmp_path / "c"))


class StopAfter(keras.callbacks.Callback):
    """Raise where a kill might come."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("model", ["UNet", "UNet_S5_D16"])
def test_an_interrupted_run_ends_in_the_same_weights(settings, tmp_path, model):
    settings = dataclasses.replace(settings, model=model)  # UNet_S5_D16 has dropout
    whole = experiment.run(settings, tmp_path / "whole", progress=False)
    for at in [(0, 1), (1, 0), (2, 2)]:
        with pytest.raises(KeyboardInterrupt):
            experiment.run(settings, tmp_path / "cut", progress=False, callbacks=[StopAfter(*at)])
    resumed = experiment.run(settings, tmp_path / "cut", progress=False)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))
    assert same(weights(tmp_path / "whole", "best"), weights(tmp_path / "cut", "best"))
    assert resumed.scores == whole.scores
    timeless = ("epoch", "loss", "dice", "learning_rate", "validation_dice")
    assert [[row[name] for name in timeless] for row in resumed.history] == [
        [row[name] for name in timeless] for row in whole.history
    ]


def test_a_killed_process_resumes_with_the_same_weights(settings, tmp_path):
    settings = dataclasses.replace(settings, epochs=6)
    whole = experiment.run(settings, tmp_path / "whole", progress=False)
    command = [
        sys.executable,
        "-m",
        "helpers.train",
        "--data",
        settings.data,
        "--out",
        str(tmp_path / "runs"),
    ]
    command += [
        "--size",
        "32",
        "--filters",
        "4",
        "--epoch",
        "6",
        "--batch",
        "4",
        "--learningrate",
        "0.001",
        "--validation",
        "0.3",
    ]
    folder = tmp_path / "runs/brain/UNet-Dice_CrossEntropy/seed_0"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (folder / "state.weights.h5").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "scores.json").exists(), "the process finished before it was killed"
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert same(weights(tmp_path / "whole"), weights(folder))
    assert experiment.read(folder).scores == whole.scores


def test_a_finished_run_is_returned_and_not_trained_again(settings, tmp_path):
    experiment.run(settings, tmp_path / "run", progress=False)
    before = (tmp_path / "run/final.keras").stat().st_mtime_ns
    again = experiment.run(settings, tmp_path / "run", progress=False)
    assert (tmp_path / "run/final.keras").stat().st_mtime_ns == before
    assert len(again.history) == 3
    experiment.run(settings, tmp_path / "run", overwrite=True, progress=False)
    assert (tmp_path / "run/final.keras").stat().st_mtime_ns > before


def test_other_settings_do_not_overwrite(settings, tmp_path):
    experiment.run(settings, tmp_path / "run", progress=False)
    with pytest.raises(ValueError, match=r"run with epochs 3, not 4.*--overwrite"):
        experiment.run(dataclasses.replace(settings, epochs=4), tmp_path / "run", progress=False)
    assert (tmp_path / "run/scores.json").exists()


def test_no_epochs_only_scores(settings, tmp_path):
    result = experiment.run(dataclasses.replace(settings, epochs=0), tmp_path / "run", progress=False)
    assert result.history == []
    assert 0 <= result.scores["dice"]["mean"] <= 1


def test_training_on_all_patients_scores_none(settings, tmp_path):
    result = experiment.run(dataclasses.replace(settings, validation=0.0, epochs=1), tmp_path / "run", progress=False)
    assert set(result.scores) == {"parameters"}
    assert result.model().input_shape == (None, 32, 32, 3)


def test_folds_hold_each_patient_out_once(settings):
    patients = brain.load(settings.data).patients
    held_out = [experiment.split(dataclasses.replace(settings, folds=2, fold=fold), patients)[1] for fold in range(2)]
    assert np.array_equal(np.sort(np.concatenate(held_out)), np.arange(len(patients)))


def test_start_takes_the_weights_of_another_run(settings, tmp_path):
    first = experiment.run(settings, tmp_path / "first", progress=False)
    start = str(first.folder / "final.keras")
    second = experiment.run(
        dataclasses.replace(settings, epochs=0, seed=9, start=start), tmp_path / "second", progress=False
    )
    assert same(weights(first.folder), weights(second.folder))
    with pytest.raises(ValueError, match="do not fit UNet with filters 8"):
        experiment.build(dataclasses.replace(settings, filters=8, start=start))


def test_batches_repeat_from_any_epoch(settings):
    slices = brain.normalise(brain.load(settings.data, 32))
    steps = experiment.steps_per_epoch(len(slices), settings.batch)
    from_first = experiment.batches(slices, settings, epoch=0)
    first = [next(from_first) for _ in range(2 * steps)][steps:]
    from_second = experiment.batches(slices, settings, epoch=1)
    for expected, got in zip(first, (next(from_second) for _ in range(steps)), strict=True):
        assert np.array_equal(expected[0], got[0]) and np.array_equal(expected[1], got[1])
    images, masks = first[0]
    assert images.shape == (4, 32, 32, 3) and images.dtype == np.float32 and 0 <= images.min() <= images.max() <= 1
    assert masks.shape == (4, 32, 32, 1) and set(np.unique(masks)) <= {0.0, 1.0}


def test_an_epoch_uses_no_slice_twice(settings):
    slices = brain.load(settings.data, 32)
    numbered = dataclasses.replace(slices, images=np.zeros_like(slices.images))
    for row in range(len(numbered)):
        numbered.images[row] = row
    plain = dataclasses.replace(settings, augment=False)
    stream = experiment.batches(numbered, plain)
    steps = experiment.steps_per_epoch(len(slices), 4)
    seen = np.concatenate([np.rint(next(stream)[0][:, 0, 0, 0] * 255) for _ in range(steps)])
    assert len(seen) == steps * 4 == len(set(seen))


def test_a_loss_that_becomes_nan_says_what_to_do(settings, tmp_path):
    run_away = dataclasses.replace(settings, learning_rate=1e30, schedule="constant", epochs=4)
    with pytest.raises(ValueError, match=r"loss became (nan|inf|-inf) in epoch \d, step \d.*lower the learning rate"):
        experiment.run(run_away, tmp_path / "run", progress=False)
    assert not (tmp_path / "run/scores.json").exists()


def test_a_full_disk_loses_no_finished_epoch(settings, tmp_path, monkeypatch):
    replace = os.replace

    def full(source, target):
        if (
            str(target).endswith("state.weights.h5")
            and len(experiment._read_history(tmp_path / "run/history.csv")) == 2
        ):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"state.weights.h5: could not be written \(the disk is full\); make room"):
        experiment.run(settings, tmp_path / "run", progress=False)
    assert not list((tmp_path / "run").glob("writing-*"))
    monkeypatch.undo()
    whole = experiment.run(settings, tmp_path / "whole", progress=False)
    resumed = experiment.run(settings, tmp_path / "run", progress=False)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "run"))
    assert resumed.scores == whole.scores


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "SE_Unet"}, "SE_UNet"),
        ({"loss": "DiceLos"}, "DiceLoss"),
        ({"pretrained": True}, "pretrain"),
        ({"size": 100}, "96 x 96 or 112 x 112"),
        ({"epochs": -1}, "epochs is -1"),
        ({"batch": 0}, "batch is 0"),
        ({"folds": 4, "fold": 4}, "from 0 to 3"),
        ({"folds": 1}, "2 or more"),
        ({"validation": 1.0}, "validation is 1.0"),
        ({"schedule": "linear"}, "constant, cosine, poly"),
        ({"start": "nowhere.keras"}, "nowhere.keras: no such file"),
        ({"dataset": "cats"}, "'brain'"),
    ],
)
def test_what_cannot_work_is_refused_before_any_image_is_read(change, message):
    settings = dataclasses.replace(TINY, data="a folder that is not there", **change)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        settings.check()


def test_mixed_precision_trains_and_leaves_the_global_policy_alone(settings, tmp_path):
    result = experiment.run(
        dataclasses.replace(settings, policy="mixed_bfloat16", epochs=1), tmp_path / "run", progress=False
    )
    assert np.isfinite(result.history[0]["loss"])
    assert keras.config.dtype_policy().name == "float32"
    assert result.model().output.dtype == "float32"
