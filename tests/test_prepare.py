"""The command that puts data sets in place, and what every command does with an error."""

import errno
import functools
import hashlib
import io
import os
import shutil
import subprocess
import sys
import types
import zipfile

import numpy as np
import pytest
from PIL import Image

from helpers import command, prepare
from helpers.data import brain, download, phantom_brain, streets

PATIENTS = ("TCGA_CS_0001_19990101", "TCGA_DU_0002_20000202")


def tiff(pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "tiff")
    return file.getvalue()


@pytest.fixture
def files():
    """Two patients of two slices, as in the Kaggle set but small."""
    rng = np.random.default_rng(0)
    files = {"data.csv": b"Patient,death01\n"}
    for patient in PATIENTS:
        for number in (1, 2):
            mask = np.zeros((16, 16), np.uint8)
            mask[4:8, 4:8] = 255
            image = rng.integers(0, 256, (16, 16, 3), np.uint8)
            files[f"{patient}/{patient}_{number}.tif"] = tiff(image)
            files[f"{patient}/{patient}_{number}_mask.tif"] = tiff(mask)
    return files


def write_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"lgg-mri-segmentation/kaggle_3m/{name}", content)
        for name, content in files.items():
            archive.writestr(f"kaggle_3m/{name}", content)
    return path


def write_folder(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in [*folder.rglob("*.tif"), *folder.rglob("*.png")]
    }


