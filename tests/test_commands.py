"""The commands as a person types them."""

import contextlib
import csv
import dataclasses
import errno
import json
import os
import pathlib
import pickle
import re
import runpy
import shlex
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from PIL import Image

import helpers
from helpers import command, evaluate, export, predict, prepare, tasks, train
from helpers.data import brain, image_files, street_classes
from helpers.nets import checkpoint, inference, zoo
from helpers.scores import intervals, metrics
from helpers.settings import Settings
from helpers.tasks import brain as brain_task
from helpers.tasks.purpose import Purpose
from helpers.training import experiment, run_folder, table

pytestmark = pytest.mark.usefixtures("shallow")

ROOT = pathlib.Path(__file__).resolve().parents[1]
COMMANDS = {"train": train, "evaluate": evaluate, "predict": predict, "prepare": prepare, "export": export}
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


def written_commands():
    """Each command that a page or a help text shows, but for those in brackets: (where, module, words)."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data/*.md"), *ROOT.glob("helpers/**/*.md")]
    texts = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in pages}
    texts |= {name: module.EXAMPLE for name, module in COMMANDS.items() if hasattr(module, "EXAMPLE")}
    for where, text in sorted(texts.items()):
        for name, words in re.findall(r"(?<!\()python -m helpers\.(\w+)((?: (?:\\\n|[^`\n])*)?)", text):
            if name in COMMANDS and words and "..." not in words:
                yield where, name, words.replace("\\\n", " ")


@pytest.mark.parametrize(("where", "name", "words"), list(written_commands()))
def test_each_command_that_is_written_somewhere_is_taken(where, name, words):
    words = words.replace("--start FINAL", "--start streets")  # FINAL is what an earlier command of the page has left
    options = COMMANDS[name].parser().parse_args(shlex.split(words, comments=True))
    if name == "train":
        assert train.plan(options)


def test_each_setting_with_a_flag_is_an_option_and_its_help_names_the_defaults():
    options = {each.dest: each for each in train.parser()._actions}
    for field in dataclasses.fields(Settings):
        assert (field.name in options) == (field.metadata["flag"] is not None), field.name
    assert options["size"].help.endswith("(brain 128, pairs 256)")
    assert options["epochs"].help.endswith("(brain 8, cityscapes 36, pairs 20)")
    assert options["learning_rate"].help.endswith("(brain 0.001, cityscapes 0.004, pairs 0.001)")
    assert options["weight_decay"].help.endswith("(0.0001)")
    assert all(name in options["model"].help for name in zoo.NAMES)
    assert "--crop HEIGHT WIDTH" in train.parser().format_help()


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
    low, high = (float(second[f"difference_patients_{end}"]) for end in ("low", "high"))
    assert low <= float(second["difference"]) <= high
    assert second["difference_low"] == second["difference_high"] == ""  # one training each
    assert "Dice against UNet" in printed and f"{float(second['difference']):+.3f}" in printed
    assert "of one training: none" in printed and f"[{low:+.3f}, {high:+.3f}]" in printed


def test_differences_are_over_trainings_and_over_patients():
    ours, theirs = np.array([[0.5, 0.9], [0.7, 0.7]]), np.array([[0.4, 0.6], [0.4, 0.8]])
    found = table.differences(ours, theirs)
    assert found["difference"] == pytest.approx(0.15)
    trainings = intervals.welch_interval(ours, theirs)[1:]
    assert (found["difference_low"], found["difference_high"]) == pytest.approx(trainings)
    # of the two patients the one gains 0.2, the other 0.1
    patients = found["difference_patients_low"], found["difference_patients_high"]
    assert patients == pytest.approx((0.1, 0.2))


def test_runs_that_were_scored_on_different_patients_have_no_table_together():
    def result(model, seed, **patients):
        mean = sum(patients.values()) / len(patients)
        scores = {"dice": {"mean": mean, "median": mean, "interval": [0, 1]}, "patients": patients}
        scores |= {"positives_iou": 0.5, "original_iou": 0.5, "baseline": {"original_iou": 0.5}}
        settings = Settings(model=model, seed=seed)
        return run_folder.Result(pathlib.Path(f"{model}/seed_{seed}"), settings, [], scores, 1, 1.0)

    runs = [result("UNet", 0, a=0.5, b=0.7), result("UNet", 1, b=0.5, a=0.7), result("SE_UNet", 0, a=0.6, b=0.6)]
    assert table.summarise(runs)["patients"].tolist() == [2, 2]
    for other in (result("UNet", 1, a=0.5), result("UNet", 2, a=0.5, b=0.5, c=0.5), result("SE_UNet", 1, a=1, c=1)):
        with pytest.raises(ValueError, match=f"{other.folder}: was scored on other patients or groups than UNet/seed"):
            table.summarise([*runs[:1], other])


def test_what_belongs_to_the_default_network_and_loss_is_kept_where_they_are_named():
    def chosen(*words):
        return [(s.model, s.pretrained, s.class_weights) for s, _ in run_plan("--dataset", "cityscapes", *words)]

    default = ("Lite0_UNet", True, True)
    assert chosen() == chosen("--models", "Lite0_UNet", "--loss", "Dice_CrossEntropy") == [default]
    assert chosen("--models", "Lite0_UNet", "UNet") == [default, ("UNet", False, True)]
    assert chosen("--loss", "FocalLoss") == [("Lite0_UNet", True, False)]


def test_what_cannot_be_is_refused_before_the_first_training(kaggle_folder, tmp_path, capsys):
    words = ["--data", str(kaggle_folder), "--out", str(tmp_path), *SMALL[:-2], "--epoch", "0"]
    train.main(["--models", "SE_UNet", *words])
    capsys.readouterr()
    with pytest.raises(ValueError, match="SE_UNet-Dice_CrossEntropy/seed_0: holds a run with epochs 0, not 1"):
        train.main(["--models", "UNet", "SE_UNet", *words[:-1], "1"])
    assert "run 1" not in capsys.readouterr().out
    train.main(["--models", "SE_UNet", *words, "--validation", "0", "--overwrite"])
    assert (tmp_path / "brain/results.csv").exists() and not (tmp_path / "brain/patients.csv").exists()


def test_an_interrupted_overwriting_goes_on_without_the_option(kaggle_folder, tmp_path, capsys, monkeypatch):
    words = ["--models", "UNet", "SE_UNet", "--data", str(kaggle_folder), "--out", str(tmp_path)]
    words += ["--size", "32", "--epoch", "0", "--validation", "0", "--filters"]
    runs = [tmp_path / f"brain/{model}-Dice_CrossEntropy/seed_0" for model in ("UNet", "SE_UNet")]

    def filters():
        return [run_folder.read(run).settings.filters for run in runs]

    train.main([*words, "4"])
    with pytest.raises(ValueError, match="batch is 8, which 3 devices cannot share"):
        train.main([*words, "2", "--overwrite", "--devices", "3"])
    with run_folder.alone_in(runs[1]), pytest.raises(BlockingIOError, match="is training in"):
        train.main([*words, "2", "--overwrite"])
    assert filters() == [4, 4] and not list(tmp_path.rglob("begin_anew.json")), "as if it had not been said"

    marked = []
    with monkeypatch.context() as patch:
        patch.setattr(train, "run_all", lambda *_: marked.append(len(list(tmp_path.rglob("begin_anew.json")))) or [])
        train.main([*words, "2", "--overwrite"])
        patch.setenv("KERAS_DISTRIBUTION_PROCESS_ID", "1")
        with run_folder.alone_in(runs[0]):  # the first process works there
            train.main([*words, "2", "--overwrite"])
    assert marked == [2, 2], "the second of two processes touches nothing"
    for run in runs:
        (run / "begin_anew.json").unlink()

    build = experiment.build

    def stop(settings):
        if settings.model == "SE_UNet":
            raise KeyboardInterrupt
        return build(settings)

    monkeypatch.setattr(experiment, "build", stop)
    with pytest.raises(KeyboardInterrupt):
        train.main([*words, "2", "--overwrite"])
    assert filters() == [2, 4]
    monkeypatch.setattr(experiment, "build", build)
    with pytest.raises(ValueError, match="holds a run with filters 2, not 3"):
        train.main([*words, "3"])
    capsys.readouterr()
    train.main([*words, "2"])
    printed = capsys.readouterr().out
    assert f"{runs[0]} is finished" in printed and f"{runs[1]} is begun anew" in printed
    assert filters() == [2, 2] and not list(tmp_path.rglob("begin_anew.json"))
    assert f"--model {runs[1] / 'final.keras'}" in printed
    (runs[1] / "final.keras").unlink()
    train.main([*words, "2"])
    assert f"--model {runs[0] / 'final.keras'}" in capsys.readouterr().out, "one that is there"


def test_folds_are_joined_over_all_patients(kaggle_folder, tmp_path):
    train.main(["--data", str(kaggle_folder), "--out", str(tmp_path), "--folds", "2", *SMALL[:-2]])
    with open(tmp_path / "brain/results.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    everybody = set(np.unique(brain.load(str(kaggle_folder)).patients))
    assert int(row["patients"]) == len(everybody)
    with open(tmp_path / "brain/patients.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {each["patient"] for each in rows} == everybody and len(rows) == len(everybody)
    assert sum(float(each["dice"]) for each in rows) / len(rows) == pytest.approx(float(row["dice"]))
    results = [run_folder.read(path.parent) for path in sorted(tmp_path.rglob("scores.json"))]
    damaged = results[1].folder / "slices.csv"
    damaged.write_text("".join(damaged.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(ValueError, match=f"{results[1].folder}: its table of what was held out is damaged"):
        table.summarise(results)


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
    rng = np.random.default_rng(0)
    for name, shape in {
        "a_1.png": (50, 70, 3),
        "a_2.png": (50, 70, 3),
        "b.jpg": (33, 20, 3),
        "c.tif": (64, 64),
    }.items():
        Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8)).save(folder / name)
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


@pytest.fixture
def a_volume(tmp_path):
    """Eleven slices of black with two grey squares: a large one in slices 9 to 11, a small one in slice 2."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(1, 12):
        image = np.zeros((32, 32, 3), np.uint8)
        image[4:12, 4:12] = 200 * (number >= 9)
        image[20:24, 20:24] = 200 * (number == 2)
        Image.fromarray(image).save(folder / f"p_{number}.png")
    inputs = keras.Input((32, 32, 3))
    network = keras.Model(inputs, keras.layers.Conv2D(1, 1, use_bias=False)(inputs))
    network.set_weights([np.full((1, 1, 3, 1), 1 / 3, "float32")])
    network.save(tmp_path / "grey.keras")
    return tmp_path


