"""The mask goes where the image goes, and nothing else touches it."""

import numpy as np
import pytest

from helpers.data import augment

NONE = augment.Augmentation.none()
SIDE = 128


def only(**settings):
    return augment.Augmentation(**{**vars(NONE), **settings})


def random_batch(count=4, height=32, width=32):
    generator = np.random.default_rng(7)
    images = generator.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    return images, generator.random((count, height, width)) < 0.5


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
    images, masks = random_batch(count=40)
    values = only(missing_channel=0.5)(images, masks, np.random.default_rng(0))[0]
    assert np.array_equal(values[..., 1], images[..., 1])
    replaced = np.array([[np.array_equal(image[..., c], image[..., 1]) for c in (0, 2)] for image in values])
    assert not replaced.all(axis=1).any() and replaced.any(axis=0).all()
    assert 10 <= replaced.any(axis=1).sum() <= 30  # 20 expected, standard deviation 3.2
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
        generator = np.random.default_rng(0)
        augmentation(images, masks, generator)
        ends.append(generator.random())
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
