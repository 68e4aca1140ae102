"""Phantom streets: the same for the same seed, geometry by hand, every class somewhere."""

import os
import time

import numpy as np
import pytest
from PIL import Image

from helpers.data import phantom_streets, streets
from helpers.scores import metrics


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def some():
    scenes = [phantom_streets.scene(0, index) for index in range(24)]
    return np.stack([photograph for photograph, _ in scenes]), np.stack([labels for _, labels in scenes])


def test_the_camera_projects_as_a_pinhole_does():
    scene = phantom_streets._Scene(0, 0)
    scene.focal, scene.horizon, scene.eye, scene.x = 500.0, 100.0, 1.5, 2.0
    # 10 m ahead a metre is 50 pixels: 3 m to the right of the camera, 0.5 m above it.
    assert scene.project(5.0, 2.0, 10.0) == (128 + 150, 100 - 25)
    # The ground meets the horizon far away.
    assert scene.project(0.0, 0.0, 1e9) == pytest.approx((128, 100))


def test_haze_turns_the_far_into_sky():
    scene = phantom_streets._Scene(0, 0)
    scene.sky, scene.haze, scene.light, scene.tint = np.array([200.0, 210, 220]), 100.0, 1.0, np.ones(3)
    assert scene.colour((10, 20, 30), 1e-6) == pytest.approx((10, 20, 30), abs=1)
    assert scene.colour((10, 20, 30), 1e6) == (190, 199, 209)


def test_pieces_cover_the_stretch_without_a_gap():
    pieces = phantom_streets._pieces(2.0, 60.0)
    assert pieces[0][0] == 2 and pieces[-1][1] == 60
    assert all(before[1] == after[0] for before, after in zip(pieces, pieces[1:], strict=False))


def test_scenes_hold_every_class_and_only_label_ids(some):
    images, labels = some
    assert images.shape == (24, 128, 256, 3) and labels.shape == (24, 128, 256)
    assert images.dtype == labels.dtype == np.uint8
    classes = streets.CLASS_OF_LABEL_ID[labels]
    assert set(range(19)) <= set(np.unique(classes))
    assert set(np.unique(labels)) <= {each.label_id for each in streets.CLASSES} | {1, 4}
    shares = streets.class_shares(classes)
    assert 0.15 < shares[streets.NAMES.index("road")] < 0.35
    # No class is rare: a network has to meet each of them in its first hundred steps.
    assert shares.min() > 0.008
    shown_in = np.stack([(classes == each).any(axis=(1, 2)).mean() for each in range(19)])
    assert shown_in.min() > 0.25


def test_a_scene_is_where_it_belongs(some):
    _, labels = some
    rows = np.arange(128)[None, :, None]
    height = {each.name: (rows * (labels == each.label_id)).sum() / max((labels == each.label_id).sum(), 1)
              for each in streets.CLASSES}  # fmt: skip
    assert height["sky"] < height["building"] < height["car"] < height["road"]


