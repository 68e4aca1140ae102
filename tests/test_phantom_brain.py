import copy
import errno
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import helpers
from helpers.data import brain, phantom_brain
from helpers.data.phantom_brain import CEREBRUM, FLAIR, HEAD, HINDBRAIN, POST, PRE, VENTRICLE

SLICES = 4


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def labels_of(person, number):
    """The atlas's labels in a slice, by the way places take, not by the rendering."""
    pixels = np.arange(256, dtype=np.float32) - 128
    here = np.empty((3, 256, 256), np.float32)
    here[0] = person.bottom + number * person.gap
    here[1], here[2] = (
        ((person.shift[0] - pixels) * person.pixel)[:, None],
        (pixels - person.shift[1]) * person.pixel,
    )
    index = (person._to_atlas(here) - person.atlas["origin"]) / person.atlas["step"]
    return phantom_brain._sample(person.atlas["label"], index, 0)


@pytest.fixture(scope="module")
def people():
    people = [phantom_brain._Patient(1, index, SLICES) for index in range(8)]
    return [(person, *person.render(), np.stack([labels_of(person, n) for n in range(SLICES)])) for person in people]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return phantom_brain.make(tmp_path_factory.mktemp("made"), patients=2, progress=False, slices=SLICES)


def test_travel_time_is_the_length_of_the_shortest_path():
    cost = np.ones((5, 5, 5), np.float32)
    time_to = phantom_brain._travel_time(cost, (0, 0, 0))
    assert time_to[0, 0, 3] == 3
    assert time_to[2, 2, 0] == pytest.approx(2 * 1.414)
    assert time_to[3, 3, 3] == pytest.approx(3 * 1.732)
    assert time_to[1, 2, 3] == pytest.approx(1.732 + 1.414 + 1)


def test_travel_time_goes_round_a_wall():
    cost = np.ones((1, 3, 5), np.float32)
    cost[0, :2, 2] = 1000  # a wall with a gap in the last row
    assert phantom_brain._travel_time(cost, (0, 0, 0))[0, 0, 4] == pytest.approx(4 * 1.414)


def test_enlarge_is_linear():
    large = phantom_brain._enlarge(np.array([[0, 4], [8, 12]], np.float32))
    assert large.shape == (4, 4)
    assert large[0].tolist() == [0, 1, 2, 3]
    assert large[:, 0].tolist() == [0, 2, 4, 6]


def test_rotation_pitches_the_forehead_up():
    up, forward, right = phantom_brain._rotation(30, 0, 0) @ [0, 1, 0]
    assert (up, forward, right) == pytest.approx((0.5, 3**0.5 / 2, 0))


def test_layout(made):
    assert "not real patients" in (made / "README.md").read_text()
    folders = sorted(path for path in made.iterdir() if path.is_dir())
    assert len(folders) == 2
    for folder in folders:
        assert re.fullmatch(r"TCGA_P[A-E]_\d{4}_(19|20)\d{6}", folder.name)
        expected = {f"{folder.name}_{n + 1}{end}.tif" for n in range(SLICES) for end in ("", "_mask")}
        assert {path.name for path in folder.iterdir()} == expected
        for name in expected:
            with Image.open(folder / name) as image:
                assert image.size == (256, 256)
                assert image.mode == ("L" if "mask" in name else "RGB")
                if "mask" in name:
                    assert set(np.unique(image)) <= {0, 255}
    assert brain.check(made, progress=False) == []


def test_files_hold_what_patient_gives(made):
    images, masks = phantom_brain.patient(0, 1, SLICES)
    assert images.dtype == np.uint8 and images.shape == (SLICES, 256, 256, 3)
    assert masks.dtype == bool and masks.shape == (SLICES, 256, 256)
    slices = brain.load(made, progress=False)
    rows = [hospital.startswith("TCGA_PB_0002") for hospital in slices.patients]
    assert np.array_equal(slices.images[rows], images)
    assert np.array_equal(slices.masks[rows], masks)


def test_same_seed_same_bytes_whatever_the_threads_and_the_count(made, tmp_path, monkeypatch):
    monkeypatch.setattr(helpers, "processors", lambda: 1)
    again = files_of(phantom_brain.make(tmp_path, patients=3, progress=False, slices=SLICES))
    first = files_of(made)
    first.pop("README.md")  # it tells the number of patients
    assert all(again[name] == content for name, content in first.items())
    assert len(again) == len(first) + 2 * SLICES + 1


def test_seed_and_index_matter():
    first, second, third = (phantom_brain.patient(*key, 1)[0] for key in ((0, 0), (1, 0), (0, 1)))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_number_of_slices_is_the_only_thing_that_slices_changes():
    few, usual = phantom_brain._Patient(3, 5, 2), phantom_brain._Patient(3, 5, None)
    assert few.name == usual.name
    assert few.number == 2 and 20 <= usual.number <= 40
    assert np.array_equal(few.growth, usual.growth)
    assert few.level == usual.level


def test_every_patient_has_a_tumour_inside_the_brain(people):
    for person, _, masks, labels in people:
        assert masks.any()
        inside = np.isin(labels[masks], (CEREBRUM, VENTRICLE, HINDBRAIN))
        assert inside.mean() > 0.9, person.name  # the contour is drawn by hand: smooth, filled


