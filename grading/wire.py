"""What crosses the wall between a check and a learner's answer: plain values, networks, and names for the rest.

Both sides speak through a `Coder`. Numbers, texts, lists, arrays, tensors and tables travel as JSON and npy, and arrive
as copies. Networks and Keras tensors travel as a graph: each layer as configuration and weights. What is neither
stays where it is, and the other side gets a handle: a name by which it can be called or asked for an attribute.
Nothing is ever pickled, and nothing that arrives brings code along: the check's side takes Keras' own layers and those
of `helpers` alone, by a list, and what else a network is made of is run on the answer's side.
"""

import contextlib
import io
import json
import math
import sys

import numpy as np

KINDS = "biufcUSmM"  # of numpy's types: no objects, no structures
MOST_ITEMS = 200_000
MOST_LETTERS = 1_000_000
DEEPEST = 60


class Refused(TypeError):
    """A value that may not, or cannot, cross."""


def pack(array: np.ndarray) -> bytes:
    """An array as the content of a .npy file."""
    array = np.asarray(array)
    if array.dtype.kind not in KINDS:
        raise Refused(f"an array of {array.dtype} cannot be handed on")
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)
    return file.getvalue()


def unpack(content: bytes) -> np.ndarray:
    """The array of a .npy file's content, after a look at what it claims to be; it owns its memory."""
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, kind = read(file)
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        raise Refused("an array that is none") from error
    if kind.kind not in KINDS or kind.names or any(side < 0 for side in shape) or len(shape) > 32:
        raise Refused(f"an array of {kind} cannot be handed on")
    if math.prod(shape) * kind.itemsize != len(content) - file.tell():
        raise Refused("an array whose size is not what it says")
    flat = (
        np.frombuffer(content, kind, math.prod(shape), file.tell()).copy() if kind.itemsize else np.zeros(shape, kind)
    )
    return flat.reshape(shape, order="F" if fortran else "C")


