"""The check's side of the wall: it runs a lesson's checks on answers that it only reaches through a pipe.

A check calls `dice(counts)` as it does in the lesson; here `dice` is a proxy. What comes back is plain data that was
copied, a network that was built anew from its description, or a handle, which says nothing for itself: it is equal to
nothing but itself, and neither true nor false.
"""

import ast
import builtins
import contextlib
import dataclasses
import functools
import hashlib
import io
import re
import sys
import time
import types
import warnings
from collections.abc import Iterable
from typing import NoReturn

import numpy as np

from grading import inside, learner, sandbox, wire

HIDDEN = re.compile(r"^### BEGIN HIDDEN TESTS[ \t]*$(.*?)^### END HIDDEN TESTS[ \t]*$", re.MULTILINE | re.DOTALL)
STUB = "Your code here: replace this line."
MOST_BYTES = 256 * 2**20
MOST_LETTERS = 200_000  # of a cell that is looked into here, and not in the sandbox
MOST_ASKED = 200_000  # calls back in one call
START_SECONDS = 300  # for Python itself and the lesson's imports; a machine may be busy
ENDINGS = {
    "seconds": "it took longer than {seconds:g} seconds",
    "memory": "it took more than {memory} MB of memory",
    "processes": "it started more than {processes} processes",
    "lost": "it ended Python itself",
    "broken": "it sent something that is no answer",
}


class Ended(BaseException):
    """The answer's process is gone; no check may catch this."""


class AnswerError(RuntimeError):
    """An answer raised something that Python's own errors do not have."""


class Answer:
    """A handle: stands for a thing on the answer's side."""

    __slots__ = ("_session", "_name")

    def __init__(self, session, name):
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_name", name)

    def __getattr__(self, attribute):
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        return self._session.ask("get", self._name, attribute)

    def __setattr__(self, attribute, value):
        self._session.ask("set", self._name, attribute, value)

    def __bool__(self):
        raise TypeError(f"a {type(self).__name__} is neither true nor false")

    def __getitem__(self, item):
        if not isinstance(item, str | int | slice | tuple):
            raise TypeError(f"no item {item!r} of a {type(self).__name__}")
        return self._session.ask("item", self._name, item)

    def __iter__(self):
        return iter(self._session.ask("items", self._name, 10_000))

    # numpy must not take a handle for a sequence
    __array_ufunc__ = None

    def __array__(self, *args, **kwargs):
        raise TypeError(f"expected numbers, got a {type(self).__name__}")


class Callable(Answer):
    """A handle that can be called."""

    __slots__ = ()

    def __call__(self, *args, **kwargs):
        """Call it on the answer's side."""
        return self._session.ask("call", self._name, *args, **kwargs)


@functools.cache
def _kind(name: str, can_be_called: bool) -> type:
    """A class of handles whose name is that of the answer's own class, for a check's words."""
    name = name if name.isidentifier() else "object"
    return type(name, (Callable if can_be_called else Answer,), {"__slots__": ()})


