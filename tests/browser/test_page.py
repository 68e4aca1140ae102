"""The page of the web book in which a network runs: opened from the disk, it finds what Python finds."""

import io
import json

import course
import numpy as np
import pytest
from PIL import Image
from test_browser import SCREENSHOTS, WIDTHS

from helpers import tasks
from helpers.data import brain, phantom_brain
from helpers.nets import inference

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of MyST about Sphinx 11

PARTS = course.ROOT / "build/page"
MOST_PIXELS = 0.005  # of a slice, that may be given another answer than in Python
SECONDS = 120
SEEN = """() => ({
    name: networkPage.seen.name, area: [...networkPage.area()].map(Number), ...networkPage.seen.probability,
    probability: [...networkPage.seen.probability.values]
})"""


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """The page's address on the disk, in a book of the guides alone."""
    pytest.importorskip("myst_nb", reason="Sphinx and MyST-NB come with the extra book")
    from sphinx.cmd.build import build_main

    if not (PARTS / "engine.js").is_file():
        pytest.skip("engine.js missing in build/page: python tools/make_page_parts.py downloads it")
    # needs no connection: it is missing when the shipped network cannot be exported
    assert (PARTS / "network.js").is_file(), "network.js missing: python tools/make_page_parts.py says why"
    make_book = course.script("docs/make_book.py")
    folder = tmp_path_factory.mktemp("book")
    make_book.write_texts(folder / "pages")
    assert not build_main(["-Q", "-c", str(course.ROOT / "docs"), str(folder / "pages"), str(folder / "html")])
    return (folder / "html/docs/in_your_browser.html").as_uri()


class Page:
    """The page, with what a visitor does and sees."""

    def __init__(self, browser, address, theme="light", width=WIDTHS[0]):
        self.mistakes, self.asked = [], []
        self.page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=theme)
        self.page.set_default_timeout(1000 * SECONDS)
        self.page.on("pageerror", lambda error: self.mistakes.append(f"uncaught: {error}"))
        self.page.on("console", lambda each: self.mistakes.append(each.text) if each.type == "error" else None)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)
        self.page.wait_for_function("networkPage.ready || document.getElementById('network-error').textContent")

    def words(self, name):
        return self.page.locator(f"#network-{name}").inner_text()

    def label(self, name):
        return self.page.locator(f"#network-{name}").get_attribute("aria-label")

    def drop(self, name, content):
        self.page.get_by_label("Your own").set_input_files([{"name": name, "mimeType": "", "buffer": content}])

    def seen(self, name):
        self.page.wait_for_function("(name) => networkPage.seen?.name === name", arg=name)
        found = self.page.evaluate(SEEN)
        shape = found["height"], found["width"]
        return np.reshape(found["probability"], shape), np.reshape(found["area"], shape) > 0


@pytest.fixture(scope="module")
def page(browser, address):
    opened = Page(browser, address)
    yield opened
    opened.page.close()


def file_of(image, kind, **settings):
    memory = io.BytesIO()
    Image.fromarray(image).save(memory, kind, **settings)
    return memory.getvalue()


def ten_slices():
    """Phantoms with and without tumour, most of them whole; in PNG and in the TIFF of the sets."""
    images, _ = phantom_brain.patient(2001, 3, slices=16)
    images = list(images[4:14])
    images[7], images[8], images[9] = images[7][20:, 13:], images[8][::3, ::3], images[9].repeat(2, 0).repeat(2, 1)
    for number, image in enumerate(images):
        if number % 2:
            yield f"slice_{number}.tif", file_of(image, "TIFF", compression="tiff_lzw"), image
        else:
            yield f"slice_{number}.png", file_of(image, "PNG"), image


