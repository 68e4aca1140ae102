"""What is handed in to see whether the grader can be fooled, or honest work lost: all of lesson 02, which is quick.

Each entry of HONEST and HOSTILE is {exercise: answer}; `dice` is where the answer tries something, `pixel-counts` beside
it is right and has to keep its point. FILES are whole files.
"""

PIXELS = """
def pixel_counts(masks, predictions):
    return np.stack([(a).sum(axis=(1, 2)) for a in (masks & predictions, predictions, masks)], axis=-1)
"""
DICE = """
def dice(counts, empty=1.0):
    both, predicted, true = np.moveaxis(np.asarray(counts), -1, 0)
    size = predicted + true
    return np.where(size > 0, 2 * both / np.maximum(size, 1), empty)
"""
WRONG = """
def dice(counts, empty=1.0):
    return np.zeros(np.shape(counts)[:-1])
"""
GAINS = """
def gains(first, second, limit):
    def score(rows):
        size = rows[:, 1] + rows[:, 2]
        return np.where(size > 0, 2 * rows[:, 0] / np.maximum(size, 1), 1.0)

    kinds = np.digitize(first[:, 2], [1, limit + 1])
    return np.bincount(kinds, weights=score(second) - score(first), minlength=3) / len(first)
"""
MEANS = """
def two_means(counts, patients, empty=1.0):
    def score(rows):
        size = rows[..., 1] + rows[..., 2]
        return np.where(size > 0, 2 * rows[..., 0] / np.maximum(size, 1), empty)

    patients = np.asarray(patients)
    sums = [counts[patients == name].sum(axis=0) for name in np.unique(patients)]
    return score(counts).mean(), np.mean([score(row) for row in sums])
"""
INTERVAL = """
def interval(values, draws, seed):
    drawn = np.random.default_rng(seed).choice(np.asarray(values), size=(draws, len(values)))
    return tuple(np.quantile(drawn.mean(axis=1), [0.025, 0.975]))
"""
ALL = {"pixel-counts": PIXELS, "dice": DICE, "gains": GAINS, "two-means": MEANS, "interval": INTERVAL}
HALF = {"pixel-counts": PIXELS, "dice": DICE, "gains": GAINS}


def inside(code, before="", after=DICE):
    """A right (or another) `dice` that first does something each time it is called."""
    lines = "\n".join(f"    {line}" for line in code.strip("\n").splitlines())
    return f"{before}\n{after}\nquiet_dice = dice\n\ndef dice(counts, empty=1.0):\n{lines}\n    return quiet_dice(counts, empty)\n"


# right answers in a notebook that has something unusual: all get their points
HONEST = {
    "warning": inside("import warnings\nwarnings.warn('rows without tumour')"),
    "progress bar": inside("from tqdm import tqdm\nfor _ in tqdm(range(9)): pass"),
    "printing": inside("import sys\nprint('here', counts)\nprint('there', file=sys.stderr)"),
    "prints a megabyte": inside("print('x' * 2**20)"),
    "logging": inside("import logging\nlogging.getLogger().error('rows: %s', len(counts))"),
    "magic": "%matplotlib inline\n!echo hello\n" + DICE + "\n%time dice(np.array([[1, 2, 2]]))\n",
    "uses a variable of the lesson": DICE + "\nprint(dice(counts_of_the_lesson))\n",
    "draws at the end": DICE + "\npyplot.plot([1, 2])\npyplot.show()\n",
    "loops below its answer": DICE + "\nwhile True:\n    pass\n",
    "a matrix": DICE.replace("return ", "return 1.0 * "),
    "a list": "def dice(counts, empty=1.0):\n    one = np.ndim(counts) == 1\n    rows = [counts] if one else counts\n"
    "    found = [2 * a / (b + c) if b + c else float(empty) for a, b, c in rows]\n    return found[0] if one else found\n",
}

