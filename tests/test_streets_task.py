"""Streets through the one experiment: pieces in a fixed order, honest scores, resume, and the commands."""

import csv
import dataclasses
import json

import keras
import numpy as np
import pytest
from PIL import Image
from test_experiment import StopAfter
from test_streets import write_scene

from helpers import evaluate, predict, train
from helpers.data import street_classes, streets
from helpers.nets import inference, zoo
from helpers.scores import losses, metrics
from helpers.settings import Settings
from helpers.tasks import streets as streets_task
from helpers.training import experiment, run_folder

pytestmark = pytest.mark.usefixtures("shallow")

HEIGHT, WIDTH = 40, 80
ROAD, SKY, CAR = 7, 23, 26  # label ids


def draw(frame):
    """Blue sky over a grey road, with a red car on it and a bonnet that is not scored."""
    labels = np.full((HEIGHT, WIDTH), ROAD, "uint8")
    labels[: HEIGHT // 2] = SKY
    left = 5 + 6 * frame
    labels[20:30, left : left + 20] = CAR
    labels[-4:] = 1
    image = np.zeros((HEIGHT, WIDTH, 3), "uint8")
    for value, colour in ((ROAD, (100, 100, 100)), (SKY, (90, 140, 220)), (CAR, (200, 30, 30)), (1, (20, 20, 20))):
        image[labels == value] = colour
    noise = np.random.default_rng(frame).integers(0, 20, image.shape, dtype="uint8")
    return image + noise, labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    result = tmp_path_factory.mktemp("set") / "streets"
    for split, frames in (("train", range(6)), ("val", range(6, 9))):
        for frame in frames:
            image, labels = draw(frame)
            write_scene(result, split, "ulm", frame, image, labels)
    return result


@pytest.fixture(scope="module")
def settings(folder):
    return Settings(
        dataset="cityscapes", data=str(folder), filters=4, crop=(32, 32), scale=(0.7, 1.3), epochs=4, batch=4, steps=5,
        validate_every=2, loss="CrossEntropyLoss", learning_rate=1e-2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(settings, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_HOME", str(tmp_path_factory.mktemp("data_home")))
        return experiment.run(settings, tmp_path_factory.mktemp("runs") / "run", progress=False)


def test_a_run_leaves_everything_in_its_folder(settings, finished):
    assert sorted(path.name for path in finished.folder.iterdir()) == [
        "best.keras", "confusion.csv", "environment.json", "final.keras", "history.csv", "scores.json",
        "settings.json",
    ]  # fmt: skip
    assert finished.settings == settings
    assert [row["epoch"] for row in finished.history] == [1, 2, 3, 4]
    assert ["validation_mean_iou" in row for row in finished.history] == [False, True, False, True]


def test_the_scores_are_those_of_the_final_weights_at_the_scenes_own_size(settings, finished):
    scenes = streets.scenes(settings.data, "val")
    total = streets_task.count(finished.model("final"), scenes).sum(axis=0)
    with open(finished.folder / "confusion.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["", *street_classes.NAMES] and [row[0] for row in rows[1:]] == list(street_classes.NAMES)
    assert np.array_equal(np.array([row[1:] for row in rows[1:]], int), total)
    road, sky, car = (street_classes.NAMES.index(name) for name in ("road", "sky", "car"))
    true = {road: 3 * (16 * WIDTH - 200), sky: 3 * 20 * WIDTH, car: 3 * 200}  # the bonnet is left out
    assert {row: int(total[row].sum()) for row in np.flatnonzero(total.sum(axis=1))} == true
    assert finished.scores["mean_iou"] == finished.history[-1]["validation_mean_iou"]
    assert finished.scores["baseline"]["class"] == "sky"
    assert finished.scores["mean_iou"] > finished.scores["baseline"]["mean_iou"]


def test_the_best_weights_are_those_with_the_best_mean_iou(settings, finished):
    scenes = streets.scenes(settings.data, "val")
    best = metrics.mean_iou(streets_task.count(finished.model("best"), scenes).sum(axis=0))
    assert best == max(row.get("validation_mean_iou", 0) for row in finished.history)


def test_an_interrupted_run_ends_in_the_same_weights(settings, finished, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        experiment.run(settings, tmp_path / "run", progress=False, callbacks=[StopAfter(2, 3)])
    resumed = experiment.run(settings, tmp_path / "run", progress=False)
    for which in ("final", "best"):
        pairs = zip(finished.model(which).get_weights(), resumed.model(which).get_weights(), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)
    assert resumed.scores == finished.scores
    for name in ("loss", "learning_rate", "validation_mean_iou"):
        assert [row.get(name) for row in resumed.history] == [row.get(name) for row in finished.history]


def test_the_published_network_trains_with_its_second_head(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, "LEVELS", 3)  # the second head is on level 2
    settings = dataclasses.replace(
        settings, model="UNet_S5_D16", auxiliary=0.4, epochs=1, steps=2, loss="CrossEntropy_AllPixels",
        optimizer="SGD", learning_rate=0.01, schedule="poly", weight_decay=5e-4,
    )  # fmt: skip
    result = experiment.run(settings, tmp_path / "run", progress=False)
    row = result.history[0]
    # Keras reports the two losses unweighted, and their weighted sum as the loss.
    assert row["loss"] == pytest.approx(row["main_loss"] + 0.4 * row["auxiliary_loss"], rel=1e-4)
    assert row["learning_rate"] == pytest.approx(1e-4)  # where poly ends
    # The saved network predicts with one head, and can be begun with.
    assert result.model().output_shape == (None, None, None, 19)
    again = experiment.build(dataclasses.replace(settings, start=str(result.folder / "final.keras"), seed=5))
    saved = inference.load_model(result.folder / "final.keras", auxiliary=True)
    assert all(np.array_equal(a, b) for a, b in zip(again.get_weights(), saved.get_weights(), strict=True))


def test_class_weights_are_those_of_the_training_scenes(settings, tmp_path):
    settings = dataclasses.replace(settings, class_weights=True, epochs=1, steps=1)
    result = experiment.run(settings, tmp_path / "run", progress=False)
    scenes = streets.scenes(settings.data, "train")
    images, classes = next(streets_task.batches(scenes, settings))
    predictions = experiment.build(settings)(images, training=True)
    weights = streets.class_weights(scenes, progress=False)
    weighted = losses.CrossEntropy("multiclass", ignore_index=255, class_weights=weights)(classes, predictions)
    assert result.history[0]["loss"] == pytest.approx(float(weighted), rel=1e-5)
    assert float(weighted) != pytest.approx(
        float(losses.CrossEntropy("multiclass", ignore_index=255)(classes, predictions)), rel=0.01
    )


def test_batches_repeat_from_any_step(settings):
    scenes = streets.scenes(settings.data, "train")
    whole = streets_task.batches(scenes, settings)
    first = [next(whole) for _ in range(5)]
    late = streets_task.batches(scenes, settings, first=3)
    for images, classes in first[3:]:
        again = next(late)
        assert np.array_equal(again[0], images) and np.array_equal(again[1], classes)
    assert first[0][0].shape == (4, 32, 32, 3) and first[0][0].dtype == "float32" and first[0][0].max() <= 1
    assert first[0][1].shape == (4, 32, 32) and first[0][1].dtype == "uint8"
    other = next(streets_task.batches(scenes, dataclasses.replace(settings, seed=1)))
    assert not np.array_equal(other[0], first[0][0])


def test_the_images_of_both_sides_are_named(settings):
    task = streets_task.Task(settings, progress=False)
    assert task.names == (
        [f"ulm_000000_{frame:06d}" for frame in range(6)],
        [f"ulm_000000_{frame:06d}" for frame in range(6, 9)],
    )


def test_each_pass_uses_each_scene_once_in_an_order_of_its_own(settings, monkeypatch):
    scenes = streets.scenes(settings.data, "train")
    read, names = streets.read, []
    monkeypatch.setattr(streets, "read", lambda scene: (names.append(scene.name), read(scene))[1])
    batches = streets_task.batches(scenes, dataclasses.replace(settings, batch=3))
    for _ in range(4):
        next(batches)
    every = sorted(scene.name for scene in scenes)
    assert sorted(names[:6]) == every and sorted(names[6:12]) == every
    assert names[:6] != names[6:12]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "DiceLoss", "class_weights": True}, "DiceLoss, which takes no class weights"),
        ({"folds": 4}, "folds is for brain and pairs, and cityscapes does nothing with it"),
        ({"size": 64}, "size is for brain"),
        ({"crop": (32, 0)}, "crop is 32 0"),
        ({"crop": (40, 32)}, "multiple of 16"),
        ({"scale": (2.0, 0.5)}, "scale is 2.0 0.5"),
        ({"steps": 0}, "steps is 0"),
        ({"validate_every": 0}, "validate_every is 0"),
        ({"optimizer": "Adam"}, "AdamW, SGD"),
        ({"auxiliary": 0.4}, "UNet has no auxiliary head"),
        ({"auxiliary": -1.0}, "auxiliary is -1.0"),
    ],
)
def test_what_cannot_work_is_refused_before_any_image_is_read(change, message):
    settings = Settings(dataset="cityscapes", data="a folder that is not there", crop=(32, 32))
    with pytest.raises(ValueError, match=message):
        experiment.check(dataclasses.replace(settings, **change))


def test_labels_of_another_size_end_training_with_the_name_of_the_file(settings, tmp_path):
    for frame in range(2):
        image, labels = draw(frame)
        write_scene(tmp_path, "train", "ulm", frame, image, labels[:-1] if frame else labels)
    write_scene(tmp_path, "val", "ulm", 5, *draw(5))
    with pytest.raises(ValueError, match="ulm_000000_000001_gtFine_labelIds.png: labels have 80x39 pixels"):
        experiment.run(dataclasses.replace(settings, data=str(tmp_path)), tmp_path / "run", progress=False)


def test_the_commands_from_training_to_the_benchmarks_files(folder, tmp_path, capsys):
    words = (
        f"--dataset cityscapes --data {folder} --models UNet --filters 4 --loss CrossEntropyLoss --crop 32 32".split()
    )
    words += ["--scale", "0.8", "1.2", "--epoch", "1", "--steps", "2", "--batch", "2", "--train", "2", "--no-flips"]
    train.main([*words, "--out", str(tmp_path / "runs")])
    printed = capsys.readouterr().out
    assert "mean IoU" in printed and "traffic light" in printed
    with open(tmp_path / "runs/cityscapes/results.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    runs = [run_folder.read(tmp_path / f"runs/cityscapes/UNet-CrossEntropyLoss/seed_{seed}") for seed in (0, 1)]
    assert float(row["mean_iou"]) == pytest.approx(np.mean([run.scores["mean_iou"] for run in runs]))
    assert float(row["sky"]) == pytest.approx(np.mean([run.scores["classes"]["sky"] for run in runs]))

    model = str(runs[0].folder / "final.keras")
    evaluate.main(["--model", model, "--data", str(folder), "--json", str(tmp_path / "scores.json"),
                   "--figure", str(tmp_path / "confusion.png")])  # fmt: skip
    assert json.loads((tmp_path / "scores.json").read_text())["classes"] == runs[0].scores["classes"]
    assert Image.open(tmp_path / "confusion.png").size[0] > 100
    assert "all sky" in capsys.readouterr().out

    predict.main(["--model", model, "--input", str(folder / "leftImg8bit/val"), "--output", str(tmp_path / "out"),
                  "--window", "32", "32"])  # fmt: skip
    scene = streets.scenes(folder, "val")[0]
    written = np.asarray(Image.open(tmp_path / f"out/ulm/{scene.name}_labelIds.png"))
    image = streets.read_image(scene)
    classes = inference.predict_probabilities(runs[0].model(), image[None], window=(32, 32))[0].argmax(axis=-1)
    assert written.dtype == np.uint8 and np.array_equal(written, street_classes.LABEL_ID_OF_CLASS[classes])
    overlay = np.asarray(Image.open(tmp_path / f"out/ulm/{scene.name}_overlay.png"))
    assert np.array_equal(overlay, image // 2 + street_classes.PALETTE[classes] // 2)


def test_a_class_with_no_scene_and_no_prediction_is_told_as_such(folder, tmp_path, capsys):
    model = tmp_path / "sky.keras"
    inputs = keras.Input((None, None, 3))
    bias = np.full(19, -9.0)
    bias[street_classes.NAMES.index("sky")] = 9
    outputs = keras.layers.Conv2D(
        19, 1, activation="softmax", kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(bias)
    )(inputs)
    keras.Model(inputs, outputs).save(model)
    evaluate.main(["--model", str(model), "--data", str(folder), "--dataset", "cityscapes"])
    printed = capsys.readouterr().out
    assert "IoU of train                            no such pixel" in printed
    share = 20 / 36  # of the scored pixels, sky
    assert f"pixels that are right                   {share:.3f}" in printed
    assert f"{share / 3:.3f} [" in printed  # three classes, two of them never found


def test_the_published_setting_is_one_command():
    words = """--dataset cityscapes --data cityscapes --models UNet_S5_D16 --filters 0 --auxiliary 0.4
        --loss CrossEntropy_AllPixels --crop 512 1024 --scale 0.5 2 --batch 16
        --epoch 160 --steps 1000 --validate-every 16
        --optimizer SGD --learningrate 0.01 --schedule poly --weight-decay 5e-4 --no-flips"""
    options = train.parser().parse_args(words.split())
    ((settings, folder),) = train.plan(options)
    assert settings == Settings(
        model="UNet_S5_D16", loss="CrossEntropy_AllPixels", dataset="cityscapes", data="cityscapes",
        crop=(512, 1024), scale=(0.5, 2.0), filters=None, epochs=160, batch=16, steps=1000, validate_every=16,
        optimizer="SGD", learning_rate=0.01, schedule="poly", weight_decay=5e-4, auxiliary=0.4,
    )  # fmt: skip
    assert folder.as_posix() == "runs/cityscapes/UNet_S5_D16-CrossEntropy_AllPixels/seed_0"


def test_the_defaults_are_the_settings_of_the_result_on_real_streets():
    ((settings, _),) = train.plan(train.parser().parse_args(["--dataset", "cityscapes"]))
    kept = json.loads((run_folder.RESULTS / "streets" / "settings.json").read_text())
    assert Settings(**{**kept, "data": "phantom"}) == settings
    # another loss comes without class weights, unless they are asked for
    for words, weights in ((["--loss", "DiceLoss"], False), (["--loss", "CrossEntropyLoss", "--class-weights"], True)):
        ((settings, _),) = train.plan(train.parser().parse_args(["--dataset", "cityscapes", *words]))
        assert settings.class_weights is weights
