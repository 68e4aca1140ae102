"""Every lesson and every solution as a person sees it: JupyterLab in Chromium, all cells run, all sliders moved.

`make browser` runs this; `make test` leaves it out. Screenshots are kept in build/browser/; with NO_SCREENSHOTS in the
environment, only those of what fails.
"""

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import course
import pytest

TOKEN = "of-this-test"
SCREENSHOTS = course.ROOT / "build" / "browser"
WIDTHS = (1400, 900)
HEIGHT = 6000  # of a screenshot
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SECONDS_PER_NOTEBOOK = 1200
SECONDS_PER_MOVE = 60

SETTINGS = {
    # or only the cells in sight would be in the page
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none", "scrollPastLastCell": False},
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}
# what JupyterLab itself logs as an error
NOT_OURS = ("favicon", "/lab/api/workspaces", "ResizeObserver loop", "/api/kernels", "api/me")

RED_BOXES = ", ".join(
    [
        ".jupyter-widgets-error-widget",  # "Click to show javascript error"
        ".jp-OutputArea-output :text('Error displaying widget')",
        ".jp-OutputArea-output :text('Error creating widget')",
        ".jp-OutputArea-output :text('Loading widget...')",
    ]
)

# run in the page, where `panel` is the open notebook
PANEL = "const panel = window.jupyterapp?.shell.currentWidget;"
CONNECTED = f"() => {{ {PANEL} return panel?.sessionContext?.session?.kernel?.status === 'idle' }}"
RUN_ALL = """() => {
    window.ran = null;
    window.jupyterapp.commands.execute("notebook:run-all-cells").then(
        () => { window.ran = "all" }, (error) => { window.ran = String(error) })
}"""
# neither the command's promise nor the kernel's status tells that all is done: the one ends at the first error, also
# where an error is meant, and the other is idle whenever a message beside the cells has been answered
STATE = f"""() => {{
    {PANEL}
    const written = ({{ model }}) => model.type === "code" && model.sharedModel.getSource();
    const cells = panel.content.widgets.filter(written);
    const open = cells.filter(({{ model }}) => model.executionState !== "idle" || model.executionCount === null);
    return [window.ran, open.length, panel.sessionContext.session.kernel.status];
}}"""
OUTPUTS = f"""() => {{
    {PANEL}
    return panel.content.widgets.filter((cell) => cell.model.type === "code").map((cell) => ({{
        source: cell.model.sharedModel.getSource(),
        tags: cell.model.getMetadata("tags") ?? [],
        outputs: cell.model.outputs.toJSON(),
    }}))
}}"""
ACTIVE_CELL = f"() => {{ {PANEL} return panel.content.activeCellIndex }}"
SCROLL = f"""(page) => {{
    {PANEL}
    const scroller = panel.node.querySelector(".jp-WindowedPanel-outer"), [last] = panel.content.widgets.slice(-1);
    scroller.scrollTop = page * scroller.clientHeight;
    return last.node.getBoundingClientRect().bottom + 40;
}}"""
CHANGE_THEME = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
CLOSE = f"async () => {{ {PANEL} await panel.context.save(); await panel.sessionContext.shutdown(); panel.dispose() }}"


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A copy of the notebooks, so that nothing is written into the repository."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("lessons", "solutions"):
        shutil.copytree(course.ROOT / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(course.ROOT / "nbgrader_config.py", folder)  # Validate reads it
    return folder


@pytest.fixture(scope="session")
def lab(folder, tmp_path_factory):
    """The address of a JupyterLab with no settings but its own; it ends with the tests."""
    home = tmp_path_factory.mktemp("home")
    for name, values in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "PYTEST_"))}
    environment |= {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "share"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "DATA_HOME": str(course.lessons_data_home(tmp_path_factory)),
        "COURSE_QUICK": "1",
        "PATH": os.pathsep.join(paths),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(course.ROOT), os.environ.get("PYTHONPATH")])),
    }
    port = free_port()
    settings = {
        "IdentityProvider.token": TOKEN,
        "ServerApp.root_dir": folder,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "LabApp.expose_app_in_browser": True,
        "LanguageServerManager.autodetect": False,  # or the developers' type checker would read each notebook, too
    }
    command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in settings.items())]
    log = home / "jupyterlab.log"
    with open(log, "wb") as written:
        server = subprocess.Popen(command, stdout=written, stderr=written, env=environment, cwd=folder)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(60)


