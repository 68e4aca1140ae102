"""People's own images: found, checked, grouped, and through every command without a change of their values."""

import csv
import dataclasses
import io
import json
import unicodedata

import keras
import numpy as np
import pytest
from PIL import Image

from helpers import evaluate, predict, prepare, tasks, train
from helpers.data import brain, image_files, pairs
from helpers.nets import checkpoint, inference
from helpers.settings import Settings
from helpers.tasks.purpose import Purpose
from helpers.training import experiment, run_folder

pytestmark = pytest.mark.usefixtures("shallow")

HEIGHT, WIDTH = 24, 40


def draw(number, values=(0, 255)):
    """Noise with a bright disc for each value but the first; and its mask."""
    rng = np.random.default_rng(number)
    image = rng.integers(40, 90, (HEIGHT, WIDTH, 3), dtype="uint8")
    mask = np.full((HEIGHT, WIDTH), values[0], "uint8")
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for place, value in enumerate(values[1:]):
        inside = (y - 12) ** 2 + (x - 10 - 18 * place - number % 3) ** 2 < 36
        mask[inside] = value
        image[inside, place % 3] = 230
    return image, mask


def write(folder, numbers=range(12), values=(0, 255), side_by_side=False, suffix=".PNG", end="_mask", names="cat{}_{}"):
    for number in numbers:
        image, mask = draw(number, values)
        name = names.format(number // 2, number % 2)
        parts = [folder, folder] if side_by_side else [folder / "Images", folder / "masks"]
        for part, pixels, ending in zip(
            parts, (image, mask), (suffix, f"{end}.png" if side_by_side else ".png"), strict=True
        ):
            part.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(part / f"{name}{ending}")
    return folder


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"suffix": ".tif"},
        {"side_by_side": True},
        {"side_by_side": True, "suffix": ".jpeg", "end": "-LABEL"},
        {"side_by_side": True, "suffix": "_image.png", "end": "_gt"},
    ],
)
def test_pairs_are_found_in_every_layout(tmp_path, layout):
    found = pairs.find(write(tmp_path, range(4), **layout))
    assert [pair.name for pair in found] == ["cat0_0", "cat0_1", "cat1_0", "cat1_1"]
    for number, pair in enumerate(found):
        _, mask = draw(number)
        assert np.array_equal(np.asarray(pairs.read_mask(pair.mask)), mask)
        assert image_files.read(pair.image).shape == (HEIGHT, WIDTH, 3)


def test_folders_below_keep_files_of_one_name_apart(tmp_path):
    for place in ("a", "b"):
        for part, pixels in zip(("images", "masks"), draw(0), strict=True):
            (tmp_path / part / place).mkdir(parents=True)
            Image.fromarray(pixels).save(tmp_path / part / place / "x.png")
    assert [pair.name for pair in pairs.find(tmp_path)] == ["a/x", "b/x"]


def test_equal_names_belong_together_whatever_they_end_in(tmp_path):
    for name in ("cat_image", "bottle_label", "dog_img"):
        for part, pixels in zip(("images", "masks"), draw(0), strict=True):
            (tmp_path / part).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / part / f"{name}.png")
    (tmp_path / "images/dog_img.png").rename(tmp_path / "images/dog.png")
    (tmp_path / "masks/dog_img.png").rename(tmp_path / "masks/dog_mask.png")
    assert [pair.name for pair in pairs.find(tmp_path)] == ["bottle_label", "cat_image", "dog"]


def test_what_is_not_a_pair_is_named(tmp_path):
    write(tmp_path, range(2))
    (tmp_path / "masks/cat0_1.png").unlink()
    with pytest.raises(ValueError, match=r"Images/cat0_1.PNG: image without mask; .*prepare pairs --check"):
        pairs.find(tmp_path)
    with pytest.raises(FileNotFoundError, match="NAME_mask.png"):
        (tmp_path / "empty").mkdir()
        pairs.find(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="--data FOLDER"):
        pairs.find("phantom")


