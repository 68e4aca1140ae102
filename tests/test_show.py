import base64
import importlib
import io
import math
import re
import sys
import types

import keras
import numpy as np
import pandas
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageColor, ImageOps

from helpers.data import brain, disk, phantom_brain
from helpers.nets import maps, zoo
from helpers.show import figures, live

# taken before the tests get a data folder of their own
REAL = disk.data_home() / "lgg-mri-segmentation" / "kaggle_3m"
SIDE = 20  # pixels of the toy slices
ZOOM = 10  # pixels of the drawing for each


def area(top, bottom, left, right):
    result = np.zeros((SIDE, SIDE), bool)
    result[top:bottom, left:right] = True
    return result


GREY = np.full((SIDE, SIDE, 3), 128, "uint8")
SQUARE = area(5, 15, 5, 15)
EMPTY, FULL = area(0, 0, 0, 0), area(0, SIDE, 0, SIDE)


def drawn(*arguments, frame=(0, 0, 1, 1), **settings):
    """What overlay paints, (200, 200, 3), ten pixels for each of the image's if it fills the figure."""
    figure = Figure(figsize=(SIDE * ZOOM / 100, SIDE * ZOOM / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    figures.overlay(figure.add_axes(frame), *arguments, **settings)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def red(pixels):
    return (pixels[..., 0] > 180) & (pixels[..., 1] < 110) & (pixels[..., 2] < 110)


def green(pixels):
    return (pixels[..., 1] > pixels[..., 0] + 30) & (pixels[..., 1] > pixels[..., 2] + 10)


def middle_of(row, column):
    return row * ZOOM + ZOOM // 2, column * ZOOM + ZOOM // 2


# The overlay


def test_true_area_is_green_and_the_rest_grey():
    pixels = drawn(GREY, SQUARE)
    assert np.array_equal(green(pixels), np.kron(SQUARE, np.ones((ZOOM, ZOOM))).astype(bool))
    assert np.all(pixels[:50] == 128)
    assert not red(pixels).any()


def test_prediction_is_a_red_line_along_its_edge():
    pixels = drawn(GREY, None, SQUARE)
    assert not green(pixels).any()
    assert red(pixels)[50, 60:140].all() and red(pixels)[149:151, 60:140].any(axis=0).all()
    assert red(pixels)[60:140, 50].all() and red(pixels)[60:140, 149:151].any(axis=1).all()
    assert np.all(pixels[60:140, 60:140] == 128), "the inside of a prediction is not filled"
    assert np.all(pixels[:40] == 128)


def test_mask_and_prediction_are_not_swapped():
    pixels = drawn(GREY, area(0, 10, 0, 20), area(12, 18, 2, 18))
    assert green(pixels)[:100].all() and not green(pixels)[100:].any()
    assert red(pixels)[120, 30:170].all() and not red(pixels)[:110].any()


def test_empty_areas_draw_nothing():
    assert np.all(drawn(GREY, EMPTY, EMPTY) == 128)


def test_one_channel_is_grey_and_all_three_are_colours():
    image = np.zeros((SIDE, SIDE, 3), "uint8")
    image[...] = 40, 100, 200
    assert np.all(drawn(image) == 100)  # FLAIR, the second
    assert np.all(drawn(image, channel=2) == 200)
    assert np.all(drawn(image, channel=None) == [40, 100, 200])
    assert np.all(drawn(image[..., 0]) == 40)
    assert np.all(abs(drawn(image.astype("float32") / 255) - 100) <= 1)


def test_grey_is_not_stretched():
    """A dim slice looks dim: two hospitals' brightness can be compared."""
    image = np.linspace(50, 100, SIDE * SIDE).reshape(SIDE, SIDE).astype("uint8")
    assert drawn(image).max() == 100


def test_masks_of_keras_and_of_files_look_the_same():
    expected = drawn(GREY, SQUARE)
    assert np.array_equal(drawn(GREY, SQUARE[..., None].astype("float32")), expected)
    assert np.array_equal(drawn(GREY, SQUARE * np.uint8(255)), expected)


def test_probabilities_are_thresholded():
    probabilities = np.where(SQUARE, np.float32(0.7), np.float32(0.3))
    assert np.array_equal(drawn(GREY, None, probabilities), drawn(GREY, None, SQUARE))
    assert np.array_equal(drawn(GREY, None, probabilities, threshold=0.2), drawn(GREY, None, FULL))
    assert np.array_equal(drawn(GREY, None, probabilities, threshold=0.8), drawn(GREY, None, EMPTY))
    assert figures.thresholded(probabilities, 0.7).sum() == 100, "at the threshold is in"


@pytest.mark.parametrize(
    "touching",
    [FULL, area(0, 6, 0, 6), area(14, 20, 14, 20), area(0, 20, 8, 12), ~SQUARE, area(0, 1, 19, 20)],
    ids=["full", "corner", "far corner", "band", "frame", "one pixel"],
)
def test_contours_at_the_border_are_closed(touching):
    segments = figures.outline(touching)
    assert segments
    for segment in segments:
        assert np.array_equal(segment[0], segment[-1])


def test_contour_of_a_full_area_runs_along_all_four_borders():
    (segment,) = figures.outline(FULL)
    assert segment.min() == -0.5 and segment.max() == SIDE - 0.5
    pixels = red(drawn(GREY, None, FULL))
    for border in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert border[10:-10].all()
    within = red(drawn(GREY, None, FULL, frame=(0.25, 0.25, 0.5, 0.5)))
    assert within[40:49].sum() == within[:, 40:49].sum() == 0
    assert within[49, 60:140].any() and within[60:140, 49].any(), "half of the line is cut off"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((GREY, SQUARE[:-1]), r"the mask has the shape \(19, 20\) and its image \(20, 20\)"),
        ((GREY, SQUARE, SQUARE[:, :-1]), r"the prediction has the shape \(20, 19\)"),
        ((GREY, SQUARE[None]), r"the mask has the shape \(1, 20, 20\)"),
        ((GREY[None],), r"the image has the shape \(1, 20, 20, 3\)"),
        ((GREY.astype("float32"),), "values from 128 to 128: give uint8, or floats in"),
        ((GREY, None, np.where(SQUARE, 3.0, -4.0)), "values from -4 to 3: .*sigmoid"),
        ((GREY, None, np.where(SQUARE, np.nan, 0.0)), "values from nan to nan"),
    ],
)
def test_overlay_says_what_does_not_fit(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        drawn(*arguments)


# The grid


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7])
def test_grid_has_a_panel_for_each_image(count, columns):
    images = [np.full((8, 8, 3), 30 * number, "uint8") for number in range(count)]
    figure = figures.grid(images, columns=columns)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == count
    assert len(figure.axes) == math.ceil(count / columns) * min(count, columns)
    values = [round(float(axes.images[0].get_array()[0, 0]) * 255) for axes in shown]
    assert values == [30 * number for number in range(count)], "in the order given, row after row"
    assert pyplot.get_fignums() == [], "a notebook would show it twice"


