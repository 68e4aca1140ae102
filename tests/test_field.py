"""Sets as people bring them: 25 faults and more in each layout, named by the check and by training in one list."""

import functools
import os
import shutil
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from helpers import prepare, train
from helpers.data import brain, disk, image_files, inspection, pairs, streets

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
    png(path, np.random.default_rng(7).integers(0, highest, (SIDE, SIDE, 3)).astype(">u2"), 16, 2)


def grey_of_4_bits(path, values):
    png(path, values[:, ::2] << 4 | values[:, 1::2], 4, 0)


def png(path, rows, bits, kind):
    """A PNG of a kind and with bits that Pillow reads but does not write."""
    data = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", SIDE, SIDE, bits, kind, 0, 0, 0)
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
    grey_of_4_bits(labels(30), square(1))
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
        name(scene(folder, 17, "gtFine", suffix=".jpg")) + "is a JPEG, which changes the values",
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
        name(labels(30)) + "has grey of 4 bits, of which programs read the values as they are or 17 times as large",
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
    mask(29).unlink(), save(square(1), masks / "cat_29.jpg")
    grey_of_4_bits(mask(30), square(1))
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
        "masks/cat_10.png: mask has mode I;16 with values below 0, above 255",
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
        "masks/cat_29.jpg: is a JPEG, which changes the values",
        "masks/cat_30.png: has grey of 4 bits",
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
    layout, dataset, plant, request, tmp_path, capsys, just_written
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
    assert not list((tmp_path / "runs").rglob("*.keras"))  # nor has anything been trained


# --- what is no fault


def test_suffixes_cities_and_letters_of_any_kind_are_read(tmp_path):
    for number, suffix in enumerate((".tif", ".TIF", ".tiff", ".PNG")):
        for place in (1, 2):
            kind = "PNG" if suffix == ".PNG" else "TIFF"
            save(noise(10 * number + place), slice_of(tmp_path / "brains", number, place, suffix=suffix), format=kind)
            save(square(), slice_of(tmp_path / "brains", number, place, "_mask", suffix), format=kind)
    assert brain.check(tmp_path / "brains", progress=False) == []
    assert len(brain.load(tmp_path / "brains", progress=False)) == 8

    composed, taken_apart = "m\u00fcnchen", "mu\u0308nchen"  # as Linux and as macOS write it
    for frame, (folder, name) in enumerate((("new_york", "new_york"), (composed, taken_apart), ("ulm-2", "ulm-2"))):
        for split in ("train", "val"):
            stem = f"{split}/{folder}/{name}_000000_{frame:06}"
            seed = 2 * frame + (split == "val")
            save(noise(seed), tmp_path / f"streets/leftImg8bit/{stem}_leftImg8bit.PNG", format="PNG")
            stem = stem.replace(taken_apart, composed)
            save(drawn(frame), tmp_path / f"streets/gtFine/{stem}_gtFine_labelIds.png")
    assert streets.check(tmp_path / "streets", progress=False) == []
    names = [each.name for each in streets.scenes(tmp_path / "streets", "train")]
    assert names == [f"{composed}_000000_000001", "new_york_000000_000000", "ulm-2_000000_000002"]

    save(noise(0), tmp_path / "pairs/images" / f"{composed}.BMP", format="BMP")
    save(square(), tmp_path / "pairs/masks" / f"{taken_apart}.GIF", format="GIF")
    (pair,) = pairs.find(tmp_path / "pairs")
    assert pair.name == composed and pairs.inspect(tmp_path / "pairs", progress=False).findings == []


def test_what_the_system_puts_beside_images_is_none(tmp_path, brains, street_set, pair_set):
    for folder in (brains / patient(0), street_set / "leftImg8bit/train/ulm", pair_set / "images"):
        mac = folder / "._x.png"
        mac.write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
        (folder / "__MACOSX").mkdir()
        shutil.copy(mac, folder / "__MACOSX" / "x.png")
        (folder / ".ipynb_checkpoints").mkdir()
        save(noise(3), folder / ".ipynb_checkpoints/x.png")
        assert not image_files.is_image(mac)
    save(noise(4), pair_set / "images/a_overlay.png")
    assert brain.check(brains, progress=False) == streets.check(street_set, progress=False) == []
    assert pairs.inspect(pair_set, progress=False).findings == []
    (tmp_path / "alone").mkdir()
    shutil.copy(mac, tmp_path / "alone/._x.png")
    with pytest.raises(FileNotFoundError, match="holds no image"):
        image_files.below(tmp_path / "alone")


