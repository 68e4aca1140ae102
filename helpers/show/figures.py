"""The figures of the course, all in one style: the true area filled green, the prediction's contour red.

Overlays and the grid are built by hand in lesson 01, the curves in lesson 06.
"""

import base64
import html
import io
import math
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import contourpy
import numpy as np
import seaborn
from matplotlib import cm, collections, colors, lines, patches, pyplot, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageChops, ImageOps

from helpers.data import street_classes
from helpers.scores import metrics

# Fill against line, and light against dark: so the two differ also for those who see no red and green.
TRUE_AREA = "#12c98c"
TRUE_AREA_OPACITY = 0.4
PREDICTION = "#ff2a2a"
MISSED = "#f5d90a"  # tumour without prediction; a prediction without tumour is red
OVER = ("truth", "prediction", "both", "errors")  # what may lie over a slice of a volume
LOOK = "inferno"  # of maps: it reads without colours, too
CHANNELS = ("pre-contrast T1", "FLAIR", "post-contrast T1")

SPECKS = 12  # of 255: how far from its own a colour may be without being seen
CARD = "#f2f2ee"  # what figures lie on: seen as a card on a white page, and not glaring on a dark one
MARGIN = 10  # pixels of the card around a figure
WIDTH = 7.2  # inches, of a figure as wide as the page
DOTS_PER_INCH = 110


def use_style() -> None:
    """Set the style of all figures drawn from here on: large type, no frames, a colour-blind palette."""
    seaborn.set_theme(
        context="notebook",
        style="ticks",
        palette="colorblind",
        rc={
            "font.sans-serif": ["DejaVu Sans"],  # matplotlib brings it, so figures look alike everywhere
            "font.size": 12,
            "axes.titlesize": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.facecolor": CARD,
            "figure.facecolor": CARD,
            "legend.frameon": False,
            "image.cmap": "gray",
            "figure.figsize": (WIDTH, 4),
            "figure.dpi": DOTS_PER_INCH,
        },
    )


def overlay(
    axes: Axes,
    image: np.ndarray,
    mask: np.ndarray | None = None,
    prediction: np.ndarray | None = None,
    channel: int | None = 1,
    threshold: float = 0.5,
) -> None:
    """Draw an image with its true area filled green and the contour of the prediction in red.

    Built by hand in lesson 01.

    Args:
        axes: where to draw.
        image: (height, width, 3) or (height, width), uint8 or floats in [0, 1].
        mask: (height, width), the true area: bool, 0/1 or 0/255.
        prediction: (height, width), bool or probabilities in [0, 1].
        channel: the channel shown in grey (1: FLAIR); None shows all three as red, green and blue.
        threshold: a pixel belongs to the prediction from this probability on.

    Raises:
        ValueError: the shapes do not fit together, or the values lie outside their range.
    """
    shown = _shown(image, channel)
    axes.imshow(shown, cmap="gray", vmin=0, vmax=1)
    if mask is not None:
        area = true_area(mask, shown.shape[:2])
        axes.imshow(area[..., None] * np.array(colors.to_rgba(TRUE_AREA, TRUE_AREA_OPACITY)))
    if prediction is not None:
        axes.add_collection(contour_lines(outline(thresholded(prediction, threshold, shown.shape[:2]))))
    axes.set_axis_off()