def test_predict_drops_small_parts_of_the_whole_volume_in_the_order_of_its_slices(a_volume):
    """Also where one slice alone is asked for; p_10 and p_11 stand behind p_9, not behind p_1."""
    common = ["--model", str(a_volume / "grey.keras"), "--dataset", "brain"]
    for share, kept in [("0.6", {9, 10, 11}), ("0", {2, 9, 10, 11})]:
        out = a_volume / share
        words = [*common, "--smallest-part", share]
        predict.main([*words, "--input", str(a_volume / "in"), "--output", str(out)])
        areas = {number: np.asarray(Image.open(out / f"p_{number}_mask.png")).any() for number in range(1, 12)}
        assert {number for number, found in areas.items() if found} == kept
        predict.main([*words, "--input", str(a_volume / "in/p_2.png"), "--output", str(out / "alone")])
        alone = out / "alone"
        assert [path.name for path in sorted(alone.glob("*_mask.png"))] == ["p_2_mask.png"]
        assert (alone / "p_2_mask.png").read_bytes() == (out / "p_2_mask.png").read_bytes()


def test_every_command_predicts_as_a_run_was_scored(kaggle_folder, tmp_path, capsys):
    out = tmp_path / "runs"
    words = ["--data", str(kaggle_folder), "--out", str(out), "--tumour-free", "0.5", "--smallest-part", "0.5"]
    train.main([*SMALL, *words, "--models", "UNet", "--flips"])
    (run,) = out.glob("*/*/seed_0")
    model = inference.load_model(run / "final.keras")
    slices = brain.load(str(kaggle_folder))
    scored = json.loads((run / "scores.json").read_text())["patients"]
    rows = np.isin(slices.patients, list(scored))
    rule = inference.AreaRule(smallest_part=0.5)
    counts = brain_task.count(model, slices.select(rows), rule, flips=True)
    assert scored == metrics.scores_from_counts(counts, slices.patients[rows])["patients"]
    evaluate.main(["--model", str(run / "final.keras"), "--data", str(kaggle_folder), "--json", str(tmp_path / "x")])
    of_all = json.loads((tmp_path / "x").read_text())["patients"]
    assert {patient: of_all[patient] for patient in scored} == scored
    patient = slices.patients[0]
    one = slices.select(slices.patients == patient)
    predict.main(
        ["--model", str(run / "final.keras"), "--input", str(kaggle_folder / patient), "--output", str(tmp_path)]
    )
    areas = rule(inference.predict_probabilities(model, brain.normalise(one).images, flips=True))
    for number, area in zip(one.numbers, areas, strict=True):
        assert np.array_equal(np.asarray(Image.open(tmp_path / f"{patient}_{number}_mask.png")), 255 * area)