@pytest.fixture(autouse=True)
def data_home(monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def no_download(monkeypatch):
    monkeypatch.setattr(download, "_download", lambda *_: pytest.fail("Kaggle was asked"))
    monkeypatch.setattr(download, "_download_streets", lambda *_: pytest.fail("Cityscapes was asked"))


def test_phantoms(data_home, monkeypatch, capsys):
    monkeypatch.setattr(phantom_brain, "make", functools.partial(phantom_brain.make, slices=2))  # of thirty
    prepare.main(["brain", "--patients", "1", "--seed", "3"])
    folder = data_home / "phantom_brain" / "kaggle_3m"
    assert brain.folder_of("phantom") == folder
    (patient,) = [path for path in folder.iterdir() if path.is_dir()]
    assert len(list(patient.glob("*_mask.tif"))) == 2
    output = capsys.readouterr().out
    assert f"1 patients, 2 slices in {folder}: every file is in order" in output
    assert 'SOURCE = "phantom"' in output
    assert "python -m helpers.train --models UNet --data phantom" in output
    first = digests(folder)

    prepare.main(["brain", "--patients", "1", "--seed", "4"])  # other phantoms take their place
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 1
    assert digests(folder) != first


def test_phantoms_replace_nothing_else(tmp_path, files):
    folder = write_folder(tmp_path / "mine" / "kaggle_3m", files)
    with pytest.raises(FileExistsError, match="holds no phantoms"):
        prepare.main(["brain", "--patients", "1", "--output", str(tmp_path / "mine")])
    assert len(digests(folder)) == 8


def test_a_page_that_speaks_of_phantoms_makes_no_phantoms_of_a_folder(tmp_path, files):
    for words in ("brain --patients 1", "cityscapes --train 1 --val 1"):
        folder = write_folder(tmp_path / words.split()[0] / "kaggle_3m", files)
        place = folder if "brain" not in words else folder.parent
        (folder / "README.md").write_text("# Data\n\nBeside the phantoms lie the real slices.\n")
        with pytest.raises(FileExistsError, match="holds no phantoms"):
            prepare.main([*words.split(), "--output", str(place)])
        assert len(digests(folder)) == 8


def test_number_of_patients(data_home):
    with pytest.raises(ValueError, match="patients is 0"):
        prepare.main(["brain", "--patients", "0"])
    assert not (data_home / "phantom_brain" / "kaggle_3m").exists()


def test_zip(tmp_path, data_home, files, capsys):
    prepare.main(["brain", "--source", str(write_zip(tmp_path / "archive.zip", files))])
    folder = data_home / "lgg-mri-segmentation" / "kaggle_3m"
    assert os.listdir(folder.parent) == ["kaggle_3m"]
    assert sorted(os.listdir(folder)) == sorted([*PATIENTS, "data.csv"])
    assert len(brain.load("kaggle")) == 4
    output = capsys.readouterr().out
    assert f"2 patients, 4 slices in {folder}: every file is in order" in output
    assert "--data kaggle" in output


def test_zip_to_another_folder(tmp_path, data_home, files, capsys):
    output = tmp_path / "my sets"
    prepare.main(["brain", "--source", str(write_zip(tmp_path / "archive.zip", files)), "--output", str(output)])
    assert len(digests(output / "kaggle_3m")) == 8
    assert not (data_home / "lgg-mri-segmentation").exists()
    assert f"--data '{output / 'kaggle_3m'}'" in capsys.readouterr().out


def test_folder_is_checked_and_used_where_it_is(tmp_path, data_home, files, capsys):
    write_folder(tmp_path / "mine" / "kaggle_3m", files)
    prepare.main(["brain", "--source", "mine"])
    output = capsys.readouterr().out
    assert f'SOURCE = "{tmp_path / "mine" / "kaggle_3m"}"' in output
    assert f"--data {tmp_path / 'mine' / 'kaggle_3m'}" in output
    assert os.listdir(data_home) == ["cache"]  # what was seen
    with pytest.raises(ValueError, match="leave out --output"):
        prepare.main(["brain", "--source", "mine", "--output", "elsewhere"])


def test_kaggle_downloads_unpacks_and_checks(data_home, files, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(download, "_download", lambda dataset, path: (asked.append(dataset), write_zip(path, files)))
    prepare.main(["brain", "--source", "kaggle"])
    assert asked == ["mateuszbuda/lgg-mri-segmentation"]
    assert len(brain.load("kaggle")) == 4
    archive = data_home / "lgg-mri-segmentation" / "lgg-mri-segmentation.zip"
    assert f"{archive} is no longer needed" in capsys.readouterr().out

    archive.unlink()
    prepare.main(["brain", "--source", "kaggle"])  # in place: only checked
    assert len(asked) == 1
    assert "every file is in order" in capsys.readouterr().out


def test_all_problems_are_told_after_unpacking(tmp_path, data_home, files, capsys):
    first, second = PATIENTS
    del files[f"{first}/{first}_2_mask.tif"]
    files[f"{second}/{second}_1.tif"] = files[f"{second}/{second}_1.tif"][:200]
    archive = write_zip(tmp_path / "archive.zip", files)
    with pytest.raises(ValueError) as caught:
        prepare.main(["brain", "--source", str(archive)])
    folder = data_home / "lgg-mri-segmentation" / "kaggle_3m"
    assert f"{folder} has 2 problems, listed above" in str(caught.value)
    said, *lines = capsys.readouterr().out.splitlines()
    assert said == f"the set goes to {folder.parent}"
    assert lines[1].startswith(f"{first}/{first}_2.tif: ")
    assert lines[2].startswith(f"{second}/{second}_1.tif: ")
    assert "python -m helpers.train" in lines[5]


def test_check_changes_nothing(tmp_path, data_home, files, capsys):
    folder = write_folder(tmp_path / "mine", files)
    prepare.main(["brain", "--check", str(folder)])
    assert f"2 patients, 4 slices in {folder}: every file is in order" in capsys.readouterr().out

    (folder / PATIENTS[0] / f"{PATIENTS[0]}_1.tif").unlink()
    with pytest.raises(ValueError, match=f"^{folder} has [0-9]+ problem"):
        prepare.main(["brain", "--check", str(folder)])
    assert f"{PATIENTS[0]}/{PATIENTS[0]}_1" in capsys.readouterr().out
    assert os.listdir(data_home) == ["cache"]  # what was seen


def test_check_of_an_empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty has 1 problem, listed above"):
        prepare.main(["brain", "--check", str(tmp_path / "empty")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: DATASET"),
        (["cats"], "invalid choice: 'cats'"),
        (["brain", "--source", "kaggle", "--check", "x"], "not allowed with"),
        (["brain", "--patients", "many"], "invalid int value: 'many'"),
        (["cityscapes", "--source", "a.zip", "b.zip", "--check", "x"], "not allowed with"),
        (["cityscapes", "--patients", "1"], "unrecognized arguments: --patients"),
    ],
)
def test_wrong_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        prepare.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_phantom_options_with_real_data():
    with pytest.raises(ValueError, match="--patients and --seed are for phantoms"):
        prepare.main(["brain", "--source", "kaggle", "--seed", "0"])


@pytest.mark.parametrize(
    ("arguments", "dataset"), [([], "brain"), ([], "cityscapes"), (["brain"], "brain"), (["cityscapes"], "cityscapes")]
)
def test_help_has_an_example(arguments, dataset, capsys):
    with pytest.raises(SystemExit) as caught:
        prepare.main([*arguments, "--help"])
    assert caught.value.code == 0
    assert f"\n    python -m helpers.prepare {dataset}\n" in capsys.readouterr().out


def test_page_instead_of_a_zip(tmp_path):
    (tmp_path / "page.zip").write_text("<html>")
    with pytest.raises(ValueError, match="^page.zip is not a zip"):
        prepare.main(["brain", "--source", "page.zip"])


def test_as_a_command():
    result = subprocess.run(
        [sys.executable, "-m", "helpers.prepare", "brain", "--source", "/nonexistent"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: /nonexistent is missing")
    assert result.stderr.count("\n") == 1


# --- streets

SCENES = (("train", "ulm", 1), ("train", "ulm", 2), ("val", "bonn", 1), ("test", "berlin", 1))


def png(pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def street_file(split, city, frame, part, kind):
    return f"{part}/{split}/{city}/{city}_000000_{frame:06}_{kind}"


@pytest.fixture
def street_files():
    """Four scenes with all that the official zips hold of each, but small."""
    rng = np.random.default_rng(0)
    files = {"leftImg8bit": {}, "gtFine": {}}
    for scene in SCENES:
        image = rng.integers(0, 256, (8, 16, 3), np.uint8)
        files["leftImg8bit"][street_file(*scene, "leftImg8bit", "leftImg8bit.png")] = png(image)
        labels = rng.choice(np.array([0, 7, 26, 33], np.uint8), (8, 16))
        for kind in ("labelIds", "color", "instanceIds"):
            files["gtFine"][street_file(*scene, "gtFine", f"gtFine_{kind}.png")] = png(labels)
        files["gtFine"][street_file(*scene, "gtFine", "gtFine_polygons.json")] = b"{}"
    return files


def write_street_zip(folder, files, part):
    folder.mkdir(exist_ok=True)
    path = folder / download.STREETS[part]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files[part], "README": b"x", "license.txt": b"x"}.items():
            archive.writestr(name, content)
    return path


def write_street_zips(folder, files):
    return [write_street_zip(folder, files, part) for part in ("leftImg8bit", "gtFine")]


def unpack_streets(zips, *arguments):
    prepare.main(["cityscapes", "--source", *map(str, zips), *arguments])


def content_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_phantom_streets(data_home, capsys):
    prepare.main(["cityscapes", "--train", "2", "--val", "1", "--seed", "3"])
    folder = data_home / "phantom_streets"
    assert streets.folder_of("phantom") == folder
    assert len(streets.scenes("phantom", "train")) == 2
    output = capsys.readouterr().out
    assert f"scenes: 2 train, 1 val, 0 test in {folder}: every file is in order" in output
    assert 'SOURCE = "phantom"' in output
    assert "    python -m helpers.train --dataset cityscapes --models UNet --data phantom\n" in output
    first = digests(folder)

    prepare.main(["cityscapes", "--train", "1", "--val", "1", "--seed", "4"])  # other phantoms take their place
    assert len(streets.scenes("phantom", "train")) == 1
    assert not first.items() & digests(folder).items()


def test_phantom_streets_replace_nothing_else(tmp_path, street_files):
    folder = write_folder(tmp_path / "mine", street_files["gtFine"])
    with pytest.raises(FileExistsError, match="mine is there already and holds no phantoms: choose another folder"):
        prepare.main(["cityscapes", "--train", "1", "--val", "1", "--output", "mine"])
    assert content_of(folder) == street_files["gtFine"]


def test_wrong_options_for_streets():
    with pytest.raises(ValueError, match="--train, --val and --seed are for phantoms: leave them out, or --source cit"):
        prepare.main(["cityscapes", "--source", "cityscapes", "--val", "0"])
    with pytest.raises(ValueError, match="val is 0: ask for 1 to 9999 scenes"):
        prepare.main(["cityscapes", "--val", "0"])


def test_street_zips(tmp_path, data_home, street_files, capsys):
    zips = write_street_zips(tmp_path / "zips", street_files)
    unpack_streets(zips)
    folder = data_home / "cityscapes"
    assert content_of(folder) == street_files["leftImg8bit"] | street_files["gtFine"]
    assert [scene.name for scene in streets.scenes("cityscapes", "train")] == ["ulm_000000_000001", "ulm_000000_000002"]
    output = capsys.readouterr().out
    assert f"scenes: 2 train, 1 val, 1 test in {folder}: every file is in order" in output
    assert "    python -m helpers.train --dataset cityscapes --models UNet --data cityscapes\n" in output

    unpack_streets(zips)  # in place: only checked
    assert "every file is in order" in capsys.readouterr().out


def test_street_zips_one_by_one_to_another_folder(tmp_path, data_home, street_files, capsys):
    images, labels = write_street_zips(tmp_path / "zips", street_files)
    with pytest.raises(FileNotFoundError, match="my sets/gtFine is still missing: give --source gtFine_trainvaltest.z"):
        unpack_streets([images], "--output", "my sets")
    assert content_of(tmp_path / "my sets") == street_files["leftImg8bit"]
    unpack_streets([labels], "--output", "my sets")
    assert content_of(tmp_path / "my sets") == street_files["leftImg8bit"] | street_files["gtFine"]
    assert f"--data '{tmp_path / 'my sets'}'" in capsys.readouterr().out
    assert os.listdir(data_home) == ["cache"]  # what was seen


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (["gone.zip", "gone.zip"], "^gone.zip is no file: after --source give zips of Cityscapes, or one folder"),
        (["gone"], "^gone/leftImg8bit is missing; give the folder that holds leftImg8bit and gtFine"),
        (["phantom", "cityscapes"], "^phantom is no file: after --source give"),
    ],
)
def test_street_source_that_is_not_there(source, message, data_home):
    with pytest.raises(FileNotFoundError, match=message):
        unpack_streets(source)
    assert not data_home.exists()


def test_nothing_is_unpacked_before_all_zips_are_whole(tmp_path, data_home, street_files):
    images, labels = write_street_zips(tmp_path / "zips", street_files)
    content = labels.read_bytes()
    labels.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="gtFine_trainvaltest.zip is not a zip, or its end is missing: download it"):
        unpack_streets([images, labels])
    assert not data_home.exists()
    labels.write_bytes(content)
    unpack_streets([images, labels])
    assert len(streets.scenes("cityscapes", "val")) == 1


def test_damaged_street_zip_loses_nothing(tmp_path, data_home, street_files):
    images, labels = write_street_zips(tmp_path / "zips", street_files)
    content = images.read_bytes()
    with zipfile.ZipFile(images) as archive:
        third = archive.infolist()[2]
    where = third.header_offset + 30 + len(third.filename) + third.compress_size // 2
    images.write_bytes(content[:where] + bytes([content[where] ^ 255]) + content[where + 1 :])
    with pytest.raises(ValueError, match=f"leftImg8bit_trainvaltest.zip is damaged .* at {third.filename} "):
        unpack_streets([images, labels])
    assert os.listdir(data_home / "cityscapes") == ["leftImg8bit.unpacking"]
    with pytest.raises(FileNotFoundError, match="cityscapes is missing; "):  # though its folder is there
        streets.folder_of("cityscapes")
    images.write_bytes(content)
    unpack_streets([images, labels])
    assert content_of(data_home / "cityscapes") == street_files["leftImg8bit"] | street_files["gtFine"]


@pytest.mark.parametrize("name", ["gtFine/../../../out.png", "/gtFine/out.png", "link"])
def test_street_zip_that_leads_out_of_the_folder(tmp_path, data_home, street_files, name):
    path = write_street_zip(tmp_path / "zips", street_files, "gtFine")
    unsafe = zipfile.ZipInfo(f"gtFine/{name}" if name == "link" else name)
    if name == "link":
        unsafe.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(unsafe, "/etc/passwd")
    with pytest.raises(ValueError, match="gtFine_trainvaltest.zip is not safe to unpack: its entry"):
        unpack_streets([path])
    assert not data_home.exists()


def test_no_room_for_the_street_zips(tmp_path, data_home, street_files, monkeypatch):
    zips = write_street_zips(tmp_path / "zips", street_files)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=4096 * 3))
        with pytest.raises(OSError, match="cityscapes has 0 MB free and unpacking leftImg8bit_trainvaltest.zip needs"):
            unpack_streets(zips)
    unpack_streets(zips)
    assert len(streets.scenes("cityscapes", "train")) == 2


