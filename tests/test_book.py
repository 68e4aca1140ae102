"""The web book: made without a warning, every picture described, every link alive, no answer in plain sight."""

import re
import subprocess
import sys
import urllib.parse
from pathlib import Path

import course
import nbformat
import pytest

pytest.importorskip("myst_nb", reason="Sphinx and MyST-NB come with the extra book")
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS = sorted(ROOT.glob("solutions/*/*.ipynb"))

pytestmark = pytest.mark.xdist_group("book")

make_book = course.script("docs/make_book.py")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The whole book, {path: parsed page}, from one run of the command."""
    output = tmp_path_factory.mktemp("book")
    before = [path.read_bytes() for path in SOLUTIONS]
    command = [sys.executable, str(ROOT / "docs/make_book.py"), "--output", str(output)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=output)
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr and "ERROR" not in run.stderr
    assert [path.read_bytes() for path in SOLUTIONS] == before
    html = output / "html"
    pages = {}
    for path in html.rglob("*.html"):
        text = re.sub(r"base64,[^\"']+", "base64,", path.read_text(encoding="utf-8"))  # pictures take long to parse
        pages[path.relative_to(html).as_posix()] = BeautifulSoup(text, "html.parser")
    return pages


def page_of(solution):
    return f"lessons/{solution.parent.name}/{solution.stem}.html"


def squeezed(text):
    """Text without its spaces, since highlighted code comes back in pieces."""
    return re.sub(r"\s+", "", text)


def between(source, mark):
    found = re.findall(rf"### BEGIN {mark}\n(.*?)### END {mark}", source, re.DOTALL)
    return [squeezed(each) for each in found]


def test_every_lesson_and_every_room_has_its_page_in_order(book):
    listed = [link["href"] for link in book["lessons/index.html"].select(".toctree-wrapper a")]
    assert [f"lessons/{each}" for each in listed] == [page_of(each) for each in SOLUTIONS]
    rooms = {path.parent.name for path in ROOT.glob("helpers/*/__init__.py")}
    assert {f"reference/helpers.{room}.html" for room in rooms} | {"reference/helpers.html"} <= set(book)
    assert {f"docs/{path.stem}.html" for path in ROOT.glob("docs/*.md")} <= set(book)


def test_the_reference_says_what_the_docstrings_say(book):
    layer = book["reference/helpers.nets.html"].find(id="helpers.nets.attention.SqueezeExcitation")
    assert squeezed(layer.get_text()).endswith("SqueezeExcitation(ratio=16,**kwargs)#")
    assert "equations 2 to 4" in layer.parent.get_text() and layer.parent.find(string="ratio")


def test_every_picture_says_what_it_shows(book):
    pictures = [(page, picture) for page, soup in book.items() for picture in soup.find_all("img")]
    assert len(pictures) > len(SOLUTIONS)
    assert [(page, str(picture)[:80]) for page, picture in pictures if not picture.get("alt", "").strip()] == []


def test_every_link_inside_the_book_leads_somewhere(book):
    names = {page: {each["id"] for each in soup.find_all(id=True)} for page, soup in book.items()}
    followed, broken = 0, []
    for page, soup in book.items():
        for link in soup.find_all("a", href=True):
            address = urllib.parse.urlsplit(link["href"])
            if address.scheme or address.netloc or link["href"] == "#":
                continue
            base = urllib.parse.urlsplit(urllib.parse.urljoin(f"https://book/{page}", link["href"])).path[1:]
            target = base if address.path else page
            followed += 1
            if target not in book or (address.fragment and address.fragment not in names[target]):
                broken.append((page, link["href"]))
    assert followed > 100 and broken == []


def test_a_reader_goes_from_lesson_to_lesson(book):
    for solution, following in zip(SOLUTIONS, SOLUTIONS[1:], strict=False):
        forward = book[page_of(solution)].find("a", class_="right-next")
        assert forward["href"].endswith(f"{following.parent.name}/{following.stem}.html")


@pytest.mark.parametrize("solution", SOLUTIONS, ids=lambda path: path.stem)
def test_answers_and_checks_are_folded_and_hidden_tests_are_gone(book, solution):
    page = BeautifulSoup(str(book[page_of(solution)].find("article")), "html.parser")
    assert "### BEGIN" not in page.get_text() and "### END" not in page.get_text()
    folded = squeezed(" ".join(each.extract().get_text() for each in page.find_all("details")))
    plain = squeezed(page.get_text())
    cells = nbformat.read(solution, as_version=4).cells
    for cell in cells:
        graded = cell.metadata.get("nbgrader", {})
        for answer in between(cell.source, "SOLUTION"):
            assert answer in folded and answer not in plain
        for test in between(cell.source, "HIDDEN TESTS"):
            assert test not in folded and test not in plain
        if graded.get("grade"):
            visible = squeezed(make_book.MARKS.sub("", make_book.HIDDEN.sub("", cell.source)))
            if cell.cell_type == "markdown":  # an answer in words, whose lists, code and apostrophes are set as such
                visible = squeezed(re.sub(r"(?m)^\d+\. |[`*]", "", cell.source)).replace("'", "’")
            assert visible in folded and visible not in plain
        if graded.get("solution") and '"""' in cell.source:
            asked = squeezed(cell.source.partition("### BEGIN SOLUTION")[0])
            assert asked in plain, "the exercise itself stays in sight"