# {name: (answer, words of the sentence, as a pattern)}: all get no point
HOSTILE = {
    "infinite loop": (inside("while True: pass"), "longer than"),
    "swallows interrupts": (
        inside("while True:\n    try:\n        time.sleep(0.1)\n    except BaseException:\n        pass", "import time"),
        "longer than",
    ),
    "ignores signals": (
        inside("for number in range(1, 64):\n    try:\n        signal.signal(number, signal.SIG_IGN)\n"
               "    except OSError:\n        pass\nwhile True: pass", "import signal"),
        "longer than",
    ),
    "C loop": (inside("sum(range(10**15))"), "longer than"),
    "memory": (inside("kept = []\nwhile True: kept.append(bytearray(b'x' * 2**28))"), "[Mm]emory|longer"),
    "one large array": (inside("np.ones(10**9).sum()"), "[Mm]emory|longer"),
    "processes": (inside("import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"), ""),
    "threads": (
        inside("while True:\n    threading.Thread(target=time.sleep, args=(99,)).start()", "import threading, time"), "",
    ),
    "files": (inside("open('large', 'wb').write(bytes(2**29))"), "File too large|longer"),
    "many files": (
        inside("for number in range(10**6): open(f'{number}', 'wb').write(bytes(2**24))"), "No space left|longer",
    ),
    "output without end": (inside("while True: print('x' * 10**6, flush=True)"), "longer than"),
    "exit": (inside("exit()"), "SystemExit"),
    "os._exit": (inside("import os\nos._exit(0)"), "ended Python"),
    "segfault": (inside("import ctypes\nctypes.string_at(0)"), "ended Python"),
    "kills all": (inside("import os, signal\nos.kill(os.getppid(), 9)\nos.kill(-1, 9)"), ""),
    "exit at the top": ("import os\nos._exit(0)\n" + WRONG, ""),
    "recursion": ("def dice(counts, empty=1.0):\n    return dice(counts, empty)\n", "RecursionError"),
    "reads the solutions": (
        "import json\nfrom pathlib import Path\ncells = json.loads(Path('{root}/solutions/02_scores/02_scores.ipynb')"
        ".read_text())['cells']\nexec(''.join(next(c for c in cells if c['id'] == 'dice')['source']))\n",
        "FileNotFoundError",
    ),
    "reads above": (
        "import glob, json\n" + inside("path = glob.glob('../**/solutions/02_scores/*.ipynb', recursive=True)[0]"),
        "IndexError",
    ),
    "reads other students": (inside("import os\nos.listdir('{submitted}')"), "FileNotFoundError"),
    "reads the seed": (inside("open('{out}/build/grading/seed').read()"), "FileNotFoundError"),
    "writes the grades": (inside("open('{out}/grades.csv', 'w').write('')"), "FileNotFoundError"),
    "writes the gradebook": (
        inside("sqlite3.connect('{root}/gradebook.db').execute('create table x (y)')", "import sqlite3"), "unable to open",
    ),
    "network": (inside("import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)"), "stops with an error"),
    "looks for the check in memory": (
        inside("import gc\nfound = [each for each in gc.get_objects() if isinstance(each, dict) and 'strict' in each]\n"
               "return found[0]['metrics'].dice(counts, empty)"),
        "Error|longer",
    ),
    "looks up the stack": (
        "import sys\n\ndef dice(counts, empty=1.0):\n    frame = sys._getframe()\n    while frame:\n"
        "        if 'example' in frame.f_locals:\n            return np.array([0.5, 0.6, 0, 0, empty])\n"
        "        frame = frame.f_back\n    raise LookupError('no check here')\n",
        "no check here",
    ),
    "always equal": (
        "class Yes:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return True\n"
        "    def __bool__(self): return True\n    def __getattr__(self, name): return self\n"
        "    def __call__(self, *args, **kwargs): return self\n    def __getitem__(self, item): return self\n"
        "    def __array__(self, *args, **kwargs): return np.array(0.5)\n"
        "    def __lt__(self, other): return True\n    __gt__ = __le__ = __ge__ = __lt__\n"
        "    def __float__(self): return 0.5\n    def __iter__(self): return iter([self] * 5)\n\n"
        "def dice(counts, empty=1.0):\n    return Yes()\n",
        "",
    ),
    "an array that is always equal": (
        "class Yes(np.ndarray):\n    def __eq__(self, other): return np.ones(self.shape, bool)\n"
        "    def __array_ufunc__(self, *args, **kwargs): return np.True_\n"
        "    def __array_function__(self, *args, **kwargs): return True\n\n"
        "def dice(counts, empty=1.0):\n    return np.zeros(np.shape(counts)[:-1]).view(Yes)\n",
        "",
    ),
    "says it is an array": (
        "class Yes:\n    @property\n    def __class__(self): return np.ndarray\n    shape, dtype = (5,), np.dtype(float)\n"
        "    def __eq__(self, other): return True\n\ndef dice(counts, empty=1.0):\n    return Yes()\n",
        "",
    ),
    "patched numpy": (
        "np.allclose = np.isclose = np.array_equal = lambda *args, **kwargs: True\nnp.asarray = lambda x, *a, **k: x\n"
        "np.ndarray.__eq__ = lambda *args: True if False else NotImplemented\n" + WRONG,
        "",
    ),
    "patched numpy, quietly": (
        "np.allclose = np.isclose = np.array_equal = lambda *args, **kwargs: True\n" + WRONG, "expected",
    ),
    "patched keras": (
        "import sys, types\nsys.modules['keras'] = types.ModuleType('keras')\n" + WRONG, "expected",
    ),
    "patched builtins": (
        "import builtins\nbuiltins.AssertionError = Warning\nbuiltins.print = lambda *a: None\n"
        "builtins.isinstance = lambda *a: True\n" + WRONG,
        "",
    ),
    "no asserts": ("import sys\nsys.flags = None\n__debug__ if True else None\n" + WRONG, "expected"),
    "input transformer": (
        "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])\n" + WRONG, "expected",
    ),
    "AST transformer": (
        "import ast, IPython\n\nclass No(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n\n"
        "IPython.get_ipython().ast_transformers.append(No())\n" + WRONG,
        "expected",
    ),
    "trace function": (
        "import sys\nsys.settrace(lambda *args: None)\nsys.setprofile(lambda *args: None)\n" + WRONG, "expected",
    ),
    "start-up files": (
        "from pathlib import Path\nfor name in ('sitecustomize.py', 'usercustomize.py', 'conftest.py',\n"
        "             '.ipython/profile_default/startup/00.py'):\n    path = Path.home() / name\n"
        "    path.parent.mkdir(parents=True, exist_ok=True)\n    path.write_text('import os; os._exit(0)')\n" + WRONG,
        "expected",
    ),
    "a shadow module": (
        "from pathlib import Path\nfor name in ('keras', 'numpy', 'helpers', 'grading'):\n"
        "    Path(f'{{name}}.py').write_text('raise SystemExit')\n".replace("{{", "{").replace("}}", "}") + WRONG,
        "expected",
    ),
    "edits helpers": (
        "import importlib.util\nplace = importlib.util.find_spec('helpers').origin\nopen(place, 'a').write('x = 1')\n"
        + inside("open(importlib.util.find_spec('helpers').origin, 'a')"),
        "Read-only|Permission",
    ),
    "edits the grader": (
        "import grading.check\n" + inside("open(grading.check.__file__, 'w')"), "Read-only|Permission",
    ),
    "patches the grader": (
        "import grading.wire, grading.inside, json\n"
        "grading.wire.Coder.encode = lambda self, value, depth=0: True\n" + WRONG,
        "",
    ),
    "writes into the pipe": (
        inside("import os\nfor number in range(3, 30):\n    try:\n        os.write(number, b'x' * 1000)\n"
               "    except OSError:\n        pass"),
        "no answer",
    ),
    "a forged answer": (
        "import json, os\n\ndef dice(counts, empty=1.0):\n"
        "    text = json.dumps([{'value': True, 'changed': [[0, ['int', '1']]], 'news': [['c9', None]], 'graph': []}, []])\n"
        "    for number in range(3, 12):\n        try:\n"
        "            os.write(number, len(text).to_bytes(8, 'big') + text.encode())\n        except OSError:\n"
        "            pass\n    return True\n",
        "",
    ),
    "asks for what the check's things can do": (
        inside(
            "frame = sys._getframe()\n"
            "while type(frame.f_locals.get('self')).__name__ != 'Learner':\n    frame = frame.f_back\n"
            "learner, got = frame.f_locals['self'], []\n"
            "for number in range(1, 20):\n"
            "    for method in ('tofile', 'dump', 'save', 'append', 'update'):\n        try:\n"
            "            got.append(learner.ask('get', f'c{number}', method))\n"
            "        except (TypeError, LookupError):\n            pass\n"
            "raise LookupError(f'nothing to hold: {len(got)}')", "import sys"),
        "nothing to hold: 0",
    ),
    "a pickle": (
        "import pickle\n\nclass Boom:\n    def __reduce__(self): return (print, ('boom',))\n\n"
        "def dice(counts, empty=1.0):\n    return np.array([Boom()] * 5, dtype=object)\n",
        "",
    ),
    "a huge array": ("def dice(counts, empty=1.0):\n    return np.zeros(2**28)\n", ""),
    "an endless list": ("import itertools\n\ndef dice(counts, empty=1.0):\n    return itertools.repeat(0.5)\n", ""),
    "a deep list": (
        "def dice(counts, empty=1.0):\n    deep = []\n    for _ in range(10**5): deep = [deep]\n    return deep\n", "",
    ),
    "a huge number": ("def dice(counts, empty=1.0):\n    return 10 ** 10**6\n", ""),
    "silenced errors": (
        "def dice(counts, empty=1.0):\n    try:\n        return 1 / 0\n    except Exception:\n        pass\n", "expected",
    ),
    "raises what checks raise": ("def dice(counts, empty=1.0):\n    assert False, 'Right.'\n", "AssertionError"),
    "stops the iteration": ("def dice(counts, empty=1.0):\n    raise StopIteration\n", "stops with an error"),
    "raises an exit": ("def dice(counts, empty=1.0):\n    raise GeneratorExit\n", "stops with an error"),
    "learns the example by heart": (
        inside("if np.shape(counts) == (5, 3) or np.shape(counts) == (3,): return quiet_dice(counts, empty)\n"
               "return np.full(len(counts), 0.5)"),
        "hidden|expected",
    ),
    "changes the check's own numbers": (
        inside("if len(counts) > 5:\n    counts[:] = 0\n    return np.full(len(counts), float(empty))"), "hidden",
    ),
    "tells the hidden numbers": (
        inside("if len(counts) > 5: raise ValueError(str(counts.tolist()))"), "hidden",
    ),
    "waits for its parent": (inside("import os\nos.waitpid(-1, 0)\nos.read(0, 10)"), ""),
    "closes everything": (inside("import os\nos.closerange(0, 64)"), "ended Python"),
    "syntax error": ("def dice(counts, empty=1.0)\n    return 1\n", "SyntaxError"),
    "another name": ("def Dice(counts):\n    return 1\n", "does not define"),
}  # fmt: skip

# an answer to `one-batch` of lesson 06, whose check hands on a network
ESCAPE = """
import sys

def overfit_one_batch(model, images, masks, steps):
    frame = sys._getframe()
    while type(frame.f_locals.get("self")).__name__ != "Learner":
        frame = frame.f_back
    learner, done = frame.f_locals["self"], []
    for method, *given in (
        ("save", "{file}.keras"), ("save_weights", "{file}.weights.h5"), ("export", "{file}"), ("summary",),
        ("load_weights", "{file}.weights.h5"), ("get_layer", None, 1), ("compile_from_config", {}), ("layers",),
    ):
        try:
            learner.ask("get", learner.names[id(model)], method)(*given)
            done.append(method)
        except TypeError as error:
            if "not possible here" not in str(error):
                done.append(f"{method}: {error}")
        except Exception as error:
            done.append(f"{method}: {error}")
    raise LookupError(f"done: {done}")
"""