def test_a_network_is_scored_as_in_its_run():
    """What its run dropped or averaged over, `evaluate` and `predict` do too, unless they are told otherwise."""
    settings = Settings(smallest_part=0.25, flips=True)
    purpose = Purpose.of_run(settings, ("tumour",), (32, 32), "none")
    assert purpose.area_rule({}, "x") == inference.AreaRule(0.5, 0.25)
    assert purpose.area_rule({"smallest_part": 0.0, "threshold": 0.3}, "x") == inference.AreaRule(0.3, 0.0)
    older = dataclasses.replace(purpose, settings={"size": 32})
    assert older.area_rule({}, "x") == inference.HALF
    for module, place in ((evaluate, ["--data", "x"]), (predict, ["--input", "x", "--output", "x"])):
        for word, of_the_run, of_none in ((None, True, False), ("--flips", True, True), ("--no-flips", False, False)):
            words = ["--model", "x", *place, *([word] if word else [])]
            asked = command.averaging(module.parser().parse_args(words))
            assert purpose.averaging(asked)["flips"] is of_the_run
            assert older.averaging(asked)["flips"] is of_none


def test_evaluate_prints_a_name_that_is_no_utf_8(model_file, kaggle_folder, tmp_path, capsys):
    above = kaggle_folder.parent.rename(os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller"))
    folder = above / kaggle_folder.name
    evaluate.main(["--model", str(model_file), "--data", str(folder), "--json", str(tmp_path / "scores.json")])
    assert "patients, 24 slices of " + str(tmp_path / "M\\xfcller/kaggle_3m") in capsys.readouterr().out
    assert (tmp_path / "scores.json").exists()


def test_evaluate_keeps_the_scores_where_the_figure_cannot_be_written(tmp_path, monkeypatch):
    zoo.build("UNet", (32, 32, 3), 19, filters=2).save(tmp_path / "x.keras")
    scores = metrics.street_scores(np.eye(19, dtype=int)[None], street_classes.NAMES)
    task = tasks.get("cityscapes")
    monkeypatch.setattr(task, "evaluate", lambda *_: (scores, "1 scene", np.eye(19)))
    replace = os.replace

    def full(source, target):
        if str(target).endswith(".png"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    figure, written, link = tmp_path / "x.png", tmp_path / "x.json", tmp_path / "link.json"
    figure.write_text("as it was")
    link.symlink_to(written)
    words = ["--model", str(tmp_path / "x.keras"), "--dataset", "cityscapes", "--data", "phantom"]
    words += ["--json", str(link), "--figure", str(figure)]
    with pytest.raises(OSError, match=r"x.png: could not be written \(the disk is full\)"):
        evaluate.main(words)
    assert json.loads(written.read_text()) == scores and link.is_symlink()
    assert figure.read_text() == "as it was"
    monkeypatch.setattr(os, "access", lambda place, how: place != tmp_path)
    monkeypatch.setattr(task, "evaluate", lambda *_: pytest.fail("the work has begun"))
    with pytest.raises(PermissionError, match="you may not write link.json there"):
        evaluate.main(words)


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


def test_predict_takes_no_true_masks_place(model_file, tmp_path):
    images, truth = tmp_path / "images", np.full((32, 32), 255, np.uint8)
    images.mkdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(images / "a.png")
    for folder in (images, tmp_path):
        Image.fromarray(truth).save(folder / "a_mask.png")
    words = ["--model", str(model_file), "--input", str(images), "--output"]
    with pytest.raises(ValueError, match="is the folder of the images"):
        predict.main([*words, f"{images}/../images"])
    with pytest.raises(ValueError, match="a_mask.png is there and was not predicted"):
        predict.main([*words, str(tmp_path)])
    for path in tmp_path.rglob("a_mask.png"):
        assert np.array_equal(np.asarray(Image.open(path)), truth)
    for _ in range(2):  # what was predicted may be predicted again
        predict.main([*words, str(tmp_path / "out")])


def test_predict_takes_no_true_labels_place(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b_leftImg8bit.png"):
        Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "photos" / name)
    photo = keras.Input((None, None, 3))
    keras.Model(photo, keras.layers.Conv2D(19, 1, activation="softmax")(photo)).save(tmp_path / "streets.keras")
    words = ["--model", str(tmp_path / "streets.keras"), "--dataset", "cityscapes"]
    words += ["--input", str(tmp_path / "photos"), "--output"]
    for name in ("a_labelIds.png", "b_labelIds.png"):
        (tmp_path / name[0]).mkdir()
        Image.fromarray(np.full((32, 32), 26, np.uint8)).save(tmp_path / name[0] / name)
        with pytest.raises(ValueError, match=f"{name} is there and was not predicted"):
            predict.main([*words, str(tmp_path / name[0])])
        assert (np.asarray(Image.open(tmp_path / name[0] / name)) == 26).all()
    for _ in range(2):
        predict.main([*words, str(tmp_path / "out")])
    names = [f"{stem}_{kind}.png" for stem in "ab" for kind in ("labelIds", "overlay")]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names


@pytest.mark.parametrize("several", [False, True])
def test_what_a_cut_off_predict_leaves_is_no_true_mask(several, tmp_path, monkeypatch):
    image, area = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), bool)
    save, saved = Image.Image.save, []

    def cut(self, path):
        if saved:
            raise KeyboardInterrupt
        saved.append(path)
        save(self, path)

    monkeypatch.setattr(Image.Image, "save", cut)
    with pytest.raises(KeyboardInterrupt):
        if several:
            image_files.write_classes(tmp_path, *image_files.written("x"), image, area.astype(np.uint8), image)
        else:
            image_files.write_area(tmp_path, "x", image, area)
    assert [path.name for path in tmp_path.iterdir()] == ["x_overlay.png"]


