"""The drawings of the mechanisms: those that their generator draws, each in its lesson with an alt text."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import course
import pytest

ROOT = Path(__file__).resolve().parents[1]
make_drawings = course.script("tools/make_drawings.py")


@pytest.mark.parametrize("name", make_drawings.DRAWINGS)
def test_a_drawing_is_as_its_generator_draws_it_and_stands_in_its_lesson(name):
    path = ROOT / "solutions" / name
    text = path.read_text(encoding="utf-8")
    assert text == make_drawings.DRAWINGS[name]().svg(), "run python tools/make_drawings.py"
    picture = ElementTree.fromstring(text)
    (notebook,) = path.parent.glob("*.ipynb")
    lesson = "\n".join("".join(cell["source"]) for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"])
    (alt,) = re.findall(rf"!\[([^\]]+)\]\({path.name}\)", lesson)
    assert len(alt) > 60, "say what it shows to those who do not see it"
    # nothing is written beyond the card's edges, as far as a letter's mean width tells
    for words in picture.iter("{http://www.w3.org/2000/svg}text"):
        width = 0.6 * float(words.get("font-size")) * len(words.text)
        left = float(words.get("x")) - width * {"start": 0, "middle": 0.5, "end": 1}[words.get("text-anchor")]
        assert left >= 0 and left + width <= float(picture.get("width")), words.text
        assert 8 <= float(words.get("y")) <= float(picture.get("height")) - 4, words.text


def test_every_drawing_has_its_generator():
    drawn = {path.relative_to(ROOT / "solutions").as_posix() for path in ROOT.glob("solutions/*/*.svg")}
    assert drawn == set(make_drawings.DRAWINGS)