class Notebook:
    """A notebook in JupyterLab, opened by its path below the course's folder."""

    def __init__(self, browser, lab: str, path: str):
        self.name = "-".join(Path(path).parts[:2])
        self.mistakes: list[str] = []  # that the browser's console tells
        self.page = browser.new_page(viewport={"width": WIDTHS[0], "height": 1000})
        self.page.set_default_timeout(SECONDS_PER_MOVE * 1000)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.mistakes.append(f"uncaught: {error}"))
        self.page.goto(f"{lab}/lab/tree/{path}?token={TOKEN}&reset")
        # before there is a kernel, running a cell would ask for one
        self.page.wait_for_function(CONNECTED, timeout=120_000)

    def _hear(self, message):
        text = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not any(words in text for words in NOT_OURS):
            self.mistakes.append(f"console: {text}")

    def run_all(self):
        """Run all cells and wait until the kernel has come to rest."""
        self.page.evaluate(RUN_ALL)
        deadline = time.monotonic() + SECONDS_PER_NOTEBOOK
        while (state := self.page.evaluate(STATE)) != ["all", 0, "idle"]:
            ran, still_open, kernel = state
            assert kernel not in ("dead", "terminating", "autorestarting"), f"the kernel is {kernel}"
            assert ran in (None, "all"), ran
            assert time.monotonic() < deadline, f"{still_open} cells to run after {SECONDS_PER_NOTEBOOK} seconds"
            self.page.wait_for_timeout(250)
        self.page.wait_for_timeout(1000)  # the last widgets are drawn

    def red(self) -> list[str]:
        """Return what should not be there: errors where none is meant, stderr, a widget that did not come up."""
        found = [*self.mistakes]
        for cell in self.page.evaluate(OUTPUTS):
            for output in cell["outputs"]:
                if output["output_type"] == "error" and "raises-exception" not in cell["tags"]:
                    found.append(f"{output['ename']}: {output['evalue']} in\n{cell['source']}")
                if output.get("name") == "stderr":
                    found.append(f"stderr: {output['text']} in\n{cell['source']}")
        return found + [f"in the page: {text}" for text in self.page.locator(RED_BOXES).all_inner_texts()]

    def widgets_with_sliders(self) -> int:
        """Return how many outputs are such; the bar of a download is another widget."""
        outputs = [output for cell in self.page.evaluate(OUTPUTS) for output in cell["outputs"]]
        return sum("Slider" in str(output.get("data", {}).get("text/plain", "")) for output in outputs)

    def pictures_without_words(self) -> list[str]:
        """Return the images of the outputs that have no alt text."""
        images = self.page.locator(".jp-OutputArea-output img")
        return images.evaluate_all("images => images.filter((i) => !i.alt.trim()).map((i) => i.outerHTML.slice(0, 99))")

    def screenshots(self):
        """Take the whole notebook at each width, light and dark."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for theme, title in THEMES.items():
            self.page.evaluate(CHANGE_THEME, title)
            self.page.locator(f"body[data-jp-theme-name='{title}']").wait_for(state="attached")
            for width in WIDTHS:
                # the notebook scrolls inside the page: in a high page a few steps show all of it
                self.page.set_viewport_size({"width": width, "height": HEIGHT})
                self.page.wait_for_timeout(1500)
                for number in itertools.count():
                    bottom = self.page.evaluate(SCROLL, number)
                    seen = {"x": 0, "y": 0, "width": width, "height": min(bottom, HEIGHT)}
                    path = SCREENSHOTS / f"{self.name}-{theme}-{width}-{number}.png"
                    self.page.screenshot(path=path, clip=seen)
                    if bottom <= HEIGHT:
                        break
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 1000})

    def close(self):
        self.page.evaluate(CLOSE)
        self.page.close()


@pytest.fixture
def opened(browser, lab):
    """Open notebooks; they end with the test, and their kernels with them."""
    notebooks = []

    def open_notebook(path):
        notebooks.append(Notebook(browser, lab, path))
        return notebooks[-1]

    yield open_notebook
    for notebook in notebooks:
        notebook.close()


def shown_by(slider):
    """What belongs to a slider now: its value, the value that is read aloud, the picture and its alt text."""
    return slider.evaluate(
        """(slider) => {
            const picture = slider.closest(".widget-vbox").querySelector("img");
            return [slider.value, slider.getAttribute("aria-valuetext"), picture.src, picture.alt];
        }"""
    )


def wait_for_other(slider, before, what):
    """Wait until the kernel has answered: another alt text, and with `what` "picture" another picture."""
    deadline = time.monotonic() + SECONDS_PER_MOVE
    while True:
        now = shown_by(slider)
        if now[3] != before[3] and (what == "words" or now[2] != before[2]):
            return now
        assert time.monotonic() < deadline, f"the {what} did not change from {before[3]!r} (slider at {now[0]})"
        slider.page.wait_for_timeout(50)


def tells_its_value(shown):
    """Whether what is read aloud is the slider's value, or one of its words."""
    value, told = shown[:2]
    return told.isalpha() or float(told) == pytest.approx(float(value))


