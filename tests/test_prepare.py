"""The command that puts data sets in place, and what every command does with an error."""

import errno
import functools
import hashlib
import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from helpers import command, prepare
from helpers.data import brain, download, phantom_brain

PATIENTS = ("TCGA_CS_0001_19990101", "TCGA_DU_0002_20000202")


def tiff(pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "tiff")
    return file.getvalue()


@pytest.fixture
def files():
    """Two patients of two slices, as in the Kaggle set but small."""
    generator = np.random.default_rng(0)
    files = {"data.csv": b"Patient,death01\n"}
    for patient in PATIENTS:
        for number in (1, 2):
            mask = np.zeros((16, 16), np.uint8)
            mask[4:8, 4:8] = 255
            image = generator.integers(0, 256, (16, 16, 3), np.uint8)
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
        for path in folder.rglob("*.tif")
    }


@pytest.fixture(autouse=True)
def data_home(monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def no_download(monkeypatch):
    monkeypatch.setattr(download, "_download", lambda *_: pytest.fail("Kaggle was asked"))


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
    assert not data_home.exists()
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
    lines = capsys.readouterr().out.splitlines()
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
    assert not data_home.exists()


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


@pytest.mark.parametrize("arguments", [[], ["brain"]])
def test_help_has_an_example(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        prepare.main([*arguments, "--help"])
    assert caught.value.code == 0
    assert "\n    python -m helpers.prepare brain\n" in capsys.readouterr().out


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
        (MemoryError(), 2, "error: out of memory: close other programs, "
                           "or work on less (a smaller --batch or --size)\n"),
        (ConnectionError(), 2, "error: ConnectionError\n"),
        (KeyboardInterrupt(), 130, "\nstopped: what is finished is kept\n"),
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