def test_the_page_finds_what_python_finds_in_ten_slices(page):
    model, purpose = tasks.load("brain")
    rule, found = purpose.area_rule({}, "brain"), 0
    for name, content, image in ten_slices():
        page.drop(name, content)
        probability, area = page.seen(name)
        expected = inference.predict_probabilities(model, brain.normalise_images(image[None]))[0]
        assert area.shape == expected.shape
        for threshold in (0.1, purpose.threshold, 0.9):
            other = np.mean((probability >= threshold) != (expected >= threshold))
            assert other <= MOST_PIXELS, f"{name} at {threshold}: {other:.2%} of the pixels"
        assert (area == rule(probability.astype("float32"))).all()
        found += area.any()
    assert found >= 5, "phantoms in which nothing is found prove nothing"
    assert page.words("error") == "" and page.mistakes == []


def test_nothing_leaves_the_computer(page):
    assert page.asked and {url.partition(":")[0] for url in page.asked} <= {"file", "blob", "data"}


def test_the_threshold_moves_contour_words_and_labels_by_keyboard(page):
    page.page.get_by_label("Slice", exact=True).select_option(label="Phantom 1")
    _, area = page.seen("Phantom 1")
    slider = page.page.get_by_role("slider", name="Threshold")
    before = page.words("words"), page.label("slice")
    assert "Dice with the true tumour" in before[0] and before[0] in before[1] and "Phantom 1" in page.label("map")
    slider.focus()
    assert slider.evaluate("(slider) => getComputedStyle(slider).outlineStyle") == "solid"
    page.page.keyboard.press("Home")
    assert slider.input_value() == "0.01" == page.words("threshold-value") == slider.get_attribute("aria-valuetext")
    _, lenient = page.seen("Phantom 1")
    page.page.keyboard.press("End")
    _, strict = page.seen("Phantom 1")
    assert strict.sum() < area.sum() < lenient.sum()
    assert page.words("words") != before[0] and page.label("slice") != before[1]


def test_a_file_that_is_no_picture_is_told_and_the_last_one_stays(page):
    page.page.get_by_label("Slice", exact=True).select_option(label="Phantom 2")
    page.seen("Phantom 2")
    page.drop("notes.txt", b"no picture")
    alert = page.page.get_by_role("alert")
    alert.filter(has_text="notes.txt is no picture").wait_for()
    assert "Phantom 2 is still shown" in page.words("status")
    assert page.page.get_by_label("Slice", exact=True).input_value() == "1"
    page.drop("deep.png", file_of(np.zeros((8, 8), "uint16"), "PNG"))
    alert.filter(has_text="deep.png has 16 bits").wait_for()
    page.drop("large.tif", file_of(np.zeros((3, 4000), "uint8"), "TIFF"))
    alert.filter(has_text="large.tif has 4000 x 3 pixels: give at most 2048 a side").wait_for()
    clear = np.full((8, 8, 4), 255, "uint8")
    clear[3, 5] = 200, 0, 0, 128
    page.drop("clear.png", file_of(clear, "PNG"))
    alert.filter(has_text="clear.png has transparent pixels").wait_for()
    page.drop("good.png", file_of(np.zeros((40, 40), "uint8"), "PNG"))
    _, area = page.seen("good.png")
    assert area.shape == (40, 40) and page.words("error") == ""
    assert page.page.get_by_label("Slice", exact=True).input_value() == "own"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_as_it_is_seen(browser, address, theme, width):
    opened = Page(browser, address, theme, width)
    opened.seen("Phantom 1")
    sides = opened.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    opened.page.screenshot(path=SCREENSHOTS / f"in_your_browser-{theme}-{width}.png", full_page=True)
    assert sides[0] <= sides[1], "the page is wider than the window"
    assert opened.mistakes == []
    opened.page.close()


def test_a_book_without_the_network_says_so(browser, address):
    opened = browser.new_page()
    opened.route("**/engine.js", lambda route: route.abort())
    opened.goto(address)
    opened.get_by_role("alert").filter(has_text="made without the network").wait_for()
    assert opened.get_by_label("Your own").is_disabled()
    assert json.loads(opened.evaluate("JSON.stringify(networkPage.ready)")) is False
    opened.close()