def test_what_is_peculiar_to_real_sets_is_no_fault(brains, street_set):
    for place in (4, 5, 6):  # slices of air, more in one patient than in the others
        save(np.zeros((SIDE, SIDE, 3), "uint8"), slice_of(brains, 3, place))
        save(square(0), slice_of(brains, 3, place, "_mask"))
    assert brain.check(brains, progress=False) == []
    save(noise(77), scene(street_set, 80, split="test"))  # the labels of the test split are blank
    save(np.zeros((SIDE, SIDE), "uint8"), scene(street_set, 80, "gtFine", "test"))
    road = np.full((SIDE, SIDE), 7, "uint8")
    road[0, :4] = 1, 2, 3, 4  # nothing above 18, but most of it is road
    save(road, scene(street_set, 1, "gtFine"))
    save(noise(78), street_set / "leftImg8bit/train_extra/ulm/ulm_000000_000090_leftImg8bit.png")
    assert streets.check(street_set, progress=False) == []


def test_patients_may_have_other_names_than_those_of_the_kaggle_set(tmp_path):
    for place in (1, 2):
        save(noise(place), tmp_path / "patient 7" / f"patient 7_{place}.tif")
        save(square(), tmp_path / "patient 7" / f"patient 7_{place}_mask.tif")
    assert brain.check(tmp_path, progress=False) == []


@linux
def test_bytes_that_are_no_utf_8_are_read_and_printed(tmp_path, capsys):
    for number in range(2):
        name = f"Müller_{number}"
        folder = in_latin_1(tmp_path, name)
        os.mkdir(folder)
        for place in (1, 2):
            for end, pixels in (("", noise(10 * number + place)), ("_mask", square())):
                with open(in_latin_1(folder, f"{name}_{place}{end}.tif"), "wb") as file:
                    Image.fromarray(pixels).save(file, "TIFF")
    slices = brain.load(tmp_path, progress=False)
    assert sorted(set(slices.patients.tolist())) == ["M\\xfcller_0", "M\\xfcller_1"]
    prepare.main(["brain", "--check", str(tmp_path)])
    assert "2 patients, 4 slices" in capsys.readouterr().out
    assert disk.printable("a\nb\u2028c \x1b[31m") == "a\\nb\\u2028c \\x1b[31m"


# --- what only the whole set says


def test_train_ids_that_no_file_gives_away(street_set):
    for frame in range(36):
        labels = np.full((SIDE, SIDE), 8, "uint8")  # vegetation, or else sidewalk
        labels[0, :3] = 0, 2, 13
        save(labels, scene(street_set, frame, "gtFine", "train" if frame < 32 else "val"))
    (line,) = streets.check(street_set, progress=False)
    assert line.startswith("gtFine: no labels hold a value above 18, so these are train ids")


def test_an_inverted_mask_beside_many_others_is_told_and_does_not_stop(pair_set):
    save(square(0, 255), pair_set / "masks/cat_5.png")
    (finding,) = pairs.inspect(pair_set, progress=False).findings
    assert str(finding).startswith("masks/cat_5.png: mask shows its area nearly everywhere") and not finding.stops
    for number in range(6, 12):  # close-ups fill their pictures in many sets
        save(square(0, 255), pair_set / f"masks/cat_{number}.png")
    assert pairs.inspect(pair_set, progress=False).findings == []


def test_sets_in_which_nothing_can_be_learned_are_told(brains, pair_set):
    for path in brains.rglob("*_mask.tif"):
        save(square(0), path)
    (finding,) = brain.inspect(brains, progress=False).findings  # healthy people may be scored all the same
    assert str(finding) == "kaggle_3m: no mask shows a tumour, so there is nothing to learn" and not finding.stops
    for path in (pair_set / "masks").iterdir():
        mask = square(1)
        mask[10:14], mask[14:] = 2, 255
        save(mask, path)
    save(square(255, 255), pair_set / "masks/cat_5.png")
    (line,) = pairs.inspect(pair_set, progress=False).lines
    assert line == "masks/cat_5.png: mask is 255 throughout, so no pixel of it counts"