@pytest.mark.parametrize("several", [False, True])
def test_a_full_disk_is_that_of_the_file(several, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")  # of file.write, which names no file

    monkeypatch.setattr(Image.Image, "save", full)
    image, area = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)
    with pytest.raises(OSError) as caught:
        if several:
            image_files.write_classes(tmp_path, *image_files.written("x"), image, area, image)
        else:
            image_files.write_area(tmp_path, "x", image, area > 0)
    assert f"the disk of {tmp_path / 'x_overlay.png'} is full" in command.sentence(caught.value, None)


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
        (["--smallest-part", "1"], 1, "--smallest-part is 1.0: give a share from 0"),
        (["--smallest-part", "0.3"], 19, "--smallest-part is for one class"),
        (["--figure", "x.png"], 1, "--figure draws several classes"),
        (["--groups", "x.csv"], 1, "--groups is for pairs, and brain does nothing with it"),
    ],
)
def test_evaluate_refuses_what_the_network_has_no_use_for(words, classes, message, tmp_path):
    zoo.build("UNet", (32, 32, 3), classes, filters=2).save(tmp_path / "x.keras")
    dataset = "brain" if classes == 1 else "cityscapes"
    with pytest.raises(ValueError, match=message):
        evaluate.main(["--model", str(tmp_path / "x.keras"), "--data", "nowhere", "--dataset", dataset, *words])