@pytest.mark.parametrize(
    ("values", "names", "ignored", "labels"),
    [
        ((0, 255), ("255",), False, {0: 0, 255: 1}),
        ((0, 1), ("1",), False, {0: 0, 1: 1}),
        ((0, 1, 2), ("0", "1", "2"), False, {0: 0, 1: 1, 2: 2}),
        ((0, 1, 2, 255), ("0", "1", "2"), True, {0: 0, 2: 2, 255: 255}),
        ((1, 2, 3), ("1", "2", "3"), False, {1: 0, 3: 2}),
        ((0, 127, 255), ("0", "127", "255"), False, {127: 1, 255: 2}),
        ((0, 1, 255), ("1",), True, {0: 0, 1: 1, 255: 255}),
    ],
)
def test_classes_are_the_values_of_the_masks(tmp_path, values, names, ignored, labels):
    for number in range(3):
        Image.fromarray(np.array(values, "uint8").repeat(40).reshape(-1, 40)).save(tmp_path / f"{number}_mask.png")
        Image.fromarray(np.full((len(values), 40, 3), number, "uint8")).save(tmp_path / f"{number}.png")
    found = pairs.classes_of(pairs.find(tmp_path), progress=False)
    assert (found.names, found.ignored) == (names, ignored)
    table = pairs.class_table(found)
    assert {value: table[value] for value in labels} == labels
    assert all(f"{value} (" in found.words for value in found.values)


def test_255_classes_are_as_many_as_there_can_be(tmp_path):
    for last, number in ((254, 255), (255, 255)):  # 255 is ignored where 0 to 254 are all there
        values = np.arange(last + 1, dtype="uint8").repeat(10).reshape(-1, 10)
        Image.fromarray(values).save(tmp_path / "x_mask.png")
        Image.fromarray(np.zeros((*values.shape, 3), "uint8")).save(tmp_path / "x.png")
        assert len(pairs.classes_of(pairs.find(tmp_path), progress=False).values) == number


def test_masks_of_many_makes_are_read_alike(tmp_path):
    _, mask = draw(0, (0, 3))
    palette = Image.fromarray(mask)
    palette.putpalette([255, 0, 0, 0, 255, 0] * 128)
    makes = {
        "grey": Image.fromarray(mask),
        "colour": Image.fromarray(np.stack([mask] * 3, axis=-1)),
        "opaque": Image.fromarray(np.dstack([mask] * 3 + [np.full_like(mask, 255)])),
        "deep": Image.fromarray(mask.astype("uint16")),
        "palette": palette,
    }
    for name, image in makes.items():
        image.save(tmp_path / f"{name}.png")
        assert np.array_equal(np.asarray(pairs.read_mask(tmp_path / f"{name}.png")), mask), name
    Image.fromarray(mask > 0).save(tmp_path / "bits.png")
    assert set(np.unique(np.asarray(pairs.read_mask(tmp_path / "bits.png")))) == {0, 255}
    Image.fromarray(mask.astype("float32")).save(tmp_path / "fractions.tif")
    assert np.array_equal(np.asarray(pairs.read_mask(tmp_path / "fractions.tif")), mask)
    Image.fromarray(mask + np.float32(0.5)).save(tmp_path / "fractions.tif")
    with pytest.raises(ValueError, match="between integers"):
        pairs.read_mask(tmp_path / "fractions.tif")
    image = np.zeros((4, 4, 3), "uint8")
    image[0, 0] = 200, 0, 0
    Image.fromarray(image).save(tmp_path / "red.png")
    with pytest.raises(ValueError, match="mask is coloured"):
        pairs.read_mask(tmp_path / "red.png")


