"""The answer's side of the wall: it runs inside the sandbox and does what the check asks of a learner's answers.

Nothing here is relied upon: what runs beside it can change it at will. It only makes honest answers work.
"""

import ast
import builtins
import importlib
import linecache
import os
import random
import re
import sys
import types

import numpy as np

from grading import inside, wire

HEAVY = ("helpers", "keras", "tensorflow", "matplotlib", "scipy", "pandas", "cityscapesscripts")
MOST_BYTES = 2**30
# a line of a notebook alone: a magic, a command or a question, whose value may get names
NOTEBOOK = re.compile(
    r"^([ \t]*(?:([\w.][\w., \t]*=)[ \t]*)?)(?:[%!](?!=)(?:.*\\\n)*.*|\?.*|[%\w.*]+\?\??[ \t]*$)", re.MULTILINE
)
CONSTANT = (
    ast.Constant, ast.Name, ast.Attribute, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.BinOp, ast.UnaryOp,
    ast.operator, ast.unaryop, ast.expr_context,
)  # fmt: skip


class Lazy(types.ModuleType):
    """A module that is imported when it is first used: most answers need few of the lesson's imports."""

    def __init__(self, name: str, load):
        super().__init__(name)
        self.__dict__["_load"] = load

    def __getattr__(self, attribute: str):
        if attribute.startswith("__") and attribute not in ("__version__",):
            raise AttributeError(attribute)
        return getattr(self.__dict__["_load"](), attribute)


class Answers:
    """What the learner has written, run cell by cell in one namespace."""

    def __init__(self):
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.space = module.__dict__

    def prepare(self, imports: str) -> None:
        """Run the imports of the lesson's first code cell, and its plain settings."""
        for statement in ast.parse(imports).body:
            for each in statement.body if isinstance(statement, ast.Try) else [statement]:
                if isinstance(each, ast.Import | ast.ImportFrom):
                    self._import(each)
                elif isinstance(each, ast.Assign):
                    self._run(each, "<imports>")

    def _import(self, statement) -> None:
        for alias in statement.names:
            module = getattr(statement, "module", None) or alias.name
            bound = alias.asname or alias.name.partition(".")[0]
            if module.partition(".")[0] not in HEAVY or alias.name[0].isupper() or alias.name == "*":
                one = type(statement)(**{**vars(statement), "names": [alias]})
                self._run(one, "<imports>")
            elif isinstance(statement, ast.ImportFrom):
                self.space[bound] = Lazy(bound, lambda module=module, name=alias.name: _from(module, name))
            else:
                name = alias.name if alias.asname else bound
                self.space[bound] = Lazy(bound, lambda name=name: importlib.import_module(name))

    def _run(self, statement, name: str) -> None:
        module = ast.Module([statement], type_ignores=[])
        exec(compile(module, name, "exec"), self.space)

    def run(self, source: str, name: str, whole: bool) -> list:
        """Run a cell statement by statement; what fails does not keep the rest from running.

        Args:
            source: the cell.
            name: how tracebacks call it.
            whole: False runs imports, definitions and plain constants only.

        Returns:
            What failed: [kinds, message, where] of each.
        """
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        failed = []
        try:
            body = parsed(source, name).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return [told(error)]
        for statement in body:
            if whole or is_definition(statement):
                try:
                    self._run(statement, name)
                except BaseException as error:
                    failed.append(told(error))
        return failed


def parsed(source: str, name: str) -> ast.Module:
    """A cell's syntax tree; what only a notebook understands does nothing, and has the value None."""
    try:
        return ast.parse(source, name)
    except SyntaxError:
        indent = re.match(r"(?:[ \t]*\n)*([ \t]*)", source)[1]
        source = re.sub(rf"^{indent}", "", source, flags=re.MULTILINE) if indent else source
        return ast.parse(NOTEBOOK.sub(_nothing, source), name)


def _nothing(found: re.Match) -> str:
    return found[1] + ("None" if found[2] else "pass") + "\n" * found[0].count("\n")


