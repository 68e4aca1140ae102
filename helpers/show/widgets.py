"""Widgets for the notebooks: pictures that change under a slider.

They need a running kernel; where a page is only read, a still picture stands in their place.
"""

import io
from collections.abc import Callable, Mapping, Sequence

try:
    import anywidget
    import ipywidgets
    import traitlets
except ImportError as error:
    raise ImportError(
        "helpers.show.widgets needs anywidget and ipywidgets: run `pip install anywidget`, which brings both, then "
        "restart the kernel and reload the page."
    ) from error
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from helpers.scores import metrics
from helpers.show import figures

SIDE = 4.2  # inches, of the picture under the slider
STILL_THRESHOLDS = (0.02, 0.5, 0.98)


class Slider(anywidget.AnyWidget):
    """A name, a handle and its value. The handle is the browser's own.

    So it moves with mouse, finger and arrow keys, shows when it has the focus, and tells a screen reader its name and
    its true value; ipywidgets' sliders have no name and round what they tell.

    Attributes:
        value: kept between `low` and `high`; an int if low, high and step are ints, else a float.
        name: what stands before the handle.
        words: what is shown and told instead of the values 0, 1, 2 ...; none for the values themselves.
    """

    _esm = """
    const NAVIGATION = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];

    function render({ model, el }) {
      const [name, handle, value] = ["span", "input", "output"].map((tag) => document.createElement(tag));
      const decimals = (String(model.get("step")).split(".")[1] || "").length;
      const words = model.get("words");
      name.textContent = model.get("name");
      handle.type = "range";
      handle.setAttribute("aria-label", model.get("name"));
      for (const [attribute, trait] of [["min", "low"], ["max", "high"], ["step", "step"]])
        handle.setAttribute(attribute, model.get(trait));
      const show = () => {
        handle.value = model.get("value");
        value.textContent = words.length ? words[model.get("value")] : model.get("value").toFixed(decimals);
        handle.setAttribute("aria-valuetext", value.textContent);
      };
      handle.addEventListener("input", () => {
        model.set("value", handle.valueAsNumber);
        model.save_changes();
      });
      // or the notebook would take the arrow keys for its own, and go to the next cell
      handle.addEventListener("keydown", (event) => {
        if (NAVIGATION.includes(event.key)) event.stopPropagation();
      });
      // or the handle's track would grow and shrink with the words
      if (words.length) value.style.minWidth = `${Math.max(...words.map((word) => word.length))}ch`;
      model.on("change:value", show);
      show();
      el.classList.add("where-to-look-slider");
      el.append(name, handle, value);
      return () => model.off("change:value", show);
    }

    export default { render };
    """
    _css = """
    .where-to-look-slider {
      display: flex; align-items: center; gap: 0.75em; max-width: 100%; padding: 0.3em 0.4em;
      color: var(--jp-ui-font-color1, inherit); font-size: var(--jp-ui-font-size1, 13px);
    }
    .where-to-look-slider span { min-width: 7em; }
    .where-to-look-slider input {
      flex: 1; min-width: 4em; margin: 0; accent-color: var(--jp-brand-color1, #1976d2);
    }
    .where-to-look-slider input:focus-visible {
      outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 3px; border-radius: 4px;
    }
    .where-to-look-slider output { min-width: 2.5em; text-align: right; font-variant-numeric: tabular-nums; }
    """
    name = traitlets.Unicode().tag(sync=True)
    low = traitlets.Any().tag(sync=True)
    high = traitlets.Any().tag(sync=True)
    step = traitlets.Any().tag(sync=True)
    value = traitlets.Any().tag(sync=True)
    words = traitlets.List(traitlets.Unicode()).tag(sync=True)

    @traitlets.validate("value")
    def _within(self, proposal):
        whole = all(isinstance(number, int) for number in (self.low, self.high, self.step))
        return (int if whole else float)(min(max(proposal.value, self.low), self.high))