class Coder:
    """Turns values into messages and back, on one side of the wall.

    Args:
        side: "c" for the check's, "a" for the answer's; it begins the names that this side gives.
        trusting: whether what arrives is trusted; the check's side trusts nothing.
    """

    def __init__(self, side: str, trusting: bool):
        self.side, self.trusting = side, trusting
        self.count = 0
        self.drawn = {}  # {id(layer): its name as a part of a network}
        self.things, self.names = {}, {}  # what has a name on both sides: {name: thing}, {id(thing): name}
        self.models = {}  # networks of the check that the answer knows: {name: (model, what was last told of it)}
        self.begin()

    # both sides replace these
    def handle(self, name: str, about: dict):
        """What stands here for a thing that stays on the other side."""
        raise NotImplementedError

    def may_leave(self, thing) -> dict:
        """What the other side learns of a thing that stays here; raises Refused where it may not even get a name."""
        raise NotImplementedError

    def begin(self) -> None:
        """Begin a new message."""
        self.parts, self.graph, self.items = [], [], 0
        self.sent = []  # arrays, lists, tables and generators that left with it, and may come back changed
        self.quiet = 0  # above 0: what is written or read belongs to a network, and is not kept in `sent` or `received`

    def name(self, thing) -> str:
        """The thing's name, a new one if it has none."""
        if id(thing) not in self.names:
            self.count += 1
            self.register(f"{self.side}{self.count}", thing)
        return self.names[id(thing)]

    def register(self, name: str, thing):
        """Give the thing this name, and keep it."""
        self.things[name], self.names[id(thing)] = thing, name
        return thing

    def _left(self, thing) -> None:
        if not self.quiet:
            self.sent.append(thing)

    def _arrived(self, thing) -> None:
        if not self.quiet:
            self.received.append(thing)

    @contextlib.contextmanager
    def _quietly(self):
        self.quiet += 1
        try:
            yield
        finally:
            self.quiet -= 1

    def _part(self, content: bytes) -> int:
        self.parts.append(content)
        return len(self.parts) - 1

    # ---- from values to messages

    def encode(self, value, depth: int = 0):
        """The value as JSON can write it; arrays go to `parts`, what networks are made of to `graph`."""
        self.items += 1
        if self.items > MOST_ITEMS or depth > DEEPEST:
            raise Refused("there is too much of it, or it is nested too deeply")
        kind = type(value)
        if value is None or kind is bool:
            return value
        if isinstance(value, str):
            if len(value) > MOST_LETTERS:
                raise Refused("a text of more than a million letters")
            return str.__str__(value)
        if isinstance(value, np.generic):
            if value.dtype.kind not in KINDS:
                return ["number", float(value)]
            return ["scalar", self._part(pack(value))]
        if isinstance(value, int):
            value = int.__index__(value)
            if abs(value) >= 2**300:
                raise Refused("a whole number of more than 90 digits")
            return ["int", str(value)]
        if isinstance(value, float):
            return ["number", float.__float__(value)]
        if isinstance(value, complex):
            return ["complex", value.real, value.imag]
        if isinstance(value, bytes | bytearray):
            return ["bytes", self._part(bytes(value))]
        if value is Ellipsis:
            return ["ellipsis"]
        if kind is slice:
            return ["slice", *(self.encode(end, depth + 1) for end in (value.start, value.stop, value.step))]
        if kind is range:
            return ["range", value.start, value.stop, value.step]
        if isinstance(value, np.dtype):
            return ["dtype", str(value)]
        if isinstance(value, type) and issubclass(value, np.generic):
            return ["dtype", np.dtype(value).str, "type"]
        if isinstance(value, list):
            self._left(value)
            return ["list", [self.encode(each, depth + 1) for each in list.__iter__(value)]]
        if isinstance(value, tuple):
            return ["tuple", [self.encode(each, depth + 1) for each in tuple.__iter__(value)]]
        if isinstance(value, set | frozenset):
            return ["set", [self.encode(each, depth + 1) for each in value]]
        if isinstance(value, dict):
            pairs = [(self.encode(key, depth + 1), self.encode(each, depth + 1)) for key, each in dict.items(value)]
            return ["dict", pairs]
        if isinstance(value, np.ndarray):
            return self._encode_array(value, depth)
        if id(value) in self.names:
            return ["known", self.names[id(value)]]
        if kind is np.random.Generator and not hasattr(value.bit_generator.state.get("state"), "dtype"):
            self._left(value)
            return ["generator", self.encode(value.bit_generator.state, depth + 1)]
        if "pandas" in sys.modules:
            import pandas

            if isinstance(value, pandas.DataFrame):
                self._left(value)
                with self._quietly():
                    columns = [[self.encode(name), self.encode(np.asarray(value[name]))] for name in value.columns]
                    return ["frame", columns, self.encode(np.asarray(value.index))]
            if isinstance(value, pandas.Series | pandas.Index):
                with self._quietly():
                    return ["series", self.encode(np.asarray(value), depth + 1)]
        if "keras" in sys.modules:
            with self._quietly():
                found = self._encode_keras(value, depth)
            if found is not None:
                return found
        return self._stays_here(value)

    def _stays_here(self, thing):
        about = self.may_leave(thing)
        return ["handle", self.name(thing), about]

    def _encode_array(self, array: np.ndarray, depth: int):
        array = np.asarray(array)
        self._left(array)
        if array.dtype.kind in KINDS:
            return ["array", self._part(pack(array))]
        if array.dtype == object:
            return ["objects", list(array.shape), [self.encode(each, depth + 1) for each in array.ravel().tolist()]]
        return ["array", self._part(pack(array.astype("float32")))]

    def _encode_keras(self, value, depth: int):
        import keras

        if keras.ops.is_tensor(value) or isinstance(value, keras.Variable):
            return self._encode_tensor(value)
        if type(value).__name__ == "ResourceVariable" and hasattr(value, "numpy"):
            return self._encode_tensor(value)
        if isinstance(value, keras.KerasTensor):
            self._draw(value)
            return ["known", self.names[id(value)]]
        if isinstance(value, keras.Model):
            return self._encode_model(value)
        if isinstance(value, keras.Layer) and self.side == "c":
            return self._encode_operation(value)
        loose = (keras.losses.Loss, keras.metrics.Metric, keras.optimizers.Optimizer, keras.initializers.Initializer)
        if isinstance(value, (*loose, keras.optimizers.schedules.LearningRateSchedule)):
            if self.side == "a" and not type(value).__module__.startswith(("keras.", "helpers.")):
                return None
            return ["keras", self.encode(keras.saving.serialize_keras_object(value), depth + 1)]
        return None

    def _encode_tensor(self, tensor):
        import keras

        kind = keras.backend.standardize_dtype(tensor.dtype)
        array = np.asarray(keras.ops.convert_to_numpy(tensor))
        if array.dtype.kind not in KINDS:
            array = array.astype("float32")
        return ["tensor", self._part(pack(array)), kind]

    def _encode_model(self, model):
        """A network: its graph, from its inputs to its outputs, and how it is compiled."""
        import keras

        whole = model
        if isinstance(model, keras.Sequential):
            if not model.built or model._functional is None:
                return None
            model = model._functional
        if not type(model).__name__.startswith("Functional"):
            return None
        for tensor in keras.tree.flatten(model._inputs):
            if id(tensor) not in self.names:
                self._draw_input(tensor)
        for tensor in keras.tree.flatten(model._outputs):
            self._draw(tensor)
        name = self.name(whole)
        told = self._state(whole)
        if self.side == "c":
            self.models[name] = (whole, told)
        ends = [self.encode(each) for each in (model._inputs_struct, model._outputs_struct)]
        return ["model", name, whole.name, *ends, self.encode(told["compile"]), self.encode(told["steps"])]

    def _draw_input(self, tensor) -> None:
        shape = [None if side is None else int(side) for side in tensor.shape]
        self.graph.append(["input", self.name(tensor), shape, str(tensor.dtype), str(tensor.name)])

    def _draw(self, tensor) -> None:
        """Add to `graph` what the other side needs to make this Keras tensor from those that it knows."""
        waiting = [tensor]
        while waiting:
            last = waiting[-1]
            if id(last) in self.names:
                waiting.pop()
                continue
            operation, number, _ = getattr(last, "_keras_history", (None, None, None))
            if operation is None:
                self._draw_input(last)
                continue
            node = operation._inbound_nodes[number]
            if not node.input_tensors:  # an input of its own
                self._draw_input(last)
                continue
            missing = [each for each in node.input_tensors if id(each) not in self.names]
            if missing:
                waiting += missing
                if len(waiting) > MOST_ITEMS:
                    raise Refused("a network without end")
                continue
            made = self._encode_operation(operation)
            arguments = self.encode(tuple(node.arguments.args)), self.encode(dict(node.arguments.kwargs))
            outputs = [self.name(each) for each in node.outputs]
            about = [[list(each.shape), str(each.dtype)] for each in node.outputs]
            self.graph.append(["node", made, *arguments, outputs, about])

    def _encode_operation(self, operation):
        """A layer, an operation or a network that is one, once; later its name alone."""
        import keras

        if id(operation) in self.drawn:
            return ["known", self.drawn[id(operation)]]
        if isinstance(operation, keras.Model):
            if id(operation) in self.names:
                return ["known", self.names[id(operation)]]
            if (found := self._encode_model(operation)) is not None:
                return found
        self.count += 1
        name = f"{self.side}{self.count}"
        weights = (
            [self._encode_tensor(each) for each in operation.weights] if isinstance(operation, keras.Layer) else []
        )
        try:
            config = json.loads(json.dumps(keras.saving.serialize_keras_object(operation)))
            check_config(config)
            made = [_is_plain(operation) and "layer", self.encode(config), name, weights]
        except (TypeError, ValueError, NotImplementedError, RuntimeError):
            made = [None]
        if not made[0]:
            about = {"name": str(operation.name), "learn": [bool(each.trainable) for each in operation.weights]}
            made = ["remote", name, self.may_leave(operation) | about, weights]
        self.drawn[id(operation)], self.things[name] = name, operation
        return made

    # ---- from messages to values

    def open(self, graph, parts: list[bytes]) -> None:
        """Begin to read a message: its parts, and the graph of its networks."""
        self.came, self.items, self.received, self.quiet = parts, 0, [], 0
        with self._quietly():
            for kind, *rest in graph:
                if kind == "input":
                    self._make_input(*rest)
                elif kind == "node":
                    self._make_node(*rest)
                else:
                    raise Refused(f"no part of a network: {kind}")

    def array(self, number) -> np.ndarray:
        """The array of one part."""
        if type(number) is not int or not 0 <= number < len(self.came):
            raise Refused("a part that is not there")
        return unpack(self.came[number])

    def decode(self, tree, depth: int = 0):
        """The value that a message's tree stands for."""
        self.items += 1
        if self.items > MOST_ITEMS or depth > DEEPEST:
            raise Refused("there is too much of it, or it is nested too deeply")
        if tree is None or isinstance(tree, bool | str):
            return tree
        if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
            raise Refused("a message that is none")
        kind, *rest = tree
        deeper = depth + 1
        match kind, rest:
            case "number", [int() | float() as number]:
                return float(number)
            case "int", [str() as digits] if len(digits) < 100:
                return int(digits)
            case "scalar", [part]:
                array = self.array(part)
                if array.shape != ():
                    raise Refused("a number that is none")
                return array[()]
            case "complex", [real, imaginary]:
                return complex(real, imaginary)
            case "bytes", [int() as part]:
                return bytes(self.came[part])
            case "ellipsis", []:
                return Ellipsis
            case "slice", [start, stop, step]:
                return slice(*(self.decode(each, deeper) for each in (start, stop, step)))
            case "range", [int() as start, int() as stop, int() as step]:
                return range(start, stop, step)
            case "dtype", [str() as name]:
                return np.dtype(name)
            case "dtype", [str() as name, "type"]:
                return np.dtype(name).type
            case "list", [list() as each]:
                values = []
                self._arrived(values)
                values += [self.decode(one, deeper) for one in each]
                return values
            case "tuple", [list() as each]:
                return tuple(self.decode(one, deeper) for one in each)
            case "set", [list() as each]:
                return {self.decode(one, deeper) for one in each}
            case "dict", [list() as pairs]:
                return {self.decode(key, deeper): self.decode(value, deeper) for key, value in pairs}
            case "array", [part]:
                array = self.array(part)
                self._arrived(array)
                return array
            case "objects", [list() as shape, list() as each]:
                array = np.empty(len(each), object)
                self._arrived(array)
                for number, one in enumerate(each):
                    array[number] = self.decode(one, deeper)
                return array.reshape([int(side) for side in shape])
            case "tensor", [part, str() as name]:
                import keras

                return keras.ops.convert_to_tensor(self.array(part), dtype=keras.backend.standardize_dtype(name))
            case "generator", [state]:
                generator = np.random.default_rng(0)
                state = self.decode(state, deeper)
                generator.bit_generator.state = state
                self._arrived(generator)
                return generator
            case "frame", [list() as columns, index]:
                import pandas

                with self._quietly():
                    data = {self.decode(name, deeper): self.decode(values, deeper) for name, values in columns}
                    frame = pandas.DataFrame(data, index=self.decode(index, deeper))
                self._arrived(frame)
                return frame
            case "series", [values]:
                import pandas

                with self._quietly():
                    return pandas.Series(self.decode(values, deeper))
            case "keras", [config]:
                with self._quietly():
                    return self._make(self.decode(config, deeper))
            case "known", [str() as name] if name in self.things:
                return self.things[name]
            case "handle", [str() as name, dict() as about] if name[:1] != self.side:
                return self.things.get(name) or self.register(name, self.handle(name, about))
            case "model", [str() as name, str() as label, inputs, outputs, compiled, steps] if name[:1] != self.side:
                with self._quietly():
                    return self._make_model(name, label, inputs, outputs, compiled, steps)
            case "layer", [config, str() as name, list() as weights] if name[:1] != self.side:
                layer = self.register(name, self._make(self.decode(config, deeper)))
                layer._weights_to_come = [self.decode(each, deeper) for each in weights]
                return layer
            case "remote", [str() as name, dict() as about, list() as weights] if name[:1] != self.side:
                return self.register(name, self.remote(name, about, [self.decode(each, deeper) for each in weights]))
        raise Refused(f"a message that is none: {kind[:20]}")

    def _make(self, config):
        import keras

        if not self.trusting:
            check_config(config)
        _load_helpers()
        return keras.saving.deserialize_keras_object(config, safe_mode=not self.trusting)

    def _make_input(self, name, shape, dtype, label) -> None:
        import keras

        if name[:1] == self.side or len(shape) > 8:
            raise Refused("an input that is none")
        del label
        batch, *rest = [None if side is None else int(side) for side in shape]
        self.register(name, keras.Input(tuple(rest), batch_size=batch, dtype=keras.backend.standardize_dtype(dtype)))

    def _make_node(self, made, args, kwargs, outputs, about) -> None:
        import keras

        operation = self.decode(made)
        args, kwargs = self.decode(args), self.decode(kwargs)
        if not isinstance(operation, keras.Operation) or not isinstance(args, tuple) or not isinstance(kwargs, dict):
            raise Refused("a network whose layer is none")
        if isinstance(operation, Remote):
            operation.about_outputs = about
        results = keras.tree.flatten(operation(*args, **kwargs))
        weights = operation.__dict__.pop("_weights_to_come", None)
        if weights:
            operation.set_weights([keras.ops.convert_to_numpy(each) for each in weights])
        if len(results) != len(outputs) or not all(isinstance(each, keras.KerasTensor) for each in results):
            raise Refused("a network whose layer gives something else than it said")
        for name, tensor in zip(outputs, results, strict=True):
            if name[:1] == self.side:
                raise Refused("a name that is not theirs to give")
            self.register(str(name), tensor)

    def _make_model(self, name, label, inputs, outputs, compiled, steps):
        import keras

        label = label if label.isidentifier() and len(label) < 100 else None
        model = keras.Model(self.decode(inputs), self.decode(outputs), name=label)
        self.register(name, model)
        told = {"compile": self.decode(compiled), "steps": self.decode(steps)}
        self._set_state(model, told)
        if self.side == "a":
            self.models[name] = (model, self._state(model))
        return model

    def remote(self, name: str, about: dict, weights: list):
        """A layer that runs on the other side."""
        raise Refused("a layer that neither Keras nor helpers has")

    # ---- the state of networks that both sides know

    def _state(self, model) -> dict:
        compiled = None
        if getattr(model, "compiled", False):
            try:
                compiled = json.loads(json.dumps(model.get_compile_config()))
            except (TypeError, ValueError, NotImplementedError):
                compiled = None
        optimizer = getattr(model, "optimizer", None)
        steps = int(optimizer.iterations) if getattr(model, "compiled", False) and optimizer is not None else 0
        weights = [np.array(each) for each in model.get_weights()]
        return {"compile": compiled, "steps": steps, "weights": weights}

    def _set_state(self, model, told: dict) -> None:
        if told.get("compile"):
            if not self.trusting:
                check_config(told["compile"])
            _load_helpers()
            model.compile_from_config(told["compile"])
        steps = told.get("steps")
        if type(steps) is int and steps >= 0 and getattr(model, "optimizer", None) is not None:
            model.optimizer.iterations.assign(steps)
        if "weights" in told:
            model.set_weights(told["weights"])

    def news(self) -> list:
        """What has changed in the networks that both sides know, as a part of the message that is being written."""
        changed = []
        for name, (model, told) in list(self.models.items()):
            now = self._state(model)
            new = {key: now[key] for key in ("compile", "steps") if now[key] != told[key]}
            if any(
                not np.array_equal(*pair, equal_nan=True) for pair in zip(now["weights"], told["weights"], strict=True)
            ):
                new["weights"] = now["weights"]
            if new:
                self.models[name] = (model, now)
                with self._quietly():
                    changed.append([name, self.encode(new)])
        return changed

    def hear(self, news: list) -> None:
        """Bring the networks that both sides know up to what the other side says."""
        with self._quietly():
            for name, new in news:
                model, _ = self.models[name]
                self._set_state(model, self.decode(new))
                self.models[name] = (model, self._state(model))


