"""What a network was trained for: carried in its file, found in its run's folder, or asked for in a sentence."""

import dataclasses
import errno
import json
import os
import zipfile

import keras
import numpy as np
import pytest

from helpers import tasks
from helpers.data import street_classes
from helpers.nets import checkpoint, inference, zoo
from helpers.settings import Settings
from helpers.tasks.purpose import Purpose
from helpers.training import run_folder

pytestmark = pytest.mark.usefixtures("shallow")

BRAIN = Purpose.of_run(Settings(size=32), ("tumour",), (32, 32), tasks.get("brain").normalisation)


def network(classes=1):
    keras.utils.set_random_seed(3)
    return zoo.build("UNet", (32, 32, 3), classes, filters=2)


@pytest.fixture
def save(tmp_path):
    """Write a network with a note, or without one."""

    def write(note=None, classes=1, folder=tmp_path):
        folder.mkdir(exist_ok=True)
        path = folder / "network.keras"
        path.write_bytes(checkpoint.serialise(network(classes), note))
        return path

    return write


def test_the_note_travels_in_the_file_and_keras_leaves_it_alone(save):
    path = save({"anything": [1, None, "x"]})
    assert checkpoint.read_note(path) == {"anything": [1, None, "x"]}
    images = np.random.default_rng(0).random((2, 32, 32, 3), "float32")
    loaded = keras.models.load_model(path, compile=False)
    assert np.array_equal(loaded.predict_on_batch(images), network().predict_on_batch(images))
    assert checkpoint.read_note(save()) is None


@pytest.mark.parametrize("entries", [("archive/data.pkl", "archive/version"), ("weights.npy",), ()])
def test_a_zip_archive_of_another_make_is_not_called_damaged(entries, tmp_path):
    path = tmp_path / "model.pth"
    with zipfile.ZipFile(path, "w") as archive:
        for name in entries:
            archive.writestr(name, "3\n")
    with pytest.raises(ValueError, match=r"model.pth: is a zip archive, as PyTorch's .*: give a .keras file") as error:
        checkpoint.check(path)
    assert "damaged" not in str(error.value)


def test_a_network_that_lacks_a_part_is_damaged(save):
    path = save()
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
    with pytest.raises(ValueError, match=r"network.keras: is damaged \(metadata.json is missing in it\)"):
        checkpoint.check(path)


def test_the_state_brings_back_the_weights_and_the_optimizer(tmp_path):
    def compiled():
        model = network()
        model.compile(keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(1e-2, 9)), "mse")
        return model

    rng = np.random.default_rng(0)
    images, masks = rng.random((2, 32, 32, 3), "float32"), rng.random((2, 32, 32, 1), "float32")
    trained = compiled()
    trained.train_on_batch(images, masks)
    path = tmp_path / "state.keras"
    path.write_bytes(checkpoint.serialise_state(trained, {"history": [{"epoch": 1}]}))
    assert checkpoint.read_note(path) == {"history": [{"epoch": 1}]}
    resumed = compiled()
    resumed.optimizer.build(resumed.trainable_variables)
    resumed.load_weights(path)
    assert int(resumed.optimizer.iterations) == 1
    for each in (trained, resumed):
        each.train_on_batch(images, masks)
    for one, other in zip(trained.optimizer.variables, resumed.optimizer.variables, strict=True):
        assert np.array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other))


def test_a_full_disk_ends_in_a_sentence_and_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "best.keras"
    path.write_bytes(b"before")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"best.keras: could not be written \(the disk is full\); make room"):
        run_folder.write(path, checkpoint.serialise(network(), BRAIN.note()))
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", inference.TRAINED)
def test_the_networks_of_the_course_say_what_they_are_for(name):
    model, purpose = tasks.load(name)
    if name == "streets":
        assert (purpose.dataset, purpose.classes, purpose.threshold) == ("cityscapes", street_classes.NAMES, None)
    else:
        assert (purpose.dataset, purpose.classes, purpose.threshold) == ("brain", ("tumour",), 0.5)
    assert purpose.size == tuple(model.input_shape[1:3]) and purpose.settings["model"] == model.name


def test_what_is_noted_is_read_again(save):
    plain = json.loads(json.dumps(BRAIN.note()))  # JSON has no tuples
    expected = dataclasses.replace(BRAIN, settings=plain["settings"])
    assert tasks.load(save(BRAIN.note()))[1] == tasks.load(save(BRAIN.note()), "brain")[1] == expected


def test_a_file_that_does_not_say_it_is_asked_about(save):
    with pytest.raises(ValueError, match=r"network.keras: does not say what it was trained for; say it with --dataset"):
        tasks.load(save())
    _, purpose = tasks.load(save(), "brain")
    assert (purpose.dataset, purpose.size, purpose.settings) == ("brain", (32, 32), None)
    with pytest.raises(ValueError, match="does not say which classes it was trained for"):
        tasks.load(save(), "pairs")


def test_the_folder_of_an_older_run_says_it(save, tmp_path):
    path = save(folder=tmp_path / "run")
    settings = dataclasses.asdict(Settings(size=32, filters=2))
    for later in ("groups", "optimizer", "flips"):
        del settings[later]
    (path.parent / "settings.json").write_text(json.dumps(settings))
    assert tasks.load(path)[1] == dataclasses.replace(BRAIN, settings=dataclasses.asdict(Settings(size=32, filters=2)))
    (path.parent / "settings.json").write_text(json.dumps({**settings, "width": 9}))
    with pytest.raises(ValueError, match=r"settings.json: holds no settings that this version can read .*width"):
        tasks.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "cats"}, "brain, cityscapes, pairs"),
        ({"normalisation": "by its mean"}, "takes images with this normalisation: by its mean; this version has"),
        ({"classes": ("a", "b")}, "predicts 1 classes, and brain has 2"),
        ({"dataset": "cityscapes", "normalisation": "none"}, "was trained for cityscapes, not brain"),
    ],
)
def test_what_does_not_fit_is_refused(save, changes, message):
    stated = "brain" if changes.get("dataset") == "cityscapes" else None
    with pytest.raises(ValueError, match=message):
        tasks.load(save(dataclasses.replace(BRAIN, **changes).note()), stated)


def test_the_state_of_an_unfinished_run_is_called_that(save):
    with pytest.raises(ValueError, match=r"is the state of an unfinished run: finish it, .* or take best.keras"):
        tasks.load(save({**BRAIN.note(), "steps": 2, "history": [{"epoch": 1}]}))


def test_a_note_that_this_version_cannot_read_is_refused(save, tmp_path):
    with pytest.raises(ValueError, match="in words that this version cannot read"):
        tasks.load(save({**BRAIN.note(), "colour": "red"}))
    (tmp_path / "broken.keras").write_bytes(b"PK")
    with pytest.raises(ValueError, match="broken.keras: is cut off or damaged"):
        checkpoint.read_note(tmp_path / "broken.keras")
