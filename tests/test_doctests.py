"""The examples in the docstrings: every loss, attention layer and score has one, and it gives what it says."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

from helpers import nets, scores
from helpers.nets import attention
from helpers.scores import intervals, losses, metrics

MODULES = [
    importlib.import_module(f"{room.__name__}.{module.name}")
    for room in (nets, scores)
    for module in pkgutil.iter_modules(room.__path__)
]
EXAMPLES = [
    pytest.param(test, id=test.name.removeprefix("helpers."))
    for module in MODULES
    for test in doctest.DocTestFinder(exclude_empty=True).find(module)
    if test.examples
]
# What only describes others, or makes them by name.
WITHOUT = {"SegmentationLoss", "Shared"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_what_it_says(example):
    said = []
    doctest.DocTestRunner().run(example, out=said.append)
    assert not said, "".join(said)


@pytest.mark.parametrize("module", [attention, intervals, losses, metrics], ids=lambda module: module.__name__)
def test_every_loss_layer_and_score_has_an_example(module):
    public = {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and inspect.getmodule(thing) is module and callable(thing)
    }
    shown = {example.id.split(".")[-1] for example in EXAMPLES}
    assert public - WITHOUT - shown == set()