def true_area(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Turn a mask, bool, 0/1 or 0/255, into the area that it marks, (height, width) bool.

    Raises:
        ValueError: not one plane, or not of `shape`.
    """
    return _plane(mask, "mask", shape) > 0.5


def thresholded(prediction: np.ndarray, threshold: float = 0.5, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Turn probabilities into the area they mark, (height, width) bool; an area of 0 and 1 or 255 stays.

    Raises:
        ValueError: not one plane, not of `shape`, or floats outside [0, 1] (such as logits).
    """
    prediction = _plane(prediction, "prediction", shape)
    if prediction.dtype.kind in "bui":
        return prediction > 0
    if not (np.isfinite(prediction).all() and prediction.min() >= 0 and prediction.max() <= 1):
        raise ValueError(
            f"the prediction has values from {prediction.min():.3g} to {prediction.max():.3g}: give "
            "probabilities in [0, 1] (logits need a sigmoid first)."
        )
    return prediction >= threshold


def outline(area: np.ndarray) -> list[np.ndarray]:
    """Trace the edges of a (height, width) bool area: closed lines, each (points, 2) as x, y in pixels."""
    # Without the pixel of padding all round, a line that meets the border of the image stays open.
    return [line - 1 for line in contourpy.contour_generator(z=np.pad(area, 1).astype("float32")).lines(0.5)]


def contour_lines(segments: Sequence[np.ndarray]) -> collections.LineCollection:
    """The artist that shows the lines of `outline` as a prediction."""
    # Not clipped: along the border of the image half of the line would be cut off.
    return collections.LineCollection(segments, colors=PREDICTION, linewidths=1.6, clip_on=False)


def grid(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray] | None = None,
    predictions: Sequence[np.ndarray] | None = None,
    columns: int = 3,
    titles: Sequence[str] | None = None,
    channel: int | None = 1,
    threshold: float = 0.5,
) -> Figure:
    """Draw images side by side, each with its true area in green and its prediction's contour in red.

    Built by hand in lesson 01.

    Args:
        images: n images, each (height, width, 3) or (height, width), uint8 or floats in [0, 1].
        masks: n true areas, (height, width); None draws none.
        predictions: n predictions, (height, width), bool or probabilities; None draws none.
        columns: images in a row, at most; the last row may hold fewer.
        titles: n titles.
        channel: the channel shown in grey (1: FLAIR); None shows all three as red, green and blue.
        threshold: a pixel belongs to the prediction from this probability on.

    Returns:
        The figure, ready to be shown or saved.

    Raises:
        ValueError: no images, no columns, or not as many of one thing as of another.
    """
    count = len(images)
    if count == 0:
        raise ValueError("the grid has no images: give at least one.")
    if columns < 1:
        raise ValueError(f"the grid has columns={columns}: give 1 or more.")
    for name, others in (("masks", masks), ("predictions", predictions), ("titles", titles)):
        if others is not None and len(others) != count:
            raise ValueError(f"the grid has {count} images and {len(others)} {name}: give as many of each.")

    columns = min(columns, count)
    rows = math.ceil(count / columns)
    height, width = np.shape(images[0])[:2]
    side = min(WIDTH / columns, 3.2)
    key = _key(masks is not None, predictions is not None)
    title_height = 0.08 + 0.22 * max((len(title.splitlines()) for title in titles or ()), default=0)
    figure, axes = pyplot.subplots(
        rows,
        columns,
        figsize=(columns * side, rows * (side * height / width + title_height) + 0.35 * bool(key)),
        squeeze=False,
        layout="compressed",
    )
    pyplot.close(figure)  # or a notebook shows it a second time
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0, hspace=0)
    for number, panel in enumerate(axes.flat):
        if number >= count:
            panel.set_visible(False)
            continue
        overlay(
            panel,
            images[number],
            None if masks is None else masks[number],
            None if predictions is None else predictions[number],
            channel,
            threshold,
        )
        if titles is not None:
            panel.set_title(titles[number], fontsize=11 if columns < 4 else 9)
    if key:
        figure.legend(handles=key, loc="outside lower center", ncols=2, frameon=False, fontsize=11)
    return figure