class Remote:
    """Marks layers that stand for one on the other side."""


# what a network may be made of on the check's side; everything else runs on the answer's
LAYERS = {
    "Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "Dense", "EinsumDense",
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization", "ReLU",
    "LeakyReLU", "PReLU", "ELU", "Softmax", "Activation", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D",
    "GlobalMaxPooling2D", "UpSampling2D", "ZeroPadding2D", "Cropping2D", "Concatenate", "Add", "Average", "Maximum",
    "Minimum", "Multiply", "Subtract", "Dot", "Reshape", "Permute", "RepeatVector", "Flatten", "Dropout",
    "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "Rescaling", "Identity", "InputLayer",
}  # fmt: skip
OPERATIONS = ("keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.math", "keras.src.ops.image")
LOOSE = ("keras.initializers", "keras.regularizers", "keras.constraints", "keras.losses", "keras.metrics")
LOOSE += ("keras.optimizers", "keras.optimizers.schedules")
LARGEST = 2**20


def _is_plain(operation) -> bool:
    """Whether the other side has the operation's class too, so that its configuration says all."""
    import keras

    kind = type(operation)
    if isinstance(operation, keras.Layer):
        if kind.__module__.startswith("helpers."):
            return True
        return kind.__module__.startswith("keras.src.") and kind.__name__ in LAYERS
    return kind.__module__ in OPERATIONS