BAD = """
train | --seed -1 | seed is -1: give 0 or more
train | --seed 4294967296 | seed is 4294967296: give a number below 4294967296
train | --folds -2 | folds is -2: give 0 or more
train | --folds 1 | folds is 1: give 2 or more
train | --folds 2 --validation 0.3 | --validation has nothing to do where --folds is 2
train | --validation 1 | validation is 1.0: give a number below 1
train | --validation nan | validation is nan: give 0 or more
train | --no-augment --rotation 90 | --rotation has nothing to do where --augment is False
train | --dataset cityscapes --no-augment --scale 0.5 2 | --scale has nothing to do where --augment is False
train | --rotation 181 | rotation is 181.0: give a number below 181
train | --smallest-part 1 | smallest_part is 1.0: give a number below 1
train | --smallest-part 0.3 --dataset cityscapes | --smallest-part is for brain and pairs
train | --validation 0 --flips | --flips has nothing to do where --validation is 0.0
train | --validation 0 --validate-every 2 | --validate-every has nothing to do where --validation is 0.0
train | --learningrate inf | learning_rate is inf: give a finite number
train | --learningrate nan | learning_rate is nan: give a number above 0
train | --learningrate 0 | learning_rate is 0.0: give a number above 0
train | --learningrate fast | argument --learningrate: invalid float value: 'fast'
train | --weight-decay inf | weight_decay is inf: give a finite number
train | --epoch -1 | epochs is -1: give 0 or more
train | --epoch 1.5 | argument --epoch: invalid int value: '1.5'
train | --epoch 0 --learningrate 1 | --learningrate has nothing to do where --epoch is 0
train | --epoch 0 --no-augment | --augment has nothing to do where --epoch is 0
train | --batch 0 | batch is 0: give a number above 0
train | --steps 0 | steps is 0: give a number above 0
train | --size 0 | size is 0: give a number above 0
train | --size 100000 | size is 100000: give a number below 16384
train | --size 100 | use 96 x 96 or 112 x 112
train | --filters -4 | filters is -4: give a number above 0
train | --filters 99999 | filters is 99999: give a number below 4096
train | --policy float16 | argument --policy: invalid choice: 'float16'
train | --schedule linear | argument --schedule: invalid choice: 'linear'
train | --optimizer adam | argument --optimizer: invalid choice: 'adam'
train | --models UNett | did you mean UNet
train | --models UNet SE_UNet UNet | --models names UNet 2 times: name each once
train | --loss DiceLoss DiceLoss | --loss names DiceLoss 2 times: name each once
train | --pretrain maybe | 'maybe' is neither True nor False
train | --models Lite0_UNet --pretrain True --start brain | --pretrain has nothing to do where --start is brain
train | --start nowhere.keras | nowhere.keras: no such file
train | --models Lite0_UNet UNet --start brain | --start brain holds the weights of one network: give one of --models
train | --train 0 | --train is 0: give 1 or more
train | --devices -2 | --devices is -2: give 1 or more
train | --auxiliary 0.4 | UNet has no auxiliary head
train | --auxiliary inf --models UNet_S5_D16 | auxiliary is inf: give a finite number
train | --models UNet Lite0_UNet --pretrain True | --pretrain has 1 values for 2 --models
train | --models UNet --pretrain True | UNet cannot be pretrained
train | --no-class-weights | --class-weights is for cityscapes and pairs
train | --groups (a) | --groups is for pairs
train | --crop 32 32 | --crop is for cityscapes, and brain does nothing with it
train | --dataset cityscapes --size 128 | --size is for brain and pairs, and cityscapes does nothing with it
train | --dataset cityscapes --scale inf inf | scale is inf inf: give a finite number
train | --dataset cityscapes --crop -256 256 | crop is -256 256: give a number above 0
train | --overwite | unrecognized arguments: --overwite
train | --data nowhere | nowhere
evaluate | --model zero.keras --data phantom | zero.keras: is empty
evaluate | --model cut.keras --data phantom | cut.keras: is cut off or damaged
evaluate | --model flipped.keras --data phantom | flipped.keras: is damaged
evaluate | --model pickled.keras --data phantom | pickled.keras: is a pickle
evaluate | --model weights.h5 --data phantom | weights.h5: is an HDF5 file
evaluate | --model page.keras --data phantom | page.keras: is not a network saved by Keras 3
evaluate | --model pointer.keras --data phantom | pointer.keras: is a pointer to a file that git-lfs has not fetched
evaluate | --model lambda.keras --data phantom | lambda.keras: holds a Lambda layer
evaluate | --model own.keras --data phantom | own.keras: holds Own, which neither Keras nor this course has
evaluate | --model classifier.keras --data phantom | classifier.keras: gives outputs of shape (None, 2)
evaluate | --model unbuilt.keras --data phantom | unbuilt.keras: was saved before it was built
evaluate | --model brain --data phantom --scales inf | argument --scales: inf is no factor above 0
evaluate | --model brain --data phantom --scales 1000 | argument --scales: 1000 is no factor above 0, up to 8
evaluate | --model brain --data phantom --window 0 5 | argument --window: 0 is no number of pixels above 0
evaluate | --model brain --data phantom --json nowhere/x.json | nowhere: no such folder for x.json
evaluate | --model brain --data phantom --json . | .: is a folder: give the name of a file
evaluate | --model brain --data phantom --json /dev/null | /dev/null: is a pipe or a device
evaluate | --model streets --data phantom --figure x.xyz | --figure is x.xyz: give a name that ends in .png or .pdf
evaluate | --model streets --data phantom --figure x | --figure is x: give a name that ends in .png or .pdf
evaluate | --data phantom | the following arguments are required: --model
predict | --model brain --input nowhere --output out | nowhere
predict | --model brain --input . --output out --scales 0 | argument --scales: 0 is no factor above 0
prepare | mouse | invalid choice: 'mouse'
prepare | brain --check nowhere | nowhere
"""