def test_a_lesson_says_where_it_runs_not_where_it_is_read(book):
    for solution in SOLUTIONS:
        page = book[page_of(solution)]
        assert "without running it" not in page.get_text()
        path = f"lessons/{solution.parent.name}/{solution.name}"
        (binder,) = page.find_all("a", string="on Binder")
        assert binder["href"].endswith(f"?urlpath=lab/tree/{path}")
        assert "colab" not in str(page).lower(), "a notebook that is opened alone finds no course"


def test_a_slider_is_a_still_picture(book):
    stills = book[page_of(SOLUTIONS[0])].find_all("img", alt=re.compile("thresholds"))
    assert len(stills) == 1
    assert not any("widget-view" in str(soup) for soup in book.values())


def exercise(source, **graded):
    cell = nbformat.v4.new_code_cell(source)
    cell.metadata.nbgrader = {"grade": False, "solution": False, **graded}
    notebook = nbformat.v4.new_notebook(cells=[cell])
    make_book.fold(notebook)
    return notebook.cells


def test_an_exercise_is_shown_and_its_answer_folded():
    answer = '### BEGIN SOLUTION\n    return "secret"\n    ### END SOLUTION'
    shown, folded = exercise(f'def f():\n    """Do."""\n    {answer}\n\n\nf()', solution=True)
    assert shown.source == 'def f():\n    """Do."""\n    ...  # your code\n\n\nf()' and not shown.metadata.get("tags")
    assert folded.source == 'def f():\n    """Do."""\n    return "secret"\n\n\nf()'
    assert folded.metadata.tags == ["hide-input"]


def test_an_answer_in_words_is_folded():
    cell = nbformat.v4.new_markdown_cell("**Secret** words.", metadata={"nbgrader": {"grade": True, "solution": True}})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    make_book.fold(notebook)
    assert notebook.cells[0].source.startswith("<details><summary>Show an answer</summary>\n\n**Secret** words.")


def test_hidden_tests_are_taken_out():
    hidden = "### BEGIN HIDDEN TESTS\nassert f() == 3\n### END HIDDEN TESTS"
    (cell,) = exercise(f"assert f() > 2\n{hidden}\nprint('Right')", grade=True)
    assert cell.source == "assert f() > 2\nprint('Right')" and cell.metadata.tags == ["hide-input"]
    assert exercise(hidden, grade=True) == []


@pytest.mark.parametrize("name", ["html", "pages"])
def test_a_folder_that_the_book_has_not_made_is_kept(name, tmp_path, monkeypatch, capsys):
    for part in ("write_texts", "write_lessons", "write_reference", "mend_links"):
        monkeypatch.setattr(make_book, part, lambda pages: (pages / "page.md").touch())
    monkeypatch.setattr("sphinx.cmd.build.build_main", lambda words: 0)
    own = tmp_path / name / "own.html"
    own.parent.mkdir()
    for _ in range(2):  # an empty folder is filled, and one that was made here is made anew
        make_book.main(["--output", str(tmp_path)])
    assert "The book is made" in capsys.readouterr().out
    for place in (tmp_path / name).iterdir():
        place.unlink()
    own.write_text("mine")
    with pytest.raises(SystemExit, match=f"{name}: would be emptied, and this script has not made it; move it, or"):
        make_book.main(["--output", str(tmp_path)])
    assert own.read_text() == "mine"


def test_links_lead_into_the_book_or_to_the_repository(tmp_path):
    page = tmp_path / "docs/page.md"
    page.parent.mkdir()
    (page.parent / "other.md").touch()
    page.write_text(
        "[a](other.md#x) [b](../README.md) [c](../LICENSE) [d](nowhere.md) [e](https://example.org) [f](#g)"
    )
    make_book.mend_links(tmp_path)
    assert page.read_text() == (
        f"[a](other.md#x) [b](../index.md) [c]({make_book.repository()}/blob/main/LICENSE) [d](nowhere.md) "
        "[e](https://example.org) [f](#g)"
    )
