"""The reader: what it returns, what it refuses, and that neither cache nor disk can mislead it."""

import os
import resource
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from conftest import PATIENTS, draw_slice, write_slice
from PIL import Image

from helpers.data import brain, disk

ONE = "TCGA_CS_0002_20000101"


def caches(data_home):
    return sorted(path.name for path in (data_home / "cache").iterdir())


def file_of(folder, patient, number, end=""):
    return folder / patient / f"{patient}_{number}{end}.tif"


def as_slices(images, patients, numbers=None):
    images = np.asarray(images, np.uint8)
    masks = np.zeros(images.shape[:3], bool)
    return brain.Slices(images, masks, np.array(patients), np.arange(len(images)) if numbers is None else numbers)


# Reading


def test_load_returns_what_the_files_hold(kaggle_folder):
    slices = brain.load(kaggle_folder, progress=False)
    assert len(slices) == 24
    assert slices.images.shape == (24, 64, 64, 3) and slices.images.dtype == np.uint8
    assert slices.masks.shape == (24, 64, 64) and slices.masks.dtype == bool
    assert slices.patients.tolist() == [patient for patient in sorted(PATIENTS) for _ in range(4)]
    assert slices.numbers.tolist() == [1, 2, 3, 4] * 6 and slices.numbers.dtype.kind == "i"
    for row in range(24):
        image, mask = draw_slice(slices.patients[row], slices.numbers[row])
        assert np.array_equal(slices.images[row], image)
        assert np.array_equal(slices.masks[row], mask == 255)
    assert slices.has_tumour.tolist() == [False, True, True, False] * 6
    assert brain.tumour_slices(slices).tolist() == [row for row in range(24) if row % 4 in (1, 2)]


def test_slice_10_comes_after_slice_9(tmp_path):
    for number in (10, 9, 100, 1):
        write_slice(tmp_path, ONE, number, *draw_slice(ONE, number))
    slices = brain.load(tmp_path, progress=False)
    assert slices.numbers.tolist() == [1, 9, 10, 100]
    assert [image[32, 32, 0] for image in slices.images] == [71, 79, 80, 170]


def test_select_keeps_the_four_arrays_together(kaggle_folder):
    slices = brain.load(kaggle_folder, progress=False)
    for rows in (np.array([5, 2]), np.arange(24) == 7):
        chosen = slices.select(rows)
        assert np.array_equal(chosen.images, slices.images[rows])
        assert np.array_equal(chosen.masks, slices.masks[rows])
        assert np.array_equal(chosen.patients, slices.patients[rows])
        assert np.array_equal(chosen.numbers, slices.numbers[rows])


def test_size_averages_images_and_keeps_what_is_half_tumour(tmp_path):
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2, :2] = [[[10, 0, 255], [20, 0, 255]], [[30, 0, 255], [40, 8, 255]]]
    mask = np.array([[255, 0, 0, 0], [0, 255, 0, 255], [255, 255, 255, 255], [0, 255, 255, 255]], np.uint8)
    write_slice(tmp_path, ONE, 1, image, mask)
    slices = brain.load(tmp_path, size=2, progress=False)
    assert slices.images[0, 0, 0].tolist() == [25, 2, 255]  # means 100 / 4, 8 / 4, 255
    assert slices.masks[0].tolist() == [[True, False], [True, True]]  # shares 1/2, 1/4, 3/4, 1


def test_half_a_pixel_is_exact_over_larger_boxes(tmp_path):
    # 13 * 9 + 11 = 128 of 256. Averaged in 8 bits, rows then columns: 9 / 16 * 255 = 143.4 -> 143 and
    # 11 / 16 * 255 = 175.3 -> 175, and (13 * 143 + 175) / 16 = 127.1, less than half of 255.
    mask = np.zeros((16, 16), np.uint8)
    mask[:13, :9] = 255
    mask[13, :11] = 255
    write_slice(tmp_path, ONE, 1, np.zeros((16, 16, 3), np.uint8), mask)
    mask[0, 0] = 0
    write_slice(tmp_path, ONE, 2, np.zeros((16, 16, 3), np.uint8), mask)
    assert brain.load(tmp_path, size=1, progress=False).masks.ravel().tolist() == [True, False]