def volume(
    images: np.ndarray,
    masks: np.ndarray,
    predictions: np.ndarray,
    patients: Sequence[str],
    row: int,
    over: str = "both",
    channel: int | None = 1,
    threshold: float = 0.5,
) -> Figure:
    """Draw a slice plain and with something over it, and under them the area of tumour in all slices (lesson 06).

    The areas are those of the truth, of the prediction, and of the part in both: where truth and prediction are
    equally large in different places, the last one is small.

    Args:
        images: n slices of one patient or of several, patient after patient, (n, height, width, 3) uint8.
        masks: (n, height, width) bool, the true areas.
        predictions: (n, height, width), bool or probabilities in [0, 1].
        patients: n names, the patient of each slice.
        row: the slice to show, from 0 to n - 1.
        over: "truth", "prediction", "both", or "errors": what is found, what is missed, and what is marked wrongly.
        channel: the channel shown in grey (1: FLAIR); None shows all three as red, green and blue.
        threshold: a pixel belongs to the prediction from this probability on.

    Raises:
        ValueError: not as many of one thing as of another, a patient in two places, or another `over`.
    """
    counts, starts = volume_counts(masks, predictions, patients, threshold)
    if len(images) != len(masks):
        raise ValueError(f"there are {len(images)} images and {len(masks)} masks: give as many of each.")
    if over not in OVER:
        raise ValueError(f"over={over!r} is none of {', '.join(OVER)}.")
    mask, prediction = masks[row], thresholded(predictions[row], threshold)
    figure = pyplot.figure(figsize=(WIDTH, 5))
    pyplot.close(figure)
    # Placed by hand: nothing may move from one slice to the next, or from one thing over it to another.
    places = {"plain": (0, 0.42, 0.49, 0.52), "over": (0.51, 0.42, 0.49, 0.52), "areas": (0.09, 0.12, 0.9, 0.19)}
    panels = {name: figure.add_axes(place) for name, place in places.items()}

    patient = int(np.searchsorted(starts, row, side="right")) - 1
    last = [*starts, len(masks)][patient + 1]
    overlay(panels["plain"], images[row], channel=channel)
    panels["plain"].set_title(f"patient {patient + 1}, slice {row - starts[patient] + 1} of {last - starts[patient]}")
    overlay(
        panels["over"],
        images[row],
        mask if over in ("truth", "both") else None,
        prediction if over in ("prediction", "both") else None,
        channel,
    )
    key = _key(over in ("truth", "both"), over in ("prediction", "both"))
    if over == "errors":
        kinds = {"found": (mask & prediction, TRUE_AREA), "missed": (mask & ~prediction, MISSED)}
        kinds["healthy, but marked"] = (~mask & prediction, PREDICTION)
        for area, colour in kinds.values():
            panels["over"].imshow(area[..., None] * np.array(colors.to_rgba(colour, 0.7)))
        key = [patches.Patch(color=colour, alpha=0.7, label=words) for words, (_, colour) in kinds.items()]
    panels["over"].set_title(over)
    figure.legend(handles=key, loc="center", bbox_to_anchor=(0.755, 0.395), ncols=3, fontsize=9, handlelength=1)

    axes, slices = panels["areas"], np.arange(len(masks))
    both, predicted, true = counts.T
    axes.fill_between(
        slices, true, step="mid", color=TRUE_AREA, alpha=TRUE_AREA_OPACITY, linewidth=0, label="true area"
    )
    axes.fill_between(slices, both, step="mid", color=TRUE_AREA, linewidth=0, label="found")
    axes.step(slices, predicted, where="mid", color=PREDICTION, linewidth=1.2, label="prediction")
    axes.axvline(row, color="0.2", linewidth=1)
    height = 1.05 * max(true.max(), predicted.max(), 1)
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(masks)], strict=True)):
        if start:
            axes.axvline(start - 0.5, color="0.6", linewidth=1, linestyle=":")
        score = metrics.dice(counts[start:end].sum(axis=0))
        weight = "bold" if number == patient else "normal"
        if len(starts) < 8 or number == patient:
            words = f"patient {number + 1}\nDice {score:.2f}"
            axes.text((start + end - 1) / 2, height, words, ha="center", va="bottom", fontsize=9, fontweight=weight)
    axes.set(xlim=(-0.5, len(masks) - 0.5), ylim=(0, height), xticks=[], xlabel="slices", ylabel="pixels")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=3, fontsize=9, handlelength=1)
    return figure