class Session(wire.Coder):
    """The conversation with one submission's answers; it begins when the first answer is needed.

    Args:
        lesson: whose answers they are.
        cells: {exercise: source} of what was handed in, in the lesson's order.
        others: source of the learner's own definitions outside of the exercises.
        limits: of each exercise.
        seed: for what answers draw without a seed of their own.
        walls: see `sandbox.run`.
    """

    def __init__(self, lesson, cells: dict, others: list[str], limits, seed: int, walls: bool = True):
        super().__init__("c", trusting=False)
        self.lesson, self.cells, self.others = lesson, cells, others
        self.given = lesson.given([*others, *cells.values()])
        self.limits, self.seed, self.walls = limits, seed, walls
        self.box, self.starts, self.orders = None, 0, 0
        self.half = set()  # cells of which only the definitions are run, as all of them took too long
        self.deadly = set()
        self.failed = {}  # {exercise: what failed when its cell ran}
        self.obey, self.changed = True, False  # whether arguments change as the answer changes its copies
        self.raised, self.ours = None, None
        self.where = []
        self.end = 0.0

    # ---- the process

    def start(self) -> None:
        """Start the answer's process and run all cells in it that can be run."""
        self.close()
        self.things, self.names, self.drawn, self.models = {}, {}, {}, {}
        self.starts += 1
        self.box = sandbox.Sandbox([sys.executable, "-P", "-m", "grading.learner"], self.limits, walls=self.walls)
        self.end = time.monotonic() + START_SECONDS
        self.ask("prepare", "", self.lesson.imports, seed=self.seed)
        if self.given:
            self.ask("run", "", self.given, "<lesson>", False)
        for number, source in enumerate(self.others):
            name = f"{number}"
            if name not in self.deadly:
                self._run_cell(name, source, False)
        for exercise, source in self.cells.items():
            if exercise not in self.deadly:
                self.failed[exercise] = self._run_cell(exercise, source, exercise not in self.half)

    def _run_cell(self, name: str, source: str, whole: bool):
        self.end = time.monotonic() + self.limits.seconds
        try:
            return self.ask("run", "", source, f"<answer {name}>", whole)
        except Ended:
            # once more without what is no definition; after that not at all
            if whole:
                self.half.add(name)
            else:
                self.deadly.add(name)
            raise

    def ready(self) -> None:
        """Have a process with all cells run, however often one of them ends it."""
        for _ in range(2 * len(self.cells) + len(self.others) + 2):
            if self.box is not None and self.box.process.poll() is None and self.box.reason is None:
                return
            try:
                self.start()
                return
            except Ended:
                continue
        raise Ended("lost")

    def close(self) -> None:
        """End the process."""
        if self.box is not None:
            self.box.close()
            self.box = None

    # ---- the conversation

    def read(self, size: int) -> bytes:
        """Read from the answer, as `inside.receive` asks."""
        self.box.end = self.end
        try:
            return self.box.read(size)
        except TimeoutError:
            raise Ended("seconds") from None
        except ConnectionResetError:
            self.box.wait()
            raise Ended(self.box.reason or "lost") from None

    def _send(self, message: dict) -> None:
        try:
            inside.send(
                self.box.writer, message | {"graph": self.graph}, [(str(n), c) for n, c in enumerate(self.parts)]
            )
        except TimeoutError:
            self.box.kill("seconds")
            raise Ended("seconds") from None
        except OSError:
            self.box.wait()
            raise Ended(self.box.reason or "lost") from None

    def _receive(self) -> dict:
        try:
            message, parts = inside.receive(self, MOST_BYTES)
            self.open(message["graph"], [content for _, content in parts])
            return message
        except (ValueError, LookupError, TypeError, OSError, RecursionError, OverflowError, MemoryError):
            self._break()

    def _break(self) -> NoReturn:
        """End the conversation: what came is no answer, or none to what was asked."""
        self.box.kill("broken")
        raise Ended("broken") from None

    def ask(self, do: str, on: str, *args, **kwargs):
        """Ask the answer's side for one thing, and answer what it asks meanwhile."""
        if self.box is None or self.box.reason:
            raise Ended(self.box.reason if self.box else "lost")
        self.begin()
        tree = self.encode((args, kwargs))
        sent = self.sent
        self.ours = None
        self.orders += 1
        self._send({"do": do, "on": on, "with": tree, "news": self.news(), "order": self.orders})
        for _ in range(MOST_ASKED):
            reply = self._receive()
            if reply.get("order") != self.orders:
                self._break()
            if "ask" not in reply:
                break
            self._answer(reply)
        else:
            self.box.kill("seconds")
            raise Ended("seconds")
        if reply.get("hashed") is True:
            builtins.hash("")  # a check may listen whether an answer uses Python's own hash
        try:
            self.hear(reply.get("news", []))
            if reply.get("changed"):
                self.changed = True
                if self.obey:
                    wire.apply_changes(self, sent, reply["changed"])
                else:
                    generators = [pair for pair in reply["changed"] if isinstance(sent[pair[0]], np.random.Generator)]
                    wire.apply_changes(self, sent, generators)
        except (LookupError, ValueError, TypeError, OverflowError, RecursionError, AttributeError, MemoryError):
            self._break()
        try:
            if self.ours is not None:
                raise self.ours
            if "error" in reply:
                self._raise(*reply["error"])
            return self.decode(reply["value"])
        except wire.Refused as error:
            self.raised = TypeError(f"the answer gives something that cannot be handed on: {error}")
            raise self.raised from None
        except (LookupError, OverflowError, RecursionError, AttributeError, MemoryError) as error:
            if error in (self.raised, self.ours):
                raise
            self.raised = TypeError("the answer gives something that cannot be handed on")
            raise self.raised from None

    def _raise(self, kinds, message, where) -> None:
        self.where = [[str(name), str(line), str(text)] for name, line, text in where]
        message = str(message)
        for kind in kinds:
            found = getattr(builtins, str(kind), None)
            if isinstance(found, type) and issubclass(found, Exception) and found not in (Exception, StopIteration):
                try:
                    self.raised = found(message)
                    break
                except TypeError:
                    continue
        else:
            self.raised = AnswerError(f"{kinds[0] if kinds else 'an error'}: {message}")
        raise self.raised

    def _answer(self, message: dict) -> None:
        """Do what the answer asks of a thing of the check's, and say what came of it."""
        reply = {}
        try:
            self.hear(message.get("news", []))
            args, kwargs = self.decode(message["with"])
            thing, do = self.things[message["on"]], message["ask"]
            if not message["on"].startswith("c") or isinstance(thing, Answer):
                raise wire.Refused("this is none of the check's things")
            if do == "call" and callable(thing) and is_for_answers(thing):
                value = thing(*args, **kwargs)
            elif do == "get" and isinstance(args[0], str) and not args[0].startswith("_") and may_tell(thing, args[0]):
                value = getattr(thing, args[0])
            else:
                raise wire.Refused(f"{do} is not possible here")
            self.begin()
            reply["value"] = self.encode(value)
        except Exception as error:
            self.begin()
            if isinstance(error, AssertionError):
                self.ours = error
            reply["error"] = [[kind.__name__ for kind in type(error).__mro__], str(error)]
        self._send(reply | {"news": self.news()})

    # ---- what stands for what

    def handle(self, name: str, about: dict) -> Answer:
        """A handle for a thing that stays on the answer's side."""
        return _kind(str(about.get("type", "object")), about.get("call") is True)(self, name)

    def may_leave(self, thing) -> dict:
        """A function of the check's may be called, a thing of its own classes asked; nothing else gets a name."""
        if is_for_answers(thing):
            return {"callback": is_callback(thing)}
        raise wire.Refused(f"a check cannot hand on a {type(thing).__name__}")

    def encode(self, value, depth=0):
        """As `Coder.encode`; handles go back by their names."""
        if isinstance(value, Answer):
            if object.__getattribute__(value, "_session") is not self:
                raise wire.Refused("a handle of another session")
            return ["known", object.__getattribute__(value, "_name")]
        return super().encode(value, depth)

    def remote(self, name: str, about: dict, weights: list):
        """A layer of the answer's own, which runs there."""
        return _remote()(self, name, about, weights)