class ThresholdSlider(ipywidgets.VBox):
    """A slider, a line of words and the picture that they belong to; made by `threshold_slider`."""

    def __init__(self, image, probabilities, mask=None, channel=1):
        self._image, self._channel = image, channel
        self._probabilities = np.asarray(probabilities)
        height, width = np.shape(image)[:2]
        self._mask = None if mask is None else figures.true_area(mask, (height, width))
        figures.thresholded(self._probabilities, shape=(height, width))  # refuses what is no probability

        # Only the contour moves: it is drawn over a copy of all the rest, which is drawn once.
        figure = Figure(figsize=(SIDE, SIDE * height / width), dpi=figures.DOTS_PER_INCH)
        self._canvas = FigureCanvasAgg(figure)
        self._axes = figure.add_axes((0, 0, 1, 1))
        figures.overlay(self._axes, image, mask, channel=channel)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)
        self._contour = self._axes.add_collection(figures.contour_lines([]))

        layout = {"width": f"{SIDE * figures.DOTS_PER_INCH:.0f}px", "max_width": "100%"}
        self.slider = Slider(name="threshold", low=0, high=1, step=0.01, value=0.5, layout=layout)
        self.words = ipywidgets.Label()
        self.picture = ipywidgets.HTML(layout=layout)
        self.slider.observe(self._move, names="value")
        self._move()
        super().__init__([self.slider, self.words, self.picture])

    def describe(self, threshold: float) -> str:
        """Say how large the prediction is at a threshold; if the true area is known, what is wrong, and its Dice."""
        prediction = figures.thresholded(self._probabilities, threshold)
        words = f"threshold {threshold:.2f}"
        if self._mask is None:
            return f"{words}: {prediction.sum():,} pixels marked"
        counts = metrics.counts(self._mask[None], prediction[None])[0]
        both, predicted, true = counts
        mistakes = f"{predicted - both:,} healthy marked, {true - both:,} tumour missed"
        return f"{words}: {mistakes}, Dice {metrics.dice(counts):.3f}"

    def _move(self, change=None):
        threshold = self.slider.value
        self._contour.set_segments(figures.outline(figures.thresholded(self._probabilities, threshold)))
        self._canvas.restore_region(self._background)
        self._axes.draw_artist(self._contour)
        encoded = io.BytesIO()
        # JPEG takes a quarter of a PNG's bytes, and a moving slider sends many pictures to the browser.
        picture = Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB")
        picture.save(encoded, "jpeg", quality=88, subsampling=0)
        self.words.value = self.describe(threshold)
        self.picture.value = figures.image_element("image/jpeg", encoded.getvalue(), self.words.value)

    def _repr_mimebundle_(self, **kwargs):
        live = super()._repr_mimebundle_(**kwargs)
        count = len(STILL_THRESHOLDS)
        described = [self.describe(threshold) for threshold in STILL_THRESHOLDS]
        still = figures.grid(
            [self._image] * count,
            None if self._mask is None else [self._mask] * count,
            [figures.thresholded(self._probabilities, threshold) for threshold in STILL_THRESHOLDS],
            titles=[words.replace(": ", "\n").replace(", ", "\n") for words in described],
            channel=self._channel,
        )
        alt = f"One image at {count} thresholds: {'; '.join(described)}."
        return {**live, "text/html": figures.Picture(still, alt)._repr_html_()}


def threshold_slider(
    image: np.ndarray, probabilities: np.ndarray, mask: np.ndarray | None = None, channel: int | None = 1
) -> ThresholdSlider:
    """Let a slider move the threshold over a network's probabilities for one image (lesson 00).

    Make it the last expression of a cell. Where no kernel runs, a still picture at three thresholds shows.

    Args:
        image: (height, width, 3) or (height, width), uint8 or floats in [0, 1].
        probabilities: (height, width), floats in [0, 1].
        mask: (height, width), the true area; with it the pixels marked and missed and the Dice are shown.
        channel: the channel shown in grey (1: FLAIR); None shows all three as red, green and blue.

    Raises:
        ValueError: the shapes do not fit together, or the values lie outside their range.
    """
    return ThresholdSlider(image, probabilities, mask, channel)


