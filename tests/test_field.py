"""Sets as people bring them: 25 faults and more in each layout, named by the check and by training in one list."""

import os
import shutil
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from helpers import prepare, train

SIDE = 16
linux = pytest.mark.skipif(sys.platform != "linux", reason="names and links as Linux has them")


def noise(seed, shape=(SIDE, SIDE, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype="uint8")


def save(pixels, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def several_pages(path):
    first, *more = (Image.fromarray(noise(seed)) for seed in (901, 902, 903))
    first.save(path, save_all=True, append_images=more)


def rgb_of_16_bits(path, highest):
    """A PNG with colours of 16 bits, as Pillow reads but does not write them."""
    rows = np.random.default_rng(7).integers(0, highest, (SIDE, SIDE, 3)).astype(">u2")
    data = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)


def in_latin_1(folder, name):
    return os.fsdecode(os.path.join(os.fsencode(folder), name.encode("latin-1")))


# --- the three layouts without a fault


def patient(number):
    return f"TCGA_AA_{number:04}_20000101"


def slice_of(folder, number, place=1, end="", suffix=".tif"):
    return folder / patient(number) / f"{patient(number)}_{place}{end}{suffix}"


def square(inside=255, outside=0, side=SIDE):
    mask = np.full((side, side), outside, "uint8")
    mask[5:9, 5:9] = inside
    return mask


@pytest.fixture
def brains(tmp_path):
    folder = tmp_path / "kaggle_3m"
    for number in range(32):
        for place in range(1, 4):
            save(noise(3 * number + place), slice_of(folder, number, place))
            save(square(255 * (place == 1)), slice_of(folder, number, place, "_mask"))
    return folder


def scene(folder, frame, part="leftImg8bit", split="train", suffix=".png"):
    kind = "leftImg8bit" if part == "leftImg8bit" else "gtFine_labelIds"
    return folder / part / split / "ulm" / f"ulm_000000_{frame:06}_{kind}{suffix}"


def drawn(seed=0):
    return np.random.default_rng(seed).choice(np.array([1, 7, 23, 26], "uint8"), (SIDE, SIDE))


@pytest.fixture
def street_set(tmp_path):
    folder = tmp_path / "streets"
    for frame in range(36):
        split = "train" if frame < 32 else "val"
        save(noise(frame), scene(folder, frame, split=split))
        save(drawn(frame), scene(folder, frame, "gtFine", split))
    return folder


@pytest.fixture
def pair_set(tmp_path):
    folder = tmp_path / "pairs"
    for number in range(32):
        save(noise(number), folder / "images" / f"cat_{number}.png")
        save(square(), folder / "masks" / f"cat_{number}.png")
    return folder


# --- what is planted, and how the line of the list begins


def plant_in_brains(folder):
    def image(number):
        return slice_of(folder, number)

    def mask(number):
        return slice_of(folder, number, end="_mask")

    def name(number, place=1, end=""):
        return f"{patient(number)}/{patient(number)}_{place}{end}.tif: "

    mask(0).unlink()
    image(1).unlink()
    save(square(side=12), mask(2))
    save(noise(501, (12, 12, 3)), image(3)), save(square(side=12), mask(3))
    save(square(1), mask(4))
    save(noise(502), mask(5))
    save(noise(503, (SIDE, SIDE)), image(6))
    cut(image(7))
    cut(mask(8))
    image(9).write_bytes(b"")
    image(10).write_text("<html>please sign in</html>")
    shutil.copy(slice_of(folder, 31, 2), image(11))
    for place in range(1, 4):
        shutil.copy(slice_of(folder, 30, place), slice_of(folder, 12, place))
    for end in ("", "_mask"):
        slice_of(folder, 13, 2, end).unlink()
        slice_of(folder, 20, 3, end).unlink()
    shutil.rmtree(folder / patient(14)), (folder / patient(14)).mkdir()
    save(noise(504), folder / "pictures" / "one.tif")
    save(noise(505), folder / patient(16) / "slice one.tif")
    save(np.zeros((SIDE, SIDE, 3), "uint8"), image(17))
    save(square(255, 255), mask(18))
    save(square(0, 255), mask(19))
    save(noise(506), folder / f"{patient(21)}_9.tif")
    save(noise(507), folder / patient(22) / "more" / f"{patient(22)}_9.tif")
    several_pages(image(23))
    os.symlink("/nowhere/x.tif", slice_of(folder, 24, 9))
    os.symlink(folder, folder / patient(25) / "up")
    save(noise(508, (SIDE, SIDE)).astype("uint16") * 16, image(26))
    save(np.full((SIDE, SIDE), np.nan, "float32"), image(27))
    save(noise(509), slice_of(folder, 28, suffix=".TIFF"), format="TIFF")
    save(noise(510), folder / patient(29) / f"{patient(29)}_1\nx.tif")
    with open(in_latin_1(folder / patient(2), "Müller.tif"), "wb") as file:
        Image.fromarray(noise(511)).save(file, "TIFF")
    os.symlink(folder / "gone", folder / patient(40))
    return [
        name(0) + "image without mask",
        name(1, end="_mask") + "mask without image",
        name(2, end="_mask") + "mask has 12x12 pixels, its image 16x16",
        name(3) + "12x12 pixels, where most images have 16x16",
        name(4, end="_mask") + "mask with values other than 0 and 255 (1)",
        name(5, end="_mask") + "mask has mode RGB",
        name(6) + "image has mode L",
        name(7) + "unreadable or truncated",
        name(8, end="_mask") + "unreadable or truncated",
        name(9) + "unreadable or truncated",
        name(10) + "unreadable or truncated",
        f"{patient(31)}/{patient(31)}_2.tif: duplicate, the same pixels as {patient(11)}/{patient(11)}_1.tif",
        f"{patient(30)}: duplicate patient, each slice has the same pixels as one of {patient(12)}",
        name(13, 2) + "missing slice",
        f"{patient(14)}: empty patient",
        "pictures: folder is no patient",
        f"{patient(16)}/slice one.tif: name fits no slice",
        name(17) + "image is of one value throughout",
        name(18, end="_mask") + "mask covers 100% of the slice",
        name(19, end="_mask") + "mask covers 94% of the slice",
        name(20, 3) + "missing slice: all other patients have it",
        f"{patient(21)}_9.tif: lies a level too high",
        f"{patient(22)}/more/{patient(22)}_9.tif: lies too deep",
        name(23) + "holds 3 pages",
        name(24, 9) + "link that leads nowhere",
        f"{patient(25)}/up: link that leads back",
        name(26) + "image has mode I;16",
        name(27) + "image has mode F",
        name(28) + f"a second image of one slice, beside {patient(28)}_1.TIFF",
        f"{patient(29)}/{patient(29)}_1\\nx.tif: name fits no slice",
        f"{patient(2)}/M\\xfcller.tif: name fits no slice",
        f"{patient(40)}: link that leads nowhere",
    ]


def plant_in_streets(folder):
    def image(frame):
        return scene(folder, frame)

    def labels(frame):
        return scene(folder, frame, "gtFine")

    def name(path):
        return f"{path.relative_to(folder).as_posix()}: "

    city = image(0).parent
    labels(0).unlink()
    image(1).unlink()
    save(np.full((8, 8), 7, "uint8"), labels(2))
    save(np.where(drawn(3) == 7, 77, drawn(3)).astype("uint8"), labels(3))
    cut(image(4))
    cut(labels(5))
    image(6).write_bytes(b"")
    labels(7).write_text("version https://git-lfs.github.com/spec/v1")
    shutil.copy(image(31), image(8))
    shutil.copy(image(9), scene(folder, 35, split="val"))
    save(noise(60), city / "ulm_1.png")
    shutil.copy(labels(11), labels(11).with_name("notes.png"))
    save(noise(61), city / "bonn_000000_000099_leftImg8bit.png")
    save(np.random.default_rng(1).integers(0, 19, (SIDE, SIDE), dtype="uint8"), labels(13))
    save(np.zeros((SIDE, SIDE), "uint8"), labels(14))
    save(np.full((SIDE, SIDE, 3), 9, "uint8"), image(15))
    save(noise(62), labels(16))
    labels(17).unlink(), save(drawn(1), scene(folder, 17, "gtFine", suffix=".jpg"))
    save(noise(63), folder / "leftImg8bit/train/ulm_000000_000098_leftImg8bit.png")
    save(noise(64), city / "more/ulm_000000_000097_leftImg8bit.png")
    save(noise(65, (SIDE, SIDE)), image(20))
    save(drawn(2).astype("uint16"), labels(21))
    os.symlink("/nowhere/x.png", scene(folder, 96))
    os.symlink(folder / "leftImg8bit", city / "up")
    save(noise(66), scene(folder, 24, suffix=".PNG"))
    image(25).unlink(), several_pages(scene(folder, 25, suffix=".tif"))
    save(noise(67), folder / "leftImg8bit/validation/ulm/ulm_000000_000095_leftImg8bit.png")
    save(noise(68), city / "ulm_000000_\n_leftImg8bit.png")
    with open(in_latin_1(city, "münchen.png"), "wb") as file:
        Image.fromarray(noise(69)).save(file, "PNG")
    train_ids = labels(29).with_name("ulm_000000_000029_gtFine_labelTrainIds.png")
    save(np.full((SIDE, SIDE), 255, "uint8"), train_ids)
    return [
        name(image(0)) + "image without labels",
        name(labels(1)) + "labels without image",
        name(labels(2)) + "labels have 8x8 pixels, their image 16x16",
        name(labels(3)) + "holds 77, which are no label ids",
        name(image(4)) + "unreadable or truncated",
        name(labels(5)) + "unreadable or truncated",
        name(image(6)) + "unreadable or truncated",
        name(labels(7)) + "unreadable or truncated",
        name(image(31)) + f"duplicate, the same pixels as {name(image(8))[:-2]}",
        name(scene(folder, 35, split="val")) + f"duplicate, the same pixels as {name(image(9))[:-2]}",
        name(city / "ulm_1.png") + "name fits no scene",
        name(labels(11).with_name("notes.png")) + "name fits no scene",
        name(city / "bonn_000000_000099_leftImg8bit.png") + "name fits no scene",
        name(labels(13)) + "holds train ids under the name of label ids",
        name(labels(14)) + "no pixel has one of the 19 classes",
        name(image(15)) + "photograph is of one value",
        name(labels(16)) + "labels have mode RGB",
        name(scene(folder, 17, "gtFine", suffix=".jpg")) + "labels are a JPEG",
        "leftImg8bit/train/ulm_000000_000098_leftImg8bit.png: lies a level too high",
        "leftImg8bit/train/ulm/more/ulm_000000_000097_leftImg8bit.png: lies too deep",
        name(image(20)) + "image has mode L",
        name(labels(21)) + "labels have mode I;16",
        name(scene(folder, 96)) + "link that leads nowhere",
        "leftImg8bit/train/ulm/up: link that leads back",
        name(scene(folder, 24, suffix=".png")) + "a second file beside ulm_000000_000024_leftImg8bit.PNG",
        name(scene(folder, 25, suffix=".tif")) + "holds 3 pages",
        "leftImg8bit/validation: is no split",
        "leftImg8bit/train/ulm/ulm_000000_\\n_leftImg8bit.png: name fits no scene",
        "leftImg8bit/train/ulm/m\\xfcnchen.png: name fits no scene",
        name(train_ids) + "no pixel has a class",
    ]


def plant_in_pairs(folder):
    images, masks = folder / "images", folder / "masks"

    def image(number):
        return images / f"cat_{number}.png"

    def mask(number):
        return masks / f"cat_{number}.png"

    mask(0).unlink()
    image(1).unlink()
    save(square(side=12), mask(2))
    cut(image(3))
    cut(mask(4))
    image(5).write_bytes(b"")
    image(6).write_text("<html>please sign in</html>")
    shutil.copy(image(7), image(31))
    save(noise(70), mask(8))
    mask(9).unlink(), save(square().astype("float32") / 510, masks / "cat_9.tif")
    save(square().astype("uint16") * 9, mask(10))
    slip = square()
    slip[0, :3] = 7
    save(slip, mask(11))
    save(np.zeros((SIDE, SIDE, 3), "uint8"), image(12))
    image(14).unlink(), several_pages(images / "cat_14.tif")
    image(15).unlink(), several_pages(images / "cat_15.gif")
    os.symlink("/nowhere/x.png", images / "gone.png")
    os.symlink(folder, images / "up")
    save(noise(71), images / "cat_18.jpg")
    save(noise(72), folder / "cat_99.png")
    save(noise(73), images / "more" / "cat_20.png")
    for number, value in ((21, np.nan), (22, np.inf)):
        pixels = noise(74, (SIDE, SIDE)).astype("float32")
        pixels[0, 0] = value
        image(number).unlink(), save(pixels, images / f"cat_{number}.tif")
    rgb_of_16_bits(image(24), 4096)
    mask(25).write_bytes(b"")
    save(noise(75), images / "cat\n26.png")
    with open(in_latin_1(images, "kätzchen.png"), "wb") as file:
        Image.fromarray(noise(76)).save(file, "PNG")
    os.symlink(folder / "gone", masks / "gone")
    several_pages(masks / "cat_28.gif"), mask(28).unlink()
    return [
        "images/cat_0.png: image without mask",
        "masks/cat_1.png: mask without image",
        "masks/cat_2.png: mask has 12x12 pixels, its image 16x16",
        "images/cat_3.png: unreadable or truncated",
        "masks/cat_4.png: unreadable or truncated",
        "images/cat_5.png: unreadable or truncated",
        "images/cat_6.png: unreadable or truncated",
        "images/cat_31.png: duplicate, the same pixels as images/cat_7.png",
        "masks/cat_8.png: mask is coloured",
        "masks/cat_9.tif: mask has mode F",
        "masks/cat_10.png: mask has mode I;16 with values above 255",
        "masks: the value 7 stands in fewer than 10 pixels",
        "images/cat_12.png: image is of one value throughout",
        "images/cat_14.tif: holds 3 pages",
        "images/cat_15.gif: holds 3 pages",
        "images/gone.png: link that leads nowhere",
        "images/up: link that leads back",
        "images/cat_18.png: a second file of one name",
        "cat_99.png: lies neither in images/ nor in masks/",
        "images/more/cat_20.png: image without mask",
        "images/cat_21.tif: cannot be read as an image (1 pixels are NaN or infinite)",
        "images/cat_22.tif: cannot be read as an image (1 pixels are NaN or infinite)",
        "images/cat_24.png: has colours of 16 bits of which only the lower are used",
        "masks/cat_25.png: unreadable or truncated",
        "images/cat\\n26.png: image without mask",
        "images/k\\xe4tzchen.png: image without mask",
        "masks/gone: link that leads nowhere",
        "masks/cat_28.gif: holds 3 pages",
    ]


@linux
@pytest.mark.parametrize(
    ("layout", "dataset", "plant"),
    [
        ("brains", "brain", plant_in_brains),
        ("street_set", "cityscapes", plant_in_streets),
        ("pair_set", "pairs", plant_in_pairs),
    ],
)
def test_every_fault_is_named_by_the_check_and_by_training_in_one_list(
    layout, dataset, plant, request, tmp_path, capsys
):
    folder = request.getfixturevalue(layout)
    prepare.main([dataset, "--check", str(folder)])
    assert "every file is in order" in capsys.readouterr().out
    starts = plant(folder)
    assert len(starts) >= 25
    with pytest.raises(ValueError, match=f"has {len(starts)} problems, listed above"):
        prepare.main([dataset, "--check", str(folder)])
    said = capsys.readouterr().out.splitlines()[1:]
    for start in starts:
        assert sum(line.startswith(start) for line in said) == 1, (start, said)
    assert len(said) == len(starts)
    with pytest.raises(ValueError) as caught:
        train.main(["--dataset", dataset, "--data", str(folder), "--out", str(tmp_path / "runs"), "--models", "UNet"])
    assert str(caught.value).splitlines()[1:-1] == said
    assert not (tmp_path / "runs").exists()
