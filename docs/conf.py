"""How Sphinx makes the web book out of the pages that docs/make_book.py has put together."""

import inspect
import re
from pathlib import Path

from sphinx.util.inspect import stringify_signature

import helpers

project = "Where to Look"
author = "the authors of Where to Look"
copyright = "the authors. Code and text: Apache-2.0"
release = version = helpers.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["**/.ipynb_checkpoints"]

# The stored outputs are shown; nothing is run. Where no kernel runs, a slider's still stands for the slider.
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "text/html", 0)]
nb_ipywidgets_js = {}
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
napoleon_numpy_docstring = False
highlight_language = "none"

html_theme = "pydata_sphinx_theme"
html_title = "Where to Look"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
# the page with a network reads what tools/make_page_parts.py makes, and says so where it is missing
_page_parts = Path(__file__).resolve().parents[1] / "build/page"
html_static_path = ["style", *([str(_page_parts)] if _page_parts.is_dir() else [])]
html_css_files = ["book.css"]
html_context = {"default_mode": "auto"}
html_theme_options = {
    "show_prev_next": True,
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


# --- docstrings: plain text with Markdown's backticks, indented code and tables, for Sphinx to read

_MARKUP = re.compile(r"(`+)(.+?)\1(\w?)|(\*\*\S[^*]*\*\*)|([*|\\]|(?<=\w)_(?!\w))", re.DOTALL)
_CODE = re.compile(r"(?<=:)(\n\n(?:[ ]{4,}.*\n|\n)+)")
_TABLE = re.compile(r"((?:^\|.*\n)+)", re.MULTILINE)
_DOCTEST = re.compile(r"((?:^[ ]*>>> .*\n(?:[ ]*\S.*\n)*))", re.MULTILINE)


def _escape(markup: re.Match) -> str:
    if markup[2]:
        return f"``{' '.join(markup[2].split())}``" + (f"\\ {markup[3]}" if markup[3] else "")
    return markup[4] or "\\" + markup[5]


def _list_table(table: str) -> str:
    rows = [[cell.strip() for cell in row.strip()[1:-1].split("|")] for row in table.splitlines()]
    body = [row for row in rows if not all(set(cell) <= set("-: ") for cell in row)]
    lines = ["", ".. list-table::", "   :header-rows: 1", ""]
    for row in body:
        lines += [f"   {'* -' if column == 0 else '  -'} {_plain(cell)}" for column, cell in enumerate(row)]
    return "\n".join([*lines, "", ""])


def _plain(text: str) -> str:
    return _MARKUP.sub(_escape, text)


def _restructure(app, what, name, thing, options, lines):
    """Turn one docstring into reStructuredText, in place, before napoleon reads its sections."""
    pieces = re.split("|".join((_CODE.pattern, _TABLE.pattern, _DOCTEST.pattern)), "\n".join(lines) + "\n", flags=re.M)
    text = ""
    for index, piece in enumerate(pieces):
        kind = index % 4
        if piece and kind == 0:
            text += _plain(piece)
        elif piece:
            text += ":" + piece if kind == 1 else _list_table(piece) if kind == 2 else piece
    lines[:] = text.splitlines()


def _own_signature(app, what, name, thing, options, signature, returns):
    """A layer's or a loss's arguments, which Keras' `__new__` hides behind (*args, **kwargs)."""
    if what == "class" and (signature or "").startswith("(*args"):
        parameters = list(inspect.signature(thing.__init__).parameters.values())[1:]
        return stringify_signature(inspect.Signature(parameters), show_annotation=False), returns
    return None


def setup(app):
    app.connect("autodoc-process-signature", _own_signature)
    app.connect("autodoc-process-docstring", _restructure, priority=400)