def is_definition(statement: ast.stmt) -> bool:
    """Whether a statement is an import, a definition or a constant: it calls nothing and looks nothing up."""
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        whole = isinstance(statement.value, ast.Lambda)
        return whole or all(isinstance(each, CONSTANT) for each in ast.walk(statement.value))
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def binds(statement: ast.stmt) -> set[str]:
    """The names that an import, a definition or a constant gives a value."""
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [each for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
        return {each.id for each in names if isinstance(each.ctx, ast.Store)}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {each.asname or each.name.partition(".")[0] for each in statement.names}
    return {statement.name}


def _from(module: str, name: str):
    try:
        return importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return getattr(importlib.import_module(module), name)


def told(error: BaseException) -> list:
    """An error in words: the names of its kinds, its message, and the learner's own lines on the way to it."""
    where, trace = [], error.__traceback__
    while trace is not None and len(where) < 50:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith("<answer"):
            line = linecache.getline(code.co_filename, trace.tb_lineno).strip()
            where.append([code.co_name, trace.tb_lineno, line[:200]])
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        where = [["", error.lineno or 0, (error.text or "").strip()[:200]]]
    try:
        message = str(error)
    except BaseException:
        message = ""
    return [[kind.__name__ for kind in type(error).__mro__], message[:4000], where[-3:]]


class Learner(wire.Coder):
    """Does what the check asks, one thing after the other."""

    def __init__(self, reader: int, writer: int):
        super().__init__("a", trusting=True)
        self.stream, self.writer = inside.Stream(reader), writer
        self.answers = Answers()
        self.hashed, self.order = False, 0
        original = builtins.hash

        def counted(value):
            self.hashed = True
            return original(value)

        builtins.hash = counted

    def may_leave(self, thing) -> dict:
        """Anything may get a name; the check's side can call it, and ask for what it has."""
        return {"type": type(thing).__name__[:60], "call": callable(thing)}

    def handle(self, name: str, about: dict):
        """What stands here for something of the check's: it can be called, and has the check's methods."""
        if about.get("callback"):
            return _callback(self, name)
        return Theirs(self, name)

    def ask(self, do: str, name: str, *args, **kwargs):
        """Have the check do something with a thing of its own, in the midst of a call."""
        self.begin()
        tree = self.encode((args, kwargs))
        message = {"ask": do, "on": name, "with": tree, "graph": None, "news": self.news(), "order": self.order}
        inside.send(self.writer, message | {"graph": self.graph}, _numbered(self.parts))
        answer, parts = inside.receive(self.stream, MOST_BYTES)
        self.open(answer["graph"], [content for _, content in parts])
        self.hear(answer.get("news", []))
        if "error" in answer:
            kinds, message = answer["error"]
            kind = next((getattr(builtins, kind) for kind in kinds if hasattr(builtins, kind)), RuntimeError)
            raise kind(message)
        return self.decode(answer["value"])

    def serve(self) -> None:
        """Do what is asked until the other side has gone."""
        while True:
            order, parts = inside.receive(self.stream, MOST_BYTES)
            self.hashed, self.order = False, order["order"]
            try:
                self.open(order["graph"], [content for _, content in parts])
                self.hear(order["news"])
                args, kwargs = self.decode(order["with"])
                received = self.received
                before = wire.remember(received)
                value = self.do(order["do"], order["on"], args, kwargs)
                self.begin()
                self.received = received
                reply = {"value": self.encode(value), "changed": wire.changes(self, before), "news": self.news()}
            except BaseException as error:
                self.begin()
                reply = {"error": told(error), "news": self.news()}
                reply["changed"] = []
            reply["hashed"], reply["graph"], reply["order"] = self.hashed, self.graph, order["order"]
            inside.send(self.writer, reply, _numbered(self.parts))

    def do(self, do: str, on: str, args: tuple, kwargs: dict):
        """One thing that the check asks for."""
        if do == "prepare":
            random.seed(kwargs["seed"])
            np.random.seed(kwargs["seed"] % 2**32)  # noqa: NPY002 (answers may use it)
            return self.answers.prepare(*args)
        if do == "run":
            return self.answers.run(*args)
        if do == "warm":  # a module that is imported in the midst of an answer would cost the answer's time
            for lazy in [self.answers.space.get(name) for name in args[0]]:
                if isinstance(lazy, Lazy):
                    lazy.__dict__["_load"]()
            return None
        if do == "defined":
            return [name for name in args[0] if name in self.answers.space]
        thing = self.answers.space[on.partition(":")[2]] if on.startswith("name:") else self.things[on]
        if do == "call":
            return thing(*args, **kwargs)
        if do == "get":
            return getattr(thing, *args)
        if do == "set":
            return setattr(thing, *args)
        if do == "items":
            values = []
            for value in thing:
                values.append(value)
                if len(values) >= args[0]:
                    break
            return tuple(values)
        if do == "item":
            return thing[args[0]]
        if do == "layer":
            weights, inputs, settings, training = args
            if weights is not None:
                thing.set_weights(weights)
            found = _called(thing, inputs, settings, training)
            return found, thing.get_weights() if training else None
        raise wire.Refused(do)


def _called(thing, inputs: tuple, settings: dict, training):
    """Call a layer as a network does: those inside it hear of a training too, whether or not it takes the word."""
    import keras

    class Around(keras.layers.Layer):
        def call(self, _):
            return thing(*inputs, **settings)

    return Around()(keras.ops.zeros(1), training=training)


class Theirs:
    """Something of the check's: to call, and with methods to call."""

    def __init__(self, learner: Learner, name: str):
        object.__setattr__(self, "_theirs", (learner, name))
        learner.names[id(self)] = name

    def __call__(self, *args, **kwargs):
        """Call it on the check's side."""
        learner, name = object.__getattribute__(self, "_theirs")
        return learner.ask("call", name, *args, **kwargs)

    def __getattr__(self, attribute: str):
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        learner, name = object.__getattribute__(self, "_theirs")
        return learner.ask("get", name, attribute)


def _callback(learner: Learner, name: str):
    import keras

    class Watcher(keras.callbacks.Callback):
        """A callback of the check's."""

    def forwarded(method):
        def forward(self, *args, **kwargs):
            settings = {key: _plain_logs(each) for key, each in kwargs.items()}
            learner.ask("get", name, method)(*map(_plain_logs, args), **settings)
            if method == "set_model":
                self._model = args[0]

        return forward

    for method in [each for each in dir(keras.callbacks.Callback) if each.startswith(("on_", "set_"))]:
        setattr(Watcher, method, forwarded(method))
    watcher = Watcher()
    learner.names[id(watcher)] = name
    return watcher


def _plain_logs(logs):
    return (
        {key: float(value) for key, value in logs.items()} if isinstance(logs, dict) and "metrics" not in logs else logs
    )


def _numbered(parts: list[bytes]) -> list:
    return [(str(number), content) for number, content in enumerate(parts)]


def main() -> None:
    """Keep the pipes, give up all rights, and serve."""
    reader, writer = inside.take_the_pipes()
    os.set_inheritable(reader, False)
    os.set_inheritable(writer, False)
    inside.give_up_rights()
    sys.setrecursionlimit(3000)
    try:
        Learner(reader, writer).serve()
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    main()