def test_files_beside_the_slices_are_left_alone(kaggle_folder):
    (kaggle_folder / ONE / "notes.txt").write_text("x")
    (kaggle_folder / ONE / f"._{ONE}_1.tif").write_text("made by a Mac")
    (kaggle_folder / ".ipynb_checkpoints").mkdir()
    assert len(brain.load(kaggle_folder, progress=False)) == 24
    assert brain.check(kaggle_folder, progress=False) == []


# Where the data is


def test_data_home(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DATA_HOME", str(tmp_path / "x"))
    assert disk.data_home() == tmp_path / "x"
    monkeypatch.setenv("DATA_HOME", "~/x")
    assert "~" not in str(disk.data_home())
    monkeypatch.delenv("DATA_HOME")
    monkeypatch.setattr(disk, "__file__", str(tmp_path / "clone/helpers/data/disk.py"))
    (tmp_path / "clone/data").mkdir(parents=True)  # without pyproject.toml it could be anyone's
    monkeypatch.setattr(disk.Path, "home", lambda: tmp_path)
    disk._say_once.cache_clear()
    assert disk.data_home() == disk.data_home() == tmp_path / "where_to_look_data"
    assert capsys.readouterr().out.count(f"kept in {tmp_path / 'where_to_look_data'} ") == 1
    disk._say_once.cache_clear()
    (tmp_path / "where_to_look_data").mkdir()
    disk.data_home()
    (tmp_path / "clone/pyproject.toml").touch()
    assert disk.data_home() == tmp_path / "clone/data"
    assert capsys.readouterr().out == ""


def test_folder_of_a_path_is_that_folder_or_the_kaggle_3m_inside(kaggle_folder):
    assert brain.folder_of(kaggle_folder) == kaggle_folder
    assert brain.folder_of(str(kaggle_folder.parent)) == kaggle_folder


def test_kaggle_is_in_the_data_home(kaggle_folder, data_home):
    with pytest.raises(FileNotFoundError, match="python -m helpers.prepare brain --source kaggle"):
        brain.folder_of("kaggle")
    shutil.copytree(kaggle_folder, data_home / "lgg-mri-segmentation" / "kaggle_3m")
    assert len(brain.load("kaggle", progress=False)) == 24


def test_the_phantom_is_made_once(kaggle_folder, data_home, monkeypatch):
    made = []

    def make(folder):  # and never in silence
        made.append(folder)
        return shutil.copytree(kaggle_folder, folder / "kaggle_3m")

    monkeypatch.setitem(sys.modules, "helpers.data.phantom_brain", types.SimpleNamespace(make=make))
    monkeypatch.setattr("helpers.data.phantom_brain", sys.modules["helpers.data.phantom_brain"], raising=False)
    assert len(brain.load(progress=False)) == len(brain.load("phantom")) == 24
    assert made == [data_home / "phantom_brain"]


# The bar


def read_a_hundred():
    return list(disk.progress_bar(range(100), desc="reading", unit="slice", mininterval=0))


def test_a_bar_in_a_file_or_a_pipe_is_one_line(capsys):
    assert read_a_hundred() == list(range(100))
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.count("reading") == 1 and "100/100" in written.err and written.err.endswith("\n")


def test_a_bar_in_a_terminal_moves(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    read_a_hundred()
    assert capsys.readouterr().err.count("reading") > 1


# The cache


def test_the_second_load_reads_no_image_and_gives_the_same(kaggle_folder, monkeypatch):
    first = brain.load(kaggle_folder, size=32, progress=False)
    monkeypatch.setattr(brain, "_read_slice", None)
    again = brain.load(kaggle_folder, size=32, progress=False)
    assert isinstance(again.images, np.memmap) and isinstance(again.masks, np.memmap)
    for name in ("images", "masks", "patients", "numbers"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    for array in (first.images, again.images, first.masks, again.masks):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_changed_file_makes_a_new_cache_and_the_old_one_goes(kaggle_folder, data_home):
    changing, image = file_of(kaggle_folder, ONE, 1), np.full((64, 64, 3), 9, np.uint8)
    Image.fromarray(image + 1).save(changing)  # not compressed, so that the new file has as many bytes
    brain.load(kaggle_folder, progress=False)
    brain.load(kaggle_folder, size=16, progress=False)
    before = caches(data_home)
    Image.fromarray(image).save(changing)
    os.utime(changing, ns=(1, 1))  # whatever the clock's resolution
    assert np.array_equal(brain.load(kaggle_folder, progress=False).images[0], image)
    after = caches(data_home)
    assert len(before) == len(after) == 2 and len(set(before) & set(after)) == 1  # that of size 16


def test_a_new_slice_makes_a_new_cache(kaggle_folder):
    assert len(brain.load(kaggle_folder, progress=False)) == 24
    write_slice(kaggle_folder, ONE, 5, *draw_slice(ONE, 5))
    assert len(brain.load(kaggle_folder, progress=False)) == 25


@pytest.mark.parametrize("name", ["images.npy", "masks.npy", "patients.npy", "numbers.npy"])
@pytest.mark.parametrize("damage", ["shorten", "empty", "remove"])
def test_a_damaged_cache_is_made_again(kaggle_folder, data_home, name, damage):
    before = brain.load(kaggle_folder, size=16, progress=False)
    expected = before.images.copy(), before.masks.copy(), before.patients, before.numbers
    (cache,) = (data_home / "cache").iterdir()
    content = (cache / name).read_bytes()
    (cache / name).unlink()
    if damage != "remove":
        (cache / name).write_bytes(content[: len(content) - 10 if damage == "shorten" else 0])
    after = brain.load(kaggle_folder, size=16, progress=False)
    for old, new in zip(expected, (after.images, after.masks, after.patients, after.numbers), strict=True):
        assert np.array_equal(old, new)


def test_a_kill_leaves_no_cache_to_read(kaggle_folder, data_home):
    script = (
        "import os, sys\n"
        "sys.orig_argv.append('helpers.doctor')\n"  # as the doctor, the reader does without Keras, and starts sooner
        "from helpers.data import brain\nread = brain._read_slice\n"
        "def read_or_die(folder, file, size):\n"
        "    if file.number == 3: os._exit(9)\n"
        "    return read(folder, file, size)\n"
        "brain._read_slice = read_or_die\nbrain.load(sys.argv[1], progress=False)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(kaggle_folder)]).returncode == 9
    left = caches(data_home)
    assert len(left) == 2 and min(left).endswith(".tmp") and max(left) == f"{min(left)}.lock"
    slices = brain.load(kaggle_folder, progress=False)
    assert np.array_equal(slices.images[23], draw_slice(PATIENTS[-1], 4)[0])
    # Nobody holds its lock, so nobody is writing it any more.
    assert len(caches(data_home)) == 1 and not set(left) & set(caches(data_home))


@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_unfinished_goes_with_its_lock_in_whatever_order_they_are_listed(tmp_path, monkeypatch, backwards):
    unfinished = tmp_path / "brain-set-16-old.1234.tmp"
    unfinished.mkdir()
    unfinished.with_name(f"{unfinished.name}.lock").touch()
    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda *arguments: sorted(glob(*arguments), reverse=backwards))
    brain._remove_old_caches(tmp_path / "brain-set-16-new")
    assert not list(tmp_path.iterdir())


def test_what_another_process_is_writing_stays(kaggle_folder, data_home):
    brain.load(kaggle_folder, progress=False)
    writing = data_home / "cache" / f"{caches(data_home)[0]}.1234.tmp"
    writing.mkdir()
    write_slice(kaggle_folder, ONE, 5, *draw_slice(ONE, 5))
    with disk.being_written(writing):
        brain.load(kaggle_folder, progress=False)
        assert writing.exists()
    write_slice(kaggle_folder, ONE, 6, *draw_slice(ONE, 6))
    brain.load(kaggle_folder, progress=False)
    assert writing.exists(), "without a lock it could be of an older version: it goes after a day"
    os.utime(writing, (0, 0))
    write_slice(kaggle_folder, ONE, 7, *draw_slice(ONE, 7))
    brain.load(kaggle_folder, progress=False)
    assert len(caches(data_home)) == 1


def test_two_processes_may_write_the_same_cache(kaggle_folder, monkeypatch):
    read = brain._read_slice

    def another_is_quicker(*arguments):
        monkeypatch.setattr(brain, "_read_slice", read)
        brain.load(kaggle_folder, progress=False)
        return read(*arguments)

    monkeypatch.setattr(brain, "_read_slice", another_is_quicker)
    assert len(brain.load(kaggle_folder, progress=False)) == 24


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as Unix does")
def test_a_disk_that_fills_up_is_named_and_nothing_is_left(kaggle_folder, data_home):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))  # the images take 24 * 64 * 64 * 3 = 294912
    try:
        with pytest.raises(OSError) as caught:
            brain.load(kaggle_folder, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    message = str(caught.value)
    assert "\n" not in message and str(data_home / "cache") in message and "DATA_HOME" in message
    assert caches(data_home) == []
    assert len(brain.load(kaggle_folder, progress=False)) == 24


def test_too_little_room_is_seen_before_anything_is_written(kaggle_folder, data_home, monkeypatch):
    # 24 slices * 64 * 64 pixels * (3 + 1) bytes = 393216
    for free, enough in ((393_215, False), (393_216, True)):
        monkeypatch.setattr(brain.shutil, "disk_usage", lambda _, free=free: types.SimpleNamespace(free=free))
        if enough:
            assert len(brain.load(kaggle_folder, progress=False)) == 24
        else:
            with pytest.raises(OSError, match="No space left on device.*0 MB; free some space"):
                brain.load(kaggle_folder, progress=False)
            assert caches(data_home) == []


def test_a_data_home_that_is_a_file_is_named(kaggle_folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match="cannot be written to .*file.*DATA_HOME"):
        brain.load(kaggle_folder, progress=False)


# Normalising


def hundred_pixels(values):
    """One slice of 10 x 10 pixels from (value, how many) pairs, alike in all channels."""
    pixels = np.concatenate([np.full(count, value) for value, count in values])
    return np.repeat(pixels.reshape(10, 10, 1), 3, axis=2)


def test_normalise_maps_the_percentiles():
    # The lowest 10 of 100 pixels end with 20, so p10 = 20; 99 end with 60, so p99 = 60.
    # 20 -> 0, 30 -> 10 / 40 * 200 = 50, 60 -> 200, 68 -> 240, 5 -> below 0 -> 0
    slices = as_slices([hundred_pixels([(5, 3), (20, 7), (30, 50), (60, 39), (68, 1)])], ["A_A_A_1"])
    found = brain.normalise(slices).images[0, ..., 0].ravel()
    assert found.tolist() == [0] * 10 + [50] * 50 + [200] * 39 + [240]


def test_one_pixel_more_or_less_moves_the_percentiles():
    # 9 pixels of 20 are not 10 %: p10 = 30. 98 pixels up to 60 are not 99 %: p99 = 70.
    # 60 -> 30 / 40 * 200 = 150
    slices = as_slices([hundred_pixels([(20, 9), (30, 50), (60, 39), (70, 2)])], ["A_A_A_1"])
    found = brain.normalise(slices).images[0, ..., 0].ravel()
    assert found.tolist() == [0] * 59 + [150] * 39 + [200] * 2


def test_normalise_cuts_off_at_255_and_rounds():
    # p10 = 0, p99 = 3: 1 -> 66.67, 2 -> 133.33, 3 -> 200, 200 -> 13333
    slices = as_slices([hundred_pixels([(0, 10), (1, 40), (2, 40), (3, 9), (200, 1)])], ["A_A_A_1"])
    found = brain.normalise(slices).images[0, ..., 2].ravel()
    assert found.tolist() == [0] * 10 + [67] * 40 + [133] * 40 + [200] * 9 + [255]


def test_patients_and_channels_are_scaled_apart_over_all_their_slices():
    # A's channel 0 is 0 in one slice and 100 in the other: p10 = 0, p99 = 100. Channel 1 has 50 and 0.
    first, second = np.zeros((10, 10, 3)), np.zeros((10, 10, 3))
    first[:] = [0, 50, 7]
    second[:] = [100, 0, 7]
    other = hundred_pixels([(0, 50), (100, 25), (200, 25)])  # p99 = 200: 100 -> 100
    slices = as_slices([first, other, second], ["A_A_A_1", "B_B_B_2", "A_A_A_1"])
    found = brain.normalise(slices).images
    assert found[0, 3, 3].tolist() == [0, 200, 0]
    assert found[2, 3, 3].tolist() == [200, 0, 0]
    assert found[1, ..., 0].ravel().tolist() == [0] * 50 + [100] * 25 + [200] * 25
    assert np.array_equal(brain.normalise_images(slices.images[1:2])[0], found[1])


def test_a_channel_without_contrast_gives_no_error():
    slices = as_slices([np.zeros((10, 10, 3)), hundred_pixels([(0, 99), (3, 1)])], ["A_A_A_1", "B_B_B_2"])
    with np.errstate(all="raise"):
        found = brain.normalise(slices).images
    assert (found[0] == 0).all()
    assert found[1, ..., 1].ravel().tolist() == [0] * 99 + [255]


def test_normalise_leaves_its_argument_alone(kaggle_folder):
    slices = brain.load(kaggle_folder, progress=False)
    before = slices.images.copy()
    after = brain.normalise(slices)
    assert np.array_equal(slices.images, before) and not np.array_equal(after.images, before)
    assert after.masks is slices.masks and after.patients is slices.patients and after.numbers is slices.numbers
    assert after.images.flags.writeable


# Bad input: one defect, one line in the check, and one sentence where it stops the reader


def truncate(path):
    path.write_bytes(path.read_bytes()[:-20])


def resize(path, side):
    Image.open(path).resize((side, side), Image.Resampling.NEAREST).save(path)


DEFECTS = {  # name: (damage, the check's line, whether load refuses it)
    "image without mask": (
        lambda folder: file_of(folder, ONE, 2, "_mask").unlink(),
        f"{ONE}/{ONE}_2.tif: image without mask",
        True,
    ),
    "mask without image": (
        lambda folder: file_of(folder, ONE, 2).unlink(),
        f"{ONE}/{ONE}_2_mask.tif: mask without image",
        True,
    ),
    "mask of another size": (
        lambda folder: resize(file_of(folder, ONE, 2, "_mask"), 32),
        f"{ONE}/{ONE}_2_mask.tif: mask has 32x32 pixels, its image 64x64",
        True,
    ),
    "slice of another size": (
        lambda folder: [resize(file_of(folder, ONE, 2, end), 32) for end in ("", "_mask")],
        f"{ONE}/{ONE}_2.tif: 32x32 pixels, where most images have 64x64",
        True,
    ),
    "mask with other values": (
        lambda folder: Image.fromarray(np.full((64, 64), 1, np.uint8)).save(file_of(folder, ONE, 2, "_mask")),
        f"{ONE}/{ONE}_2_mask.tif: mask with values other than 0 and 255 (1)",
        True,
    ),
    "mask in colour": (
        lambda folder: Image.new("RGB", (64, 64)).save(file_of(folder, ONE, 2, "_mask")),
        f"{ONE}/{ONE}_2_mask.tif: mask has mode RGB, not one channel",
        True,
    ),
    "grey image": (
        lambda folder: Image.new("L", (64, 64), 3).save(file_of(folder, ONE, 2)),
        f"{ONE}/{ONE}_2.tif: image has mode L, not three channels",
        True,
    ),
    "truncated image": (
        lambda folder: truncate(file_of(folder, ONE, 2)),
        f"{ONE}/{ONE}_2.tif: unreadable or truncated image",
        True,
    ),
    "truncated mask": (
        lambda folder: truncate(file_of(folder, ONE, 2, "_mask")),
        f"{ONE}/{ONE}_2_mask.tif: unreadable or truncated image",
        True,
    ),
    "empty file": (
        lambda folder: file_of(folder, ONE, 2).write_bytes(b""),
        f"{ONE}/{ONE}_2.tif: unreadable or truncated image",
        True,
    ),
    "text for an image": (
        lambda folder: file_of(folder, ONE, 2).write_text("<html>please sign in</html>"),
        f"{ONE}/{ONE}_2.tif: unreadable or truncated image",
        True,
    ),
    "duplicate": (
        lambda folder: shutil.copy(file_of(folder, PATIENTS[0], 2), file_of(folder, PATIENTS[3], 2)),
        f"{PATIENTS[3]}/{PATIENTS[3]}_2.tif: duplicate, the same pixels as {PATIENTS[0]}/{PATIENTS[0]}_2.tif",
        False,
    ),
    "missing slice": (
        lambda folder: [file_of(folder, ONE, 2, end).unlink() for end in ("", "_mask")],
        f"{ONE}/{ONE}_2.tif: missing slice",
        False,
    ),
    "missing slices": (
        lambda folder: [file_of(folder, ONE, number, end).unlink() for number in (1, 2) for end in ("", "_mask")],
        f"{ONE}/{ONE}_1.tif: missing slice, and so on to 2",
        False,
    ),
    "empty patient": (
        lambda folder: [path.unlink() for path in (folder / ONE).iterdir()],
        f"{ONE}: empty patient, no slice in the folder",
        False,
    ),
    "folder that is no patient": (
        lambda folder: (folder / "not_a_patient").mkdir(),
        "not_a_patient: folder is no patient",
        False,
    ),
    "name that fits no slice": (
        lambda folder: shutil.copy(file_of(folder, ONE, 2), folder / ONE / f"{ONE}_2 (1).tif"),
        f"{ONE}/{ONE}_2 (1).tif: name fits no slice",
        False,
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_one_defect_is_one_line_of_the_check(kaggle_folder, name):
    damage, line, _ = DEFECTS[name]
    assert brain.check(kaggle_folder, progress=False) == []
    damage(kaggle_folder)
    (found,) = brain.check(kaggle_folder, progress=False)
    assert found.startswith(line) and "\n" not in found


@pytest.mark.parametrize("name", DEFECTS)
@pytest.mark.parametrize("size", [None, 32])
def test_load_refuses_in_one_sentence_what_it_cannot_use(kaggle_folder, data_home, name, size, capfd):
    damage, line, refused = DEFECTS[name]
    damage(kaggle_folder)
    if not refused or (name == "slice of another size" and size):
        assert brain.load(kaggle_folder, size, progress=False).images.shape[1] == (size or 64)
        return
    with pytest.raises(ValueError) as caught:
        brain.load(kaggle_folder, size, progress=False)
    message = str(caught.value)
    assert message.startswith(str(kaggle_folder / line.partition(":")[0])) and "\n" not in message
    advice = "give size=" if name == "slice of another size" else f"helpers.prepare brain --check {kaggle_folder}`"
    assert advice in message
    assert capfd.readouterr() == ("", "")  # libtiff has its say on file descriptor 2
    assert not (data_home / "cache").exists() or caches(data_home) == []


def test_the_check_finds_everything_at_once(kaggle_folder):
    # Each defect in a patient or slice of its own, so that none hides another.
    file_of(kaggle_folder, PATIENTS[0], 1, "_mask").unlink()
    file_of(kaggle_folder, PATIENTS[0], 3).unlink()
    truncate(file_of(kaggle_folder, PATIENTS[1], 1))
    truncate(file_of(kaggle_folder, PATIENTS[1], 2, "_mask"))
    resize(file_of(kaggle_folder, PATIENTS[2], 1, "_mask"), 32)
    Image.fromarray(np.full((64, 64), 7, np.uint8)).save(file_of(kaggle_folder, PATIENTS[2], 2, "_mask"))
    shutil.copy(file_of(kaggle_folder, PATIENTS[3], 1), file_of(kaggle_folder, PATIENTS[3], 4))
    for end in ("", "_mask"):
        file_of(kaggle_folder, PATIENTS[4], 2, end).unlink()
    for path in (kaggle_folder / PATIENTS[5]).iterdir():
        path.unlink()
    (kaggle_folder / "extra").mkdir()
    starts = [
        f"{PATIENTS[0]}/{PATIENTS[0]}_1.tif: image without mask",
        f"{PATIENTS[0]}/{PATIENTS[0]}_3_mask.tif: mask without image",
        f"{PATIENTS[1]}/{PATIENTS[1]}_1.tif: unreadable",
        f"{PATIENTS[1]}/{PATIENTS[1]}_2_mask.tif: unreadable",
        f"{PATIENTS[2]}/{PATIENTS[2]}_1_mask.tif: mask has 32x32",
        f"{PATIENTS[2]}/{PATIENTS[2]}_2_mask.tif: mask with values",
        f"{PATIENTS[3]}/{PATIENTS[3]}_4.tif: duplicate",
        f"{PATIENTS[4]}/{PATIENTS[4]}_2.tif: missing slice",
        f"{PATIENTS[5]}: empty patient",
        "extra: folder is no patient",
    ]
    found = brain.check(kaggle_folder, progress=False)
    assert len(found) == len(starts)
    assert all(line.startswith(start) for line, start in zip(found, starts, strict=True))


def test_the_check_sorts_by_number(tmp_path):
    for number in range(1, 11):
        image, mask = draw_slice(ONE, number)
        write_slice(tmp_path, ONE, number, image, None if number in (2, 10) else mask)
    found = [line.partition(":")[0] for line in brain.check(tmp_path, progress=False)]
    assert found == [f"{ONE}/{ONE}_2.tif", f"{ONE}/{ONE}_10.tif"]


def test_slices_of_pure_air_may_repeat(kaggle_folder):
    empty = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)
    write_slice(kaggle_folder, ONE, 5, *empty)
    write_slice(kaggle_folder, ONE, 6, *empty)
    assert brain.check(kaggle_folder, progress=False) == []


def test_a_number_far_off_is_one_line(kaggle_folder):
    write_slice(kaggle_folder, ONE, 20000101, *draw_slice(ONE, 5))
    assert brain.check(kaggle_folder, progress=False) == [f"{ONE}/{ONE}_5.tif: missing slice, and so on to 20000100"]


@pytest.mark.parametrize("read", [brain.load, brain.check])
def test_a_folder_that_is_not_there_is_named(read, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is missing; give the folder"):
        read(tmp_path / "nowhere", progress=False)
    (tmp_path / "archive.zip").write_bytes(b"")
    with pytest.raises(OSError, match=r"archive.zip is a file.*helpers.prepare brain --source .*archive.zip"):
        read(tmp_path / "archive.zip", progress=False)


def test_an_empty_or_wrong_folder_is_named(tmp_path, kaggle_folder):
    (tmp_path / "empty").mkdir()
    for wrong in (tmp_path / "empty", kaggle_folder / ONE):  # one level too deep
        with pytest.raises(FileNotFoundError, match="holds no slices .*; give the folder"):
            brain.load(wrong, progress=False)
        (line,) = brain.check(wrong, progress=False)
        assert line.startswith(f"{wrong}: ")


def test_an_impossible_size_is_refused(kaggle_folder):
    with pytest.raises(ValueError, match="size is 0"):
        brain.load(kaggle_folder, size=0)


def test_few_slices_are_spread_evenly_and_never_more_than_there_are():
    masks = np.zeros((10, 2, 2), bool)
    masks[[1, 3, 5, 7, 9], 0, 0] = True
    slices = brain.Slices(np.zeros((10, 2, 2, 3), "uint8"), masks, np.full(10, "a"), np.arange(10))
    assert slices.few(np.ones(10, bool), 3, 2).numbers.tolist() == [0, 1, 5, 8, 9]
    assert slices.few(np.arange(10) < 4, 9, 0).numbers.tolist() == [1, 3]