class Sliders(ipywidgets.VBox):
    """Sliders above the figure that they change; made by `sliders`."""

    def __init__(self, draw, alt, stills, ranges):
        self._draw, self._alt = draw, alt
        layout = {"width": f"{figures.WIDTH * 72:.0f}px", "max_width": "100%"}
        self.sliders = {}
        for name, among in ranges.items():
            words, value = [], stills[0][name]
            if isinstance(among[0], str):
                words, value, among = list(among), among.index(value), (0, len(among) - 1, 1)
            low, high, step = among
            self.sliders[name] = Slider(
                name=name.replace("_", " "), low=low, high=high, step=step, words=words, value=value, layout=layout
            )
        # The stills are drawn at once: a mistake in `draw` shows in the cell, not at the first move.
        self._stills = [self._picture(values) for values in stills]
        self.picture = ipywidgets.HTML()
        for slider in self.sliders.values():
            slider.observe(self._move, names="value")
        self._show(self._stills[0])
        super().__init__([*self.sliders.values(), self.picture])

    def _picture(self, values):
        return figures.Picture(self._draw(**values), self._alt(**values))

    def _show(self, picture):
        self.picture.value = picture._repr_html_()

    def _move(self, change):
        values = {name: slider.value for name, slider in self.sliders.items()}
        words = {name: slider.words[slider.value] for name, slider in self.sliders.items() if slider.words}
        self._show(self._picture({**values, **words}))

    def _repr_mimebundle_(self, **kwargs):
        live = super()._repr_mimebundle_(**kwargs)
        return {**live, "text/html": "".join(picture._repr_html_() for picture in self._stills)}


def sliders(
    draw: Callable[..., Figure],
    alt: Callable[..., str],
    stills: Sequence[Mapping[str, float | str]],
    **ranges: tuple[float, float, float] | tuple[str, ...],
) -> Sliders:
    """Let sliders change what a figure shows: a loss's settings, the slice of a patient (lessons 01 to 03).

    Make it the last expression of a cell. Where no kernel runs, the figures of `stills` show instead.

    Args:
        draw: takes the sliders' values by name, gives a figure; quick enough to be called while one moves.
        alt: takes the same values, gives the figure's alt text.
        stills: the values of the still figures, {name: value} each; the sliders begin at the first.
        ranges: for each slider its lowest value, its highest and its step; whole numbers stay whole. Or the words
            among which it chooses; `draw` and `alt` take the word.

    Raises:
        ValueError: no stills, or one does not name every slider, or leaves a slider's range.
    """
    if not stills:
        raise ValueError("the sliders have no stills: give at least one {name: value}, where they begin.")
    for still in stills:
        if set(still) != set(ranges):
            raise ValueError(f"a still names {sorted(still)}, and the sliders are {sorted(ranges)}: name each once.")
        for name, value in still.items():
            if isinstance(ranges[name][0], str):
                if value not in ranges[name]:
                    raise ValueError(f"a still has {name}={value!r}: its slider chooses among {ranges[name]}.")
                continue
            low, high, _ = ranges[name]
            if not low <= value <= high:
                raise ValueError(f"a still has {name}={value}: its slider goes from {low} to {high}.")
    return Sliders(draw, alt, stills, ranges)


def volume(
    images: np.ndarray,
    masks: np.ndarray,
    predictions: np.ndarray,
    patients: Sequence[str],
    channel: int | None = 1,
    threshold: float = 0.5,
) -> Sliders:
    """Let a slider walk through the slices of patients, and another choose what lies over them (lesson 06).

    It begins at the slice with the most missed pixels. Make it the last expression of a cell. Where no kernel runs,
    that slice shows with both areas, and with its errors.

    Args:
        images: n slices of one patient or of several, patient after patient, (n, height, width, 3) uint8.
        masks: (n, height, width) bool, the true areas.
        predictions: (n, height, width), bool or probabilities in [0, 1].
        patients: n names, the patient of each slice.
        channel: the channel shown in grey (1: FLAIR); None shows all three as red, green and blue.
        threshold: a pixel belongs to the prediction from this probability on.

    Raises:
        ValueError: not as many of one thing as of another, or the slices of a patient do not follow each other.
    """
    counts, starts = figures.volume_counts(masks, predictions, patients, threshold)

    def draw(slice, over):
        return figures.volume(images, masks, predictions, patients, slice - 1, over, channel, threshold)

    def alt(slice, over):
        both, predicted, true = counts[slice - 1]
        patient = int(np.searchsorted(starts, slice - 1, side="right"))
        found = f"{true} pixels of tumour, {predicted} marked, {both} of them rightly"
        return f"Slice {slice} of {len(masks)}, patient {patient}: {found}. Over it: {over}. Below, all slices' areas."

    worst = int(np.argmax(counts[:, 2] - counts[:, 0])) + 1
    stills = [{"slice": worst, "over": "both"}, {"slice": worst, "over": "errors"}]
    return sliders(draw, alt, stills, slice=(1, len(masks), 1), over=figures.OVER)
