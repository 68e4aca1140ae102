"""Photographs of any size: those that are too large to be seen whole are predicted as if they were not."""

import types

import keras
import numpy as np
import pytest
from PIL import Image

from helpers import predict, tasks
from helpers.data import brain, image_files
from helpers.nets import checkpoint, inference, zoo
from helpers.settings import Settings
from helpers.tasks import brain as brain_task
from helpers.tasks import photographs
from helpers.tasks.purpose import Purpose

IMAGE = np.random.default_rng(0).integers(0, 256, (90, 130, 3), dtype="uint8")


def grades_of(probabilities):
    """A rule that tells small differences, from 0 to 250 of the range of a first class."""
    low, high = probabilities[..., 0].min(), probabilities[..., 0].max()
    return lambda each: np.clip((each[..., 0] - low) / (high - low) * 250, 0, 250)


@pytest.fixture(scope="module")
def of_any_size():
    keras.utils.set_random_seed(0)  # of some draws nearly all units are dead, and few grades are left
    return zoo.build("UNet", (None, None, 3), classes=3, filters=2)


@pytest.mark.parametrize("averaging", [{}, {"flips": True, "scales": (0.5, 1.0)}, {"window": (33, 64)}])
def test_bands_of_windows_come_to_what_sliding_over_the_whole_does(
    of_any_size, averaging, monkeypatch, capsys, tmp_path
):
    path = tmp_path / "large.png"
    expected = inference.predict_probabilities(of_any_size, IMAGE[None], **averaging)[0]
    rule = grades_of(expected)
    whole = photographs.decide(of_any_size, path, IMAGE, rule, averaging)
    assert np.array_equal(whole, rule(expected).astype("uint8")) and capsys.readouterr().out == ""

    monkeypatch.setattr(photographs, "WHOLE", 64 * 64)
    monkeypatch.setattr(photographs, "WINDOW", (32, 64))
    seen = []
    predicted = inference.predict_probabilities
    monkeypatch.setattr(
        inference, "predict_probabilities", lambda model, images, *rest, **more: (
            seen.append(images.shape), predicted(model, images, *rest, **more))[1]
    )  # fmt: skip
    found = photographs.decide(of_any_size, path, IMAGE, rule, averaging)
    sides = averaging.get("window", (32, 64))
    scaled = {tuple(round(side / scale) for side in sides) for scale in averaging.get("scales", (1,))}
    assert {shape[1:3] for shape in seen} == scaled  # never the whole
    slid = rule(predicted(of_any_size, IMAGE[None], **{**averaging, "window": sides})[0]).astype("int")
    assert len(np.unique(found)) > 100
    if "scales" in averaging:  # the way back from a scale is taken window by window
        assert abs(found - slid).mean() < 3
    else:
        assert abs(found - slid).max() <= 1
    said = capsys.readouterr().out
    assert said == ("" if "window" in averaging else
                    f"{path}: 130 x 90 pixels, predicted in windows of 32 x 64 (--window sets others)\n")  # fmt: skip


class Red:
    """A network whose probability is the red of each pixel; remembers what it has seen."""

    name, output = "red", None

    def __init__(self, *sides):
        self.input_shape, self.output_shape, self.seen = (None, *sides, 3), (None, *sides, 1), []

    def predict_on_batch(self, images):
        self.seen.append(images)
        return images[..., :1]


@pytest.mark.parametrize("sides", [(32, 32), (640, 640), (100, 300), (1000, 1000)])
@pytest.mark.parametrize("averaging", [{}, {"flips": True}, {"scales": (0.5, 1.25)}])
def test_a_network_of_one_size_sees_a_large_image_as_it_sees_a_small_one(sides, averaging, monkeypatch, tmp_path):
    stripes = np.zeros((450, 600, 3), "uint8")
    stripes[:, np.arange(600) // 2 % 2 == 0] = 255  # of 2 pixels: what is shrunk twice, or shrunk and enlarged, fades
    whole, found = Red(*sides), Red(*sides)
    expected = inference.predict_probabilities(whole, stripes[None], **averaging)[0]
    monkeypatch.setattr(photographs, "WHOLE", 300 * 300)
    monkeypatch.setattr(photographs, "_STRIP", 100)
    grades = photographs.decide(found, tmp_path / "x.png", stripes, lambda each: np.rint(250 * each), averaging)
    for one, other in zip(whole.seen, found.seen, strict=True):
        assert np.array_equal(one, other)
    if "scales" not in averaging:  # else the way back is one step instead of two
        assert abs(grades - np.rint(250 * expected)).max() <= 1


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.0, 1.3])
def test_a_window_has_its_size_in_the_scaled_image_however_large_it_is(factor, monkeypatch, tmp_path):
    """By hand: in windows of 32 x 64 of the scaled image, whatever the factor, the network sees 32 x 64 pixels."""
    averaging = {"scales": (factor,), "window": (32, 64)}
    for whole in (photographs.WHOLE, 64 * 64):
        monkeypatch.setattr(photographs, "WHOLE", whole)
        network = Red(None, None)
        photographs.decide(network, tmp_path / "x.png", IMAGE.repeat(2, 0).repeat(2, 1), lambda each: each, averaging)
        assert {images.shape[1:3] for images in network.seen} == {(32, 64)}


