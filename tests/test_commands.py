"""The commands as a person types them."""

import csv
import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers import evaluate, predict, tasks, train
from helpers.data import brain, image_files
from helpers.nets import checkpoint, zoo
from helpers.settings import Settings
from helpers.tasks.purpose import Purpose
from helpers.training import run_folder

SMALL = ["--size", "32", "--filters", "4", "--epoch", "1", "--batch", "4", "--validation", "0.3"]


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A network of the brain, whose file says so."""
    task = tasks.get("brain")
    purpose = Purpose.of_run(Settings(size=32), task.known_classes, (32, 32), task.normalisation)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    path.write_bytes(checkpoint.serialise(zoo.build("UNet", (32, 32, 3), filters=4), purpose.note()))
    return path


def run_plan(*words):
    return train.plan(train.parser().parse_args(list(words)))


def test_the_originals_command_line_word_for_word():
    words = (
        "--models SE_UNet Res_SE_UNet Full_SE_UNet --pretrain False True False --loss DiceLoss FocalLoss Dice_Focal "
        "--learningrate 0.0001 --epoch 50 --train 5 --batch 16"
    )
    runs = run_plan(*words.split())
    assert len(runs) == 3 * 3 * 5
    assert len({folder for _, folder in runs}) == 45
    first, last = runs[0][0], runs[-1][0]
    assert (first.model, first.loss, first.seed, first.pretrained) == ("SE_UNet", "DiceLoss", 0, False)
    assert (last.model, last.loss, last.seed, last.pretrained) == ("Full_SE_UNet", "Dice_Focal", 4, False)
    assert {s.model for s, _ in runs if s.pretrained} == {"Res_SE_UNet"}
    assert {(s.learning_rate, s.epochs, s.batch) for s, _ in runs} == {(0.0001, 50, 16)}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--models SE_Unet", "SE_UNet"),
        ("--models UNet Lite0_UNet --pretrain True", "--pretrain has 1 values for 2 --models"),
        ("--models UNet --pretrain True", "UNet"),
        ("--loss DiceLos", "DiceLoss"),
        ("--train 0", "--train is 0"),
        ("--size 100", "96 x 96 or 112 x 112"),
        ("--start nowhere.keras", "nowhere.keras"),
    ],
)
def test_what_cannot_work_is_refused_before_training(words, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        run_plan(*words.split())


def test_each_setting_with_a_flag_is_an_option_and_its_help_names_the_defaults():
    options = {each.dest: each for each in train.parser()._actions}
    for field in dataclasses.fields(Settings):
        assert (field.name in options) == (field.metadata["flag"] is not None), field.name
    assert options["size"].help.endswith("(brain 128, pairs 256)")
    assert options["epochs"].help.endswith("(brain 8, cityscapes 36, pairs 20)")
    assert options["learning_rate"].help.endswith("(0.001)")
    assert all(name in options["model"].help for name in zoo.NAMES)
    assert "--crop HEIGHT WIDTH" in train.parser().format_help()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--dataset cityscapes --size 128", "--size is for brain and pairs, and cityscapes does nothing with it"),
        ("--dataset cityscapes --folds 4", "--folds is for brain and pairs"),
        ("--crop 64 64", "--crop is for cityscapes, and brain does nothing with it"),
        ("--no-class-weights", "--class-weights is for cityscapes and pairs"),
        ("--groups (a)", "--groups is for pairs"),
    ],
)
def test_an_option_that_a_data_set_does_not_read_is_refused(words, message):
    with pytest.raises(ValueError, match=message):
        run_plan(*words.split())


def test_train_ends_with_a_table_and_skips_what_is_finished(kaggle_folder, tmp_path, capsys):
    words = ["--models", "SE_UNet", "--train", "2", "--data", str(kaggle_folder), "--out", str(tmp_path), *SMALL]
    train.main(words)
    printed = capsys.readouterr().out
    with open(tmp_path / "brain/results.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["model"], row["seeds"]) == ("SE_UNet", "2")
    assert int(row["parameters"]) == zoo.build("SE_UNet", (32, 32, 3), filters=4).count_params()
    seeds = [run_folder.read(tmp_path / f"brain/SE_UNet-Dice_CrossEntropy/seed_{seed}") for seed in range(2)]
    means = [result.scores["dice"]["mean"] for result in seeds]
    assert float(row["dice"]) == pytest.approx(sum(means) / 2)
    assert float(row["dice_spread_over_seeds"]) == pytest.approx(abs(means[0] - means[1]) / 2**0.5)
    assert f"{float(row['dice']):.3f}" in printed
    trained = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("final.keras")}
    train.main(words)
    assert capsys.readouterr().out.count("is finished") == 2
    assert trained == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("final.keras")}


def test_networks_are_compared_with_the_first(kaggle_folder, tmp_path, capsys):
    words = ["--models", "UNet", "SE_UNet", "--data", str(kaggle_folder), "--out", str(tmp_path), *SMALL]
    train.main(words)
    printed = capsys.readouterr().out
    with open(tmp_path / "brain/results.csv", newline="") as file:
        first, second = csv.DictReader(file)
    assert first["difference"] == ""
    assert float(second["difference"]) == pytest.approx(float(second["dice"]) - float(first["dice"]))
    assert float(second["difference_low"]) <= float(second["difference"]) <= float(second["difference_high"])
    assert "Dice against UNet" in printed and f"{float(second['difference']):+.3f}" in printed


def test_folds_are_joined_over_all_patients(kaggle_folder, tmp_path):
    train.main(["--data", str(kaggle_folder), "--out", str(tmp_path), "--folds", "2", *SMALL])
    with open(tmp_path / "brain/results.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    everybody = set(np.unique(brain.load(str(kaggle_folder)).patients))
    assert int(row["patients"]) == len(everybody)
    with open(tmp_path / "brain/patients.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {each["patient"] for each in rows} == everybody and len(rows) == len(everybody)
    assert sum(float(each["dice"]) for each in rows) / len(rows) == pytest.approx(float(row["dice"]))


def test_evaluate_writes_the_scores_and_the_baseline(model_file, kaggle_folder, tmp_path, capsys):
    target = tmp_path / "scores.json"
    evaluate.main(["--model", str(model_file), "--data", str(kaggle_folder), "--json", str(target)])
    scores = json.loads(target.read_text())
    patients = set(brain.load(str(kaggle_folder)).patients)
    assert set(scores["patients"]) == patients
    assert scores["dice"]["mean"] == pytest.approx(sum(scores["patients"].values()) / len(patients))
    low, high = scores["dice"]["interval"]
    assert low <= scores["dice"]["mean"] <= high
    # Every patient of the fixture has a tumour, so a network that finds nothing scores 0.
    assert scores["baseline"]["dice"]["mean"] == 0
    assert "all black" in capsys.readouterr().out


def test_predict_writes_at_the_images_own_size(model_file, tmp_path):
    folder = tmp_path / "in" / "patient"
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name, shape in {
        "a_1.png": (50, 70, 3),
        "a_2.png": (50, 70, 3),
        "b.jpg": (33, 20, 3),
        "c.tif": (64, 64),
    }.items():
        Image.fromarray(generator.integers(0, 255, shape, dtype=np.uint8)).save(folder / name)
    predict.main(["--model", str(model_file), "--input", str(tmp_path / "in"), "--output", str(tmp_path / "out")])
    for name, size in {"a_1": (70, 50), "a_2": (70, 50), "b": (20, 33), "c": (64, 64)}.items():
        mask = Image.open(tmp_path / f"out/patient/{name}_mask.png")
        assert mask.size == size and mask.mode == "L"
        assert set(np.unique(np.asarray(mask))) <= {0, 255}
        assert Image.open(tmp_path / f"out/patient/{name}_overlay.png").size == size


def test_a_slice_alone_is_predicted_as_among_its_patients_slices(model_file, kaggle_folder, tmp_path):
    image = next(path for path in sorted(kaggle_folder.rglob("*.tif")) if "_mask" not in path.name)
    common = ["--model", str(model_file), "--threshold", "0.45"]
    predict.main([*common, "--input", str(image), "--output", str(tmp_path / "alone")])
    predict.main([*common, "--input", str(image.parent), "--output", str(tmp_path / "all")])
    alone = tmp_path / f"alone/{image.stem}_mask.png"
    assert alone.read_bytes() == (tmp_path / f"all/{image.stem}_mask.png").read_bytes()


def test_predict_draws_the_prediction_red_and_the_truth_green(tmp_path):
    image = np.full((16, 16, 3), 100, np.uint8)
    true_mask = np.zeros((16, 16), np.uint8)
    true_mask[2:6, 2:6] = 255
    found = np.zeros((16, 16), bool)
    found[8:12, 8:12] = True
    image_files.write_area(tmp_path, "x", image, found, true_mask > 0)
    overlay = np.asarray(Image.open(tmp_path / "x_overlay.png"))
    red = (overlay == image_files.RED).all(axis=-1)
    green = (overlay == image_files.GREEN).all(axis=-1)
    assert red.sum() == green.sum() == 12  # the rim of a 4 x 4 square
    assert red[8, 8] and not red[9, 9] and green[2, 2] and not green[3, 3]


def test_predict_names_an_image_that_cannot_be_read_and_writes_the_others(model_file, tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "in/good.png")
    (tmp_path / "in/bad.png").write_bytes(b"no image")
    with pytest.raises(OSError, match="bad.png: cannot be read"):
        predict.main(["--model", str(model_file), "--input", str(tmp_path / "in"), "--output", str(tmp_path / "out")])
    assert (tmp_path / "out/good_mask.png").exists()


@pytest.mark.parametrize(
    ("words", "classes", "message"),
    [
        (["--threshold", "1.5"], 1, "--threshold is 1.5: give a probability"),
        (["--threshold", "0.4"], 19, "--threshold is for one class"),
        (["--figure", "x.png"], 1, "--figure draws several classes"),
    ],
)
def test_evaluate_refuses_what_the_network_has_no_use_for(words, classes, message, tmp_path):
    zoo.build("UNet", (32, 32, 3), classes, filters=2).save(tmp_path / "x.keras")
    dataset = "brain" if classes == 1 else "cityscapes"
    with pytest.raises(ValueError, match=message):
        evaluate.main(["--model", str(tmp_path / "x.keras"), "--data", "nowhere", "--dataset", dataset, *words])


@pytest.mark.parametrize(
    ("module", "words", "message"),
    [
        ("train", "--models UNett", "did you mean"),
        ("train", "--data nowhere", "nowhere"),
        ("predict", "--model nowhere.keras --input . --output out", "nowhere.keras"),
        ("evaluate", "--model nowhere.keras --data phantom", "nowhere.keras"),
    ],
)
def test_a_mistake_ends_in_one_sentence_and_a_code(module, words, message, tmp_path):
    (tmp_path / "image.png").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", f"helpers.{module}", *words.split()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: ")
    assert message in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_damaged_model_file_is_named(tmp_path):
    (tmp_path / "broken.keras").write_bytes(b"PK not a zip")
    with pytest.raises(ValueError, match="broken.keras: is cut off or damaged"):
        evaluate.main(["--model", str(tmp_path / "broken.keras"), "--data", "phantom"])