def volume_counts(
    masks: np.ndarray, predictions: np.ndarray, patients: Sequence[str], threshold: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Count the pixels of each slice, (n, 3), as `metrics.counts` does, and tell the row at which each patient begins.

    Raises:
        ValueError: not as many of one thing as of another, or the slices of a patient do not follow each other.
    """
    if not len(masks) == len(predictions) == len(patients) > 0:
        raise ValueError(
            f"there are {len(masks)} masks, {len(predictions)} predictions and {len(patients)} names of patients: "
            "give as many of each, at least 1."
        )
    names = np.asarray(patients)
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
    if len(np.unique(names)) != len(starts):
        raise ValueError("the slices of a patient do not follow each other: sort the slices by patient.")
    marked = np.stack([thresholded(prediction, threshold, np.shape(masks)[1:]) for prediction in predictions])
    return metrics.counts(np.asarray(masks), marked), starts


def looks(
    images: Sequence[np.ndarray],
    maps: Mapping[str, np.ndarray],
    masks: Sequence[np.ndarray] | None = None,
    channel: int | None = 1,
    shared: bool = True,
) -> Figure:
    """Draw where a network looks: a row for each image, the image first, then each map beside it (lessons 07 to 09).

    Args:
        images: n images, each (height, width, 3) or (height, width), uint8 or floats in [0, 1].
        maps: for each title n maps (n, height, width) with values in [0, 1], such as `nets.maps` gives; weights of
            channels, (n, channels), are drawn as bars in ascending order.
        masks: n true areas, (height, width), drawn as a green line.
        channel: the channel shown in grey (1: FLAIR); None shows all three as red, green and blue.
        shared: colours stand for the values from 0 to 1, as the key below says; False spreads them from the lowest
            value of each map to its highest, which shows patterns in a map that is nearly even.

    Raises:
        ValueError: no images or no maps, not as many of one thing as of another, or a map of another shape.
    """
    if not len(images) or not maps:
        raise ValueError("there is nothing to draw: give at least one image and one map.")
    for title, stack in maps.items():
        if len(stack) != len(images) or np.ndim(stack) not in (2, 3):
            raise ValueError(
                f"the map {title!r} has the shape {np.shape(stack)}: give (n, height, width), or (n, channels), "
                f"for {len(images)} images."
            )
    if masks is not None and len(masks) != len(images):
        raise ValueError(f"there are {len(images)} images and {len(masks)} masks: give as many of each.")
    columns = 1 + len(maps)
    height, width = np.shape(images[0])[:2]
    side = min(WIDTH / columns, 2.4)
    figure, axes = pyplot.subplots(
        len(images),
        columns,
        figsize=(columns * side, len(images) * side * height / width + 0.5),
        squeeze=False,
        layout="constrained",
    )
    pyplot.close(figure)
    for number, (row, image) in enumerate(zip(axes, images, strict=True)):
        shown = _shown(image, channel)
        for panel, (title, stack) in zip(row, [("", None), *maps.items()], strict=True):
            if number == 0:
                panel.set_title(textwrap.fill(title.replace("_", " "), 16), fontsize=11 if columns < 4 else 9)
            if stack is not None and np.ndim(stack) == 2:
                _draw_weights(panel, stack[number])
                continue
            panel.set_axis_off()
            if stack is None:
                panel.imshow(shown, cmap="gray", vmin=0, vmax=1)
            else:  # not over the image: what shines through fits no colour of the key
                values = _plane(stack[number], f"map {title!r}", shown.shape[:2])
                low, high = (0, 1) if shared else (values.min(), max(values.max(), values.min() + 1e-6))
                panel.imshow(values, cmap=LOOK, vmin=low, vmax=high)
            if masks is not None:
                edges = outline(true_area(masks[number], shown.shape[:2]))
                panel.add_collection(collections.LineCollection(edges, colors=TRUE_AREA, linewidths=1.4))
    of_pixels = [column for column, stack in enumerate(maps.values(), start=1) if np.ndim(stack) == 3]
    if shared and of_pixels:
        scale = cm.ScalarMappable(colors.Normalize(0, 1), LOOK)
        key = figure.colorbar(scale, ax=axes[:, of_pixels], location="bottom", aspect=40, shrink=0.6, pad=0.02)
        key.set_ticks([0, 0.5, 1])
    return figure


def _draw_weights(axes: Axes, weights: np.ndarray) -> None:
    axes.bar(np.arange(len(weights)), np.sort(weights), width=1, color="C0")
    axes.set(ylim=(0, 1), xlim=(-0.5, len(weights) - 0.5), xticks=[], xlabel=f"{len(weights)} channels", box_aspect=1)
    axes.set_yticks([0, 0.5, 1])


def channels(image: np.ndarray) -> Figure:
    """Show the three channels of a slice, (height, width, 3), side by side under their names (lesson 01)."""
    if np.ndim(image) != 3 or np.shape(image)[-1] != 3:
        raise ValueError(f"the image has the shape {np.shape(image)}: give (height, width, 3).")
    return grid([image[..., number] for number in range(3)], titles=CHANNELS)


def curves(histories: Mapping[str, Sequence[Any]], metric: str = "loss") -> Figure:
    """Draw a metric over the epochs: for each label the mean of its runs, in a band from lowest to highest.

    Runs may differ in length and in their first epoch: an epoch shows the runs that have it.

    Args:
        histories: for each label its runs, one for each seed. A run is what `fit` returns, its dictionary of
            lists, a data frame, a result of `training.experiment` or its list of rows, or a `live.LivePlot`.
        metric: the name in the histories, for example "val_loss".

    Raises:
        ValueError: nothing to draw, a run has no such metric, or not a value of it for each epoch.
    """
    if not histories:
        raise ValueError("there are no histories to draw: give {label: [history of each seed]}.")
    figure, axes = pyplot.subplots(figsize=(WIDTH, 3.8), layout="constrained")
    pyplot.close(figure)
    for (label, runs), colour in zip(histories.items(), _palette(len(histories)), strict=True):
        values = [_values(run, metric, label) for run in _runs(runs, label)]
        draw_runs(axes, values, f"{label} ({len(values)} seeds)" if len(values) > 1 else label, colour)
    _finish(axes, metric)
    spread = any(len(runs) > 1 for runs in histories.values())
    axes.legend(title="mean, and lowest to highest" if spread else None, alignment="left")
    return figure


def draw_runs(
    axes: Axes,
    runs: Sequence[Mapping[int, float]],
    label: str,
    colour: Any,
    dashed: bool = False,
) -> None:
    """Draw the mean of runs, each {epoch: value}, and the band from lowest to highest.

    NaN is an epoch without a value.
    """
    epochs = np.array(sorted(set().union(*runs)))
    reached = [[run[epoch] for run in runs if epoch in run] for epoch in epochs]
    means = np.array([np.mean(values) for values in reached])
    measured = np.flatnonzero(~np.isnan(means))
    if len(measured) and measured[0] > 0:
        # Measured in some epochs only: these are joined. A loss that became NaN was a number at first, and is a gap.
        epochs, means, reached = epochs[measured], means[measured], [reached[number] for number in measured]
    # A line through a single point is invisible.
    finite = np.isfinite(means)
    alone = finite & ~np.append(finite[1:], False) & ~np.append(False, finite[:-1])
    marked = np.flatnonzero(alone | (len(epochs) < 16))
    axes.plot(
        epochs,
        means,
        "--" if dashed else "-",
        color=colour,
        label=label,
        linewidth=2,
        marker="o" if len(marked) else None,
        markevery=marked.tolist(),
        markersize=4,
    )
    if len(runs) > 1:
        lowest, highest = [np.min(values) for values in reached], [np.max(values) for values in reached]
        axes.fill_between(epochs, lowest, highest, color=colour, alpha=0.2, linewidth=0)


def forest(
    estimates: Mapping[str, tuple[float, float, float]],
    inner: Mapping[str, tuple[float, float]] | None = None,
    label: str = "difference",
) -> Figure:
    """Draw a forest plot: for each name a dot and the bar of its interval, about a line at 0 (lesson 11).

    Args:
        estimates: for each name the estimate and the lower and upper end of its interval, as
            `intervals.paired_interval` gives them; the first is drawn on top.
        inner: for each name the ends of a second interval, drawn thick.
        label: of the axis.

    Raises:
        ValueError: nothing to draw, or an interval whose lower end lies above its upper end.
    """
    if not estimates:
        raise ValueError("there are no estimates to draw: give {name: (estimate, low, high)}.")
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.1 + 0.45 * len(estimates)), layout="constrained")
    pyplot.close(figure)
    axes.axvline(0, color="0.6", linewidth=1, zorder=0)
    for row, (name, (estimate, low, high)) in enumerate(estimates.items()):
        if low > high:
            raise ValueError(f"the interval of {name!r} runs from {low} to {high}: give its lower end first.")
        axes.plot([low, high], [row, row], color="C0", linewidth=1.8)
        if inner is not None:
            axes.plot(inner[name], [row, row], color="C0", linewidth=5, alpha=0.45, solid_capstyle="butt")
        axes.plot(estimate, row, "o", color="C0", markersize=8)
    axes.set_yticks(range(len(estimates)), list(estimates))
    axes.set(ylim=(len(estimates) - 0.5, -0.5), xlabel=label)
    return figure


def scenes(
    images: Sequence[np.ndarray],
    classes: Sequence[np.ndarray] | None = None,
    predictions: Sequence[np.ndarray] | None = None,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Draw street scenes, a row for each: the photograph, its classes and their prediction in Cityscapes' colours.

    Used in lessons 12 and 13.

    Args:
        images: n photographs, each (height, width, 3) uint8.
        classes: the true class of each pixel, n times (height, width) integers: 0 to 18, or 255, which is black.
        predictions: the predicted classes, in the same form.
        titles: of the columns; None for "photograph", "classes", "prediction".

    Raises:
        ValueError: no images, shapes that do not fit together, a value that is no class, or a title too few or many.
    """
    maps = [("classes", classes), ("prediction", predictions)]
    columns = [("photograph", images), *((name, values) for name, values in maps if values is not None)]
    count = len(images)
    if count == 0 or any(len(values) != count for _, values in columns):
        raise ValueError(
            f"there are {[len(values) for _, values in columns]} arrays: give as many of each, at least 1."
        )
    if titles is not None and len(titles) != len(columns):
        raise ValueError(f"there are {len(titles)} titles for {len(columns)} columns: give one for each.")
    height, width = np.shape(images[0])[:2]
    side = WIDTH / max(2, len(columns))
    present: set[int] = set()
    figure, axes = pyplot.subplots(
        count, len(columns), figsize=(side * len(columns), count * (side * height / width + 0.05) + 1.2),
        squeeze=False, layout="compressed",
    )  # fmt: skip
    pyplot.close(figure)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0, hspace=0)
    for column, (name, values) in enumerate(columns):
        axes[0, column].set_title(name if titles is None else titles[column], fontsize=11)
        for row, value in enumerate(values):
            shown = _shown(value, None) if column == 0 else None
            if column:
                plane = _plane(value, name, np.shape(images[row])[:2])
                found = set(np.unique(plane).tolist())
                strange = found - {*range(len(street_classes.CLASSES)), street_classes.IGNORE}
                if strange:
                    raise ValueError(f"the {name} hold {sorted(strange)[:5]}: give classes, 0 to 18, or 255.")
                present |= set(map(int, found))
                shown = street_classes.PALETTE[plane.astype(int)]
            axes[row, column].imshow(shown, interpolation="nearest")
            axes[row, column].set_axis_off()
    key = [
        patches.Patch(color=street_classes.PALETTE[each] / 255, label=street_classes.NAMES[each])
        for each in sorted(present - {street_classes.IGNORE})
    ]
    if street_classes.IGNORE in present:
        key.append(patches.Patch(color="black", label="ignored"))
    if key:
        figure.legend(handles=key, loc="outside lower center", ncols=6, frameon=False, fontsize=9, handlelength=1)
    return figure


