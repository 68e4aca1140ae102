"""The mask goes where the image goes, and nothing else touches it."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from helpers.data import augment
from helpers.data.augment import StreetAugmentation

NONE = augment.Augmentation.none()
SIDE = 128


def only(**settings):
    return augment.Augmentation(**{**vars(NONE), **settings})


def random_batch(count=4, height=32, width=32):
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    return images, rng.random((count, height, width)) < 0.5


def shapes(count=12):
    """A white L, well inside the frame and alike from no two sides, in both image and mask."""
    masks = np.zeros((count, SIDE, SIDE), bool)
    masks[:, 40:90, 40:60] = True
    masks[:, 70:90, 40:85] = True
    return np.repeat(masks[..., None], 3, axis=-1).astype(np.uint8) * 255, masks


def moments(masks):
    """Area, and the centre as (x, y) measured from the middle of the frame."""
    y, x = np.mgrid[: masks.shape[1], : masks.shape[2]] + 0.5
    areas = masks.sum(axis=(1, 2))
    centres = [((masks * axis).sum(axis=(1, 2)) / areas) for axis in (x, y)]
    return areas, np.stack(centres, axis=-1) - (masks.shape[2] / 2, masks.shape[1] / 2)


def dice(left, right):
    return 2 * (left & right).sum(axis=(1, 2)) / (left.sum(axis=(1, 2)) + right.sum(axis=(1, 2)))


@pytest.mark.parametrize(
    "augmentation",
    [
        only(flip=True),
        only(rotation=90),
        only(scale=0.2),
        only(shift=0.15),
        only(elastic=0.03),
        augment.Augmentation(),
    ],
)
def test_the_mask_moves_with_the_image(augmentation):
    images, masks = shapes()
    new_images, new_masks = augmentation(images, masks, np.random.default_rng(0))
    assert (new_masks != masks).any()
    for channel in range(3):
        values = new_images[..., channel]
        # Half-way between the black around the shape and its white, whatever has become of them.
        middle = (values.max(axis=(1, 2), keepdims=True) // 2) + (values.min(axis=(1, 2), keepdims=True) // 2)
        assert (dice(values > middle, new_masks) > 0.95).all()
    assert new_images.dtype == np.uint8 and new_masks.dtype == bool
    assert set(np.unique(new_masks.view(np.uint8))) == {0, 1}


def test_none_changes_nothing():
    images, masks = random_batch()
    new_images, new_masks = NONE(images, masks, np.random.default_rng(0))
    assert np.array_equal(new_images, images) and np.array_equal(new_masks, masks)
    assert not np.shares_memory(new_images, images) and not np.shares_memory(new_masks, masks)


def test_flip_mirrors_left_and_right_in_half_of_the_images_pixel_for_pixel():
    images, masks = random_batch(count=60, height=20, width=31)
    new_images, new_masks = only(flip=True)(images, masks, np.random.default_rng(0))
    mirrored = 0
    for row in range(60):
        if not np.array_equal(new_masks[row], masks[row]):
            mirrored += 1
            images[row], masks[row] = images[row, :, ::-1], masks[row, :, ::-1]
    assert np.array_equal(new_images, images) and np.array_equal(new_masks, masks)
    assert 15 < mirrored < 45  # 30 expected, standard deviation 3.9


def test_rotation_turns_about_the_middle_by_no_more_than_asked():
    images, masks = shapes(count=40)
    areas, centres = moments(masks)
    new_areas, new_centres = moments(only(rotation=30)(images, masks, np.random.default_rng(0))[1])
    assert new_areas == pytest.approx(areas, rel=0.02)
    radii = [np.hypot(*points.T) for points in (centres, new_centres)]
    assert radii[1] == pytest.approx(radii[0], abs=0.5)
    angles = [np.arctan2(*points.T) for points in (centres, new_centres)]
    turned = np.degrees(angles[1] - angles[0])
    assert (abs(turned) < 32).all() and turned.min() < -20 and turned.max() > 20


def test_scale_changes_lengths_about_the_middle():
    images, masks = shapes(count=40)
    areas, centres = moments(masks)
    new_areas, new_centres = moments(only(scale=0.2)(images, masks, np.random.default_rng(0))[1])
    factor = np.sqrt(new_areas / areas)
    assert 0.78 < factor.min() < 0.85 and 1.15 < factor.max() < 1.22
    assert new_centres == pytest.approx(centres * factor[:, None], abs=1)  # masks move by whole pixels


def test_flip_rotation_and_scale_together_keep_the_shape():
    def spread(mask):
        y, x = np.nonzero(mask)
        return np.linalg.eigvalsh(np.cov(x, y)) / mask.sum()  # of the long and the short axis, whatever the size

    images, masks = shapes(count=40)
    new_masks = only(flip=True, rotation=45, scale=0.2)(images, masks, np.random.default_rng(0))[1]
    for mask in new_masks:
        assert spread(mask) == pytest.approx(spread(masks[0]), rel=0.03)
    # Equal seeds draw equal scales, so turning changes no area.
    upright = only(scale=0.2)(images, masks, np.random.default_rng(0))[1]
    assert new_masks.sum(axis=(1, 2)) == pytest.approx(upright.sum(axis=(1, 2)), rel=0.06)


def test_shift_moves_by_up_to_a_fraction_of_each_side():
    masks = np.zeros((40, 50, 100), bool)
    masks[:, 20:30, 40:60] = True
    images = np.zeros((40, 50, 100, 3), np.uint8)
    areas, centres = moments(only(shift=0.2)(images, masks, np.random.default_rng(0))[1])
    assert areas == pytest.approx(200, abs=1e-9)
    moved = abs(centres).max(axis=0)
    assert 15 < moved[0] <= 20.5 and 7.5 < moved[1] <= 10.5


def test_elastic_deformation_bends_straight_lines():
    masks = np.zeros((10, SIDE, SIDE), bool)
    masks[:, : SIDE // 2] = True
    images = np.zeros((10, SIDE, SIDE, 3), np.uint8)
    _, bent = only(elastic=0.03)(images, masks, np.random.default_rng(0))
    edges = bent[:, 16:112, 16:112].sum(axis=1)  # the height of the edge in each column
    assert (np.ptp(edges, axis=1) > 2).all() and np.ptp(edges, axis=1).max() < 0.2 * SIDE
    assert abs(np.diff(edges, axis=1)).max() <= 2  # smooth


@pytest.mark.parametrize("settings", [{"brightness": 0.2}, {"contrast": 0.4}, {"gamma": 0.5}])
def test_changes_of_the_image_alone_leave_masks_alone(settings):
    images, masks = random_batch()
    new_images, new_masks = only(**settings)(images, masks, np.random.default_rng(0))
    assert np.array_equal(new_masks, masks)
    assert (new_images != images).any(axis=(1, 2, 3)).all(), "each image changes"


def ramp():
    return np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None], (50, 256, 1, 3)), np.zeros((50, 256, 1), bool)


def test_brightness_adds_and_stops_at_the_ends():
    values = only(brightness=0.2)(*ramp(), np.random.default_rng(0))[0].astype(int)
    added = values[:, 128, 0] - 128  # (50, 3)
    assert abs(added).max() <= 51 and added.min() < -40 and added.max() > 40  # 0.2 * 255 = 51
    expected = np.clip(np.arange(256)[:, None] + added[:, None], 0, 255)
    assert abs(values[:, :, 0] - expected).max() <= 1
    assert (np.ptp(added, axis=1) > 0).all(), "channels change apart"


def test_contrast_multiplies():
    values = only(contrast=0.4)(*ramp(), np.random.default_rng(0))[0].astype(int)[:, :, 0]
    assert (values[:, 0] == 0).all()
    assert values[:, 100].min() in range(60, 66) and values[:, 100].max() in range(134, 141)
    below_the_top = values[:, :182]  # 181 * 1.4 = 253.4
    assert abs(below_the_top - np.arange(182)[:, None] * below_the_top[:, 181:] / 181).max() <= 1


def test_gamma_bends_between_fixed_ends():
    values = only(gamma=1.0)(*ramp(), np.random.default_rng(0))[0].astype(int)[:, :, 0]
    assert (values[:, 0] == 0).all() and (values[:, 255] == 255).all()
    # (64 / 255) ** 2 * 255 = 16.06 and (64 / 255) ** 0.5 * 255 = 127.7
    assert values[:, 64].min() in range(16, 22) and values[:, 64].max() in range(110, 129)
    power = np.log(values[:, 64] / 255) / np.log(64 / 255)
    assert 255 * (192 / 255) ** power == pytest.approx(values[:, 192], abs=2)


def test_a_missing_channel_is_replaced_by_flair():
    images, masks = random_batch(count=120)
    values = only(missing_channel=0.5)(images, masks, np.random.default_rng(0))[0]
    assert np.array_equal(values[..., 1], images[..., 1])
    replaced = np.array([[np.array_equal(image[..., c], image[..., 1]) for c in (0, 2)] for image in values])
    kept = np.array(
        [[np.array_equal(a[..., c], b[..., c]) for c in (0, 2)] for a, b in zip(values, images, strict=True)]
    )
    assert (replaced ^ kept).all()
    assert 44 <= replaced.any(axis=1).sum() <= 76  # 60 expected, standard deviation 5.5
    for case in ([True, False], [False, True], [True, True]):
        assert 8 <= (replaced == case).all(axis=1).sum() <= 32  # 20 expected, standard deviation 4.1
    always = augment.Augmentation(missing_channel=1)(images, masks, np.random.default_rng(0))[0]
    assert all(any(np.array_equal(image[..., c], image[..., 1]) for c in (0, 2)) for image in always)


def test_what_comes_in_from_outside_is_black_and_no_tumour():
    images, masks = np.full((10, SIDE, SIDE, 3), 255, np.uint8), np.ones((10, SIDE, SIDE), bool)
    new_images, new_masks = only(shift=0.3)(images, masks, np.random.default_rng(0))
    assert not new_masks.all(axis=(1, 2)).any()
    assert (new_images[~new_masks] == 0).all()


def test_equal_seeds_give_equal_bytes_and_others_do_not():
    images, masks = random_batch()
    first, again, other = (augment.Augmentation()(images, masks, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, again, strict=True))
    assert all((a != b).any() for a, b in zip(first, other, strict=True))
    assert (np.diff(first[0].astype(int), axis=0) != 0).any()


def test_the_number_of_draws_does_not_depend_on_the_settings():
    images, masks = random_batch()
    ends = []
    for augmentation in (NONE, only(flip=True), augment.Augmentation()):
        rng = np.random.default_rng(0)
        augmentation(images, masks, rng)
        ends.append(rng.random())
    assert ends[0] == ends[1] == ends[2]


def test_the_inputs_stay_as_they_are():
    images, masks = random_batch()
    before = images.copy(), masks.copy()
    images.flags.writeable = masks.flags.writeable = False  # as from a read-only memory map
    augment.Augmentation(missing_channel=1)(images, masks, np.random.default_rng(0))
    assert np.array_equal(images, before[0]) and np.array_equal(masks, before[1])


def test_each_image_of_a_batch_gets_its_own_change():
    images, masks = shapes(count=6)
    _, new_masks = augment.Augmentation()(images, masks, np.random.default_rng(0))
    assert len({mask.tobytes() for mask in new_masks}) == 6


@pytest.mark.parametrize(("height", "width"), [(33, 50), (7, 4), (4, 4)])
def test_any_size_goes(height, width):
    images, masks = random_batch(2, height, width)
    new_images, new_masks = augment.Augmentation()(images, masks, np.random.default_rng(0))
    assert new_images.shape == images.shape and new_masks.shape == masks.shape


@pytest.mark.parametrize("change", [lambda i, m: (i / 255, m), lambda i, m: (i, m * 255), lambda i, m: (i, m[:, 1:])])
def test_wrong_arrays_are_refused(change):
    with pytest.raises(ValueError, match="augmentation takes uint8"):
        NONE(*change(*random_batch()), np.random.default_rng(0))


# Streets: a photograph whose red channel is ten times the class, so that the two can be compared pixel by pixel.

CLASS_BLOCKS = np.kron(np.arange(12).reshape(3, 4), np.ones((20, 20), int)).astype("uint8")  # 60 x 80


def street(classes=CLASS_BLOCKS):
    pixels = np.stack([classes * 10, np.full_like(classes, 60), np.full_like(classes, 200)], axis=-1)
    return Image.fromarray(pixels), Image.fromarray(classes)


def geometry(**settings):
    """A StreetAugmentation that leaves the colours alone."""
    return StreetAugmentation(
        **{"crop": (24, 32), "brightness": 0, "contrast": 0, "saturation": 0, "hue": 0, **settings}
    )


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.7, 0.7), (1.9, 1.9), (0.5, 2.0)])
def test_a_piece_of_a_street_moves_with_its_classes(scale):
    for seed in range(20):
        pixels, classes = geometry(scale=scale)(*street(), np.random.default_rng(seed))
        assert pixels.shape == (24, 32, 3) and classes.shape == (24, 32)
        # Between two blocks the photograph is blended; away from their borders it says its class.
        inside = ndimage.minimum_filter(classes, 5) == ndimage.maximum_filter(classes, 5)
        inside[[0, 1, -2, -1]] = inside[:, [0, 1, -2, -1]] = False  # the next block may lie just outside
        assert inside.mean() > 0.2
        np.testing.assert_array_equal(pixels[..., 0][inside], classes[inside] * 10)


def test_a_piece_is_as_large_as_its_scale_says():
    # One block of 20 pixels among others: at twice the size it is 40 wide, at half the size 10.
    for factor, expected in [(2.0, 40), (0.5, 10)]:
        augmentation = geometry(scale=(factor, factor), crop=(60 if factor > 1 else 30, 80 if factor > 1 else 40))
        _, classes = augmentation(*street(), np.random.default_rng(0))
        widths = [np.count_nonzero(row == value) for row in classes for value in np.unique(row)]
        assert max(widths) == expected


def test_outside_of_a_small_scene_it_is_black_and_ignored():
    pixels, classes = geometry(scale=(0.25, 0.25), flip=False)(*street(), np.random.default_rng(0))
    assert (classes[15:] == 255).all() and (classes[:, 20:] == 255).all() and (classes[:15, :20] < 12).all()
    assert not pixels[15:].any() and not pixels[:, 20:].any()


def test_a_piece_with_too_much_of_one_class_is_drawn_anew():
    classes = np.zeros((60, 400), "uint8")
    classes[:, :30], classes[:10, :15] = 1, 255  # ignored pixels are not labelled ones
    shares = {}
    for most, redraws in [(0.75, 10), (0.75, 0), (1.01, 10)]:
        augmentation = geometry(scale=(1.0, 1.0), crop=(60, 40), most=most, redraws=redraws)
        counts = [augmentation(*street(classes), np.random.default_rng(seed))[1] for seed in range(100)]
        shares[most, redraws] = np.mean([np.mean(piece[piece < 255] == 0) < 0.75 for piece in counts])
    # 20 of the 361 places fit: 1 in 20 at once, 1 - (19 / 20)^11 = 0.43 within eleven draws.
    assert shares[0.75, 0] < 0.15 and shares[1.01, 10] < 0.15
    assert 0.25 < shares[0.75, 10] < 0.6


def test_half_of_the_pieces_are_mirrored():
    whole = geometry(scale=(1.0, 1.0), crop=(60, 80))
    mirrored = 0
    for seed in range(200):
        _, classes = whole(*street(), np.random.default_rng(seed))
        assert np.array_equal(classes, CLASS_BLOCKS) or np.array_equal(classes, CLASS_BLOCKS[:, ::-1])
        mirrored += classes[0, 0] == 3
    assert 75 < mirrored < 125


def colours(photograph, count=200, **settings):
    """The colours that one grey or coloured photograph takes, (count, 3)."""
    off = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
    augmentation = StreetAugmentation(crop=(4, 4), scale=(1.0, 1.0), **{**off, **settings})
    image = Image.new("RGB", (4, 4), photograph)
    classes = Image.new("L", (4, 4), 3)
    found = [augmentation(image, classes, np.random.default_rng(seed)) for seed in range(count)]
    assert all((piece[1] == 3).all() for piece in found)
    return np.array([piece[0][0, 0] for piece in found]).astype(int)


def test_each_change_of_colour_happens_in_half_of_the_pieces_and_within_its_limits():
    grey = colours((100, 100, 100), brightness=32)
    assert 0.35 < np.mean(grey[:, 0] != 100) < 0.65 and (grey == grey[:, :1]).all()
    assert 68 <= grey.min() < 75 and 125 < grey.max() <= 132
    grey = colours((100, 100, 100), contrast=0.5)
    assert 0.35 < np.mean(grey[:, 0] != 100) < 0.65 and 50 <= grey.min() < 60 and 140 < grey.max() <= 150
    # (200, 100, 100) is 100 + 0.299 x 100 = 130 bright; what differs from that grows or shrinks by half at most.
    red = colours((200, 100, 100), saturation=0.5)
    assert 0.35 < np.mean(red[:, 0] != 200) < 0.65
    assert 164 <= red[:, 0].min() < 170 and 230 < red[:, 0].max() <= 236
    assert (abs(red @ [0.299, 0.587, 0.114] - 129.9) < 1).all()
    # A colour turns about the greys by 2 x 18 degrees at most, and does not pale.
    turned = colours((150, 100, 100), hue=18)
    assert 0.35 < np.mean((turned != [150, 100, 100]).any(axis=1)) < 0.65
    _, i, q = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]) @ turned.T
    degrees = np.degrees(np.arctan2(q, i)) - np.degrees(np.arctan2(0.211, 0.596))
    assert -38 < degrees.min() < -30 and 30 < degrees.max() < 38
    np.testing.assert_allclose(np.hypot(i, q), 50 * np.hypot(0.211, 0.596), atol=2)
    assert (colours((90, 90, 90), hue=18, saturation=0.5) == 90).all()


class Scripted:
    """A generator whose draws are known: contrast half as strong again, saturation halved, nothing else."""

    def __init__(self, contrast_first):
        self.contrast_first = contrast_first

    def random(self, size=None):
        return 0.4 if size is None and self.contrast_first else 0.6 if size is None else np.array([1, 0, 0, 1])

    def uniform(self, low, high, size):
        return np.array([0, 1, -1, 0])


@pytest.mark.parametrize(("contrast_first", "expected"), [(True, (246, 246, 163)), (False, (255, 255, 212))])
def test_contrast_comes_before_or_after_the_colours(contrast_first, expected):
    # By hand. First: (255, 255, 90) is 236 bright; halfway there from each colour. Last: (250, 240, 60) is 222 bright,
    # halfway there is (236, 231, 141), and half as much again is cut off at 255.
    image = Image.new("RGB", (4, 4), (250, 240, 60))
    found = np.asarray(StreetAugmentation()._distort(image, Scripted(contrast_first)))[0, 0]
    assert (abs(found.astype(int) - expected) <= 1).all()


def test_streets_repeat_with_the_seed_and_only_with_it():
    augmentation = StreetAugmentation(crop=(24, 32))
    one, same, other = (augmentation(*street(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_a_photograph_and_classes_that_do_not_fit_are_refused():
    image, classes = street()
    for pair in [(image, classes.resize((80, 59))), (image.convert("L"), classes), (image, image)]:
        with pytest.raises(ValueError, match="augmentation takes RGB and L of one size"):
            StreetAugmentation()(*pair, np.random.default_rng(0))