def test_neither_colour_nor_place_alone_tells_the_classes_apart(some):
    images, labels = some
    classes = streets.CLASS_OF_LABEL_ID[labels]
    others = [phantom_streets.scene(1, index) for index in range(8)]
    truth = streets.CLASS_OF_LABEL_ID[np.stack([labels for _, labels in others])]

    def box(photographs):  # colours in 8 x 8 x 8 boxes
        return (photographs // 32) @ np.array([64, 8, 1], "uint16")

    labelled = classes != streets.IGNORE
    pairs = box(images)[labelled].astype(int) * 19 + classes[labelled]
    of_box = np.bincount(pairs, minlength=512 * 19).reshape(512, 19).argmax(axis=1)
    of_place = np.stack([(classes == each).sum(axis=0) for each in range(19)]).argmax(axis=0)
    colour = of_box[box(np.stack([photograph for photograph, _ in others]))]
    # A U-Net with 8 filters gets 0.7 after a minute.
    assert 0.1 < metrics.mean_iou(metrics.confusion_matrix(truth, colour, 19)) < 0.3
    place = np.broadcast_to(of_place, truth.shape)
    assert 0.1 < metrics.mean_iou(metrics.confusion_matrix(truth, place, 19)) < 0.25


def test_small_things_are_seen_whole_and_do_not_hide_each_other():
    scene = phantom_streets._Scene(0, 0)
    scene.focal, scene.x = 100.0, 0.0
    # 5 m ahead 2 m are 40 pixels: 6 of them fit between 1 and 255.
    places = [scene.room(2.0, -8, 8, 5, 5) for _ in range(60)]
    rights = sorted(x for x, _ in filter(None, places))
    assert 3 <= len(rights) <= 6 and None in places
    assert np.diff(rights).min() >= 2 and rights[0] > -5.35 and rights[-1] < 5.35


def test_scenes_differ_and_do_not_depend_on_each_other():
    first, second, third = (phantom_streets.scene(*key)[0] for key in ((0, 0), (1, 0), (0, 1)))
    assert (first != second).mean() > 0.5 and (first != third).mean() > 0.5
    assert np.array_equal(first, phantom_streets.scene(0, 0)[0])


def test_the_set_is_the_same_for_the_same_seed_however_large(tmp_path):
    one = phantom_streets.make(tmp_path / "one", train=1, val=1, progress=False)
    two = phantom_streets.make(tmp_path / "two", train=2, val=1, progress=False)
    small, large = files_of(one), files_of(two)
    assert {name for name in large if name not in small} == {
        "leftImg8bit/train/phantom0train/phantom0train_000000_000001_leftImg8bit.png",
        "gtFine/train/phantom0train/phantom0train_000000_000001_gtFine_labelIds.png",
    }
    assert all(large[name] == content for name, content in small.items() if name != "README.md")
    assert streets.check(two, progress=False) == []
    (scene,) = streets.scenes(two, "val")
    assert not np.array_equal(streets.read_image(scene), streets.read_image(streets.scenes(two, "train")[0]))


def test_phantoms_are_made_on_first_use(data_home, monkeypatch):
    made = []

    def make(folder):
        made.append(folder)
        folder.mkdir(parents=True)

    monkeypatch.setattr(phantom_streets, "make", make)
    assert streets.folder_of("phantom") == streets.folder_of("phantom") == data_home / "phantom_streets"
    assert made == [data_home / "phantom_streets"]


def test_only_phantoms_are_replaced(tmp_path):
    folder = phantom_streets.make(tmp_path / "set", train=1, val=1, progress=False)
    phantom_streets.make(folder, train=1, val=1, seed=1, progress=False)
    assert [path.name for path in (folder / "gtFine/train").iterdir()] == ["phantom1train"]
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    (folder / "README.md").unlink()
    with pytest.raises(FileExistsError, match="holds no phantoms: choose another folder"):
        phantom_streets.make(folder, train=1, val=1, progress=False)
    for wrong in ({"train": 0}, {"val": 10_000}, {"seed": -1}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
            phantom_streets.make(tmp_path / "other", progress=False, **wrong)
    assert not (tmp_path / "other").exists()


def test_what_is_cut_short_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match=r"cannot be written \(No space left on device\); make room"):
        phantom_streets.make(tmp_path / "set", train=1, val=1, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_is_removed_a_day_later(tmp_path):
    now = time.time()
    for name, hours in ((".unfinished-phantoms-old", 25), (".unfinished-phantoms-new", 23), (".unfinished-novel", 99)):
        (tmp_path / name / "set").mkdir(parents=True)
        os.utime(tmp_path / name, (now - hours * 3600,) * 2)
    phantom_streets.make(tmp_path / "set", train=1, val=1, progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {".unfinished-phantoms-new", ".unfinished-novel", "set"}