def check_config(config) -> None:
    """Raise Refused unless a configuration names only what LAYERS, OPERATIONS, LOOSE and `helpers` have."""
    waiting = [config]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += list(each.values())
            if "class_name" in each:
                _check_class(each)
        elif isinstance(each, list | tuple):
            waiting += list(each)
        elif isinstance(each, int) and not isinstance(each, bool) and abs(each) > LARGEST:
            raise Refused(f"a size of {each} in a network")
        elif isinstance(each, str) and len(each) > 1000:
            raise Refused("a long text in a network")
        elif not isinstance(each, str | int | float | None):
            raise Refused(f"a {type(each).__name__} in the description of a network")


def _check_class(config: dict) -> None:
    module, name, registered = (config.get(key) for key in ("module", "class_name", "registered_name"))
    if not isinstance(name, str) or not isinstance(module, str | None):
        raise Refused("a layer without a name")
    ours = registered == f"where_to_look>{name}"
    allowed = (
        (module == "keras.layers" and name in LAYERS)
        or (module in OPERATIONS and name.isidentifier())
        or (module in LOOSE and name.isidentifier() and not name.startswith("_"))  # as __lambda__, which is code
        or (module == "keras" and name in ("DTypePolicy", "DTypePolicyMap"))
        or (module is not None and module.startswith("helpers.") and ours)
        or (module is None and name == "__tuple__")
    )
    if not allowed:
        raise Refused(f"{module}.{name} is no layer that can be handed on")


