"""One experiment, one folder: honest splits, resume, and nothing lost."""

import csv
import dataclasses
import errno
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
import weakref

import conftest
import keras
import numpy as np
import pytest

from helpers import tasks
from helpers.data import brain
from helpers.nets import checkpoint
from helpers.scores import metrics
from helpers.settings import Settings
from helpers.tasks import binary
from helpers.tasks import brain as brain_task
from helpers.training import devices, experiment, run_folder

pytestmark = pytest.mark.usefixtures("shallow")

TINY = Settings(size=32, filters=4, epochs=3, batch=4, learning_rate=1e-3, validation=0.3)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patients") / "kaggle_3m"
    for patient in conftest.PATIENTS:
        for number in range(1, conftest.SLICES + 1):
            conftest.write_slice(folder, patient, number, *conftest.draw_slice(patient, number))
    return dataclasses.replace(TINY, data=str(folder))


@pytest.fixture(scope="module")
def finished(settings, tmp_path_factory):
    """One whole run, to compare the others with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_HOME", str(tmp_path_factory.mktemp("data_home")))
        return experiment.run(settings, tmp_path_factory.mktemp("runs") / "run", progress=False)


def weights(folder, which="final"):
    return keras.models.load_model(folder / f"{which}.keras").get_weights()


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def test_a_run_leaves_no_images_in_memory_and_no_threads(settings, tmp_path, monkeypatch):
    """Twelve runs of a cross-validation would else hold twelve times the images."""
    made = []

    class Watched(brain_task.Task):
        def __init__(self, *words):
            super().__init__(*words)
            made.append(weakref.ref(self))

    monkeypatch.setitem(tasks.TASKS, "brain", Watched)
    before = threading.enumerate()
    experiment.run(dataclasses.replace(settings, epochs=1, augment=True), tmp_path / "run", progress=False)
    gc.collect()
    assert [task() for task in made] == [None]
    assert not [each for each in threading.enumerate() if "ThreadPool" in each.name and each not in before]


def test_a_run_leaves_everything_in_its_folder(settings, finished):
    assert sorted(path.name for path in finished.folder.iterdir()) == [
        "best.keras",
        "environment.json",
        "final.keras",
        "history.csv",
        "scores.json",
        "settings.json",
        "slices.csv",
    ]
    assert [row["epoch"] for row in finished.history] == [1, 2, 3]
    assert Settings(**json.loads((finished.folder / "settings.json").read_text())) == settings
    slices = brain.load(settings.data)
    train, validation = brain_task.split(settings, slices.patients)
    assert set(finished.scores["patients"]) == set(slices.patients[validation])
    assert not set(slices.patients[train]) & set(slices.patients[validation])
    counts, patients = binary.read_counts(finished.folder / "slices.csv", brain_task.LAYOUT)
    # The third column is the true area, at the masks' own size.
    assert np.array_equal(counts[:, 2], slices.masks[validation].sum(axis=(1, 2)))
    assert np.array_equal(patients, slices.patients[validation])


def test_the_scores_are_those_of_the_final_weights(settings, finished):
    slices = brain.load(settings.data)
    held_out = slices.select(brain_task.split(settings, slices.patients)[1])
    counts = brain_task.count(finished.model("final"), held_out)
    assert np.array_equal(counts, binary.read_counts(finished.folder / "slices.csv", brain_task.LAYOUT)[0])


def test_the_best_weights_are_those_of_the_epoch_with_the_best_validation(settings, finished):
    slices = brain.load(settings.data, settings.size)
    held_out = slices.select(brain_task.split(settings, slices.patients)[1])
    counts = brain_task.count(finished.model("best"), held_out)
    best = metrics.scores_from_counts(counts, held_out.patients)["dice"]["mean"]
    assert best == max(row["validation_dice"] for row in finished.history)


def test_another_seed_ends_in_other_weights(settings, finished, tmp_path):
    experiment.run(dataclasses.replace(settings, seed=1), tmp_path / "run", progress=False)
    assert not same(weights(finished.folder), weights(tmp_path / "run"))


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


def assert_same_outcome(one, other):
    assert same(weights(one.folder), weights(other.folder))
    assert same(weights(one.folder, "best"), weights(other.folder, "best"))
    assert one.scores == other.scores
    timeless = ("epoch", "loss", "dice", "learning_rate", "validation_dice")
    for name in timeless:
        assert [row[name] for row in one.history] == [row[name] for row in other.history]


def test_an_interrupted_run_ends_in_the_same_weights(settings, finished, tmp_path):
    for at in [(0, 1), (2, 2)]:
        with pytest.raises(KeyboardInterrupt):
            experiment.run(settings, tmp_path / "run", progress=False, callbacks=[StopAfter(*at)])
    assert_same_outcome(finished, experiment.run(settings, tmp_path / "run", progress=False))


def test_dropout_resumes_where_it_was(settings, tmp_path):
    settings = dataclasses.replace(settings, model="UNet_S5_D16", epochs=2)
    whole = experiment.run(settings, tmp_path / "whole", progress=False)
    with pytest.raises(KeyboardInterrupt):
        experiment.run(settings, tmp_path / "cut", progress=False, callbacks=[StopAfter(1, 1)])
    assert_same_outcome(whole, experiment.run(settings, tmp_path / "cut", progress=False))


def test_a_state_that_is_kept_seldom_resumes_from_there(settings, finished, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        experiment.run(settings, tmp_path / "run", progress=False, callbacks=[StopAfter(2, 0)], keep_every=3600)
    epochs = []
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    resumed = experiment.run(settings, tmp_path / "run", progress=False, callbacks=[watch], keep_every=3600)
    assert epochs == [1, 2], "the first epoch's state was kept, the second's was not"
    assert_same_outcome(finished, resumed)


def test_a_killed_process_resumes_with_the_same_weights(settings, finished, tmp_path):
    shallow = f"from helpers import train; from helpers.nets import zoo; zoo.LEVELS = {conftest.LEVELS}; train.main()"
    command = [sys.executable, "-c", shallow, "--data", settings.data, "--out", str(tmp_path / "runs")]
    command += ["--size", "32", "--filters", "4", "--epoch", "3", "--batch", "4", "--validation", "0.3"]
    folder = tmp_path / "runs/brain/UNet-Dice_CrossEntropy/seed_0"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folder / "state.keras").exists() and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "scores.json").exists(), "the process finished before it was killed"
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert_same_outcome(finished, run_folder.read(folder))


def test_a_finished_run_is_returned_and_not_trained_again(settings, finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "run")
    before = (tmp_path / "run/final.keras").stat().st_mtime_ns
    again = experiment.run(settings, tmp_path / "run", progress=False)
    assert (tmp_path / "run/final.keras").stat().st_mtime_ns == before
    assert again.history == finished.history
    experiment.run(settings, tmp_path / "run", overwrite=True, progress=False)
    assert (tmp_path / "run/final.keras").stat().st_mtime_ns > before


def test_a_process_that_is_not_the_first_returns_no_finished_run(settings, finished, monkeypatch):
    """Or each of them would write the table of all runs."""
    monkeypatch.setattr(devices, "Devices", lambda number: types.SimpleNamespace(process=1, processes=2))
    assert experiment.run(settings, finished.folder, progress=False) is None


def test_a_run_that_is_begun_anew_is_kept_until_the_new_one_can_begin(settings, finished, tmp_path):
    run, patients = tmp_path / "run", tmp_path / "kaggle_3m"
    shutil.copytree(finished.folder, run)
    shutil.copytree(settings.data, patients)
    half(next(patients.rglob("*_1.tif")))
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(ValueError, match="kaggle_3m has 1 problem"):
        experiment.run(dataclasses.replace(settings, data=str(patients)), run, overwrite=True, progress=False)
    assert before == {path.name: path.read_bytes() for path in run.iterdir()}
    # after an interruption nobody would have the network that it began with
    its_own = dataclasses.replace(settings, start=str(run / "final.keras"))
    with pytest.raises(ValueError, match=r"final.keras, which --overwrite would remove: copy it"):
        experiment.run(its_own, run, overwrite=True, progress=False)
    assert before == {path.name: path.read_bytes() for path in run.iterdir()}


def test_what_a_run_began_with_may_be_gone_once_it_has_begun(settings, finished, interrupted, tmp_path):
    gone = dataclasses.replace(settings, start=str(tmp_path / "gone.keras"))
    for folder in (finished.folder, interrupted):
        run = shutil.copytree(folder, tmp_path / folder.parent.name)
        run_folder.write_json(run / "settings.json", dataclasses.asdict(gone))
        experiment.run(gone, run, progress=False)
        assert same(weights(run), weights(finished.folder))
    for anew, folder in ((True, run), (False, tmp_path / "new")):
        with pytest.raises(FileNotFoundError, match="gone.keras: no such file"):
            experiment.run(gone, folder, overwrite=anew, progress=False)


def test_a_run_that_is_begun_anew_leaves_no_table_of_the_old_one(tmp_path):
    for name in ("slices.csv", "history.csv", "scores.json", "begin_anew.json", "environment.json"):
        (tmp_path / name).touch()
    run_folder.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["environment.json"]


def test_a_run_without_its_settings_is_what_its_networks_say(settings, finished, tmp_path):
    run = shutil.copytree(finished.folder, tmp_path / "run")
    (run / "settings.json").unlink()
    with pytest.raises(ValueError, match=r"run with loss Dice_CrossEntropy, not FocalLoss"):
        experiment.run(dataclasses.replace(settings, loss="FocalLoss"), run, progress=False)
    assert experiment.run(settings, run, progress=False).scores == finished.scores
    for path in (run / "settings.json", *run.glob("*.keras")):
        path.unlink()
    with pytest.raises(ValueError, match=r"settings.json: is missing; .*begin anew with --overwrite"):
        experiment.run(settings, run, progress=False)


def test_other_settings_do_not_overwrite(settings, finished):
    with pytest.raises(ValueError, match=r"run with epochs 3, not 4; .*--start .*final.keras.*--overwrite"):
        experiment.run(dataclasses.replace(settings, epochs=4), finished.folder, progress=False)
    assert (finished.folder / "scores.json").exists()


def test_one_place_spelled_in_several_ways_is_one(settings, finished, interrupted, tmp_path, monkeypatch):
    monkeypatch.chdir(os.path.dirname(settings.data))
    for folder in (finished.folder, interrupted):
        run = shutil.copytree(folder, tmp_path / folder.parent.name)
        experiment.run(dataclasses.replace(settings, data="kaggle_3m/"), run, progress=False)
        assert same(weights(run), weights(finished.folder))
        assert len(run_folder.read(run).history) == 3
    (run / "scores.json").unlink()
    assert run_folder.final_is_there(dataclasses.replace(settings, data="./kaggle_3m"), run)
    monkeypatch.chdir(tmp_path)
    for name in ("phantom", "table.csv"):
        (tmp_path / name).touch()
    for name, one, other, alike in (
        ("groups", "table.csv", str(tmp_path / "table.csv"), True),
        ("groups", "(a)/b", "(a)/./b", False),  # patterns
        ("data", "phantom", "./phantom", False),  # a name, and a folder
        ("start", "phantom", "./phantom", False),
    ):
        first, second = (dataclasses.replace(TINY, **{name: value}).in_full() for value in (one, other))
        assert (first == second) == alike, other


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
    held_out = [brain_task.split(dataclasses.replace(settings, folds=2, fold=fold), patients)[1] for fold in range(2)]
    assert np.array_equal(np.sort(np.concatenate(held_out)), np.arange(len(patients)))


def test_start_takes_the_weights_of_another_run(settings, finished):
    start = str(finished.folder / "final.keras")
    begun = experiment.build(dataclasses.replace(settings, seed=9, start=start))
    assert same(weights(finished.folder), begun.get_weights())
    with pytest.raises(ValueError, match="do not fit UNet with filters 8"):
        experiment.build(dataclasses.replace(settings, filters=8, start=start))


def test_batches_repeat_from_any_epoch(settings):
    slices = brain.normalise(brain.load(settings.data, 32))
    steps = brain_task.steps_per_epoch(len(slices), settings.batch)
    from_first = brain_task.batches(slices, settings, epoch=0)
    first = [next(from_first) for _ in range(2 * steps)][steps:]
    from_second = brain_task.batches(slices, settings, epoch=1)
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
    stream = brain_task.batches(numbered, plain)
    steps = brain_task.steps_per_epoch(len(slices), 4)
    seen = np.concatenate([np.rint(next(stream)[0][:, 0, 0, 0] * 255) for _ in range(steps)])
    assert len(seen) == steps * 4 == len(set(seen))


def test_a_batch_is_whole_where_there_are_fewer_slices(settings):
    """Else it would not be what the devices that share it were promised."""
    few = brain.load(settings.data, 32).select(np.arange(3))
    few.images[:] = np.arange(3)[:, None, None, None]
    images, masks = next(brain_task.batches(few, dataclasses.replace(settings, batch=8, augment=False)))
    assert len(images) == len(masks) == 8
    assert sorted(np.unique(np.rint(images * 255), return_counts=True)[1] // images[0].size) == [2, 3, 3]


def test_an_epoch_draws_its_share_of_the_slices_without_tumour(kaggle_folder):
    slices = brain.load(kaggle_folder, size=32, progress=False)
    numbered = dataclasses.replace(
        slices, images=np.zeros_like(slices.images) + np.arange(24)[:, None, None, None].astype("uint8")
    )
    settings = Settings(size=32, batch=3, augment=False, tumour_free=0.5)
    assert brain_task.seen(slices, settings) == 18  # 12 with a tumour, and half of the 12 without
    stream = brain_task.batches(numbered, settings)
    drawn = []
    for _ in range(12):
        epoch = np.concatenate([np.rint(255 * next(stream)[0][:, 0, 0, 0]).astype(int) for _ in range(6)])
        assert len(set(epoch)) == 18 and set(np.flatnonzero(slices.has_tumour)) <= set(epoch)
        drawn.append(frozenset(epoch) - set(np.flatnonzero(slices.has_tumour)))
    assert len(set(drawn)) > 1 and len(frozenset().union(*drawn)) == 12, "others in each epoch, all of them in time"
    with pytest.raises(ValueError, match="tumour_free is 1.5: give a share"):
        experiment.check(dataclasses.replace(settings, tumour_free=1.5))


def test_heads_are_turned_as_far_as_the_settings_say(settings):
    """A dot at the right of each image comes back in all directions with 180 degrees, and at the right with 15."""
    slices = brain.load(settings.data, 32)
    dots = np.zeros_like(slices.images)
    dots[:, 14:18, 24:28] = 255
    numbered = dataclasses.replace(slices, images=dots)

    def lefts(rotation):
        stream = brain_task.batches(numbered, dataclasses.replace(settings, rotation=rotation))
        images = np.concatenate([next(stream)[0] for _ in range(12)])
        weight = (images > 0.5).sum(axis=(1, 3))  # the bright pixels of each column
        return abs((weight * (np.arange(32) - 15.5)).sum(axis=1) / weight.sum(axis=1))

    assert lefts(15.0).min() > 4, "left or right, since half of them are mirrored"
    assert lefts(180.0).min() < 4


def test_a_loss_that_becomes_nan_says_what_to_do(settings, tmp_path):
    run_away = dataclasses.replace(settings, learning_rate=1e30, schedule="constant", epochs=4)
    with pytest.raises(ValueError, match=r"loss became (nan|inf|-inf) in epoch \d, step \d.*lower the learning rate"):
        experiment.run(run_away, tmp_path / "run", progress=False)
    assert not (tmp_path / "run/scores.json").exists()


class Kill(BaseException):
    """What nothing in the course catches, as nothing catches SIGKILL."""


def test_kills_while_saving_end_in_the_same_weights_and_leave_nothing_behind(settings, finished, tmp_path, monkeypatch):
    replace, run = os.replace, tmp_path / "run"
    moments = [("best.keras", 0), ("history.csv", 1), ("state.keras", 1), ("final.keras", 2), ("scores.json", 3)]

    def cut(source, target):
        """Die with the file half-written, once for each moment: before this file, when so many epochs are kept."""
        epochs = len(run_folder.read_history(run))
        if moments and os.path.basename(target) == moments[0][0] and epochs >= moments[0][1]:
            moments.pop(0)
            raise Kill
        replace(source, target)

    monkeypatch.setattr(os, "replace", cut)
    while moments:
        left = len(moments)
        with pytest.raises(Kill):
            experiment.run(settings, run, progress=False)
        assert list(run.glob("writing-*")) and len(moments) == left - 1
    assert_same_outcome(finished, experiment.run(settings, run, progress=False))
    assert sorted(path.name for path in run.iterdir()) == sorted(path.name for path in finished.folder.iterdir())


@pytest.fixture(scope="module")
def interrupted(settings, finished, tmp_path_factory):
    """A run that was stopped after its second epoch of three."""
    folder = tmp_path_factory.mktemp("interrupted") / "run"
    with pytest.raises(KeyboardInterrupt):
        experiment.run(settings, folder, progress=False, callbacks=[StopAfter(2, 0)])
    return folder


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_lost_state_restarts_the_epoch_count(settings, finished, interrupted, tmp_path, capsys):
    run = shutil.copytree(interrupted, tmp_path / "run")
    half(run / "state.keras")
    assert_same_outcome(finished, experiment.run(settings, run, progress=False))
    assert f"{run / 'state.keras'}: is cut off or damaged" in (printed := capsys.readouterr().out)
    assert "The training begins with its first epoch." in printed


def test_what_the_state_holds_replaces_the_other_files(settings, finished, interrupted, tmp_path, capsys):
    run = shutil.copytree(interrupted, tmp_path / "run")
    (run / "settings.json").write_bytes(b"")
    half(run / "history.csv")
    half(run / "best.keras")
    epochs = []
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    resumed = experiment.run(settings, run, progress=False, callbacks=[watch])
    assert epochs == [2] and same(weights(run), weights(finished.folder))
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in finished.history]
    assert [row.partition(",")[0] for row in (run / "history.csv").read_text().split()] == ["epoch", "1", "2", "3"]
    assert Settings.read(run / "settings.json") == settings
    assert f"{run / 'best.keras'}: is lost" in capsys.readouterr().out
    assert resumed.model("best").count_params() == finished.parameters


def test_other_images_than_the_run_was_begun_with_are_refused(settings, interrupted, tmp_path):
    run = shutil.copytree(interrupted, tmp_path / "run")
    images = shutil.copytree(settings.data, tmp_path / "kaggle_3m")
    shutil.rmtree(images / conftest.PATIENTS[0])
    note = checkpoint.read_note(run / "state.keras")
    moved = dataclasses.asdict(dataclasses.replace(settings, data=str(images)))
    (run / "settings.json").write_text(json.dumps(moved))
    with pytest.raises(ValueError, match=rf"was begun with {note['steps']} steps in an epoch, and .* gives \d now"):
        experiment.run(Settings(**moved), run, progress=False)


def test_other_names_on_the_sides_of_the_split_are_refused(settings, finished, interrupted, tmp_path, monkeypatch):
    slices = brain.load(settings.data)
    sides = [slices.select(rows) for rows in brain_task.split(settings, slices.patients)]
    expected = [[f"{p}_{n}" for p, n in zip(side.patients, side.numbers, strict=True)] for side in sides]
    assert list(brain_task.Task(settings, progress=False).names) == expected
    unfinished = shutil.copytree(interrupted, tmp_path / "unfinished")
    unscored = shutil.copytree(finished.folder, tmp_path / "unscored")
    (unscored / "scores.json").unlink()
    names = brain_task._names
    monkeypatch.setattr(brain_task, "_names", lambda slices: [f"X{name}" for name in names(slices)])
    for run in (unfinished, unscored):
        with pytest.raises(ValueError, match=f"{run}: was begun with other images, or with others of them held out"):
            experiment.run(settings, run, progress=False)
    run_folder.refuse_other_images(settings, unfinished, {"steps": 4}, "1f")  # what was written before says nothing


def test_a_share_of_no_slices_is_refused(settings, tmp_path):
    shutil.copytree(settings.data, tmp_path / "kaggle_3m")
    without = dataclasses.replace(settings, data=str(tmp_path / "kaggle_3m"), tumour_free=0.0)
    slices = brain.load(without.data)
    for patient in set(slices.patients[brain_task.split(without, slices.patients)[0]]):
        for number in (2, 3):
            image, mask = conftest.draw_slice(patient, number)
            conftest.write_slice(tmp_path / "kaggle_3m", patient, number, image, np.zeros_like(mask))
    with pytest.raises(ValueError, match=r"kaggle_3m: tumour_free 0.0 leaves no slice to train on"):
        brain_task.Task(without, progress=False)
    assert brain_task.Task(dataclasses.replace(without, epochs=0), progress=False).steps == 1


def test_damaged_scores_are_counted_again_from_the_final_weights(settings, finished, tmp_path, capsys):
    run = shutil.copytree(finished.folder, tmp_path / "run")
    before = (run / "final.keras").stat().st_mtime_ns
    half(run / "scores.json")
    with pytest.raises(FileNotFoundError, match="holds no finished run"):
        run_folder.read(run)
    assert_same_outcome(finished, experiment.run(settings, run, progress=False))
    assert (run / "final.keras").stat().st_mtime_ns == before
    assert "its scores are missing or damaged; they are counted from final.keras" in capsys.readouterr().out


def test_a_finished_run_with_damaged_settings_or_history_stays_finished(settings, finished, tmp_path, capsys):
    run = shutil.copytree(finished.folder, tmp_path / "run")
    half(run / "history.csv")
    (run / "settings.json").write_bytes(b"")
    before = {path.name: path.read_bytes() for path in run.glob("*.keras")}
    result = experiment.run(settings, run, progress=False)
    assert (result.scores, result.history) == (finished.scores, [])
    assert f"{run / 'history.csv'}: is damaged" in capsys.readouterr().out
    assert Settings.read(run / "settings.json") == settings, "the networks say them"
    assert before == {path.name: path.read_bytes() for path in run.glob("*.keras")}
    for each in ("settings.json", "final.keras", "best.keras"):
        (run / each).write_bytes(b"")
    with pytest.raises(ValueError, match=r"settings.json: holds no settings .*begin anew with --overwrite"):
        experiment.run(settings, run, progress=False)


def test_a_finished_run_without_its_network_is_told_how_to_train_it_again(settings, finished, tmp_path, capsys):
    run = shutil.copytree(finished.folder, tmp_path / "run")
    experiment.run(settings, run, progress=False)
    assert capsys.readouterr().out == ""
    (run / "final.keras").write_bytes(b"PKx")
    assert experiment.run(settings, run, progress=False).scores == finished.scores
    words = f"{run / 'final.keras'}: is damaged or missing, though the scores are whole: to train it again, delete"
    assert f"{words} {run / 'scores.json'}" in capsys.readouterr().out


def test_a_second_training_in_the_folder_is_told_about_the_first(settings, tmp_path):
    run = tmp_path / "run"
    with run_folder.alone_in(run):
        for overwrite in (False, True):
            with pytest.raises(BlockingIOError, match=rf"process {os.getpid()} on .* is training in {run}, since"):
                experiment.run(settings, run, overwrite=overwrite, progress=False)
    assert list(run.iterdir()) == []


def test_a_full_disk_loses_no_finished_epoch(settings, finished, tmp_path, monkeypatch):
    replace = os.replace

    def full(source, target):
        if str(target).endswith("state.keras") and len(run_folder.read_history(tmp_path / "run")) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"state.keras: could not be written \(the disk is full\); make room"):
        experiment.run(settings, tmp_path / "run", progress=False)
    assert not list((tmp_path / "run").glob("writing-*"))
    monkeypatch.setattr(os, "replace", replace)
    assert_same_outcome(finished, experiment.run(settings, tmp_path / "run", progress=False))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "SE_Unet"}, "SE_UNet"),
        ({"loss": "DiceLos"}, "DiceLoss"),
        ({"class_weights": True}, "class_weights is for cityscapes and pairs, and brain does nothing with it"),
        ({"crop": (32, 32)}, "crop is for cityscapes"),
        ({"pretrained": True}, "pretrain"),
        ({"size": 100}, "96 x 96 or 112 x 112"),
        ({"epochs": -1}, "epochs is -1"),
        ({"epochs": "3"}, "epochs is '3': give a whole number"),
        ({"epochs": None}, "epochs is None: give a whole number"),
        ({"epochs": True}, "epochs is True: give a whole number"),
        ({"batch": 2.5}, "batch is 2.5: give a whole number"),
        ({"seed": 1.5}, "seed is 1.5: give a whole number"),
        ({"learning_rate": "0.1"}, "learning_rate is '0.1': give a number"),
        ({"augment": "no"}, "augment is 'no': give True or False"),
        ({"batch": 0}, "batch is 0"),
        ({"folds": 4, "fold": 4}, "from 0 to 3"),
        ({"folds": 1}, "2 or more"),
        ({"validation": 1.0}, "validation is 1.0"),
        ({"schedule": "linear"}, "constant, cosine, poly"),
        ({"start": "nowhere.keras"}, "nowhere.keras: no such file"),
        ({"dataset": "cats"}, "brain, cityscapes, pairs"),
    ],
)
def test_what_cannot_work_is_refused_before_any_image_is_read(change, message):
    settings = dataclasses.replace(TINY, data="a folder that is not there", **change)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        experiment.check(settings)


def test_mixed_precision_trains_and_leaves_the_global_policy_alone(settings, tmp_path):
    result = experiment.run(
        dataclasses.replace(settings, policy="mixed_bfloat16", epochs=1), tmp_path / "run", progress=False
    )
    assert np.isfinite(result.history[0]["loss"])
    assert keras.config.dtype_policy().name == "float32"
    assert result.model().output.dtype == "float32"


def test_results_folder_takes_a_name_of_the_courses_own_or_a_folder(tmp_path):
    with open(run_folder.results_folder("brain_cross_validation") / "patients.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 80
    with pytest.raises(FileNotFoundError, match=r"holds no patients.csv; .*brain_cross_validation"):
        run_folder.results_folder(tmp_path)
    (tmp_path / "patients.csv").touch()
    assert run_folder.results_folder(tmp_path) == tmp_path
