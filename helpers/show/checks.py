"""What a check of a lesson says: one line in green or red, where a traceback would show the check and its answers.

A check is a cell that ends in `print("Right: ...")`. An error in it stays one, for "Run All" and for nbgrader; only
what the learner reads of it is short. What many checks ask, they ask with the functions here: `unchanged`, `agree`,
`same_network` and `same_gradient`.
"""

import ast
import functools
import linecache
import re
import sys
import traceback
import types
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import numpy as np

# white on green and on red, which reads well in a light and in a dark theme
PASSED = "\x1b[38;5;231;48;5;28m ✓ \x1b[0m"
FAILED = "\x1b[38;5;231;48;5;124m ✗ \x1b[0m"
STUB = "Your code here: replace this line."  # as nbgrader_config.py writes it into each exercise


def install() -> None:
    """Let the notebook that this runs in, or IPython, show verdicts; anywhere else do nothing."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and not any(isinstance(each, _Passed) for each in shell.ast_transformers):
        shell.ast_transformers.append(_Passed())
        shell.set_custom_exc((Exception,), _show)


def verdict(error: BaseException, notebook: dict[str, Any]) -> str | None:
    """Say what an error means to the learner: in a line, and a line more for each step through code of their own.

    Args:
        error: as it was caught, with its traceback.
        notebook: the namespace in which the notebook's cells run; by it their frames are known.

    Returns:
        None where the error is neither a check's nor that of an exercise still to be written.
    """
    steps = [
        (frame.f_code.co_filename, line, frame.f_code.co_qualname.partition(".<locals>")[0])
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals is notebook
    ]
    if not steps:
        return None
    cell, (where, _, what) = steps[0][0], steps[-1]
    if isinstance(error, NotImplementedError) and STUB in str(error):
        return f"Not written yet: write {'your answer' if what == '<module>' else f'`{what}`'} in the cell above."
    if not _is_check("".join(linecache.getlines(cell))):
        return None
    if where == cell and isinstance(error, AssertionError):
        return str(error)
    if where == cell and isinstance(error, NameError) and error.name:
        return f"`{error.name}` is not there: run the cells above first, from the first one on."
    kind = f"{type(error).__name__}: {error}".rstrip()
    if where == cell:
        return f"The check had to stop: compare what your answer gives with what its docstring promises. {kind}"
    own = [
        f"    `{name}`, line {line} of its cell: {linecache.getline(file, line).strip()}"
        for file, line, name in steps
        if file != cell
    ]
    return "\n".join([kind, *dict.fromkeys(own)])  # a function that calls itself without end comes a thousand times


def _show(shell: Any, kind: type, error: BaseException, trace: TracebackType, tb_offset: int | None = None) -> None:
    words = verdict(error, shell.user_global_ns)
    if words is not None:
        error._render_traceback_ = lambda: [f"{FAILED} {words}"]  # by this IPython asks an error how to show it
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


class _Passed(ast.NodeTransformer):
    """Put the tick before what a check prints at its end."""

    def visit_Module(self, module: ast.Module) -> ast.Module:
        if _is_check(module):
            call = module.body[-1].value
            call.args.insert(0, ast.copy_location(ast.Constant(PASSED), call))
        return module


def _is_check(cell: str | ast.Module) -> bool:
    """Whether the source of a cell, or its tree, ends in `print("Right: ...")`, with or without an f."""
    try:
        statements = cell.body if isinstance(cell, ast.Module) else ast.parse(cell).body
    except SyntaxError:
        return False
    return bool(statements) and re.match(r"print\(f?['\"]Right: ", ast.unparse(statements[-1])) is not None


# --- what many checks ask of an answer


def unchanged(function: Callable) -> Callable:
    """The learner's function, which now has to leave its arguments as they are, and to return something.

    Arguments are compared where they are arrays, or lists and pairs of them.
    """

    @functools.wraps(function, updated=())
    def call(*arguments: Any, **settings: Any) -> Any:
        before = [_copied(each) for each in arguments], {name: _copied(each) for name, each in settings.items()}
        answer = function(*arguments, **settings)
        for place, kept in [*enumerate(before[0], start=1), *before[1].items()]:
            now = arguments[place - 1] if isinstance(place, int) else settings[place]
            which = f"argument {place}" if isinstance(place, int) else f"`{place}`"
            assert _same(now, kept), (
                f"expected what is handed in to stay as it is, but {which} has changed: make a new array; "
                "`+=`, `*=`, `sort()` and writing to its places change the caller's"
            )
        assert answer is not None, "expected an answer, got None: return it, in every case"
        return answer

    return call


def agree(
    got: Any,
    expected: Any,
    words: str,
    likely: Mapping[str, Any] | None = None,
    what: str = "",
    tolerance: float = 1e-6,
) -> None:
    """Assert that numbers are the expected ones, and say where they differ most if they do not.

    Args:
        got: a number or an array.
        expected: the right ones.
        words: what is likely wrong if nothing in `likely` is.
        likely: {what is wrong: the numbers that this mistake gives}.
        what: of what the numbers are, said first.
        tolerance: the largest difference, as a share of the largest of the expected numbers; where all of these are 0,
            it is 1e-7.
    """
    lead = f"{what}: " if what else ""
    given = _numbers(got)
    got, expected = (np.asarray(values, dtype=float) for values in (given, _numbers(expected)))
    missing = np.isnan(got).any() and any(value is None for value in np.ravel(given))  # NumPy makes NaN of None
    assert not missing, f"{lead}expected numbers, got None: {words}"
    assert got.shape == expected.shape, f"{lead}expected the shape {expected.shape}, got {got.shape}: {words}"
    finite = np.abs(expected[np.isfinite(expected)])
    room = tolerance * finite.max(initial=0) or 1e-7
    same = np.isclose(got, expected, rtol=0, atol=room, equal_nan=True)
    if same.all():
        return
    for mistake, values in (likely or {}).items():
        values = np.asarray(_numbers(values), dtype=float)
        fits = values.shape == got.shape[got.ndim - values.ndim :]  # also what is the same for each slice
        if fits and np.allclose(got, values, rtol=0, atol=room, equal_nan=True):
            words = mistake
            break
    else:
        if any(_rounded(got, expected, digits, min(room, 1e-7)) for digits in range(2, 7)):
            words = "give the numbers as they are, not rounded"
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0, np.abs(got - expected))
    place = np.unravel_index(np.where(np.isnan(apart), np.inf, apart).argmax(), got.shape)
    where = f" at {[int(index) for index in place]}" if place else ""
    raise AssertionError(f"{lead}expected {{}}, got {{}}{where}: {words}".format(*told(expected[place], got[place])))


def _rounded(got: np.ndarray, expected: np.ndarray, digits: int, room: float) -> bool:
    """Whether these are the expected numbers rounded. A 0 alone does not show it: it may stand for a missing answer."""
    rounded = np.round(expected, digits)
    shown = (rounded != 0) & ~np.isclose(rounded, expected, rtol=0, atol=room, equal_nan=True)
    return bool(shown.any()) and np.allclose(got, rounded, rtol=0, atol=room, equal_nan=True)


def told(expected: float, got: float) -> tuple[str, str]:
    """Both numbers in as few digits, three at least, as tell them apart."""
    for digits in range(3, 17):
        pair = f"{expected:.{digits}g}", f"{got:.{digits}g}"
        if pair[0] != pair[1]:
            return pair
    return repr(float(expected)), repr(float(got))


def in_words(error: BaseException, words: str) -> str:
    """An error from putting layers together, on one line and cut short, and the hint for it.

    Args:
        error: what Keras raised; it names the Keras tensor where NumPy met one, and a name that came twice.
        words: the hint if it was neither.
    """
    said = " ".join(str(error).split())
    if "to a NumPy array" in said:
        words = "keras.ops, no NumPy"
    elif "should be unique" in said:
        words = "each block needs a name of its own"
    return f"{said[:160]}: {words}"


def fill(model: Any, vectors: float = 1.0) -> Any:
    """Give the weights of a network or layer numbers that follow from their shape alone, and return it.

    Two networks of the same weights then compute the same, in whatever order and in which layers they hold them.

    Args:
        model: a built keras.Model or keras.layers.Layer.
        vectors: about how large the numbers of biases and normalisations are.
    """
    values = []
    for weight in model.weights:
        shape = _shape(weight)
        draw = np.random.default_rng([7, *shape])
        drawn = draw.uniform(0.5, 1.5, shape) * vectors if len(shape) == 1 else draw.normal(size=shape)
        fan_in = np.prod(shape[:-1], initial=1.0)
        values.append((drawn if len(shape) == 1 else drawn * np.sqrt(2 / fan_in)).reshape(weight.shape))
    model.set_weights(values)
    return model


def same_network(mine: Any, twin: Any, words: str, likely: Mapping[str, Any] | None = None, sides: int = 16) -> None:
    """Assert that two networks hold weights of the same shapes, with which they answer alike.

    They answer as in predictions, then as in a training, and again as in predictions. What they are made of does not
    count: layers of Keras or of one's own, a Sequential, keras.ops.

    Args:
        mine: the learner's, a keras.Model.
        twin: the reference, a keras.Model of the same inputs.
        words: what is likely wrong if the answers differ and nothing in `likely` is.
        likely: {what is wrong: the network that this mistake makes}.
        sides: height and width of the images drawn where an input has None.
    """
    import keras  # here, as this module comes with the package's `show`, which starts no backend

    shapes = [sorted(_shape(weight) for weight in model.weights) for model in (mine, twin)]
    more, fewer = (list((Counter(one) - Counter(other)).elements()) for one, other in (shapes, shapes[::-1]))
    assert not more and not fewer, f"expected weights of {fewer or 'these shapes alone'}, got {more or 'none'}: {words}"
    counts = [sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) for model in (mine, twin)]
    assert counts[0] == counts[1], (
        f"expected {counts[1]:,} weights that learn, got {counts[0]:,}: no layer is to be frozen with trainable=False"
    )
    draw = np.random.default_rng(8)
    sizes = [[3, *(side or sides for side in each.shape[1:])] for each in twin.inputs]
    batches = [draw.normal(size=size).astype("float32") for size in sizes]
    for batch in batches:
        batch[0] *= 8  # shows an activation that is cut off

    def answers(model: Any, training: bool = False) -> list[np.ndarray]:
        flat = keras.Model(model.inputs, model.outputs)  # whether its inputs were given one by one or in a list
        made = keras.tree.flatten(flat(batches, training=training))
        return [np.asarray(keras.ops.convert_to_numpy(each)) for each in made]

    def compare(what: str, words: str, likely: Mapping[str, Any], **settings: Any) -> None:
        for number, both in enumerate(zip(answers(mine, **settings), answers(twin, **settings), strict=True)):
            try:
                agree(*both, words, {}, what, 1e-4)
            except AssertionError:
                named = {mistake: answers(model, **settings)[number] for mistake, model in likely.items()}
                agree(*both, words, named, what, 1e-4)

    for vectors in (1e-3, 1.0):  # small ones show an epsilon
        for model in (mine, twin, *(likely or {}).values()):
            fill(model, vectors)
        compare("with the same weights", words, likely or {})
    alone = "Dropout and noise act in training alone and do not belong here, nor does training=False"
    compare("in training", alone, {}, training=True)
    compare("after a step of training", "another momentum of the normalisation than the one asked for", {})
    assert len(mine.losses) == len(twin.losses), "expected no regulariser, got one: it adds to the loss of a training"


def same_gradient(function: Callable, loss: Callable, reference: Callable, truth: Any, guess: Any) -> None:
    """Assert that a network learns from a loss as it does from the reference, in one step.

    Args:
        function: what the learner has written, which is or makes the loss. Where it runs in another process, as in
            grading, only its numbers come back and no gradient, so nothing is asked.
        loss: of (y_true, y_pred), the learner's.
        reference: the same loss of `helpers`.
        truth, guess: (batch, height, width, 1), labels and probabilities.
    """
    import keras

    if not isinstance(function, types.FunctionType):
        return
    steps = []
    for each in (loss, reference):
        inputs = keras.Input(guess.shape[1:])
        network = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")(inputs))
        network.compile(keras.optimizers.SGD(1.0), lambda *pair, each=each: each(*pair), run_eagerly=True)
        try:
            network.train_on_batch(guess, truth)
        except ValueError as error:
            if "gradient" not in str(error).lower():
                raise
            raise AssertionError(
                "expected a loss from which a network learns, got one without a gradient: keras.ops from y_pred to the "
                "end, with no NumPy, float() or rounding on the way"
            ) from None
        steps.append(np.concatenate([np.ravel(weight) for weight in network.get_weights()]))
    agree(*steps, "a part of the loss has no gradient, or another one", what="the weights after a step", tolerance=1e-4)


def _shape(weight: Any) -> tuple[int, ...]:
    """The shape of a weight, in which a 1 x 1 convolution's kernel is the matrix of a Dense layer."""
    shape = tuple(int(side) for side in weight.shape)
    return shape[2:] if len(shape) == 4 and shape[:2] == (1, 1) else shape


def _numbers(values: Any) -> Any:
    """A tensor of any backend as an array, all else as it is."""
    if hasattr(values, "detach"):
        return values.detach().cpu().numpy()
    return values


def _copied(value: Any) -> Any:
    """A copy of arrays, alone or in lists and tuples; all else as it is."""
    if isinstance(value, list | tuple):
        return [_copied(each) for each in value]
    return value.copy() if isinstance(value, np.ndarray) else value


def _same(now: Any, before: Any) -> bool:
    if isinstance(before, list):
        return len(now) == len(before) and all(map(_same, now, before))
    if isinstance(before, np.ndarray):
        return now.dtype == before.dtype and np.array_equal(now, before, equal_nan=before.dtype.kind in "fc")
    return now is before or (isinstance(before, str | int | float) and now == before)  # NaN does not equal itself
