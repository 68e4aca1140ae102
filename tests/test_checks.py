"""What a learner reads under a check: a line in green or red, never the check or its answers."""

import math
import os
import re
import subprocess
import sys

import course
import numpy as np
import pytest

from helpers.show import checks
from helpers.show.checks import FAILED, PASSED, STUB

CHECK = """
# Check of dice: run this cell once it is written
got = dice(4)
assert got == 2, f"expected 2, got {got}: halve it"
print(f"Right: {got}.")
"""
FOUR_ZEROS = "np.zeros(3) + np.zeros(4)"

# {what happens: (the learner's cell, its check, the error's name, the lines that are read)}
FAILURES = {
    "not written": (
        f'def dice(n):\n    raise NotImplementedError("{STUB}")',
        CHECK,
        "NotImplementedError",
        ["Not written yet: write `dice` in the cell above."],
    ),
    "a method not written": (
        f'class Gate:\n    def call(self, x):\n        raise NotImplementedError("{STUB}")',
        'Gate().call(1)\nprint("Right: a gate.")',
        "NotImplementedError",
        ["Not written yet: write `Gate.call` in the cell above."],
    ),
    "not written, and called by other code": (
        f'def dice(n):\n    raise NotImplementedError("{STUB}")',
        "results = [dice(n) for n in range(3)]",
        "NotImplementedError",
        ["Not written yet: write `dice` in the cell above."],
    ),
    "wrong": ("def dice(n):\n    return n", CHECK, "AssertionError", ["expected 2, got 4: halve it"]),
    "wrong, found by a function of the check": (
        "def call(function):\n    return function(3)",
        'def two(n):\n    assert n == 2, f"expected 2, got {n}"\ncall(two)\nprint("Right: called.")',
        "AssertionError",
        ["expected 2, got 3"],
    ),
    "the learner's code raises, two functions and a library deep": (
        f"import numpy as np\ndef total(n):\n    return {FOUR_ZEROS}\n\ndef dice(n):\n    return total(n)",
        CHECK,
        "ValueError",
        [
            "ValueError: operands could not be broadcast together with shapes (3,) (4,)",
            "    `dice`, line 6 of its cell: return total(n)",
            f"    `total`, line 3 of its cell: return {FOUR_ZEROS}",
        ],
    ),
    "an assert of the learner's own": (
        'def dice(n):\n    assert n < 3, "too large"\n    return n / 2',
        CHECK,
        "AssertionError",
        ["AssertionError: too large", '    `dice`, line 2 of its cell: assert n < 3, "too large"'],
    ),
    "calls itself without end": (
        "def dice(n):\n    return dice(n)",
        CHECK,
        "RecursionError",
        ["RecursionError: maximum recursion depth exceeded", "    `dice`, line 2 of its cell: return dice(n)"],
    ),
    "returns what the check cannot use": (
        "def dice(n):\n    pass",
        'first = dice(4)[0]\nassert first == 2, "expected 2"\nprint("Right: two.")',
        "TypeError",
        [
            "The check had to stop: compare what your answer gives with what its docstring promises. "
            "TypeError: 'NoneType' object is not subscriptable"
        ],
    ),
    "another name": (
        "def dise(n):\n    return n / 2\n\ndel dice",
        CHECK,
        "NameError",
        ["`dice` is not there: run the cells above first, from the first one on."],
    ),
}
# errors that are no check's keep their traceback
ORDINARY = {
    "an assert elsewhere": ('assert 1 == 2, "no check"', "AssertionError"),
    "an error elsewhere": ("def f():\n    return 1 / 0\nf()", "ZeroDivisionError"),
    "does not compile": ('def dice(n:\nprint("Right: no.")', "SyntaxError"),
}
PASSES = {
    "right": ("dice = lambda n: n // 2", CHECK, f"{PASSED} Right: 2.\n"),
    "right, in plain words": ("", 'print("Right: all.")', f"{PASSED} Right: all.\n"),
    "no check": ("", 'print("Right or not.")', "Right or not.\n"),
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """{what happens: the outputs of the last cell run for it}, of one notebook."""
    new = course.nbformat.v4.new_code_cell
    cells, last = [new("import helpers.show"), new("import helpers.show")], {}
    for cases in (FAILURES, ORDINARY, PASSES):
        for what, case in cases.items():
            sources = case[:1] if cases is ORDINARY else case[:2]
            cells += [new(source) for source in sources]
            last[what] = cells[-1]
    course.execute(course.nbformat.v4.new_notebook(cells=cells), tmp_path_factory.mktemp("notebook"), allow_errors=True)
    assert not [cell.outputs for cell in cells[:2] if cell.outputs], "importing says nothing"
    return {what: cell.outputs for what, cell in last.items()}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_is_told_in_the_learners_terms(what, outputs):
    (error,) = outputs[what]
    _, check, name, lines = FAILURES[what]
    assert (error.output_type, error.ename) == ("error", name), "nbgrader counts an error output, and no other"
    assert "\n".join(error.traceback).split("\n") == [f"{FAILED} {lines[0]}", *lines[1:]]
    assert not [line for line in check.splitlines() if len(line) > 12 and line in "".join(error.traceback)]


@pytest.mark.parametrize("what", ORDINARY)
def test_any_other_error_keeps_its_traceback(what, outputs):
    (error,) = outputs[what]
    name = ORDINARY[what][1]
    plain = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(error.traceback))
    assert error.ename == name
    assert not plain.startswith(FAILED)
    assert f"{name}: " in plain and re.search(r"Cell In\[\d+\], line \d", plain), plain


