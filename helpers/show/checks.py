"""What a check of a lesson says: one line in green or red, where a traceback would show the check and its answers.

A check is a cell that ends in `print("Right: ...")`. An error in it stays one, for "Run All" and for nbgrader; only
what the learner reads of it is short.
"""

import ast
import linecache
import re
import sys
import traceback
from types import TracebackType
from typing import Any

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