def test_masks_that_are_gif_keep_their_values(tmp_path):
    for number, values in enumerate(((0, 1, 2), (0, 2), (1, 2))):  # a palette of its own in each file
        mask = np.array(values, "uint8").repeat(40).reshape(-1, 40)
        save(mask, tmp_path / f"scan_{number}_mask.gif")
        assert np.array_equal(np.asarray(pairs.read_mask(tmp_path / f"scan_{number}_mask.gif")), mask)


def test_slices_that_were_there_before_are_missed_at_the_end(brains, settled):
    for number in range(32):  # of one length no two patients
        for place in range(4, 4 + number % 5):
            save(noise(5000 + 9 * number + place), slice_of(brains, number, place))
            save(square(), slice_of(brains, number, place, "_mask"))
    assert brain.check(brains, progress=False) == []
    for end in ("", "_mask"):
        slice_of(brains, 3, 6, end).unlink()
    shutil.rmtree(brains / patient(8))  # as we advise
    for _ in range(2):
        (finding,) = brain.inspect(brains, progress=False).findings
        assert str(finding).startswith(f"{patient(3)}/{patient(3)}_6.tif: missing slice: was there at an earlier check")
        assert not finding.stops
    inspection.memory_of("brain", brains.resolve()).unlink()
    assert brain.check(brains, progress=False) == []


# --- the cost is paid once


@pytest.fixture
def just_written(monkeypatch):
    """Files count as new, however slow the machine."""
    monkeypatch.setattr(inspection, "_FRESH", 10**18)


@pytest.fixture
def settled(monkeypatch):
    """Files count as old, although they have just been written."""
    monkeypatch.setattr(inspection, "_FRESH", -1)


def test_a_file_is_looked_at_once_and_again_when_it_has_changed(brains, settled, monkeypatch):
    looked = []

    def look(path, read=brain._look_image):
        looked.append(path.name)
        return read(path)

    monkeypatch.setattr(brain, "_look_image", look)
    assert brain.check(brains, progress=False) == [] and len(looked) == 96
    looked.clear()
    assert brain.check(brains, progress=False) == [] and looked == []

    path = slice_of(brains, 3)
    before = path.stat()
    Image.fromarray(np.zeros((SIDE, SIDE, 3), "uint8")).save(path)
    assert path.stat().st_size == before.st_size  # not compressed
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (line,) = brain.check(brains, progress=False)
    assert line.startswith(f"{patient(3)}/{patient(3)}_1.tif: image is of one value")
    assert looked == [path.name]

    memory = inspection.memory_of("brain", brains.resolve())
    for damage in (b"", b"[1]\n{", b"\xff", b"[1, 2]\n[3]", memory.read_bytes()[:-40]):
        memory.write_bytes(damage)
        assert brain.check(brains, progress=False) == [line]


def test_each_data_set_remembers_its_own_looks(brains, settled):
    """The slices lie side by side with their masks, so they can be looked at as pairs, too."""
    for place in range(1, 4):  # 1 in place of 255: pairs may have such masks, brains not
        save(square(place == 1), slice_of(brains, 3, place, "_mask"))
    found = pairs.inspect(brains, progress=False).lines
    (line,) = brain.check(brains, progress=False)
    assert line.startswith(f"{patient(3)}/{patient(3)}_1_mask.tif: mask with values other than 0 and 255")
    assert pairs.inspect(brains, progress=False).lines == found


def test_of_a_file_just_written_nothing_is_remembered(brains, just_written, monkeypatch):
    # Two writings within one tick of the clock leave the same stamp.
    monkeypatch.setattr(disk, "stamp", functools.cache(disk.stamp))
    assert brain.check(brains, progress=False) == []
    slice_of(brains, 3).write_bytes(b"no image")
    (line,) = brain.check(brains, progress=False)
    assert line.startswith(f"{patient(3)}/{patient(3)}_1.tif: unreadable")