@pytest.mark.parametrize("what", PASSES)
def test_a_check_that_passes_says_so_with_a_tick(what, outputs):
    (output,) = outputs[what]
    assert (output.name, output.text) == ("stdout", PASSES[what][2])


# --- a lesson that finds no helpers, or PyPI's


def guard_of(name):
    """The lines of a solution's first code cell that import the course's package."""
    source = next(cell.source for cell in course.read(course.solution_path(name)).cells if cell.cell_type == "code")
    return "\n".join(source.splitlines()[:4])


def test_every_lesson_imports_the_package_alike():
    import helpers

    assert len({guard_of(name) for name in course.NAMES}) == 1
    assert f"({helpers.__version__})" in guard_of(course.NAMES[0]), "say the new version in each lesson's first cell"


@pytest.mark.parametrize(
    "files",
    [{}, {"helpers.py": ""}, {"helpers/__init__.py": "", "helpers/strings.py": ""}],
    ids=["no helpers", "a foreign module", "a foreign package"],
)
def test_a_lesson_without_the_package_says_how_to_install_it(files, tmp_path):
    for file, text in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    # -S: without what is installed
    run = subprocess.run(
        [sys.executable, "-S", "-c", guard_of(course.NAMES[0])],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: Install this course") and 'pip install ".[lab]"' in last
    assert "ModuleNotFoundError" not in run.stderr and "pip install helpers" not in run.stderr


# --- what many checks ask of an answer


@pytest.mark.parametrize(
    ("change", "which"),
    [
        (lambda image, pair, extra=None: image.sort(), "argument 1 has changed"),
        (lambda image, pair, extra=None: pair[0].fill(1), "argument 2 has changed"),
        (lambda image, pair, extra=None: pair.pop(), "argument 2 has changed"),
        (lambda image, pair, extra=None: pair.__setitem__(0, pair[0].astype(float)), "argument 2 has changed"),
        (lambda image, pair, extra=None: extra.fill(np.nan), "`extra` has changed"),
    ],
)
def test_an_argument_that_changes_is_named(change, which):
    with pytest.raises(AssertionError, match=which):
        checks.unchanged(change)(np.array([3, 1, 2]), [np.zeros(2, int), "text"], extra=np.array([0.5]))


def test_a_missing_return_is_named():
    with pytest.raises(AssertionError, match="got None: return it"):
        checks.unchanged(lambda values: None)(np.ones(2))


def test_a_function_that_changes_nothing_is_called_as_it_is():
    pair = np.array([np.nan, 1]), [np.ones(2)]
    assert checks.unchanged(lambda values, *rest, by: (values * by, rest))(*pair, by=2)[1] == (pair[1],)
    for empty in (math.nan, [math.nan], np.array([complex(math.nan, 1)])):
        assert checks.unchanged(lambda value, by: "as it is")(empty, by=empty) == "as it is"


@pytest.mark.parametrize(
    ("got", "message"),
    [
        ([1, 2, 3], None),
        ([1, 2, 3 + 1e-7], None),
        ([1, 2, 3.001], "here: expected 3, got 3.001 at [2]: look"),
        ([1, 2, np.nan], "here: expected 3, got nan at [2]: look"),
        ([1, 2], "here: expected the shape (3,), got (2,): look"),
        ([2, 4, 6], "here: expected 3, got 6 at [2]: twice"),
    ],
)
def test_numbers_agree_or_say_where_they_do_not(got, message):
    if message is None:
        return checks.agree(got, [1, 2, 3], "look", what="here")
    with pytest.raises(AssertionError) as error:
        checks.agree(got, [1, 2, 3], "look", {"half": [0.5, 1, 1.5], "twice": [2, 4, 6]}, "here")
    assert str(error.value) == message


def test_rounded_numbers_are_told_as_such_and_never_look_alike():
    with pytest.raises(AssertionError, match=r"expected 0.3333, got 0.333: .*not rounded"):
        checks.agree(0.333, 1 / 3, "look")
    assert checks.told(0.5, 0.5000001) == ("0.5", "0.5000001")


@pytest.mark.parametrize(
    ("got", "expected", "message"),
    [
        ([0.9, 0.01], [0.901, 0.012], "expected 0.012, got 0.01 at [1]: give the numbers as they are, not rounded"),
        ([0, 0], [0.003, 0.002], "expected 0.003, got 0 at [0]: look"),
        ([0.5, 0], [0.5, 0.003], "expected 0.003, got 0 at [1]: look"),
        ([0, 0], [1e-8, 2e-8], "expected 2e-08, got 0 at [1]: look"),
        ([0.5, 4e-8], [0.5, 0.003], "expected 0.003, got 4e-08 at [1]: look"),
        ([0.01, 5e-8], [0.01, 0], "expected 0, got 5e-08 at [1]: look"),
        ([0.33, 0.67], [1 / 3, 2 / 3], "expected 0.667, got 0.67 at [1]: by hand"),
        ([0.0, 0.0], [0.003, 0.004], "expected 0.004, got 0 at [1]: forgotten"),
        ([np.nan, 0.33], [np.nan, 1 / 3], "expected 0.333, got 0.33 at [1]: give the numbers as they are, not rounded"),
    ],
)
def test_what_is_0_is_not_called_rounded_and_a_known_mistake_comes_first(got, expected, message):
    likely = {"forgotten": [0, 0]} if expected[-1] == 0.004 else {"by hand": [0.33, 0.67]}
    with pytest.raises(AssertionError) as error:
        checks.agree(got, expected, "look", likely)
    assert str(error.value) == message


def test_beside_zeros_the_noise_of_floats_agrees():
    checks.agree([1e-17, -3e-8], [0, 0], "look")
    checks.agree(1e-17, 0, "look")
    with pytest.raises(AssertionError, match="expected 0, got 2e-07: look"):
        checks.agree(2e-7, 0, "look", tolerance=1e-4)


@pytest.mark.parametrize(
    ("got", "expected", "message"),
    [
        ([np.nan, 1, 2], [np.nan, 1, 3], "expected 3, got 2 at [2]: look"),
        ([np.inf, 1, 2], [np.inf, 1, 3], "expected 3, got 2 at [2]: look"),
        ([np.nan, np.inf, 2], [np.nan, -np.inf, 2], "expected -inf, got inf at [1]: look"),
        ([np.nan, np.nan, 9], [np.nan, 1, 3], "expected 1, got nan at [1]: look"),
        (None, np.nan, "expected numbers, got None: look"),
        (None, [1, 2], "expected numbers, got None: look"),
        ([1, None], [1, np.nan], "expected numbers, got None: look"),
    ],
)
def test_where_both_are_nan_or_infinite_they_agree_and_none_is_no_number(got, expected, message):
    with pytest.raises(AssertionError) as error:
        checks.agree(got, expected, "look")
    assert str(error.value) == message


def block(first=4, act="relu", rate=0.0, momentum=0.9, epsilon=1e-5, own=False, **settings):
    """A small network: two layers of one's own making or of Keras, between its input and its output."""
    import keras

    inputs = keras.Input((None, None, 3))
    layers = [
        keras.layers.Dense(first, **settings) if own else keras.layers.Conv2D(first, 1, **settings),
        keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon),
        keras.layers.Activation(act),
        keras.layers.Dropout(rate),
    ]
    if own:
        return keras.Model(inputs, keras.Sequential(layers)(inputs))
    x = inputs
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"own": True}, None),
        ({"first": 5}, "expected weights of"),
        ({"act": "relu6"}, "with the same weights: .*: look"),
        ({"act": "linear"}, "with the same weights: .*: no ReLU"),
        ({"epsilon": 1e-3}, "with the same weights: .*: look"),
        ({"rate": 0.5}, "in training: .*Dropout"),
        ({"momentum": 0.99}, "after a step of training: .*momentum"),
        ({"trainable": False}, "weights that learn"),
        ({"kernel_regularizer": "l2"}, "no regulariser"),
    ],
)
def test_networks_are_compared_by_what_they_do(other, words):
    likely = {"no ReLU": block(act="linear")}
    if words is None:
        return checks.same_network(block(**other), block(), "look", likely)
    with pytest.raises(AssertionError, match=words):
        checks.same_network(block(**other), block(), "look", likely)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda keras, true, guess: keras.ops.mean(keras.ops.square(true - guess)), None),
        (lambda keras, true, guess: keras.ops.mean(np.square(true - np.asarray(guess))), "without a gradient"),
        (
            lambda keras, true, guess: keras.ops.mean(keras.ops.stop_gradient(true - guess) * (true - guess)),
            "has no gradient, or another one",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*Gradients do not exist:UserWarning")
def test_a_loss_has_the_gradient_of_the_reference(loss, words):
    import keras

    truth, guess = np.eye(2, dtype="float32").reshape(1, 2, 2, 1), np.full((1, 2, 2, 1), 0.3, "float32")

    def mine(true, predicted):
        return loss(keras, true, predicted)

    def ask(function):
        checks.same_gradient(function, mine, keras.losses.MeanSquaredError(), truth, guess)

    if words is None:
        return ask(mine)
    with pytest.raises(AssertionError, match=words):
        ask(mine)
    ask(type("Proxy", (), {"__call__": lambda self, *pair: mine(*pair)})())  # of another process: nothing to ask