def test_tumour_is_bright_in_flair(people):
    brighter = []
    for _, images, masks, labels in people:
        inside, around = [], []
        for number, mask in enumerate(masks):
            near = ndimage.binary_dilation(mask, iterations=15) & ~ndimage.binary_dilation(mask, iterations=4)
            near &= np.isin(labels[number], (CEREBRUM, HINDBRAIN))
            inside.append(images[number, mask, FLAIR])
            around.append(images[number, near, FLAIR])
        brighter.append(np.mean(np.concatenate(inside)) > 1.1 * np.mean(np.concatenate(around)))
    assert sum(brighter) >= 7


def test_head_surrounds_the_brain(people):
    scalps = []
    for person, images, _, labels in people:
        if PRE in person.missing or person.steep == PRE:
            continue
        label, picture = labels[2], images[2, ..., PRE]
        shell, white = picture[label == HEAD], np.median(picture[label == CEREBRUM])
        scalps.append(np.percentile(shell, 95) / white)
        assert scalps[-1] > 0.6
        assert np.percentile(shell, 5) < 0.4 * white  # the skull
        assert np.median(picture[label == 0]) < 0.4 * white  # the air
    assert np.median(scalps) > 1.1  # fat is the brightest, but for the odd sequence that suppresses it


@pytest.mark.parametrize("missing", [[], [PRE], [POST], [PRE, POST]])
def test_missing_sequence_is_replaced_by_flair(people, missing):
    person = copy.copy(people[0][0])
    person.missing = missing
    image, _ = person.slice(1)
    same = [channel for channel in (PRE, POST) if np.array_equal(image[..., channel], image[..., FLAIR])]
    assert same == missing


def test_hospitals_differ_in_number():
    counts = {code: phantom_brain.HOSPITALS.count(code) for code in phantom_brain.HOSPITALS}
    assert counts == {"PA": 5, "PB": 3, "PC": 2, "PD": 1, "PE": 1}


@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_stopped_half_way_leaves_nothing(problem, tmp_path, monkeypatch):
    write = phantom_brain._write_patient

    def stop_at_second(folder, seed, index, slices):
        if index == 1:
            raise problem
        write(folder, seed, index, slices)

    before = files_of(phantom_brain.make(tmp_path / "old", patients=1, progress=False, slices=1))
    monkeypatch.setattr(phantom_brain, "_write_patient", stop_at_second)
    for folder in (tmp_path / "new", tmp_path / "old"):
        with pytest.raises(type(problem)) as caught:
            phantom_brain.make(folder, patients=2, progress=False, slices=1)
        if isinstance(problem, OSError):
            assert str(folder) in str(caught.value) and "No space left" in str(caught.value)
    assert list((tmp_path / "new").iterdir()) == []
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["kaggle_3m"]
    assert files_of(tmp_path / "old" / "kaggle_3m") == before


def test_killed_leaves_nothing_that_looks_finished(tmp_path):
    # Loaded by its path: without the rest of the package it starts at once.
    code = f"""
import importlib.util, sys
specification = importlib.util.spec_from_file_location("phantom_brain", {phantom_brain.__file__!r})
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
module.make(sys.argv[1], patients=500, progress=False, slices=1)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".unfinished-*/kaggle_3m/TCGA_*/*.tif")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert list(tmp_path.glob(".unfinished-*"))
    assert not (tmp_path / "kaggle_3m").exists()


def test_make_replaces_an_older_set(tmp_path):
    phantom_brain.make(tmp_path, patients=2, progress=False, slices=1)
    phantom_brain.make(tmp_path, patients=1, progress=False, slices=1)
    assert [path.name for path in tmp_path.iterdir()] == ["kaggle_3m"]
    assert sum(path.is_dir() for path in (tmp_path / "kaggle_3m").iterdir()) == 1
    (tmp_path / "kaggle_3m" / "README.md").write_text("# LGG Segmentation Dataset\n")
    with pytest.raises(FileExistsError, match="kaggle_3m is there already and holds no phantoms"):
        phantom_brain.make(tmp_path, patients=1, progress=False, slices=1)


@pytest.mark.parametrize("patients, seed, slices", [(0, 0, None), (10000, 0, None), (1, -1, None), (1, 0, 0)])
def test_bad_numbers_are_refused(patients, seed, slices, tmp_path):
    with pytest.raises(ValueError):
        phantom_brain.make(tmp_path, patients=patients, seed=seed, progress=False, slices=slices)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError, match="taken"):
        phantom_brain.make(tmp_path / "taken", patients=1, progress=False)


def test_atlas_is_small_and_complete():
    atlas = phantom_brain._atlas()
    assert np.unique(atlas["label"]).tolist() == list(range(7))
    assert atlas["label"].shape == atlas["heads"][0].shape == atlas["heads"][1].shape
    litres = np.isin(atlas["label"], (CEREBRUM, HINDBRAIN)).sum() * 2e-6
    assert 1.2 < litres < 2.1  # a grown-up brain in MNI space, with the fluid in its furrows