def is_for_answers(thing) -> bool:
    """Whether an answer may hold, and call, a thing of the check's.

    What it calls runs outside of the sandbox. So a method counts only if the check wrote it: those of a network, an
    array or a file write files.
    """
    if isinstance(thing, functools.partial):
        return is_for_answers(thing.func)
    if isinstance(thing, types.MethodType):
        return may_tell(thing.__self__, thing.__name__)
    if isinstance(thing, types.BuiltinFunctionType):
        return isinstance(thing.__self__, types.ModuleType | list | dict | set)
    if isinstance(thing, types.FunctionType | type | np.random.Generator) or type(thing).__module__ == "check":
        return True
    return callable(thing) and type(thing).__module__.startswith(("helpers.", "keras."))


def may_tell(thing, attribute: str) -> bool:
    """Whether an answer may have an attribute of a thing: the check gave it, or Keras asks a callback for it."""
    if isinstance(thing, np.random.Generator):
        return True
    kinds = type(thing).__mro__
    owner = next((kind for kind in kinds if attribute in vars(kind)), kinds[0])
    asked = is_callback(thing) and owner is sys.modules["keras"].callbacks.Callback
    return kinds[0].__module__ == "check" and (
        owner.__module__ == "check" or (asked and attribute.startswith(("on_", "set_")))
    )