def test_a_place_that_cannot_be_written_costs_the_memory_alone(brains, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATA_HOME", str(tmp_path / "file"))
    assert brain.check(brains, progress=False) == []


# --- values of other types than eight bits


def test_scans_of_12_bits_fractions_and_hounsfield_units_come_to_8_bits():
    grey = np.arange(201, dtype="uint8")[None]
    expected = np.repeat(grey[..., None], 3, axis=2)
    for deep in (grey.astype("uint16") * 16, grey.astype("int32") * 256, (grey / 255).astype("float32"), grey * 1.0):
        assert np.array_equal(image_files.in_bytes([deep])[0], expected), deep.dtype
    (scaled,) = image_files.in_bytes([np.array([[0, 0.2, 1, np.nextafter(1, 2), 1.02]], "float32")])
    assert scaled[0, :, 0].tolist() == [0, 51, 255, 255, 255]
    (scaled,) = image_files.in_bytes([np.array([[-1000, 0, 1000]], "int32")])
    assert scaled[0, :, 0].tolist() == [0, 128, 255]
    assert np.array_equal(image_files.in_bytes([np.full((1, 2), -5.0)])[0], np.zeros((1, 2, 3)))
    # Slices of one volume keep their proportions, and those of 8 bits their values.
    dark, bright = np.full((1, 1), 160, "uint16"), np.full((1, 1), 3200, "uint16")
    assert [each[0, 0, 0] for each in image_files.in_bytes([dark, expected, bright])] == [10, 0, 200]
    assert image_files.in_bytes([expected])[0] is expected


def test_pages_and_depths_that_would_be_lost_are_refused_and_smaller_copies_are_not(tmp_path):
    several_pages(tmp_path / "volume.tif")
    with pytest.raises(
        OSError, match=r"volume.tif: cannot be read as an image \(holds 3 pages, of which only the first"
    ):
        image_files.read(tmp_path / "volume.tif")
    first, copy = Image.fromarray(noise(1)), Image.fromarray(noise(1)).resize((4, 4))
    copy.encoderinfo = {"tiffinfo": {254: 1}}
    first.save(tmp_path / "with_thumbnail.tif", save_all=True, append_images=[copy])
    assert Image.open(tmp_path / "with_thumbnail.tif").n_frames == 2
    assert np.array_equal(image_files.read(tmp_path / "with_thumbnail.tif"), noise(1))
    rgb_of_16_bits(tmp_path / "dark.png", 4096)
    with pytest.raises(OSError, match="has colours of 16 bits of which only the lower are used"):
        image_files.read(tmp_path / "dark.png")
    rgb_of_16_bits(tmp_path / "bright.png", 65536)
    assert image_files.read(tmp_path / "bright.png").max() > 200


# --- links and folders


@linux
def test_what_cannot_be_opened_hides_nothing(tmp_path, monkeypatch):
    save(noise(1), tmp_path / "a/x.png")
    save(noise(2), tmp_path / "locked/y.png")
    save(noise(3), tmp_path / "z/z.png")
    os.symlink("loop.png", tmp_path / "loop.png")
    os.symlink(tmp_path, tmp_path / "a/up")
    os.symlink(tmp_path / "z", tmp_path / "a/beside")
    os.mkfifo(tmp_path / "pipe.png")
    scandir = os.scandir

    def locked(path):
        if os.path.basename(path) == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    found, findings = image_files.files(tmp_path)
    assert [disk.below(tmp_path, path) for path in found] == ["a/beside/z.png", "a/x.png", "z/z.png"]
    expected = [
        "a/up: link that leads back",
        "locked: folder cannot be opened (Permission denied)",
        "loop.png: link that leads nowhere",
        "pipe.png: is no file",
    ]
    for line, start in zip(sorted(map(str, findings)), expected, strict=True):
        assert line.startswith(start)


def test_what_is_named_as_the_mask_of_no_image_is_not_left_out_in_silence(tmp_path):
    for name in (
        "plain",
        "plain_mask",
        "left_label",
        "face-mask",
        "cat_image",
        "cat_gt",
        "x_labelIds",
        "plain_overlay",
    ):
        save(noise(1), tmp_path / f"{name}.png")
    save(noise(2), tmp_path / "masks/cat_label.png")
    paths, problems = image_files.below(tmp_path)
    assert [path.stem for path in paths] == ["cat_image", "plain"]
    for problem, name in zip(problems, ("face-mask", "left_label"), strict=True):
        assert problem.startswith(f"{tmp_path / name}.png: is left out, since it is named as a mask")


def test_two_images_of_one_name_do_not_overwrite_each_other(tmp_path):
    save(noise(1), tmp_path / "x.jpg"), save(noise(2), tmp_path / "x.png"), save(square(), tmp_path / "x_mask.png")
    paths, (problem,) = image_files.below(tmp_path)
    assert [path.name for path in paths] == ["x.jpg"]
    assert problem.startswith(f"{tmp_path / 'x.png'}: would be written over what is found in x.jpg")