def test_all_problems_of_streets_are_told_after_unpacking(tmp_path, data_home, street_files, capsys):
    labels = street_files["gtFine"]
    del labels[street_file("train", "ulm", 1, "gtFine", "gtFine_labelIds.png")]
    del street_files["leftImg8bit"][street_file("val", "bonn", 1, "leftImg8bit", "leftImg8bit.png")]
    labels[street_file("train", "ulm", 2, "gtFine", "gtFine_labelIds.png")] = png(np.full((8, 8), 7, np.uint8))
    labels[street_file("test", "berlin", 1, "gtFine", "gtFine_labelIds.png")] = png(np.full((8, 16), 34, np.uint8))
    folder = data_home / "cityscapes"
    with pytest.raises(ValueError, match=f"^{folder} has 5 problems, listed above: get these .* take their scenes out"):
        unpack_streets(write_street_zips(tmp_path / "zips", street_files))
    said, *lines = capsys.readouterr().out.splitlines()
    assert said == f"the set goes to {folder}"
    assert lines[0] == f"scenes: 2 train, 0 val, 1 test in {folder}"
    assert [line.partition(": ")[::2] for line in lines[1:6]] == [
        (street_file("test", "berlin", 1, "gtFine", "gtFine_labelIds.png"),
         "holds 34, which are no label ids, 0 to 33 and 255"),
        (street_file("train", "ulm", 2, "gtFine", "gtFine_labelIds.png"), "labels have 8x8 pixels, their image 16x8"),
        (street_file("val", "bonn", 1, "gtFine", "gtFine_labelIds.png"), "labels without image"),
        (street_file("train", "ulm", 1, "leftImg8bit", "leftImg8bit.png"), "image without labels"),
        ("leftImg8bit/val", "no scene in here"),
    ]  # fmt: skip
    assert "python -m helpers.train --dataset cityscapes" in lines[8]