def test_the_check_lists_all_that_is_wrong(tmp_path, capsys):
    write(tmp_path, range(8))
    prepare.main(["pairs", "--source", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "8 pairs" in printed and "one area, values 0 (" in printed and "every file is in order" in printed
    assert "helpers.train --dataset pairs --data" in printed
    images, masks = tmp_path / "Images", tmp_path / "masks"
    (masks / "cat0_0.png").unlink()
    (images / "cat0_1.PNG").write_bytes((images / "cat1_0.PNG").read_bytes())
    (images / "cat1_1.PNG").write_bytes((images / "cat1_1.PNG").read_bytes()[:200])
    Image.fromarray(draw(4)[1][:-1]).save(masks / "cat2_0.png")
    Image.fromarray(draw(4)[0]).save(masks / "cat2_1.png")
    with pytest.raises(ValueError, match="has 5 problems, listed above"):
        prepare.main(["pairs", "--check", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    for start in (
        "Images/cat0_0.PNG: image without mask",
        "Images/cat1_0.PNG: duplicate, the same pixels as Images/cat0_1.PNG",
        "Images/cat1_1.PNG: unreadable or truncated",
        "masks/cat2_0.png: mask has 40x23 pixels, its image 40x24",
        "masks/cat2_1.png: mask is coloured",
    ):
        assert any(line.startswith(start) for line in lines), (start, lines)


def test_masks_that_jpeg_or_a_slip_has_changed_are_refused(tmp_path):
    write(tmp_path / "a", range(4), side_by_side=True)
    for path in (tmp_path / "a").glob("*_mask.png"):
        jpeg = io.BytesIO()
        Image.open(path).save(jpeg, "JPEG", quality=80)
        Image.open(jpeg).save(path)
    with pytest.raises(ValueError, match="as JPEG or smooth edges leave them: save the masks as PNG"):
        pairs.classes_of(pairs.find(tmp_path / "a"), progress=False)
    write(tmp_path / "b", range(4))
    slip = draw(0)[1]
    slip[0, :3] = 7
    Image.fromarray(slip).save(tmp_path / "b/masks/cat0_0.png")
    with pytest.raises(ValueError, match="the value 7 stands in fewer than 10 pixels"):
        pairs.classes_of(pairs.find(tmp_path / "b"), progress=False)
    assert any("the value 7" in line for line in pairs.inspect(tmp_path / "b", progress=False).lines)


BLACK, WHITE, RED = (0, 0, 0), (255, 255, 255), (255, 0, 0)


def with_palette(mask, *colours):
    picture = Image.fromarray(mask)
    picture.putpalette([part for colour in colours for part in colour])
    return picture


@pytest.mark.parametrize(
    ("kinds", "line"),
    [
        ((with_palette, (WHITE, BLACK)), "masks/cat0_1.png: the value 0 is #ffffff, and #000000 in masks/cat0_0.png"),
        ((with_palette, (BLACK, RED)), "masks/cat0_1.png: the value 1 is #ff0000, and #ffffff in masks/cat0_0.png"),
        ((lambda mask: Image.fromarray(mask > 0), ()), "masks: the masks hold 255, and none of them beside 1, so"),
        ((with_palette, (BLACK, WHITE, RED)), None),  # nothing is red
        ((Image.fromarray, ()), None),
    ],
)
def test_masks_that_look_alike_and_differ_or_the_reverse_are_told(kinds, line, tmp_path):
    """The first of two masks is black and white, by a palette of the values 0 and 1."""
    write(tmp_path, range(2), values=(0, 1))
    kind, colours = kinds
    with_palette(draw(0, (0, 1))[1], BLACK, WHITE).save(tmp_path / "masks/cat0_0.png", bits=1)
    kind(draw(1, (0, 1))[1], *colours).save(tmp_path / "masks/cat0_1.png")
    found = pairs.inspect(tmp_path, progress=False).lines
    assert [each.startswith(str(line)) for each in found] == [True] * bool(line), found


def test_groups_come_from_a_pattern_or_a_csv(tmp_path):
    found = pairs.find(write(tmp_path, range(4)))
    assert pairs.groups_of(found, None).tolist() == ["cat0_0", "cat0_1", "cat1_0", "cat1_1"]
    assert pairs.groups_of(found, r"(cat\d+)_").tolist() == ["cat0", "cat0", "cat1", "cat1"]
    table = tmp_path / "groups.csv"
    table.write_text("file,group\ncat0_0.PNG,x\ncat0_1,y\ncat1_0,x\ncat1_1,z\n")
    assert pairs.groups_of(found, str(table)).tolist() == ["x", "y", "x", "z"]
    for groups, message in (
        ("(dog)", "cat0_0: has no group"), ("cat", "between"), ("(", "no pattern"), ("no.csv", "no such file")
    ):  # fmt: skip
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            pairs.groups_of(found, groups)


def test_a_csv_of_groups_may_name_the_files_as_they_are_called(tmp_path):
    found = pairs.find(write(tmp_path, range(4), side_by_side=True, suffix="_image.png", end="_gt", names="ä{}_{}"))
    table = tmp_path / "groups.csv"
    decomposed = unicodedata.normalize("NFD", "ä0_0_image.png")
    rows = ["group,file", f"x,{decomposed}", f"y,{tmp_path}/ä0_1_image.png", "z,ä1_0", "w,.\\ä1_1_image.png", ",", "v"]
    table.write_text("\n".join(rows), "utf-8")
    assert pairs.groups_of(found, str(table)).tolist() == ["x", "y", "z", "w"]
    table.write_text("\n".join(rows), "latin-1", "replace")
    with pytest.raises(ValueError, match="groups.csv: is not in UTF-8"):
        pairs.groups_of(found, str(table))


@pytest.mark.parametrize(
    "text",
    ["file;group\na0;x\na1;x\na2;y", "File,Group\na0,x\na1,x \na2,y", 'file, group\na0, x\na1, "x"\na2, "y "',
     "file;group;note\na0;x;1,5\na1;x;2,5\na2;y;,,", "file,group\na0,x\na0.png,x\na1,x\na2,y\n,\n"],
)  # fmt: skip
def test_a_csv_of_groups_is_read_as_a_spreadsheet_writes_it(text, tmp_path):
    found = [pairs.Pair(name, tmp_path / f"{name}.png", tmp_path / f"{name}_mask.png") for name in ("a0", "a1", "a2")]
    table = tmp_path / "groups.csv"
    table.write_text(text)
    assert pairs.groups_of(found, str(table)).tolist() == ["x", "x", "y"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,group\na0,x\na1,y\na0.png,y", "a0 is in the groups x and y; leave it in one"),
        ('file,group\na0,"x\na1,y', "is no CSV .*; mend its quotes"),
        pytest.param("file,group\n" + 140_000 * "a", "is no CSV", id="a cell too long"),
        ("name,group\na0,x", "its first line does not name the columns file and group"),
        ("", "its first line does not name the columns file and group"),
        ("file,group\na0,  \na1,x", "a0: has no group"),
    ],
)
def test_a_csv_of_groups_that_says_no_group_or_two_is_refused(text, message, tmp_path):
    found = [pairs.Pair(name, tmp_path / f"{name}.png", tmp_path / f"{name}_mask.png") for name in ("a0", "a1")]
    table = tmp_path / "groups.csv"
    table.write_text(text)
    with pytest.raises(ValueError, match=message):
        pairs.groups_of(found, str(table))


def test_a_photograph_is_read_as_its_camera_held_it(tmp_path):
    image, _ = draw(0)
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned clockwise by 90 degrees
    Image.fromarray(image).save(tmp_path / "x.png", exif=turned)
    assert np.array_equal(image_files.read(tmp_path / "x.png"), np.rot90(image, -1))
    Image.fromarray(image).save(tmp_path / "y.png")
    assert np.array_equal(image_files.read(tmp_path / "y.png"), image)


def settings_for(folder, **changes):
    small = Settings(
        dataset="pairs", data=str(folder), filters=4, size=32, scale=(0.9, 1.1), epochs=2, batch=4, validation=0.3,
        groups=r"(cat\d+)_",
    )  # fmt: skip
    return dataclasses.replace(small, **changes)


@pytest.fixture(scope="module")
def two_kinds(tmp_path_factory):
    """A folder of masks with one area, and one with three classes."""
    root = tmp_path_factory.mktemp("pairs")
    return {"one": write(root / "one"), "three": write(root / "three", values=(0, 5, 9))}


def words(folder, out):
    options = ["--dataset", "pairs", "--data", str(folder), "--out", str(out), "--models", "UNet", "--filters", "4"]
    options += ["--size", "32", "--epoch", "2", "--batch", "4", "--groups", r"(cat\d+)_"]
    return options


@pytest.mark.parametrize("kind", ["one", "three"])
def test_every_command_works_on_pairs_and_leaves_their_values_alone(two_kinds, kind, tmp_path, capsys, monkeypatch):
    def never(*_):
        pytest.fail("a photograph was normalised as MRI")

    monkeypatch.setattr(brain, "normalise", never)
    monkeypatch.setattr(brain, "normalise_images", never)
    folder = two_kinds[kind]
    train.main([*words(folder, tmp_path / "my runs"), "--folds", "2"])
    printed = capsys.readouterr().out
    assert f"    python -m helpers.predict --model '{tmp_path / 'my runs'}" in printed  # ready to be pasted
    assert ("Dice per group" if kind == "one" else "mean IoU") in printed
    with open(tmp_path / "my runs/pairs/results.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["groups" if kind == "one" else "images"] == ("6" if kind == "one" else "12")  # the folds are joined

    (run,) = (tmp_path / "my runs/pairs").glob("*/seed_0-fold_0")
    model = str(run / "final.keras")
    note = checkpoint.read_note(run / "final.keras")
    assert (note["dataset"], note["normalisation"], note["size"]) == ("pairs", "none", [32, 32])
    assert note["classes"] == (["255"] if kind == "one" else ["0", "5", "9"])
    assert note["threshold"] == (0.5 if kind == "one" else None)

    evaluate.main(["--model", model, "--data", str(folder), "--json", str(tmp_path / "scores.json")])
    assert "12 images, 6 groups" in capsys.readouterr().out
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert (
        set(scores["patients"]) == {f"cat{n}" for n in range(6)}
        if kind == "one"
        else set(scores["classes"]) == {"0", "5", "9"}
    )

    predict.main(["--model", model, "--input", str(folder / "Images"), "--output", str(tmp_path / "out")])
    image = draw(0, (0, 255) if kind == "one" else (0, 5, 9))[0]
    probabilities = inference.predict_probabilities(inference.load_model(model), image[None], flips=True)[0]
    expected = 255 * (probabilities >= 0.5) if kind == "one" else np.array([0, 5, 9])[probabilities.argmax(-1)]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out/cat0_0_mask.png")), expected)
    assert Image.open(tmp_path / "out/cat0_0_overlay.png").size == (WIDTH, HEIGHT)
    one = next(folder.glob("Images/cat0_0.*"))
    parts = ["--smallest-part", "0.9", "--input", str(one), "--output", str(tmp_path / "out")]
    if kind == "one":
        predict.main(["--model", model, *parts])
        largest = inference.AreaRule(smallest_part=0.9)(probabilities)
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out/cat0_0_mask.png")), 255 * largest)
    else:
        with pytest.raises(ValueError, match="--smallest-part is for one class"):
            predict.main(["--model", model, *parts])


def test_groups_that_cannot_be_found_are_told_and_can_be_given(two_kinds, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"cat{number // 2}_{number % 2},cat{number // 2}" for number in range(12)]
    (tmp_path / "groups.csv").write_text("\n".join(["file,group", *rows]))
    options = train.parser().parse_args(["--dataset", "pairs", "--data", "x", "--groups", "groups.csv"])
    assert [settings.groups for settings, _ in train.plan(options)] == [str(tmp_path / "groups.csv")]
    settings = settings_for(two_kinds["one"], groups="gone.csv")
    image = keras.Input((32, 32, 3))
    network = keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid")(image))
    note = Purpose.of_run(settings, ("255",), (32, 32), "none").note()
    (tmp_path / "x.keras").write_bytes(checkpoint.serialise(network, note))
    words = ["--model", "x.keras", "--data", str(two_kinds["one"])]
    evaluate.main(words)
    printed = capsys.readouterr()
    assert "12 images, 12 groups" in printed.out
    assert "gone.csv: no such file" in printed.err and "a group of its own: give --groups" in printed.err
    evaluate.main([*words, "--groups", "groups.csv"])
    printed = capsys.readouterr()
    assert "12 images, 6 groups" in printed.out and "of its own" not in printed.err
    with pytest.raises(FileNotFoundError, match="other.csv: no such file"):
        evaluate.main([*words, "--groups", "other.csv"])


def test_no_group_is_on_both_sides_and_the_scores_are_those_of_the_final_weights(two_kinds, tmp_path):
    settings = settings_for(two_kinds["three"], class_weights=True, loss="CrossEntropyLoss")
    result = experiment.run(settings, tmp_path / "run", progress=False)
    assert result.history[-1]["validation_mean_iou"] >= 0
    with open(tmp_path / "run/images.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    task = tasks.get("pairs")(settings, progress=False)
    held_out = {row["group"] for row in rows}
    assert held_out == set(task.groups[task.rows]) and 0 < len(held_out) < 6
    assert len(task.training) + len(rows) == 12 and len(rows) == 2 * len(held_out)
    true = sum(int(value) for row in rows for name, value in row.items() if name.startswith("5 as "))
    masks = [np.asarray(pairs.read_mask(pair.mask)) for pair in task.held_out]
    assert true == sum((mask == 5).sum() for mask in masks)
    rounded = tasks.get("pairs").joined([tmp_path / "run"])
    assert rounded == {name: value for name, value in result.scores.items() if name != "parameters"}
    assert run_folder.read(tmp_path / "run").settings == settings


def test_batches_are_the_images_as_they_are(two_kinds):
    settings = settings_for(two_kinds["one"], augment=False, size=WIDTH, validation=0.0, batch=12)
    task = tasks.get("pairs")(settings, progress=False)
    images, labels = next(task.batches(0))
    assert images.shape == (12, WIDTH, WIDTH, 3) and labels.shape == (12, WIDTH, WIDTH, 1)
    drawn = [draw(number) for number in range(12)]
    for image, label in zip(np.rint(images * 255), labels, strict=True):
        (number,) = [n for n, (pixels, _) in enumerate(drawn) if np.array_equal(image[:HEIGHT], pixels)]
        assert np.array_equal(label[:HEIGHT, :, 0], drawn[number][1] > 0)
        assert (label[HEIGHT:] == 255).all()  # beyond the image nothing counts
    again = tasks.get("pairs")(settings, progress=False).batches(1)
    assert not np.array_equal(next(again)[0], images)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("one", {"class_weights": True}, "show one area"),
        ("three", {"smallest_part": 0.5}, "show several classes"),
        ("one", {"validation": 0.01}, "its 6 groups do not fill both sides"),
    ],
)
def test_what_only_the_files_can_refuse(two_kinds, kind, changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        experiment.run(settings_for(two_kinds[kind], **changes), tmp_path / "run", progress=False)


def test_masks_with_other_classes_are_not_scored(two_kinds, tmp_path):
    settings = settings_for(two_kinds["three"], epochs=0, validation=0.0)
    run = experiment.run(settings, tmp_path / "run", progress=False)
    with pytest.raises(ValueError, match="the masks hold 255, and the network was trained for 0, 5, 9"):
        evaluate.main(["--model", str(run.folder / "final.keras"), "--data", str(two_kinds["one"])])


class First:
    """A network that is sure of its first class in every pixel; of one area, that all of it is the area."""

    name, output, input_shape = "first", None, (None, None, None, 3)

    def __init__(self, classes):
        self.output_shape = (None, None, None, classes)

    def predict_on_batch(self, images):
        return np.eye(self.output_shape[-1], dtype="float32")[np.zeros(images.shape[:3], int)]


def scored(folder, classes, *masks):
    """The scores of `First` by hand-made masks, each a row of values of which every one fills 100 pixels."""
    for number, values in enumerate(masks):
        mask = np.array(values, "uint8").repeat(100).reshape(-1, 10)
        image = np.random.default_rng(number).integers(0, 256, (*mask.shape, 3), dtype="uint8")
        Image.fromarray(image).save(folder / f"x{number}.png")
        Image.fromarray(mask).save(folder / f"x{number}_mask.png")
    purpose = Purpose("pairs", classes, (None, None), "none", 0.5 if len(classes) == 1 else None)
    scores, _, confusion = tasks.get("pairs").evaluate(First(len(classes)), purpose, str(folder), inference.HALF, {})
    return scores if confusion is None else confusion.tolist()


def test_what_255_means_is_asked_of_the_network_and_not_of_the_masks_that_are_scored(tmp_path):
    """By hand: all is taken for the first class, or for the area."""
    assert scored(tmp_path, ("0", "1", "2"), [0, 2, 255]) == [[100, 0, 0], [0, 0, 0], [100, 0, 0]]
    one = scored(tmp_path, ("1",), [0, 1, 255, 255], [0, 255])
    assert one["patients"] == {"x0": pytest.approx(200 / 300), "x1": 0}
    assert scored(tmp_path, ("255",), [0, 255], [255])["patients"]["x1"] == 1
    assert scored(tmp_path, ("0", "127", "255"), [0, 255], [0, 0]) == [[300, 0, 0], [0, 0, 0], [100, 0, 0]]


def test_masks_in_which_nothing_could_be_learned_are_scored(tmp_path):
    """By hand: an area where there is none is a Dice of 0; what stands in 5 pixels is a class all the same."""
    alarms = scored(tmp_path, ("1",), [0], [0, 0])
    assert alarms["patients"] == {"x0": 0, "x1": 0} and alarms["false_positive_slices"] == 2
    scored(tmp_path, ("0", "1", "2"), [0], [1])
    small = np.zeros((10, 10), "uint8")
    small[0, :5] = 2
    Image.fromarray(small).save(tmp_path / "x0_mask.png")
    purpose = Purpose("pairs", ("0", "1", "2"), (None, None), "none", None)
    _, _, confusion = tasks.get("pairs").evaluate(First(3), purpose, str(tmp_path), inference.HALF, {})
    assert confusion.tolist() == [[95, 0, 0], [100, 0, 0], [5, 0, 0]]


def test_one_area_may_have_another_value_if_that_can_mean_nothing_else(tmp_path):
    assert scored(tmp_path, ("255",), [0, 1])["patients"] == {"x0": pytest.approx(2 / 3)}
    assert scored(tmp_path, ("1",), [0, 7])["patients"] == {"x0": pytest.approx(2 / 3)}
    for classes, values, message in (
        (("1",), [0, 255], "the masks hold 255, and none of them beside 1, .* may be an area or count for nothing"),
        (("0", "1", "2"), [0, 255], "the masks hold 255, and none of them beside 1, 2, "),
        (("255",), [0, 1, 255], "the masks hold 1, and the network was trained for 0, 255: give masks"),
        (("1",), [0, 1, 2], "the masks hold 2, and the network was trained for 0, 1"),
    ):
        with pytest.raises(ValueError, match=message):
            scored(tmp_path, classes, values)