@pytest.fixture(scope="module")
def damaged(tmp_path_factory, model_file):
    """A folder of files that are often given for a network of Keras 3."""
    folder = tmp_path_factory.mktemp("damaged")
    whole = model_file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for name, content in {
        "zero.keras": b"",
        "cut.keras": whole[:-1000],
        "flipped.keras": bytes(flipped),
        "pickled.keras": pickle.dumps([1]),
        "weights.h5": b"\x89HDF\r\n",
        "page.keras": b"<html>404</html>",
        "pointer.keras": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
    }.items():
        (folder / name).write_bytes(content)

    class Own(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    image = keras.Input((32, 32, 3))
    features = keras.layers.Conv2D(1, 1)(image)
    for name, output in {
        "lambda": keras.layers.Lambda(lambda values: values * 2)(features),
        "own": Own()(features),
        "classifier": keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(features)),
    }.items():
        keras.Model(image, output).save(folder / f"{name}.keras")
    keras.Sequential([keras.layers.Conv2D(1, 1)]).save(folder / "unbuilt.keras")
    return folder


@pytest.mark.parametrize(
    ("module", "words", "message"), [tuple(line.split(" | ")) for line in BAD.strip().splitlines()]
)
def test_a_mistake_ends_in_one_sentence_and_a_code(module, words, message, damaged, monkeypatch, capsys):
    monkeypatch.chdir(damaged)
    before = set(damaged.iterdir())
    try:
        code = command.run(lambda _: COMMANDS[module].main(words.split()))
    except SystemExit as end:  # argparse
        code = end.code
    printed = capsys.readouterr().err
    assert code == 2
    assert printed.startswith("error: ") and printed.count("\n") == 1 and "Traceback" not in printed
    assert message in printed
    assert set(damaged.iterdir()) == before, "nothing was begun"