def test_folder_of_streets_is_checked_and_used_where_it_is(tmp_path, data_home, street_files, capsys):
    folder = write_folder(tmp_path / "mine", street_files["leftImg8bit"] | street_files["gtFine"])
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    prepare.main(["cityscapes", "--source", "mine"])
    assert f"--dataset cityscapes --models UNet --data {folder}\n" in capsys.readouterr().out
    with pytest.raises(ValueError, match="mine is used where it is: leave out --output"):
        prepare.main(["cityscapes", "--source", "mine", "--output", "elsewhere"])
    prepare.main(["cityscapes", "--check", "mine"])
    assert capsys.readouterr().out == "scenes: 2 train, 1 val, 1 test in mine: every file is in order\n"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before

    (folder / street_file("val", "bonn", 1, "gtFine", "gtFine_labelIds.png")).write_bytes(b"")
    with pytest.raises(ValueError, match="^mine has 1 problem, listed above"):
        prepare.main(["cityscapes", "--check", "mine"])
    assert "gtFine_labelIds.png: unreadable or truncated image" in capsys.readouterr().out
    assert os.listdir(data_home) == ["cache"]  # what was seen
    (tmp_path / "a.zip").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="a.zip is a file, not a folder; unpack downloaded zips with"):
        prepare.main(["cityscapes", "--check", "a.zip"])