def _load_helpers() -> None:
    """Make the classes that `helpers` registers with Keras known."""
    import helpers.nets.attention  # noqa: F401
    import helpers.scores.losses  # noqa: F401
    import helpers.scores.metrics  # noqa: F401
    import helpers.training.schedules  # noqa: F401


def changes(coder: Coder, before: list) -> list:
    """What became of the arrays, lists, tables and generators of a message, for those that have changed.

    Args:
        coder: whose `received` holds them now.
        before: what `remember` said of them.
    """
    changed = []
    for number, (thing, was) in enumerate(zip(coder.received, before, strict=True)):
        if isinstance(thing, np.ndarray):
            if thing.dtype != object and thing.tobytes() != was:
                changed.append([number, coder.encode(thing)])
        elif isinstance(thing, list):
            if len(thing) != len(was) or any(one is not other for one, other in zip(thing, was, strict=True)):
                changed.append([number, coder.encode(thing)])
        elif isinstance(thing, np.random.Generator):
            if thing.bit_generator.state != was:
                changed.append([number, coder.encode(thing.bit_generator.state)])
        elif not thing.equals(was):
            changed.append([number, coder.encode(thing)])
    return changed


def remember(received: list) -> list:
    """What `changes` compares with later."""
    kept = []
    for thing in received:
        if isinstance(thing, np.ndarray):
            kept.append(thing.tobytes())
        elif isinstance(thing, list):
            kept.append(list(thing))
        elif isinstance(thing, np.random.Generator):
            kept.append(thing.bit_generator.state)
        else:
            kept.append(thing.copy())
    return kept


def apply_changes(coder: Coder, sent: list, changed: list) -> None:
    """Do to the things of a message that was sent what was done to their copies."""
    for number, tree in changed:
        thing, new = sent[number], coder.decode(tree)
        if isinstance(thing, np.ndarray) and isinstance(new, np.ndarray):
            if new.shape == thing.shape and thing.flags.writeable:
                np.copyto(thing, new, casting="unsafe")
        elif isinstance(thing, list) and isinstance(new, list):
            thing[:] = new
        elif isinstance(thing, np.random.Generator) and isinstance(new, dict):
            thing.bit_generator.state = new
        elif hasattr(thing, "equals") and hasattr(new, "equals"):
            thing.__init__(new)