def confusion(matrix: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw what the pixels of each class are taken for, as percentages of a row (lesson 13).

    Args:
        matrix: (classes, classes), pixels by true class (row) and predicted class (column).
        names: of the classes; those without a true pixel get no row, those neither true nor predicted no column.

    Raises:
        ValueError: the matrix and the names do not fit together, or no pixel is counted.
    """
    matrix = np.asarray(matrix)
    if matrix.shape != (len(names), len(names)) or not matrix.any():
        raise ValueError(f"the matrix has shape {matrix.shape} for {len(names)} names: give counts, a row for each.")
    rows = matrix.sum(axis=1) > 0
    columns = rows | (matrix.sum(axis=0) > 0)
    shares = 100 * matrix[rows][:, columns] / matrix[rows].sum(axis=1, keepdims=True)
    side = 2.2 + 0.33 * columns.sum()
    figure, axes = pyplot.subplots(figsize=(side, 1.6 + 0.33 * rows.sum()), layout="constrained")
    pyplot.close(figure)
    seaborn.heatmap(
        shares,
        vmin=0,
        vmax=100,
        cmap="viridis",
        # A share that rounds to nothing is left out, so that what is confused stands out.
        annot=np.where(shares >= 0.5, np.char.mod("%.0f", shares), ""),
        fmt="",
        annot_kws={"size": 8},
        xticklabels=[name for name, there in zip(names, columns, strict=True) if there],
        yticklabels=[name for name, there in zip(names, rows, strict=True) if there],
        cbar_kws={"label": "% of the true pixels", "shrink": 0.6},
        ax=axes,
    )
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(labelsize=9, length=0)
    return figure


def training_curves(history: Mapping[str, Sequence[float]], first_epoch: int = 1) -> Figure:
    """Draw a panel for the loss and for each of two metrics at most: training, and validation dashed.

    Args:
        history: for each metric its value at each epoch; "val_x" or "validation_x" is drawn beside "x".
        first_epoch: the number of the first one; a run that was resumed does not begin at 1.

    Raises:
        ValueError: a metric has not a value for each epoch.
    """
    no_panel = ("val_", "validation_", "learning_rate")
    names = [name for name in history if not name.startswith(no_panel)]
    names = sorted(names, key=lambda name: name != "loss")[:3]
    figure, axes = pyplot.subplots(
        1, len(names), figsize=(min(WIDTH, 4.6 * len(names)), 3), squeeze=False, layout="constrained"
    )
    pyplot.close(figure)
    training, validation = _palette(2)
    for name, panel in zip(names, axes[0], strict=True):
        draw_runs(panel, [_by_epoch(history, name, first_epoch)], "training", training)
        for held_out in (f"val_{name}", f"validation_{name}"):
            if held_out in history:
                draw_runs(panel, [_by_epoch(history, held_out, first_epoch)], "validation", validation, True)
        _finish(panel, name)
        panel.legend(fontsize=10)
    return figure


class Picture:
    """A figure as the bytes of a small image, with the text that stands for it where it cannot be seen.

    PNG, or JPEG where that is smaller, as it is for slices with their noise.
    """

    def __init__(self, figure: Figure, alt: str):
        if not alt.strip():
            raise ValueError("the alt text is empty: say in a sentence what the figure shows.")
        self.alt = alt
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=DOTS_PER_INCH, facecolor=CARD)
        image = ImageOps.expand(Image.open(drawn).convert("RGB"), MARGIN, CARD)
        # No colour far from its own: the commoner median cut gives single pixels the colours of other things. In a
        # photograph even small steps show, as specks, so there 256 colours are too few.
        few_colours = image.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        furthest = ImageChops.difference(image, few_colours.convert("RGB")).getextrema()
        encodings = [("image/jpeg", image, {"quality": 90, "subsampling": 0, "optimize": True})]
        if max(high for _, high in furthest) <= SPECKS:
            encodings.append(("image/png", few_colours, {"optimize": True}))
        encoded = {}
        for kind, picture, settings in encodings:
            buffer = io.BytesIO()
            picture.save(buffer, kind.removeprefix("image/"), **settings)
            encoded[kind] = buffer.getvalue()
        self.kind = min(encoded, key=lambda kind: len(encoded[kind]))
        self.data = encoded[self.kind]

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        # As HTML, because JupyterLab 4 and nbconvert 7 drop the alt text of an image/png output.
        return image_element(self.kind, self.data, self.alt)


def image_element(kind: str, data: bytes, alt: str) -> str:
    """Write an image into HTML, with the text that stands for it where it cannot be seen.

    Args:
        kind: "image/png" or "image/jpeg".
        data: the image's file.
        alt: the text.
    """
    # The size is there before the image is: below a slider the page would jump at each move.
    width, height = Image.open(io.BytesIO(data)).size
    source = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    style = "max-width:100%;height:auto;border-radius:8px"
    return f'<img alt="{html.escape(alt)}" src="{source}" width="{width}" height="{height}" style="{style}">'


def with_alt(figure: Figure, alt: str) -> None:
    """Show a figure in a notebook with alt text, as a small image; outside a notebook print the text.

    Args:
        figure: what the functions above return, or any other.
        alt: one or two sentences that say what the figure shows, for readers who cannot see it.

    Raises:
        ValueError: the text is empty.
    """
    picture = Picture(figure, alt)
    if not in_notebook():
        print(alt)
        return
    from IPython import display

    display.display(picture)


def in_notebook() -> bool:
    """Tell whether pictures can be shown here: in a Jupyter kernel, not in a terminal."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def _shown(image: np.ndarray, channel: int | None) -> np.ndarray:
    """What imshow gets: (height, width) or (height, width, 3) floats in [0, 1]."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim != 2 and (image.ndim != 3 or image.shape[-1] != 3):
        raise ValueError(f"the image has the shape {image.shape}: give (height, width, 3) or (height, width).")
    if image.ndim == 3 and channel is not None:
        image = image[..., channel]
    if image.dtype == np.uint8:
        return image / 255
    image = image.astype("float32")
    if not (np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1):
        raise ValueError(
            f"the image has values from {image.min():.3g} to {image.max():.3g}: give uint8, or floats in [0, 1]."
        )
    return image


def _plane(array: np.ndarray, name: str, shape: tuple[int, int] | None) -> np.ndarray:
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"the {name} has the shape {array.shape}: give one of (height, width).")
    if shape is not None and array.shape != tuple(shape):
        raise ValueError(f"the {name} has the shape {array.shape} and its image {tuple(shape)}: give both the same.")
    return array


def _key(masks: bool, predictions: bool) -> list:
    key = []
    if masks:
        key.append(patches.Patch(color=TRUE_AREA, alpha=0.7, linewidth=0, label="true area"))
    if predictions:
        key.append(lines.Line2D([], [], color=PREDICTION, linewidth=1.6, label="prediction"))
    return key


def _palette(count: int) -> list:
    return seaborn.color_palette("colorblind", count)


def _runs(runs: Any, label: str) -> Sequence[Any]:
    one_run = isinstance(runs, Mapping | str) or hasattr(runs, "history") or hasattr(runs, "columns")
    if one_run or len(runs) == 0 or (isinstance(runs[0], Mapping) and not _is_dictionary_of_lists(runs[0])):
        raise ValueError(f"the histories of {label!r} are not a list: give [history of each seed], also for one seed.")
    return runs


def _is_dictionary_of_lists(run: Mapping) -> bool:
    return all(np.ndim(values) == 1 for values in run.values())


def _values(run: Any, metric: str, label: str) -> dict[int, float]:
    """One run's metric at each epoch, from any of the forms that a history comes in."""
    history = getattr(run, "history", run)
    if isinstance(history, list):
        names = dict.fromkeys(name for row in history for name in row)  # a first row may lack what is measured later
        history = {name: [row.get(name, np.nan) for row in history] for name in names}
    if metric not in history or len(history[metric]) == 0:
        names = ", ".join(name for name in history if len(history[name])) or "nothing, for it has no epochs"
        raise ValueError(f"a history of {label!r} has no {metric!r}: it has {names}.")
    first, epochs = getattr(run, "first_epoch", 0), getattr(run, "epoch", None)  # of a LivePlot; of Keras, from 0 on
    if isinstance(epochs, list) and epochs:
        # from their end: where one History went through two `fit`, they are those of the second
        first = max(0, epochs[-1] + 1 - max(len(values) for values in history.values()))
    return _by_epoch(history, metric, first + 1)


def _by_epoch(history: Mapping[str, Sequence[float]], metric: str, first_epoch: int) -> dict[int, float]:
    longest = max(history, key=lambda name: len(history[name]))
    if len(history[metric]) < len(history[longest]):
        raise ValueError(
            f"the history has {len(history[metric])} values of {metric!r} and {len(history[longest])} of {longest!r}, "
            "which leaves open at which epochs: give `fit` a live.LivePlot() and draw that, whose history has NaN "
            "where nothing was measured."
        )
    return {epoch: float(value) for epoch, value in enumerate(history[metric], first_epoch)}


def _finish(axes: Axes, metric: str) -> None:
    words = metric.replace("val_", "validation ", 1) if metric.startswith("val_") else metric
    axes.set(xlabel="epoch", ylabel=words.replace("_", " "))
    epochs = np.concatenate([line.get_xdata() for line in axes.lines])
    margin = max(0.3, 0.02 * np.ptp(epochs))
    axes.set_xlim(epochs.min() - margin, epochs.max() + margin)  # there is no epoch 0
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
    seaborn.despine(ax=axes)