def move(page, slider):
    """Move a slider by keyboard and mouse: its value, the picture and the alt text follow."""
    slider.scroll_into_view_if_needed()
    low, high, step = (float(slider.get_attribute(name)) for name in ("min", "max", "step"))
    assert slider.get_attribute("aria-label").strip()
    slider.focus()
    start = shown_by(slider)
    assert tells_its_value(start), "what is read aloud is not the value"

    page.keyboard.press("ArrowLeft" if float(start[0]) == high else "ArrowRight")
    stepped = wait_for_other(slider, start, "words")
    assert abs(float(stepped[0]) - float(start[0])) == pytest.approx(step)
    assert tells_its_value(stepped)
    assert stepped[1] != start[1], "what is read aloud stays"
    assert slider.evaluate("(slider) => slider === document.activeElement"), "the notebook took the key"
    outline = slider.evaluate("(slider) => getComputedStyle(slider).outlineStyle")
    assert outline == "solid", "the keyboard's focus is not seen"

    cell = page.evaluate(ACTIVE_CELL)
    page.keyboard.press("ArrowDown" if float(stepped[0]) > low else "ArrowUp")
    wait_for_other(slider, stepped, "words")
    assert page.evaluate(ACTIVE_CELL) == cell, "the notebook took the key"

    before = shown_by(slider)
    page.keyboard.press("Home" if float(before[0]) > (low + high) / 2 else "End")
    far = wait_for_other(slider, before, "picture")

    box = slider.bounding_box()
    across = 0.7 if float(far[0]) == low else 0.3
    page.mouse.click(box["x"] + across * box["width"], box["y"] + box["height"] / 2)
    clicked = wait_for_other(slider, far, "picture")
    assert low + (across - 0.15) * (high - low) - step < float(clicked[0]) < low + (across + 0.15) * (high - low) + step


PATHS = [f"{kind}/{name}/{name}.ipynb" for name in course.NAMES for kind in ("lessons", "solutions")]


@pytest.mark.parametrize("path", PATHS)
def test_notebook(opened, path):
    """Run all cells, move all sliders, and find nothing red."""
    notebook = opened(path)
    notebook.run_all()
    passed = False
    try:
        assert notebook.red() == []
        sliders = notebook.page.locator(".jp-OutputArea-output").get_by_role("slider")
        assert sliders.count() >= notebook.widgets_with_sliders(), "a widget shows no slider"
        for number in range(sliders.count()):
            move(notebook.page, sliders.nth(number))
        assert notebook.red() == []
        assert notebook.pictures_without_words() == []
        passed = True
    finally:
        if not passed or "NO_SCREENSHOTS" not in os.environ:
            notebook.screenshots()


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("solutions", "Success! Your notebook passes all the tests."), ("lessons", "The following cell failed:")],
)
def test_validate(opened, kind, verdict):
    """nbgrader's button tells who has solved a lesson from who has not."""
    notebook = opened(f"{kind}/00_start_here/00_start_here.ipynb")
    notebook.page.get_by_role("button", name="Validate").click()
    dialog = notebook.page.get_by_role("dialog")
    dialog.wait_for(timeout=SECONDS_PER_NOTEBOOK * 1000)
    assert verdict in dialog.inner_text()
    dialog.get_by_role("button").last.click()