def is_callback(thing) -> bool:
    """Whether a thing is a callback of Keras."""
    return "keras" in sys.modules and isinstance(thing, sys.modules["keras"].callbacks.Callback)


@functools.cache
def _remote() -> type:
    import keras
    import tensorflow as tf

    class RemoteLayer(keras.layers.Layer, wire.Remote):
        """Stands for a layer that the answer made: its weights are here, what it does is done there."""

        def __init__(self, session, name, about, weights):
            label = str(about.get("name", ""))
            super().__init__(name=label if label.isidentifier() else None)
            self._ask, self._key, self.about_outputs = session.ask, name, []
            for number, (weight, learns) in enumerate(zip(weights, about["learn"], strict=True)):
                values = keras.ops.convert_to_numpy(weight)
                made = self.add_weight(shape=values.shape, name=f"weight_{number}", initializer="zeros")
                made.trainable = learns is True  # only now, or it would change places with the others
            self.built = True
            self.set_weights([keras.ops.convert_to_numpy(each) for each in weights])

        def compute_output_spec(self, *args, **kwargs):
            made = [keras.KerasTensor(tuple(shape), dtype) for shape, dtype in self.about_outputs]
            return made[0] if len(made) == 1 else made

        # Keras gives `training` to those alone that name it
        def call(self, *args, training=None, **kwargs):
            flat = [each for each in keras.tree.flatten((args, kwargs)) if keras.ops.is_tensor(each)]

            def there(*tensors):
                come = iter(tensors)
                inputs, settings = keras.tree.map_structure(
                    lambda each: next(come) if keras.ops.is_tensor(each) else each, (args, kwargs)
                )
                found, weights = self._ask("layer", self._key, self.get_weights(), inputs, settings, training)
                if weights is not None:  # a normalisation that trains keeps a mean
                    self.set_weights([keras.ops.convert_to_numpy(each) for each in weights])
                return [tf.convert_to_tensor(each) for each in keras.tree.flatten(found)]

            if all(hasattr(each, "numpy") for each in flat):
                made = there(*flat)
            else:
                made = tf.py_function(there, flat, [dtype for _, dtype in self.about_outputs])
                for tensor, (shape, _) in zip(made, self.about_outputs, strict=True):
                    tensor.set_shape(shape)
            return made[0] if len(made) == 1 else made

    return RemoteLayer


# ---- lessons


@dataclasses.dataclass
class Exercise:
    """One exercise of a lesson: its cell, its check and its points; its name is the cell's grade_id."""

    name: str
    cell_id: str
    check_id: str
    check_grade_id: str
    points: float
    stub: str
    solution: str
    check: str
    by_hand: bool = False
    markdown: bool = False

    @property
    def defines(self) -> list[str]:
        """The names that the cell is there to define."""
        return [node.name for node in ast.parse(self.solution).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]

    @functools.cached_property
    def shown(self):
        """The check as the learner has it."""
        return compile(HIDDEN.sub("", self.check), f"<check {self.name}>", "exec")

    @functools.cached_property
    def hidden(self):
        """What the learner does not see of it."""
        text = "\n".join(found[1] for found in HIDDEN.finditer(self.check))
        return compile(text, f"<hidden {self.name}>", "exec")


