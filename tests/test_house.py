"""The house: data walks through its rooms once, no two files import each other, and only tasks know data sets."""

import ast
import itertools
from pathlib import Path

import pytest

from helpers import tasks

HELPERS = Path(__file__).resolve().parents[1] / "helpers"
ROOMS = ["settings", "data", "nets", "scores", "tasks", "training", "show"]  # then the commands


def module_of(path):
    parts = path.relative_to(HELPERS.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {module_of(path): ast.parse(path.read_text()) for path in sorted(HELPERS.rglob("*.py"))}


def imports(tree):
    """The files of ours that a file imports, also inside its functions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names if each.name.split(".")[0] == "helpers"}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write helpers.ROOM in full"
            if node.module.split(".")[0] == "helpers":
                names = {f"{node.module}.{each.name}" for each in node.names}
                found |= {name if name in TREES else node.module for name in names}
    return found


GRAPH = {name: imports(tree) for name, tree in TREES.items()}


def room(name):
    """How far along the way a file stands; the package itself comes first."""
    parts = name.split(".")
    if len(parts) == 1:
        return -1
    return ROOMS.index(parts[1]) if parts[1] in ROOMS else len(ROOMS)


def test_every_room_is_there_and_every_import_is_seen():
    assert {room(name) for name in TREES} == set(range(-1, len(ROOMS) + 1))
    assert "helpers.nets.zoo" in GRAPH["helpers.nets.inference"]  # bare
    assert "helpers.data.phantom_brain" in GRAPH["helpers.data.brain"]  # inside a function
    assert GRAPH["helpers.settings"] == GRAPH["helpers"] == set()


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_a_file_imports_only_from_the_rooms_before_its_own(name):
    late = [other for other in GRAPH[name] if room(other) > room(name)]
    assert not late, f"{name} imports {late}, which stand in later rooms ({', '.join(ROOMS)}, the commands)"


def test_no_two_files_import_each_other_nor_in_a_ring():
    waiting = {name: set(others) for name, others in GRAPH.items()}
    while free := {name for name, others in waiting.items() if not others & set(waiting)}:
        waiting = {name: others for name, others in waiting.items() if name not in free}
    assert not waiting, f"these import each other: {sorted(waiting)}"


def names_compared(tree):
    """The strings that a comparison, a lookup or a case has, and the attributes that are compared."""
    for node in ast.walk(tree):
        parts = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        for each in itertools.chain.from_iterable(map(ast.walk, parts)):
            if isinstance(each, ast.Constant):
                yield each.value
            elif isinstance(each, ast.Attribute):
                yield f".{each.attr}"


@pytest.mark.parametrize("name", sorted(name for name in TREES if room(name) not in (1, 4)))
def test_no_file_outside_the_tasks_asks_which_data_set_it_is(name):
    """The readers in `data` compare sources, and each knows its own set alone."""
    asked = {".dataset", *tasks.TASKS} & set(names_compared(TREES[name]))
    assert not asked, f"{name} compares {asked}: let the task say it"
