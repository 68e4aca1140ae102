"""The layout of Cityscapes: labels become classes, and a damaged set is told apart from a whole one."""

import math
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from helpers.data import disk, street_classes, streets

# Two rows of label ids, and the classes that the official table gives them.
LABEL_IDS = np.array([[0, 7, 8, 26], [33, 10, 31, 255]], "uint8")
CLASSES = np.array([[255, 0, 1, 13], [18, 255, 16, 255]], "uint8")


def write_scene(folder, split, city, frame, image=None, labels=LABEL_IDS, kind="labelIds"):
    name = f"{city}_000000_{frame:06}"
    for part in ("leftImg8bit", "gtFine"):
        (folder / part / split / city).mkdir(parents=True, exist_ok=True)
    if image is None:
        image = np.random.default_rng(frame).integers(0, 256, (2, 4, 3), dtype="uint8")
    Image.fromarray(image).save(folder / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png")
    if labels is not None:
        Image.fromarray(labels).save(folder / "gtFine" / split / city / f"{name}_gtFine_{kind}.png")
    return name


@pytest.fixture
def street_folder(tmp_path):
    folder = tmp_path / "streets"
    write_scene(folder, "train", "ulm", 2)
    write_scene(folder, "train", "aachen", 10)
    write_scene(folder, "train", "aachen", 9)
    write_scene(folder, "val", "bonn", 1)
    write_scene(folder, "test", "berlin", 5, labels=None)
    for kind in ("color", "instanceIds"):  # come with the official zip
        path = folder / "gtFine/val/bonn" / f"bonn_000000_000001_gtFine_{kind}.png"
        Image.fromarray(LABEL_IDS).save(path)
        path.with_name("bonn_000000_000001_gtFine_polygons.json").write_text("{}")
    return folder


def test_the_table_is_the_official_one():
    names = [
        "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation",
        "terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
    ]  # fmt: skip
    label_ids = [7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33]
    assert list(street_classes.NAMES) == names
    assert [each.label_id for each in street_classes.CLASSES] == label_ids
    assert street_classes.CLASS_OF_LABEL_ID[label_ids].tolist() == list(range(19))
    assert (np.delete(street_classes.CLASS_OF_LABEL_ID, label_ids) == 255).all()
    assert street_classes.LABEL_ID_OF_CLASS[:19].tolist() == label_ids and street_classes.LABEL_ID_OF_CLASS[255] == 0
    assert street_classes.PALETTE[[0, 10, 13, 255]].tolist() == [[128, 64, 128], [70, 130, 180], [0, 0, 142], [0, 0, 0]]
    assert len({tuple(colour) for colour in street_classes.PALETTE[:19].tolist()}) == 19


def test_scenes_are_listed_by_name(street_folder):
    assert [scene.name for scene in streets.scenes(street_folder, "train")] == [
        "aachen_000000_000009", "aachen_000000_000010", "ulm_000000_000002",
    ]  # fmt: skip
    (scene,) = streets.scenes(street_folder, "val")
    assert scene.image.name == "bonn_000000_000001_leftImg8bit.png"
    assert scene.labels.name == "bonn_000000_000001_gtFine_labelIds.png"
    (scene,) = streets.scenes(street_folder, "test")
    assert scene.labels is None
    with pytest.raises(ValueError, match="has no labels, as all scenes of the test split"):
        streets.read_classes(scene)


def test_label_ids_become_classes(street_folder):
    (scene,) = streets.scenes(street_folder, "val")
    classes = streets.read_classes(scene)
    assert classes.dtype == np.uint8
    np.testing.assert_array_equal(classes, CLASSES)


def test_train_ids_are_used_where_somebody_has_converted_them(street_folder):
    write_scene(street_folder, "val", "bonn", 1, labels=np.flip(CLASSES).copy(), kind="labelTrainIds")
    (scene,) = streets.scenes(street_folder, "val")
    assert scene.labels.name.endswith("labelTrainIds.png")
    np.testing.assert_array_equal(streets.read_classes(scene), np.flip(CLASSES))
    assert streets.check(street_folder, progress=False) == []


def test_scaling_averages_the_image_and_keeps_classes_whole(tmp_path):
    image = np.repeat(np.array([[0, 100], [50, 250]], "uint8")[..., None], 3, axis=-1)
    labels = np.kron(np.array([[7, 26]], "uint8"), np.ones((4, 4), "uint8"))
    write_scene(tmp_path, "train", "ulm", 1, image=np.kron(image, np.ones((2, 4, 1), "uint8")), labels=labels)
    images, classes = streets.load(tmp_path, "train", (1, 2), progress=False)
    assert images.shape == (1, 1, 2, 3) and images[0, 0, :, 0].tolist() == [25, 175]
    assert classes.tolist() == [[[0, 13]]]
    _, classes = streets.load(tmp_path, "train", (3, 5), progress=False)
    assert set(np.unique(classes)) == {0, 13}


def test_load_spreads_what_it_takes_over_the_split(tmp_path):
    for frame in range(7):
        write_scene(tmp_path, "val", "ulm", frame, image=np.full((2, 4, 3), frame, "uint8"))
    images, classes = streets.load(tmp_path, "val", (2, 4), most=3, progress=False)
    assert images[:, 0, 0, 0].tolist() == [0, 3, 6] and len(classes) == 3
    assert len(streets.load(tmp_path, "val", (2, 4), most=9, progress=False)[0]) == 7


def test_class_shares_leave_the_ignored_out():
    shares = streets.class_shares(np.array([[0, 0, 0, 255], [13, 255, 255, 255]], "uint8"))
    assert shares.shape == (19,) and shares[0] == 0.75 and shares[13] == 0.25
    assert streets.class_shares(np.full((2, 2), 255, "uint8")).sum() == 0


def test_class_weights_go_by_the_share_of_the_labelled_pixels(tmp_path):
    road, sky = 7, 23  # label ids
    for frame in range(2):
        write_scene(tmp_path, "train", "ulm", frame, labels=np.array([[road, road, road, sky], [0, 0, 0, 0]], "uint8"))
    weights = streets.class_weights(streets.scenes(tmp_path, "train"), progress=False)
    assert len(weights) == 19
    assert weights[0] == pytest.approx(1 / math.log(1.77)) and weights[10] == pytest.approx(1 / math.log(1.27))
    assert weights[1:10] + weights[11:] == pytest.approx([1 / math.log(1.02)] * 17)


def test_sources(street_folder, data_home):
    with pytest.raises(FileNotFoundError, match=r"cityscapes is missing; .*helpers.prepare cityscapes"):
        streets.folder_of("cityscapes")
    shutil.copytree(street_folder, data_home / "cityscapes")
    assert streets.folder_of("cityscapes") == data_home / "cityscapes"
    with pytest.raises(
        FileNotFoundError, match="leftImg8bit is missing; give the folder that holds leftImg8bit and gtFine"
    ):
        streets.folder_of(street_folder / "gtFine")
    with pytest.raises(ValueError, match="split is 'training'; choose one of train, val, test"):
        streets.scenes(street_folder, "training")
    shutil.rmtree(street_folder / "leftImg8bit/val")
    with pytest.raises(ValueError, match="bonn_000000_000001_gtFine_labelIds.png: labels without image"):
        (street_folder / "leftImg8bit/val").mkdir()
        write_scene(street_folder, "val", "ulm", 3)
        streets.scenes(street_folder, "val")
    shutil.rmtree(street_folder / "gtFine/train/ulm")
    with pytest.raises(ValueError, match=r"ulm_000000_000002_leftImg8bit.png: image without labels; see all .*--check"):
        streets.scenes(street_folder, "train")


def test_a_split_without_scenes_is_no_split(street_folder):
    shutil.rmtree(street_folder / "leftImg8bit/val")
    with pytest.raises(FileNotFoundError, match="holds no scene"):
        streets.scenes(street_folder, "val")


def damage(folder, name, split="train", part="gtFine"):
    kind = "gtFine_labelIds" if part == "gtFine" else part
    return folder / part / split / name.split("_")[0] / f"{name}_{kind}.png"


def test_check_reports_all_that_is_wrong_at_once(street_folder):
    assert streets.check(street_folder, progress=False) == []
    strange = LABEL_IDS.copy()
    strange[0, 0], strange[1, 1] = 34, 77
    Image.fromarray(strange).save(damage(street_folder, "aachen_000000_000009"))
    cut = damage(street_folder, "aachen_000000_000010", part="leftImg8bit")
    cut.write_bytes(cut.read_bytes()[:-20])
    damage(street_folder, "ulm_000000_000002").unlink()
    damage(street_folder, "bonn_000000_000001", "val", "leftImg8bit").unlink()
    write_scene(street_folder, "train", "ulm", 7, labels=np.full((4, 4), 7, "uint8"))
    twin = np.asarray(Image.open(damage(street_folder, "ulm_000000_000002", part="leftImg8bit")))
    write_scene(street_folder, "train", "ulm", 8, image=twin)
    shutil.copy(damage(street_folder, "ulm_000000_000008"), street_folder / "gtFine/train/ulm/notes.png")
    Image.fromarray(twin[..., 0]).save(damage(street_folder, "berlin_000000_000005", "test", "leftImg8bit"))
    problems = streets.check(street_folder, progress=False)
    expected = [
        "gtFine/train/aachen/aachen_000000_000009_gtFine_labelIds.png: holds 34, 77, which are no label ids",
        "gtFine/train/ulm/notes.png: name fits no scene (such as ulm_SEQUENCE_FRAME_gtFine_labelIds.png)",
        "gtFine/train/ulm/ulm_000000_000007_gtFine_labelIds.png: labels have 4x4 pixels, their image 4x2",
        "gtFine/val/bonn/bonn_000000_000001_gtFine_labelIds.png: labels without image",
        "leftImg8bit/test/berlin/berlin_000000_000005_leftImg8bit.png: image has mode L",
        "leftImg8bit/train/aachen/aachen_000000_000010_leftImg8bit.png: unreadable or truncated image",
        "leftImg8bit/train/ulm/ulm_000000_000002_leftImg8bit.png: image without labels",
        "leftImg8bit/train/ulm/ulm_000000_000008_leftImg8bit.png: duplicate, the same pixels as leftImg8bit/train/ulm/",
        "leftImg8bit/val: no scene in here",
    ]
    assert len(problems) == len(expected), "\n".join(problems)
    for problem, words in zip(problems, expected, strict=True):
        assert problem.startswith(words)


def test_reading_names_the_file_that_is_damaged(street_folder):
    (scene,) = streets.scenes(street_folder, "val")
    Image.fromarray(np.full((2, 4), 60, "uint8")).save(scene.labels)
    with pytest.raises(ValueError, match="bonn_000000_000001_gtFine_labelIds.png: holds 60, which are no label ids"):
        streets.read_classes(scene)
    scene.image.write_bytes(scene.image.read_bytes()[:40])
    with pytest.raises(ValueError, match="bonn_000000_000001_leftImg8bit.png: unreadable or truncated"):
        streets.read_image(scene)


def test_reading_in_threads_leaves_standard_error_alone(street_folder):
    # Each thread that puts standard error away for a moment may put away another thread's nothing, for good.
    scenes = streets.scenes(street_folder, "train") * 100
    before = os.fstat(2)
    during = {os.fstat(2).st_ino for _ in disk.made_ahead(streets.read, ((scene,) for scene in scenes), workers=8)}
    assert during == {before.st_ino} and os.fstat(2).st_ino == before.st_ino