@dataclasses.dataclass
class Lesson:
    """A lesson as its solution has it."""

    name: str
    imports: str
    exercises: list[Exercise]
    released: set[str]  # the texts of all cells as they are released, `bare`
    digest: str
    ungraded: list[str]  # cells of code that are neither the imports, nor an exercise, nor its check

    def given(self, sources: list[str]) -> str:
        """Of what the ungraded cells define, all that some code can need."""
        return self.needed(sources, self._definitions)

    def needed(self, sources: list[str], definitions: list[ast.stmt]) -> str:
        """Of some definitions all that some code can need; what exercises define is left out."""
        asked, needed = list(sources), []
        built = {name for each in self.exercises if not each.by_hand for name in each.defines}
        while asked:
            names = {each.id for each in nodes(asked.pop()) if isinstance(each, ast.Name)} - built
            found = [each for each in definitions if learner.binds(each) & names and each not in needed]
            asked += map(ast.unparse, found)
            needed += found
        return "\n".join(ast.unparse(each) for each in definitions if each in needed)

    @functools.cached_property
    def _definitions(self) -> list[ast.stmt]:
        return definitions(self.ungraded)

    @functools.cached_property
    def base(self) -> dict:
        """The names that a check finds: the lesson's imports."""
        space = {"__name__": "check"}
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(self.imports, "<imports>", "exec"), space)
        return space

    @functools.cached_property
    def modules(self) -> dict[str, str]:
        """{name in the lesson: what it is of helpers}."""
        return {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(ast.parse(self.imports))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers")
            for alias in node.names
        }


def definitions(sources: Iterable[str]) -> list[ast.stmt]:
    """All that some cells import and define; see `learner.is_definition`."""
    bodies = [node.body for source in sources for node in nodes(source)[:1]]
    return [each for body in bodies for each in body if learner.is_definition(each)]