@pytest.fixture(scope="module")
def brain_model(tmp_path_factory):
    task = tasks.get("brain")
    purpose = Purpose.of_run(Settings(size=32), task.known_classes, (32, 32), task.normalisation)
    path = tmp_path_factory.mktemp("model") / "brain.keras"
    path.write_bytes(checkpoint.serialise(zoo.build("UNet", (32, 32, 3), filters=4), purpose.note()))
    return path


def test_one_picture_of_many_types_gives_one_mask_and_what_cannot_be_read_is_listed_at_the_end(
    brain_model, tmp_path, monkeypatch
):
    folder = tmp_path / "in"
    folder.mkdir()
    grey = np.clip(np.random.default_rng(1).normal(90, 40, (40, 40)), 0, 200).astype("uint8")
    grey[0, 0] = 200
    Image.fromarray(grey).save(folder / "bytes.png")
    Image.fromarray(grey.astype("uint16") * 16).save(folder / "twelve.png")
    Image.fromarray(grey.astype("float32") / 255).save(folder / "fraction.tif")
    Image.fromarray(np.full((40, 40), np.nan, "float32")).save(folder / "nan.tif")
    (folder / "._bytes.png").write_bytes(b"\0\5\x16\7")
    (folder / "bad.png").write_bytes(b"no image")
    (folder / "gone.png").symlink_to("/nowhere/x.png")
    (folder / "bytes_mask.png").write_bytes(b"no mask")  # the true area is drawn only where it can be read
    Image.fromarray(np.zeros((40, 40, 3), "uint8")).save(folder / "huge.png")
    limit = Image.open(folder / "huge.png").size[0] ** 2 // 2 - 1
    output = tmp_path / "my masks"

    def huge(path, opened=image_files.open_image):
        with monkeypatch.context() as patch:
            if path.name == "huge.png":
                patch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
            return opened(path)

    monkeypatch.setattr(image_files, "open_image", huge)
    normalised = brain.normalise_images(np.repeat(grey[None, ..., None], 3, axis=3))
    middle = np.median(inference.predict_probabilities(inference.load_model(brain_model), normalised))
    words = ["--model", str(brain_model), "--input", str(folder), "--output", str(output), "--threshold", f"{middle}"]
    with pytest.raises(OSError) as caught:
        predict.main(words)
    masks = {path.name: path.read_bytes() for path in sorted(output.glob("*_mask.png"))}
    assert list(masks) == ["bytes_mask.png", "fraction_mask.png", "twelve_mask.png"] and len(set(masks.values())) == 1
    assert 0 < np.asarray(Image.open(output / "bytes_mask.png")).mean() < 255
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    for name, words in (("gone.png", "leads nowhere"), ("bad.png", "cannot identify"), ("huge.png", "exceeds limit"),
                        ("nan.tif", "1600 pixels are NaN")):  # fmt: skip
        assert sum(line.startswith(f"{folder / name}: ") and words in line for line in lines) == 1, lines


def test_a_folder_of_many_images_is_listed_once_and_nothing_below_it(tmp_path, monkeypatch):
    for name in (*(f"scan{number}x.png" for number in range(6)), "a_1.png", "a_2.png", "below/a_3.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGE[:32, :32]).save(tmp_path / "in" / name)
    listed, read = [], []
    iterdir, values = type(tmp_path).iterdir, image_files.read_values
    monkeypatch.setattr(type(tmp_path), "iterdir", lambda path: (listed.append(path), iterdir(path))[1])
    monkeypatch.setattr(image_files, "read_values", lambda path: (read.append(path.name), values(path))[1])
    model = types.SimpleNamespace(input_shape=(None, 32, 32, 3))
    monkeypatch.setattr(brain_task.inference, "predict_probabilities", lambda _, images: np.zeros(images.shape[:3]))
    alone = [tmp_path / "in/a_1.png"]
    brain_task.Task.segment(model, None, alone, tmp_path / "in", tmp_path / "out", brain_task.inference.HALF, {})
    assert listed == [tmp_path / "in"] and sorted(read) == ["a_1.png", "a_2.png"]
    listed.clear()
    paths, _ = image_files.below(tmp_path / "in")
    brain_task.Task.segment(model, None, paths, tmp_path / "in", tmp_path / "out", brain_task.inference.HALF, {})
    assert len(listed) == 2 and len(list((tmp_path / "out").rglob("*_mask.png"))) == 9