def test_a_process_ends_with_the_sentence_and_the_code(tmp_path):
    words = [sys.executable, "-m", "helpers.train", "--models", "UNett"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: ") and "did you mean UNet" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_signal_ends_as_ctrl_c_does(capsys):
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell takes from what it runs with &

    def main(number):
        return lambda _: os.kill(os.getpid(), number) or time.sleep(1)

    for number, code, words in (
        (signal.SIGTERM, 143, "stopped by SIGTERM: what is finished is kept"),
        (signal.SIGINT, 130, "stopped: what is finished is kept"),
    ):
        assert command.run(main(number)) == code
        assert words in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    previous = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as nohup does with SIGHUP
    assert command.run(main(signal.SIGTERM)) == 0
    signal.signal(signal.SIGTERM, previous)
    signal.signal(signal.SIGINT, interrupt)


@pytest.mark.parametrize("name", ["train", "evaluate", "predict"])
def test_a_command_says_what_it_keeps_and_advises_an_option_that_it_has(name, monkeypatch, capsys):
    run, said = command.run, {}

    def ends(error):
        def main(_):
            raise error

        return main

    def record(main, *words):
        for error in (KeyboardInterrupt(), MemoryError()):
            run(ends(error), *words)
            said[type(error)] = capsys.readouterr().err
        return 0

    monkeypatch.setattr(command, "run", record)
    with pytest.warns(RuntimeWarning, match="found in sys.modules"), pytest.raises(SystemExit):
        runpy.run_module(f"helpers.{name}", run_name="__main__")
    options = re.findall("--[a-z]+", said[MemoryError])
    assert options and all(option in COMMANDS[name].parser().format_help() for option in options)
    assert ("goes on from there" in said[KeyboardInterrupt]) == (name == "train")
    assert ("begins again" in said[KeyboardInterrupt]) == (name != "train")


def test_a_gpu_without_memory_is_told_and_a_fault_of_ours_keeps_its_traceback(capsys):
    class ResourceExhaustedError(Exception):
        pass

    def fail(error):
        raise error

    assert command.run(lambda _: fail(ResourceExhaustedError("OOM when allocating\nmore"))) == 2
    assert "error: out of memory (OOM when allocating): close other programs" in capsys.readouterr().err
    with pytest.raises(KeyError):
        command.run(lambda _: fail(KeyError("x")))


@pytest.mark.parametrize(
    ("error", "named", "message"),
    [
        (
            ModuleNotFoundError("No module named 'jax'", name="jax"),
            "jax",
            "Keras needs jax, which is not installed: run",
        ),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            "torch",
            "keras.json says that Keras is to run on torch",
        ),
        (ValueError("Unable to import backend : theano"), "theano", "keras.json says that Keras is to run on theano"),
        (
            None,
            "image_data_format",
            'keras.json says image_data_format "channels_first", and this course needs "channels_last"',
        ),
        (None, "floatx", 'keras.json says floatx "float16", and this course needs "float32"'),
    ],
)
def test_settings_of_keras_that_do_not_fit_are_named(error, named, message, tmp_path, monkeypatch, capsys):
    @contextlib.contextmanager
    def start():
        if error:
            raise error
        yield

    monkeypatch.setattr(helpers, "_quiet_standard_error", start)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    (tmp_path / "keras.json").write_text(json.dumps({"backend": named}))
    if error is None:
        monkeypatch.setattr(f"keras.config.{named}", lambda: {"floatx": "float16"}.get(named, "channels_first"))
    with pytest.raises(ImportError, match=re.escape(message)):
        helpers._start_keras()
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "helpers.train"])
    with pytest.raises(SystemExit) as end:
        helpers._start_keras()
    printed = capsys.readouterr().err
    assert end.value.code == 2 and printed.startswith("error: ") and message in printed
    if named == "torch":
        monkeypatch.setenv("KERAS_BACKEND", named)
        with pytest.raises(SystemExit):
            helpers._start_keras()
        assert "the environment variable KERAS_BACKEND says" in capsys.readouterr().err