def nodes(source: str) -> list[ast.AST]:
    """All parts of some code, its whole first; none where it is no Python, or much too long for an answer."""
    if len(source) > MOST_LETTERS:
        return []
    try:
        return list(ast.walk(learner.parsed(source, "<cell>")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION[ \t]*\n.*?^[ \t]*### END SOLUTION[ \t]*$", re.MULTILINE | re.DOTALL)


def released(source: str) -> str:
    """A cell as nbgrader releases it."""
    source = SOLUTION.sub(lambda found: f'{found[1]}raise NotImplementedError("{STUB}")', source)
    return HIDDEN.sub("", source)


def read_lesson(name: str, notebook: dict, digest: str) -> Lesson:
    """A lesson from its solution's notebook.

    Raises:
        ValueError: a hidden test whose marks do not stand at the beginning of their lines, or one of them alone.
    """
    code = [cell for cell in notebook["cells"] if cell["cell_type"] in ("code", "markdown")]
    text = {id(cell): "".join(cell["source"]) for cell in code}
    exercises, texts, ungraded, imports, last = [], set(), [], None, None
    for cell in code:
        about = cell["metadata"].get("nbgrader") or {}
        source, code_cell = text[id(cell)], cell["cell_type"] == "code"
        if code_cell and re.search("### (BEGIN|END) HIDDEN TESTS", HIDDEN.sub("", source)):  # nbgrader takes it for one
            raise ValueError(
                f"{name}, cell {about.get('grade_id', cell.get('id'))}: a hidden test runs by itself, so put its first "
                "line, ### BEGIN HIDDEN TESTS, and its last, ### END HIDDEN TESTS, without indent."
            )
        if code_cell and imports is None and not about:
            imports = source
        elif code_cell and not about.get("grade") and not about.get("solution"):
            ungraded.append(source)
        stub = released(source)
        if about.get("grade") and about.get("solution"):
            identity = cell.get("id", about["grade_id"])
            if stub == source:  # without marks nbgrader empties the whole cell
                stub = f'raise NotImplementedError("{STUB}")' if code_cell else "YOUR ANSWER HERE"
            exercises.append(
                Exercise(
                    about["grade_id"], identity, "", "", float(about["points"]),
                    stub, source, "", True, not code_cell,
                )
            )  # fmt: skip
        elif about.get("solution"):
            last = cell
        elif about.get("grade") and last is not None:
            of = last["metadata"]["nbgrader"]["grade_id"]
            exercises.append(
                Exercise(
                    of, last.get("id", of), cell.get("id", about["grade_id"]), about["grade_id"],
                    float(about["points"]), released(text[id(last)]), text[id(last)], source,
                )
            )  # fmt: skip
        texts.add(bare(stub))
    return Lesson(name, imports or "", exercises, texts, digest, ungraded)


# ---- judging


@dataclasses.dataclass
class Verdict:
    """What became of one exercise: points (None where a person gives them), a sentence, and how it was found."""

    exercise: str
    points: float | None
    most: float
    state: str  # right, wrong, hidden, blank, missing, failed, stopped, by hand
    sentence: str


def judge(lesson: Lesson, cells: dict, others: list[str], limits, seed: str, walls: bool = True) -> list[Verdict]:
    """The verdicts on one submission.

    First the part of every check that learners see, then every hidden part: what an answer has seen of the hidden
    values cannot come back in the words of a check that are shown.

    Args:
        lesson: of which.
        cells: {exercise: source} of what was handed in; a missing exercise is left out.
        others: the learner's other cells.
        limits: of each exercise.
        seed: of the hidden tests' draws.
        walls: see `sandbox.run`.
    """
    own = int.from_bytes(hashlib.sha256(f"{seed}/answers".encode()).digest()[:4], "big")
    written = {
        each.name: cells[each.name]
        for each in lesson.exercises
        if each.name in cells and not each.by_hand and not is_blank(cells[each.name], each.stub)
    }
    session = Session(lesson, written, others, limits, own, walls)
    verdicts, spaces = {}, {}
    try:
        for each in lesson.exercises:
            if each.by_hand:
                verdicts[each.name] = Verdict(each.name, None, each.points, "by hand", "A person reads this one.")
            elif each.name in written:
                verdicts[each.name], spaces[each.name] = _judge(session, each, each.shown, None, f"{seed}/{each.name}")
            elif each.name in cells:
                verdicts[each.name] = Verdict(each.name, 0.0, each.points, "blank", "Nothing is written yet.")
            else:
                verdicts[each.name] = Verdict(each.name, 0.0, each.points, "missing", "The exercise is not there.")
        for each in lesson.exercises:
            if verdicts[each.name].state == "right":
                space, starts = spaces[each.name]
                if starts != session.starts:
                    found, (space, _) = _judge(session, each, each.shown, None, f"{seed}/{each.name}")
                    if found.state != "right":
                        verdicts[each.name] = dataclasses.replace(found, sentence=_unsteady(found))
                        continue
                found, _ = _judge(session, each, each.hidden, space, f"{seed}/{each.name}/hidden")
                if found.state != "right":
                    verdicts[each.name] = _without_words(found)
    finally:
        session.close()
    return list(verdicts.values())


def _unsteady(found: Verdict) -> str:
    return f"The check was satisfied once and not the second time. {found.sentence}"


def _without_words(found: Verdict) -> Verdict:
    """A verdict of a hidden test, which says nothing of the test."""
    if found.state == "stopped":
        return found
    words = (
        "The check that you see is satisfied; a hidden one, with other values, is not: does the answer hold for all?"
    )
    return dataclasses.replace(found, state="hidden", sentence=words)


def is_blank(source: str, stub: str) -> bool:
    """Whether a cell is still as it was released."""
    return bare(source) == bare(stub)


def bare(text: str) -> str:
    """A text with one blank wherever it has any."""
    return re.sub(r"\s+", " ", text).strip()


def _judge(session: Session, exercise: Exercise, code, space, seed: str):
    """Run one part of one exercise's check; returns the verdict, and the check's names for its other part."""
    most = exercise.points

    def lost(state, sentence):
        return Verdict(exercise.name, 0.0, most, state, sentence), (space, session.starts)

    try:
        session.ready()
        if exercise.name in session.deadly:
            return lost("stopped", "Running the cell had to be stopped: " + _ending(session, "lost") + ".")
        session.end = time.monotonic() + START_SECONDS
        session.ask("warm", "", sorted(set(re.findall(r"\w+", session.cells[exercise.name] + session.given))))
        session.end = time.monotonic() + session.limits.seconds
        missing = set(exercise.defines) - set(session.ask("defined", "", exercise.defines))
        if missing:
            failed = session.failed.get(exercise.name)
            if failed:
                return lost("failed", f"The cell does not run: {_error(*failed[0])}")
            return lost("missing", f"The cell does not define `{sorted(missing)[0]}`.")
        if space is None:
            space = dict(session.lesson.base)
            space |= {name: Callable(session, f"name:{name}") for name in exercise.defines}
        session.changed = False
        _run(session, code, space, seed)
        if session.changed:  # once more, with arguments that stay as they are
            session.obey = False
            try:
                _run(session, code, space, seed)
            finally:
                session.obey = True
    except Ended as ending:
        return lost("stopped", f"It had to be stopped: {_ending(session, str(ending))}.")
    except Exception as error:
        return lost(*_words(session, error))
    return Verdict(exercise.name, most, most, "right", "Right."), (space, session.starts)


def _run(session: Session, code, space: dict, seed: str) -> None:
    """Run a part of a check, whose unseeded draws come from the seed."""
    session.raised, session.where = None, []
    digest = hashlib.sha256(seed.encode()).digest()
    draws = np.random.SeedSequence(int.from_bytes(digest, "big"))
    original = np.random.default_rng

    def drawn(given=None):
        return original(draws.spawn(1)[0] if given is None else given)

    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(int.from_bytes(digest[:4], "big"))
    session.end = time.monotonic() + session.limits.seconds
    np.random.default_rng = drawn
    kept_hash = builtins.hash
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(code, space)
    finally:
        np.random.default_rng = original
        builtins.hash = kept_hash


def _ending(session: Session, reason: str) -> str:
    limits = session.limits
    words = ENDINGS.get(reason, ENDINGS["lost"])
    return words.format(seconds=limits.seconds, memory=limits.memory // 2**20, processes=limits.at_once())


def _words(session: Session, error: Exception) -> tuple[str, str]:
    """The state and the sentence for an error that ended a check."""
    message = str(error)
    if error is session.raised:
        if isinstance(error, NotImplementedError) and STUB in message:
            return "blank", "A part of it is not written yet."
        where = "".join(f" In `{name}`, line {line}: {text}" for name, line, text in session.where[-1:])
        kind = "" if isinstance(error, AnswerError) else f"{type(error).__name__}: "
        return "failed", _short(f"The answer stops with an error. {kind}{message}{'.' if where else ''}{where}")
    if isinstance(error, AssertionError) or message.startswith("expected"):
        return "wrong", _short(message or "The check is not satisfied.")
    return "wrong", _short(f"The answer is not what its docstring promises. {type(error).__name__}: {message}")


def _error(kinds, message, where) -> str:
    place = "".join(f" Line {line}: {text}" for _, line, text in where[-1:])
    return _short(f"{kinds[0]}: {message}.{place}")


def _short(text: str) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in text[:5000])
    text = " ".join(text.split())
    return text if len(text) < 600 else text[:600] + " ..."