def test_grid_gives_each_image_its_own_mask_prediction_and_title():
    masks, predictions = np.stack([SQUARE, EMPTY]), np.stack([EMPTY, SQUARE * 0.9])
    figure = figures.grid(np.stack([GREY, GREY]), masks, predictions, titles=["first", "second"])
    first, second = figure.axes
    assert [axes.get_title() for axes in (first, second)] == ["first", "second"]
    assert (first.images[1].get_array()[..., 3] > 0).sum() == 100
    assert (second.images[1].get_array()[..., 3] > 0).sum() == 0
    assert len(first.collections[0].get_segments()) == 0
    assert len(second.collections[0].get_segments()) == 1
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["true area", "prediction"]


def test_grid_names_only_what_it_draws():
    assert figures.grid([GREY]).legends == []
    (legend,) = figures.grid([GREY], [SQUARE]).legends
    assert [text.get_text() for text in legend.get_texts()] == ["true area"]


def test_grid_panels_do_not_overlap_and_stay_inside():
    figure = figures.grid([GREY] * 5, [SQUARE] * 5, [SQUARE] * 5, columns=3, titles=["two\nlines"] * 5)
    figure.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in figure.axes if axes.get_visible()]
    boxes.append(figure.legends[0].get_tightbbox())
    across = [axes.bbox.width for axes in figure.axes]
    assert sum(across[:3]) > 0.95 * figure.bbox.width, "titles leave the images their size"
    for number, box in enumerate(boxes):
        assert box.x0 > -5 and box.y0 > -5
        assert box.x1 < figure.bbox.x1 + 5 and box.y1 < figure.bbox.y1 + 5
        for other in boxes[:number]:
            apart = box.x1 - other.x0, other.x1 - box.x0, box.y1 - other.y0, other.y1 - box.y0
            assert min(apart) < 5, "panels overlap"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"images": []}, "the grid has no images"),
        ({"images": [GREY], "columns": 0}, "columns=0"),
        ({"images": [GREY, GREY], "masks": [SQUARE]}, "2 images and 1 masks"),
        ({"images": [GREY], "predictions": [SQUARE] * 3}, "1 images and 3 predictions"),
        ({"images": [GREY], "titles": ["a", "b"]}, "1 images and 2 titles"),
    ],
)
def test_grid_says_what_does_not_fit(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        figures.grid(**arguments)


def test_channels_are_shown_side_by_side_with_their_names():
    image = np.stack([np.full((8, 8), value, "uint8") for value in (51, 102, 204)], axis=-1)
    figure = figures.channels(image)
    assert [axes.get_title() for axes in figure.axes] == ["pre-contrast T1", "FLAIR", "post-contrast T1"]
    assert [round(float(axes.images[0].get_array()[0, 0]), 6) for axes in figure.axes] == [0.2, 0.4, 0.8]
    with pytest.raises(ValueError, match=r"\(8, 8\)"):
        figures.channels(image[..., 0])


# Where a network looks


def panels(figure):
    return [axes for axes in figure.axes if axes.get_visible() and axes.get_label() != "<colorbar>"]


def keys(figure):
    return [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]


def test_looks_draws_each_map_beside_its_image_in_the_colours_of_the_key():
    bright = np.where(SQUARE, 1.0, 0.0)
    figure = figures.looks(
        [GREY, GREY], {"left": np.stack([bright, 0 * bright]), "even": np.full((2, SIDE, SIDE), 0.4)}
    )
    rows = np.reshape(panels(figure), (2, 3))
    assert [axes.get_title() for axes in rows[0]] == ["", "left", "even"]
    assert [(len(axes.images), axes.images[0].get_alpha()) for axes in rows.ravel()] == 6 * [(1, None)]
    np.testing.assert_array_equal(rows[0, 1].images[0].get_array(), bright)
    np.testing.assert_array_equal(rows[1, 1].images[0].get_array(), 0 * bright)
    assert rows[0, 2].images[0].get_clim() == (0, 1)
    (key,) = keys(figure)
    assert key.get_xlim() == (0, 1)


def test_looks_spreads_the_colours_of_a_map_that_is_nearly_even():
    nearly = np.where(SQUARE, 0.51, 0.49)[None]
    figure = figures.looks([GREY], {"gate": nearly}, shared=False)
    assert panels(figure)[1].images[0].get_clim() == (0.49, 0.51)
    assert keys(figure) == []  # each map has its own scale


def test_looks_draws_weights_of_channels_as_bars_and_the_true_area_as_a_line():
    figure = figures.looks([GREY], {"channels": np.array([[0.9, 0.1, 0.5]]), "even": 0 * SQUARE[None]}, [SQUARE])
    image, bars, even = panels(figure)
    assert [bar.get_height() for bar in bars.patches] == [0.1, 0.5, 0.9]
    assert [len(axes.collections) for axes in (image, bars, even)] == [1, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([], {"a": np.zeros((0, SIDE, SIDE))}), "at least one image"),
        (([GREY], {}), "at least one image and one map"),
        (([GREY], {"a": np.zeros((2, SIDE, SIDE))}), "'a' has the shape (2, 20, 20)"),
        (([GREY], {"a": np.zeros((1, SIDE, SIDE + 1))}), "map 'a' has the shape (20, 21)"),
        (([GREY], {"a": np.zeros((1, SIDE, SIDE))}, [SQUARE, SQUARE]), "1 images and 2 masks"),
    ],
)
def test_looks_says_what_does_not_fit(arguments, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        figures.looks(*arguments)


@pytest.fixture(scope="module", params=["phantom", "real"])
def slice_with_tumour(request):
    """One slice (1, 256, 256, 3) and its mask: of a phantom, and of a real patient where somebody has fetched them."""
    if request.param == "phantom":
        images, masks = phantom_brain.patient(seed=3, index=1, slices=7)
    else:
        patients = sorted(path for path in REAL.glob("TCGA_*"))
        if not patients:
            pytest.skip("no real scans here: python -m helpers.prepare brain --source kaggle")
        files = sorted(patients[0].glob("*_mask.tif"))
        masks = np.stack([np.asarray(Image.open(file)) > 0 for file in files])
        images = np.stack([np.asarray(Image.open(str(file).replace("_mask", ""))) for file in files])
    row = int(np.argmax(masks.sum(axis=(1, 2))))
    assert masks[row].any()
    return brain.normalise_images(images)[row : row + 1], masks[row : row + 1]


@pytest.mark.parametrize("network", ["SE_UNet", "CBAM_UNet", "Attention_UNet"])
def test_maps_of_each_attention_are_drawn_beside_a_slice(network, slice_with_tumour):
    images, masks = slice_with_tumour
    model = zoo.build(network, (64, 64, 3), filters=4)
    found = maps.attention_maps(model, images)
    found["Grad-CAM"] = maps.grad_cam(model, images, "decoder_1_relu_2", masks)
    figure = figures.looks(images, found, masks)
    first, *drawn_maps = panels(figure)
    assert len(drawn_maps) == len(found) and len(first.images) == 1
    for axes, weights in zip(drawn_maps, found.values(), strict=True):
        if weights.ndim == 2:
            assert len(axes.patches) == weights.shape[1]
        else:
            np.testing.assert_array_equal(axes.images[0].get_array(), weights[0])
    figures.Picture(figure, "where it looks")  # draws all of it


# A volume

# Patient b: an empty slice in which nothing is marked, then a half found. Patient a: 100 pixels marked, none there.
HEADS = {
    "images": np.stack([GREY] * 3),
    "masks": np.stack([EMPTY, SQUARE, EMPTY]),
    "predictions": np.stack([EMPTY, area(10, 20, 5, 15), SQUARE]) * np.float32(0.7),
    "patients": ["b", "b", "a"],
}


def coloured(figure):
    """Pixels of the slice on the right in each colour that lies over it, and lines."""
    layers = [np.asarray(image.get_array()) for image in figure.axes[1].images[1:]]
    key = [text.get_text() for text in figure.legends[0].get_texts()]
    lines = [line for collection in figure.axes[1].collections for line in collection.get_segments()]
    return key, [int((layer[..., 3] > 0).sum()) for layer in layers], len(lines)


def test_volume_lays_over_a_slice_what_is_asked_for():
    assert coloured(figures.volume(**HEADS, row=1, over="truth")) == (["true area"], [100], 0)
    assert coloured(figures.volume(**HEADS, row=1, over="prediction")) == (["prediction"], [], 1)
    assert coloured(figures.volume(**HEADS, row=1, over="both")) == (["true area", "prediction"], [100], 1)
    figure = figures.volume(**HEADS, row=1, over="errors")
    assert coloured(figure) == (["found", "missed", "healthy, but marked"], [50, 50, 50], 0)
    _, *kinds = [np.asarray(image.get_array()) for image in figure.axes[1].images]
    for kind, expected in zip(kinds, (area(10, 15, 5, 15), area(5, 10, 5, 15), area(15, 20, 5, 15)), strict=True):
        assert np.array_equal(kind[..., 3] > 0, expected)
    assert np.allclose(kinds[2][19, 10, :3] * 255, ImageColor.getrgb(figures.PREDICTION))
    assert coloured(figures.volume(**HEADS, row=1, over="both", threshold=0.8))[-1] == 0


def test_volume_shows_the_areas_of_all_slices_and_the_dice_of_each_patient():
    figure = figures.volume(**HEADS, row=2)
    assert figure.axes[0].get_title() == "patient 2, slice 1 of 1"
    assert figures.volume(**HEADS, row=1).axes[0].get_title() == "patient 1, slice 2 of 2"
    areas = figure.axes[2]
    assert [text.get_text() for text in areas.texts] == ["patient 1\nDice 0.50", "patient 2\nDice 0.00"]
    heights = [filled.get_paths()[0].vertices[:, 1].max() for filled in areas.collections]
    assert heights == [100, 50]  # true, found
    marked, here, border = areas.lines
    assert marked.get_ydata().tolist() == [0, 100, 100]
    assert here.get_xdata() == [2, 2] and border.get_xdata() == [1.5, 1.5]
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"patients": ["b", "a", "b"]}, "do not follow each other"),
        ({"patients": ["b"]}, "3 masks, 3 predictions and 1 names"),
        ({"images": GREY[None]}, "1 images and 3 masks"),
        ({"over": "truths"}, "over='truths' is none of truth, prediction, both, errors"),
    ],
)
def test_volume_says_what_does_not_fit(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        figures.volume(**{**HEADS, "row": 0, **changed})


def test_volume_slider_walks_through_the_slices():
    widgets = pytest.importorskip("helpers.show.widgets")
    walk = widgets.volume(**HEADS)
    slices, over = walk.sliders["slice"], walk.sliders["over"]
    assert (slices.low, slices.high, slices.value) == (1, 3, 2), "begins where most is missed"
    told = "Slice 2 of 3, patient 1: 100 pixels of tumour, 100 marked, 50 of them rightly. Over it: "
    assert image_of(walk.picture.value)[0].startswith(f"{told}both.")
    before = walk.picture.value
    over.value = over.words.index("errors")
    assert image_of(walk.picture.value)[0].startswith(f"{told}errors.") and walk.picture.value != before
    slices.value = 3
    alt, picture = image_of(walk.picture.value)
    assert "patient 2: 0 pixels of tumour, 100 marked" in alt
    _, expected = image_of(figures.Picture(figures.volume(**HEADS, row=2, over="errors"), alt)._repr_html_())
    assert np.array_equal(picture, expected)
    alts = re.findall(r'<img alt="([^"]*)"', walk._repr_mimebundle_()["text/html"])
    assert [alt.startswith(told) for alt in alts] == [True, True] and alts[0] != alts[1]


# The curves


def band(axes):
    """Lowest and highest of the first band, by epoch."""
    vertices = axes.collections[0].get_paths()[0].vertices
    epochs = sorted(set(vertices[:, 0]))
    return [(min(vertices[vertices[:, 0] == epoch, 1]), max(vertices[vertices[:, 0] == epoch, 1])) for epoch in epochs]


def test_scenes_show_classes_in_the_official_colours_with_a_key():
    image = np.full((8, 16, 3), 90, "uint8")
    classes = np.zeros((8, 16), "uint8")
    classes[:4], classes[7] = 10, 255
    figure = figures.scenes([image, image], [classes, classes], [classes * 0 + 13, classes * 0 + 13])
    assert [axes.get_title() for axes in figure.axes] == ["photograph", "classes", "prediction", "", "", ""]
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    assert shown[1][0, 0].tolist() == [70, 130, 180] and shown[1][5, 0].tolist() == [128, 64, 128]
    assert shown[1][7, 0].tolist() == [0, 0, 0] and shown[2][3, 3].tolist() == [0, 0, 142]
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["road", "sky", "car", "ignored"]
    again = figures.scenes([image], [classes.astype("float32")]).axes[1].images[0].get_array()
    np.testing.assert_array_equal(again, shown[1])


def test_scenes_say_what_does_not_fit():
    image, classes = np.zeros((8, 16, 3), "uint8"), np.zeros((8, 16), "uint8")
    for arguments, sentence in [
        (([],), "at least 1"),
        (([image], [classes, classes]), "as many of each"),
        (([image], [classes[:4]]), "shape"),
        (([image], [classes + 26]), r"hold \[26\]: give classes, 0 to 18"),
        (([image], [np.where(np.eye(8, 16), 2.7, 1.0)]), r"hold \[2.7\]: give classes, 0 to 18"),
        (([image], [np.where(np.eye(8, 16), np.nan, 1.0)]), r"hold \[nan\]"),
        (([image], [classes], None, ["a"]), "1 titles for 2 columns"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            figures.scenes(*arguments)


def test_confusion_shows_the_share_of_each_row():
    # Of 10 road pixels 8 are right; sky is never true but predicted twice; the third class is not there at all.
    figure = figures.confusion(np.array([[8, 2, 0], [0, 0, 0], [0, 0, 0]]), ["road", "sky", "car"])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["road"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["road", "sky"]
    assert [text.get_text() for text in axes.texts] == ["80", "20"]
    with pytest.raises(ValueError, match="give counts"):
        figures.confusion(np.zeros((2, 2)), ["road", "sky"])


def test_forest_draws_each_interval_about_its_estimate():
    figure = figures.forest(
        {"SE": (0.01, -0.02, 0.03), "CBAM": (-0.05, -0.08, -0.01)}, {"SE": (0.0, 0.02), "CBAM": (-0.06, -0.04)}, "Dice"
    )
    (axes,) = figure.axes
    zero, *drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert zero[0] == [0, 0]
    assert drawn == [
        ([-0.02, 0.03], [0, 0]), ([0.0, 0.02], [0, 0]), ([0.01], [0]),
        ([-0.08, -0.01], [1, 1]), ([-0.06, -0.04], [1, 1]), ([-0.05], [1]),
    ]  # fmt: skip
    assert [text.get_text() for text in axes.get_yticklabels()] == ["SE", "CBAM"]
    assert axes.get_ylim() == (1.5, -0.5) and axes.get_xlabel() == "Dice"
    assert pyplot.get_fignums() == []


def test_forest_says_what_does_not_fit():
    with pytest.raises(ValueError, match="no estimates"):
        figures.forest({})
    with pytest.raises(ValueError, match="'SE' runs from 0.3 to 0.1"):
        figures.forest({"SE": (0.2, 0.3, 0.1)})


def test_curves_of_runs_of_unequal_length():
    runs = [{"loss": [1.0, 3.0, 5.0]}, {"loss": [3.0, 5.0]}, {"loss": [2.0, 7.0, 8.0]}]
    (axes,) = figures.curves({"U-Net": runs}).axes
    (line,) = axes.lines
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert list(line.get_ydata()) == [2.0, 5.0, 6.5]
    assert band(axes) == [(1, 3), (3, 7), (5, 8)]
    assert axes.get_legend().get_texts()[0].get_text() == "U-Net (3 seeds)"
    assert pyplot.get_fignums() == []


def test_curve_of_one_run_has_no_band():
    (axes,) = figures.curves({"U-Net": [{"val_dice": [0.5]}], "SE": [{"val_dice": [0.6]}]}, "val_dice").axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[0.5], [0.6]]
    assert all(line.get_marker() == "o" for line in axes.lines), "a single epoch is a point"
    assert len(axes.collections) == 0
    assert axes.get_ylabel() == "validation dice"
    assert axes.lines[0].get_color() != axes.lines[1].get_color()


def test_curve_shows_nan_as_a_gap():
    (axes,) = figures.curves({"U-Net": [{"loss": [1.0, math.nan, 2.0]}, {"loss": [1.0, 1.0, 2.0]}]}).axes
    assert [math.isnan(value) for value in axes.lines[0].get_ydata()] == [False, True, False]


def test_curves_take_every_form_of_a_history():
    lists = {"loss": [0.5, 0.25], "val_loss": [1.0, 2.0]}
    rows = [{"epoch": 1.0, "loss": 0.5}, {"epoch": 2.0, "loss": 0.25}]
    history = keras.callbacks.History()
    history.history = lists
    runs = [lists, rows, history, types.SimpleNamespace(history=rows), pandas.DataFrame(rows)]
    (axes,) = figures.curves({str(number): [run] for number, run in enumerate(runs)}).axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[0.5, 0.25]] * 5


def keras_history(epoch, **lists):
    history = keras.callbacks.History()
    history.epoch, history.history = epoch, lists
    return history


def test_curve_of_a_resumed_run_begins_at_its_first_epoch():
    resumed = keras_history([6, 7, 8, 9], loss=[0.4, 0.3, 0.2, 0.1])
    watched = live.LivePlot()
    watched.first_epoch, watched.history = 6, resumed.history
    twice = keras_history([2, 3], loss=[0.6, 0.5, 0.4, 0.3])  # one History, in `fit` to epoch 2 and from there to 4
    runs = {"keras": [resumed], "live": [watched], "twice": [twice], "anew": [keras_history([0], loss=[0.2, 0.1])]}
    (axes,) = figures.curves(runs).axes
    drawn = [line.get_xdata().tolist() for line in axes.lines]
    assert drawn == [[7, 8, 9, 10], [7, 8, 9, 10], [1, 2, 3, 4], [1, 2]]


def test_curve_of_runs_that_begin_at_different_epochs():
    runs = [keras_history([0, 1, 2], loss=[1.0, 3.0, 5.0]), keras_history([1, 2, 3], loss=[5.0, 9.0, 4.0])]
    (axes,) = figures.curves({"U-Net": runs}).axes
    assert axes.lines[0].get_xdata().tolist() == [1, 2, 3, 4]
    assert list(axes.lines[0].get_ydata()) == [1.0, 4.0, 7.0, 4.0]
    assert band(axes) == [(1, 1), (3, 5), (5, 9), (4, 4)]


def test_values_of_which_no_epoch_is_known_are_not_drawn():
    history = keras_history([*range(10)], loss=[0.5] * 10, val_loss=[0.7, 0.6])  # validation_freq=5
    assert len(figures.curves({"U-Net": [history]}).axes[0].lines[0].get_xdata()) == 10
    for draw in (lambda: figures.curves({"U-Net": [history]}, "val_loss"),
                 lambda: figures.training_curves(history.history)):  # fmt: skip
        with pytest.raises(ValueError, match=r"2 values of 'val_loss' and 10 of 'loss'.*live.LivePlot\(\)"):
            draw()


def every(number, epochs):
    """A row for each epoch, as of a run that is validated every few epochs and after its last."""
    measured = {*range(number, epochs + 1, number), epochs}
    return [
        {"epoch": epoch, "loss": 1 / epoch} | ({"validation_dice": epoch / 100} if epoch in measured else {})
        for epoch in range(1, epochs + 1)
    ]


@pytest.mark.parametrize("form", [list, pandas.DataFrame], ids=["rows", "data frame"])
def test_curve_of_what_is_measured_every_few_epochs_joins_its_points(form):
    runs = {"18": [form(every(18, 36))] * 2, "2": [form(every(2, 37))]}
    (axes,) = figures.curves(runs, "validation_dice").axes
    eighteen, two = axes.lines
    assert (list(eighteen.get_xdata()), list(eighteen.get_ydata())) == ([18, 36], [0.18, 0.36])
    assert band(axes) == [(0.18, 0.18), (0.36, 0.36)]
    assert list(two.get_xdata()) == [*range(2, 37, 2), 37]


def test_a_point_without_neighbours_has_a_marker_in_a_long_curve():
    values = [1.0, math.nan, 2.0, 3.0, math.inf, 4.0, math.nan, *[5.0] * 12, math.nan]
    (axes,) = figures.curves({"U-Net": [{"loss": values}], "whole": [{"loss": [1.0] * 20}]}).axes
    broken, whole = axes.lines
    np.testing.assert_array_equal(broken.get_ydata(), values)
    assert (broken.get_marker(), broken.get_markevery()) == ("o", [0, 5])
    assert whole.get_marker() == "None"


def test_a_curve_of_nothing_but_nan_keeps_its_epochs():
    (axes,) = figures.curves({"U-Net": [{"loss": [math.nan] * 20}]}).axes
    assert axes.lines[0].get_xdata().tolist() == list(range(1, 21))


@pytest.mark.parametrize(
    ("histories", "sentence"),
    [
        ({}, "no histories"),
        ({"U-Net": []}, "'U-Net' are not a list"),
        ({"U-Net": {"loss": [1.0]}}, "'U-Net' are not a list"),
        ({"U-Net": [{"loss": 1.0}]}, "'U-Net' are not a list"),
        ({"U-Net": pandas.DataFrame({"loss": [1.0]})}, "'U-Net' are not a list"),
        ({"U-Net": [{"dice": [1.0], "mae": [1.0]}]}, "'U-Net' has no 'loss': it has dice, mae"),
        ({"U-Net": [[]]}, "'U-Net' has no 'loss': .* no epochs"),
    ],
)
def test_curves_say_what_does_not_fit(histories, sentence):
    with pytest.raises(ValueError, match=sentence):
        figures.curves(histories)


def test_training_curves_pair_training_and_validation():
    history = {"dice": [0.1, 0.2], "loss": [2.0, 1.0], "validation_dice": [0.3, 0.4], "learning_rate": [1, 1]}
    loss, dice = figures.training_curves(history, first_epoch=4).axes
    assert (loss.get_ylabel(), dice.get_ylabel()) == ("loss", "dice")
    assert [list(line.get_ydata()) for line in loss.lines] == [[2.0, 1.0]]
    assert [list(line.get_ydata()) for line in dice.lines] == [[0.1, 0.2], [0.3, 0.4]]
    assert loss.lines[0].get_xdata().tolist() == [4, 5]


# Pictures for notebooks


def speckled(count):
    """Noise, the worst that compression can meet, in a head-sized disc."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[-1:1:256j, -1:1:256j]
    disc = (rows**2 + columns**2 < 0.5)[..., None]
    return (disc * rng.normal(100, 12, (count, 256, 256, 3)).clip(0, 255)).astype("uint8")


def image_of(html):
    """The alt text and the image of an <img> element."""
    alt, source = re.fullmatch('<img alt="([^"]*)" src="data:image/([^"]*)" [^<>]*>', html).groups()
    kind, data = source.split(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert image.format.lower() == kind
    return alt, image


def test_picture_is_small_and_carries_its_alt_text():
    mask = np.zeros((256, 256), bool)
    mask[100:150, 100:150] = True
    slices = figures.Picture(figures.grid(speckled(6), [mask] * 6, [mask] * 6), 'six "slices" < a & b')
    alt, image = image_of(slices._repr_html_())
    assert alt == "six &quot;slices&quot; &lt; a &amp; b"
    assert image.format == "JPEG" and image.width > 700
    assert len(slices._repr_html_()) < 250_000
    assert repr(slices) == 'six "slices" < a & b'
    curves = figures.Picture(figures.curves({"U-Net": [{"loss": [2.0, 1.0]}]}), "a line")
    assert image_of(curves._repr_html_())[1].format == "PNG"
    assert len(curves._repr_html_()) < 40_000


def test_picture_lies_on_a_card_and_keeps_its_place_until_it_is_there():
    figures.use_style()
    element = figures.Picture(figures.curves({"U-Net": [{"loss": [2.0, 1.0]}]}), "a line")._repr_html_()
    _, image = image_of(element)
    assert f'width="{image.width}" height="{image.height}"' in element
    pixels = np.asarray(image.convert("RGB"))
    card = np.array(ImageColor.getrgb(figures.CARD))
    assert np.all(pixels[: figures.MARGIN] == card) and np.all(pixels[:, -figures.MARGIN :] == card)
    assert (pixels == card).all(axis=-1).mean() > 0.8, "the axes have a colour of their own"


def test_picture_gives_no_pixel_the_colour_of_something_else():
    # Many greys, many colours of a map and a thin green line share 256 colours.
    ramp = np.tile(np.linspace(0, 1, 64), (64, 1))
    figure = figures.looks([ramp, ramp.T], {"map": np.stack([ramp.T, ramp]), "other": np.stack([ramp, ramp**2])}, [
        ramp > 0.7, ramp < 0.1
    ])  # fmt: skip
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # or it moves a little each time it is drawn
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=figures.DOTS_PER_INCH, facecolor=figures.CARD)
    _, shown = image_of(figures.Picture(figure, "maps")._repr_html_())
    shown = ImageOps.crop(shown, figures.MARGIN)
    apart = np.abs(np.asarray(shown.convert("RGB"), int) - np.asarray(Image.open(drawn).convert("RGB"), int))
    # Only beside hard edges may a colour spread a little; 256 colours, as PNG, put it 31 away in the midst of a map.
    assert apart.max() < 48 and np.quantile(apart, 0.999) < 12


def test_alt_text_is_required():
    with pytest.raises(ValueError, match="alt text is empty"):
        figures.with_alt(figures.grid([GREY]), " ")


def test_outside_a_notebook_the_alt_text_is_printed(capsys):
    assert figures.with_alt(figures.grid([GREY]), "a grey slice") is None
    assert capsys.readouterr().out == "a grey slice\n"


def test_style_is_silent_and_needs_no_font_of_the_machine(capfd):
    figures.use_style()
    figure = figures.grid([GREY], titles=["title"])
    figure.draw_without_rendering()
    assert capfd.readouterr() == ("", "")
    assert pyplot.rcParams["font.sans-serif"] == ["DejaVu Sans"]


# The slider


def red_pixels(slider):
    pixels = np.asarray(image_of(slider.picture.value)[1]).astype(int)
    return int(((pixels[..., 0] > 180) & (pixels[..., 1] < 120)).sum())


@pytest.fixture
def slider():
    widgets = pytest.importorskip("helpers.show.widgets")
    # 100 pixels are true. At 0.5 a half of them is marked, at 0.2 those and 100 others.
    probabilities = np.where(area(5, 10, 5, 15), 0.9, 0.0) + np.where(area(0, 5, 0, 20), 0.3, 0.0)
    return widgets.threshold_slider(GREY, probabilities.astype("float32"), SQUARE)


def test_slider_shows_the_dice_at_its_threshold(slider):
    # 50 marked, all of them true; 2 x 50 / (50 + 100) = 0.667
    assert slider.words.value == "threshold 0.50: 0 healthy marked, 50 tumour missed, Dice 0.667"
    slider.slider.value = 0.2
    # still 50 in both, of 150 marked; 2 x 50 / (150 + 100) = 0.4
    assert slider.words.value == "threshold 0.20: 100 healthy marked, 50 tumour missed, Dice 0.400"
    slider.slider.value = 0.95
    assert slider.words.value == "threshold 0.95: 0 healthy marked, 100 tumour missed, Dice 0.000"


def test_slider_moves_the_contour_and_nothing_else(slider):
    at_half, first = red_pixels(slider), slider.picture.value
    slider.slider.value = 0.2
    assert red_pixels(slider) > 1.3 * at_half > 0
    slider.slider.value = 1.0
    assert red_pixels(slider) == 0, "an earlier contour is still there"
    slider.slider.value = 0.5
    assert slider.picture.value == first


def test_slider_leaves_a_still_picture_for_pages_without_a_kernel(slider):
    data = slider._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == slider.model_id
    alt, image = image_of(data["text/html"])
    assert image.width > 700
    assert "threshold 0.02: 100 healthy marked, 50 tumour missed, Dice 0.400" in alt
    assert "threshold 0.50: 0 healthy marked, 50 tumour missed, Dice 0.667" in alt


@pytest.mark.parametrize("kind", ["float32", "uint8"])
def test_slider_takes_the_masks_that_a_figure_takes(kind):
    widgets = pytest.importorskip("helpers.show.widgets")
    slider = widgets.threshold_slider(GREY, SQUARE.astype("float32"), 255 * SQUARE[..., None].astype(kind))
    assert slider.words.value == "threshold 0.50: 0 healthy marked, 0 tumour missed, Dice 1.000"


def test_slider_without_a_mask_and_with_wrong_input():
    widgets = pytest.importorskip("helpers.show.widgets")
    slider = widgets.threshold_slider(GREY, np.full((SIDE, SIDE, 1), 0.5))
    assert slider.words.value == "threshold 0.50: 400 pixels marked"
    slider._repr_mimebundle_()
    with pytest.raises(ValueError, match="sigmoid"):
        widgets.threshold_slider(GREY, np.full((SIDE, SIDE), 2.0))
    with pytest.raises(ValueError, match="prediction has the shape"):
        widgets.threshold_slider(GREY, np.zeros((SIDE, 3)))
    with pytest.raises(ValueError, match="mask has the shape"):
        widgets.threshold_slider(GREY, np.zeros((SIDE, SIDE)), np.zeros((3, SIDE)))


def shades_of_grey(level, stripes):
    """A figure with one grey in its middle; `stripes` is only told."""
    figure = Figure(figsize=(1, 1))
    figure.add_axes((0, 0, 1, 1), facecolor=(level, level, level))
    return figure


GREYS = [{"level": 0.2, "stripes": 3}, {"level": 1.0, "stripes": 1}]


def grey_sliders(stills=GREYS):
    widgets = pytest.importorskip("helpers.show.widgets")
    return widgets.sliders(
        shades_of_grey,
        lambda level, stripes: f"grey {level} with {stripes} stripes",
        stills,
        level=(0.0, 1.0, 0.1),
        stripes=(1, 5, 1),
    )


def shown_grey(picture):
    return np.asarray(image_of(picture)[1].convert("L"))[50, 50]


def test_sliders_change_the_figure():
    sliders = grey_sliders()
    assert [slider.value for slider in sliders.sliders.values()] == [0.2, 3]
    assert isinstance(sliders.sliders["stripes"].value, int)
    assert shown_grey(sliders.picture.value) == 51  # 0.2 x 255
    assert image_of(sliders.picture.value)[0] == "grey 0.2 with 3 stripes"
    sliders.sliders["level"].value = 0.6
    assert shown_grey(sliders.picture.value) == 153
    sliders.sliders["stripes"].value = 5
    assert image_of(sliders.picture.value)[0] == "grey 0.6 with 5 stripes"


def test_slider_keeps_its_value_within_its_range_and_of_its_kind():
    sliders = grey_sliders()
    level, stripes = sliders.sliders["level"], sliders.sliders["stripes"]
    level.value, stripes.value = 1, 2.0  # the browser writes 1.0 as 1
    assert repr((level.value, stripes.value)) == "(1.0, 2)"
    level.value, stripes.value = 3.0, -4
    assert (level.value, stripes.value) == (1.0, 1)
    assert image_of(sliders.picture.value)[0] == "grey 1.0 with 1 stripes"


def test_slider_chooses_among_words():
    widgets = pytest.importorskip("helpers.show.widgets")
    shades = {"dark": 0.2, "bright": 0.8}
    sliders = widgets.sliders(
        lambda shade, stripes: shades_of_grey(shades[shade], stripes),
        lambda shade, stripes: f"{shade}, {stripes} stripes",
        [{"shade": "bright", "stripes": 2}],
        shade=("dark", "bright"),
        stripes=(1, 5, 1),
    )
    slider = sliders.sliders["shade"]
    assert slider.value == 1 and slider.words == ["dark", "bright"] and (slider.low, slider.high) == (0, 1)
    assert sliders.sliders["stripes"].words == []
    assert shown_grey(sliders.picture.value) == 204
    slider.value = 0
    assert image_of(sliders.picture.value)[0] == "dark, 2 stripes" and shown_grey(sliders.picture.value) == 51
    with pytest.raises(ValueError, match="shade='light': its slider chooses among"):
        widgets.sliders(shades_of_grey, str, [{"shade": "light"}], shade=("dark", "bright"))


def test_slider_tells_the_browser_its_name_and_range():
    slider = grey_sliders().sliders["level"]
    told = {key: slider.get_state()[key] for key in ("name", "low", "high", "step", "value")}
    assert told == {"name": "level", "low": 0.0, "high": 1.0, "step": 0.1, "value": 0.2}


def test_sliders_leave_their_stills_for_pages_without_a_kernel():
    sliders = grey_sliders()
    data = sliders._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == sliders.model_id
    alts = re.findall(r'<img alt="([^"]*)"', data["text/html"])
    assert alts == ["grey 0.2 with 3 stripes", "grey 1.0 with 1 stripes"]


@pytest.mark.parametrize(
    ("stills", "message"),
    [
        ([], "no stills"),
        ([{"level": 0.5}], "name each once"),
        ([{"level": 0.5, "stripes": 1, "other": 2}], "name each once"),
        ([{"level": 1.5, "stripes": 1}], r"level=1.5: its slider goes from 0.0 to 1.0"),
        ([{"level": 0.5, "stripes": 1}, {"level": 0.5, "stripes": 6}], r"stripes=6"),
    ],
)
def test_sliders_refuse_stills_that_they_cannot_reach(stills, message):
    with pytest.raises(ValueError, match=message):
        grey_sliders(stills)


@pytest.mark.parametrize("missing", ["anywidget", "ipywidgets"])
def test_without_the_widgets_a_sentence_says_what_to_install(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "helpers.show.widgets", raising=False)
    with pytest.raises(ImportError, match="needs anywidget and ipywidgets: run `pip install anywidget`"):
        importlib.import_module("helpers.show.widgets")


# The live view


def fit(callback, epochs=3, **settings):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse", metrics=["mae"], run_eagerly=True)
    data = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    settings |= {"batch_size": 4, "verbose": 0, "validation_data": data, "callbacks": [callback]}
    return model.fit(*data, epochs=epochs, **settings)


def drive(callback, logs, steps=None):
    """Call the callback as `fit` does, without a network: `logs` has an entry for each epoch."""
    callback.set_params({"epochs": len(logs), "steps": steps})
    callback.on_train_begin()
    for epoch, values in enumerate(logs):
        callback.on_epoch_begin(epoch)
        for batch in range(steps or 1):
            callback.on_train_batch_end(batch)
        callback.on_epoch_end(epoch, values)
    callback.on_train_end()


class Display:
    """Stands for IPython.display: keeps what each output shows, and counts how often any was drawn."""

    def __init__(self, monkeypatch):
        self.outputs, self.times = [], 0
        monkeypatch.setattr(figures, "in_notebook", lambda: True)
        monkeypatch.setattr(pytest.importorskip("IPython.display"), "display", self.display)

    def display(self, output, raw, display_id):
        assert display_id
        number = len(self.outputs)
        self.outputs.append(None)

        def update(output, raw):
            assert raw == isinstance(output, dict)
            self.outputs[number] = output["text/plain"] if raw else output
            self.times += 1

        update(output, raw)
        return types.SimpleNamespace(update=update)


def test_live_plot_in_a_terminal_is_silent(capsys):
    callback = live.LivePlot()
    history = fit(callback).history
    assert callback.history == history
    assert set(callback.history) == {"loss", "mae", "val_loss", "val_mae"}
    assert capsys.readouterr() == ("", "")


def test_live_plot_in_a_notebook_leaves_one_line_and_one_picture(monkeypatch):
    screen = Display(monkeypatch)
    monkeypatch.setattr(live.LivePlot, "PAUSE", -1)
    history = fit(live.LivePlot()).history
    line, picture = screen.outputs
    assert line.startswith("3 epochs in ")
    assert picture.alt.startswith("Training curves up to epoch 3.")
    assert f"val_loss {history['val_loss'][-1]:.3g}" in picture.alt
    assert Image.open(io.BytesIO(picture.data)).width > 700
    # A line after each of 6 steps and 3 epochs and at the end, a picture after each epoch and at the end.
    assert screen.times == (6 + 3 + 1) + (3 + 1)
    assert pyplot.get_fignums() == []


def test_live_plot_draws_short_epochs_less_often_but_always_the_last(monkeypatch):
    screen = Display(monkeypatch)
    monkeypatch.setattr(live.time, "monotonic", lambda: 5000.0)
    drive(live.LivePlot(), [{"loss": 1.0}] * 4, steps=2)
    assert screen.times == 4, "the first line and picture, and the last"
    assert screen.outputs[0] == "4 epochs in 0 s"
    assert "up to epoch 4." in screen.outputs[1].alt


def test_live_plot_of_a_resumed_training(monkeypatch):
    screen = Display(monkeypatch)
    callback = live.LivePlot()
    fit(callback, epochs=5, initial_epoch=3)
    assert len(callback.history["loss"]) == 2
    assert screen.outputs[0].startswith("2 epochs in ")
    assert "up to epoch 5." in screen.outputs[1].alt


def test_live_plot_keeps_what_is_measured_every_few_epochs_in_its_place(monkeypatch):
    screen = Display(monkeypatch)
    callback = live.LivePlot()
    fit(callback, epochs=5, validation_freq=2)
    loss, measured = callback.history["loss"], callback.history["val_loss"]
    assert [math.isnan(value) for value in measured] == [True, False, True, False, True] and len(loss) == 5
    assert f"val_loss {measured[3]:.3g}" in screen.outputs[1].alt
    (axes,) = figures.curves({"U-Net": [callback]}, "val_loss").axes
    assert axes.lines[0].get_xdata().tolist() == [2, 4]


def test_live_plot_starts_anew_with_each_fit():
    callback = live.LivePlot()
    drive(callback, [{"loss": 1.0}] * 3)
    drive(callback, [{"loss": 2.0}] * 2)
    assert callback.history == {"loss": [2.0, 2.0]}


def test_live_plot_says_how_much_time_is_left(monkeypatch):
    screen = Display(monkeypatch)
    clock = iter([0.0, 100.0, 102.0, 104.0, 106.0, 108.0])
    monkeypatch.setattr(live.time, "monotonic", lambda: next(clock))
    callback = live.LivePlot()
    callback.set_params({"epochs": 4, "steps": 10})
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_batch_end(0)
    assert screen.outputs == ["epoch 1 of 4, step 1 of 10"]
    for batch in range(1, 5):
        callback.on_train_batch_end(batch)
    # The first step took 100 s, the four after it 2 s each, and 35 are left: 70 s.
    assert screen.outputs == ["epoch 1 of 4, step 5 of 10, about 1 min 10 s left"]


def test_live_plot_survives_nan_new_metrics_and_unknown_steps(monkeypatch):
    screen = Display(monkeypatch)
    callback = live.LivePlot()
    drive(callback, [{"loss": math.nan}, {"loss": 1.0, "val_loss": 2.0}, {"loss": math.inf}])
    assert callback.history["val_loss"][1] == 2.0 and math.isnan(callback.history["val_loss"][0])
    assert "loss inf" in screen.outputs[1].alt


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (4800, "1 h 20 min"), (-1, "0 s")],
)
def test_duration(seconds, words):
    assert live.duration(seconds) == words


# All three in a real kernel

NOTEBOOK = [
    """
import keras
import numpy as np
from helpers.show import figures, live, widgets
figures.use_style()
image = np.full((20, 20, 3), 128, "uint8")
mask = np.zeros((20, 20), bool)
mask[5:15, 5:15] = True
figures.with_alt(figures.grid([image], [mask], [mask]), "A <grey> slice & a square")
""",
    "figures.grid([image], [mask])",
    "widgets.threshold_slider(image, mask * 0.8, mask)",
    """
model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
model.compile(loss="mse")
model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=3, verbose=0, callbacks=[live.LivePlot()]);
""",
]


def test_outputs_of_a_notebook():
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    nbconvert = pytest.importorskip("nbconvert")
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in NOTEBOOK])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", store_widget_state=False).execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert not [output for cell in outputs for output in cell if output.output_type in ("stream", "error")]

    def pictures(cell):
        html = [output.data["text/html"] for output in cell if "text/html" in output.data]
        return [image_of(text)[0] for text in html]

    assert pictures(outputs[0]) == ["A &lt;grey&gt; slice &amp; a square"]
    assert [list(output.data) for output in outputs[1]] == [["text/plain", "image/png"]], "a figure, once"
    (slider,) = outputs[2]
    assert "application/vnd.jupyter.widget-view+json" in slider.data
    line, curves = outputs[3]
    assert line.data["text/plain"].startswith("3 epochs in ")
    assert pictures([curves])[0].startswith("Training curves up to epoch 3.")

    # As a page on the web, where no kernel runs.
    page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    for alt in ("A &lt;grey&gt; slice", "One image at 3 thresholds: ", "Training curves up to epoch 3."):
        assert page.count(f'<img alt="{alt}') == 1