def test_cityscapes_is_downloaded_unpacked_and_checked(data_home, street_files, monkeypatch, capsys):
    asked = []

    def download_streets(downloader, signed_in, path, by_hand):
        asked.append(path.name)
        (part,) = [part for part, name in download.STREETS.items() if name == path.name]
        write_street_zip(path.parent, street_files, part)

    monkeypatch.setattr(download, "_download_streets", download_streets)
    prepare.main(["cityscapes", "--source", "cityscapes"])
    folder = data_home / "cityscapes"
    assert asked == ["gtFine_trainvaltest.zip", "leftImg8bit_trainvaltest.zip"]
    assert sorted(os.listdir(folder)) == ["gtFine", *asked[:1], "leftImg8bit", *asked[1:]]
    output = capsys.readouterr().out
    assert "every file is in order" in output and "--data cityscapes\n" in output
    assert all(f"{folder / name} is no longer needed" in output for name in asked)

    for name in asked:
        (folder / name).unlink()
    shutil.rmtree(folder / "gtFine")
    prepare.main(["cityscapes", "--source", "cityscapes"])  # gets what is not there
    assert asked[2:] == ["gtFine_trainvaltest.zip"]
    assert len(streets.scenes("cityscapes", "train")) == 2


# --- errors


def stop(error):
    def main(arguments):
        assert arguments is None
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("--batch is 0: give 1 or more"), 2, "error: --batch is 0: give 1 or more\n"),
        (FileNotFoundError("cats is missing: make it"), 2, "error: cats is missing: make it\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "error: /x: Permission denied\n"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/best.keras"), 2,
         "error: the disk of runs/best.keras is full: free some space and run the same command again\n"),
        (MemoryError(), 2, "error: out of memory: close other programs\n"),
        (ConnectionError(), 2, "error: ConnectionError\n"),
        (
            KeyboardInterrupt(),
            130,
            "\nstopped: what is finished is kept, and the same command goes on from there\n",
        ),
    ],
)  # fmt: skip
def test_errors_end_in_one_sentence(error, code, message, capsys):
    assert command.run(stop(error)) == code
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", message)


def test_full_disk_without_a_file_name(tmp_path, capsys):
    for error in (
        OSError(errno.ENOSPC, "No space left on device"),  # of file.write
        OSError("Can't write data (errno = 28, error message = 'No space left on device')"),  # of HDF5
    ):
        assert command.run(stop(error)) == 2
        assert f"the disk written to from {tmp_path} is full" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback():
    with pytest.raises(AttributeError):
        command.run(stop(AttributeError("bug")))


def test_done():
    assert command.run(lambda arguments: None) == 0


@pytest.mark.parametrize("lines", [1, 100_000])  # written at the end, and before
def test_reader_that_went_away(lines):
    """As in `python -m helpers.prepare brain --check FOLDER | head -1`."""
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("command", {command.__file__!r})
command = importlib.util.module_from_spec(spec)
spec.loader.exec_module(command)
sys.stdin.read()
sys.exit(command.run(lambda _: [print("line") for _ in range({lines})]))
"""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes)
    process.stdout.close()
    process.stdin.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
