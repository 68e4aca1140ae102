"""Write a trained network as an ONNX file, which other programs run without Python, a web page for instance.

python -m helpers.export --model brain --output brain.onnx
"""

import argparse
import importlib.util
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from helpers import command, tasks
from helpers.data import disk
from helpers.nets import checkpoint, inference
from helpers.tasks.purpose import Purpose
from helpers.training import run_folder

EXAMPLE = """example:

    python -m helpers.export --model brain --output brain.onnx --half

The file takes images as the network does, float32 in [0, 1] of shape (images, height, width, 3), normalised as it was
trained, and gives their probabilities. Its metadata holds what the network was trained for, under trained_for: data
set, classes, size, normalisation and threshold. onnxruntime predicts a few images with it, and a file whose answers
differ from those of Keras is not written."""

OPSET = 17
"""The set of operations that is written: all that the networks need, and what runtimes have read since 2022."""
NOTE = checkpoint.NOTE.removesuffix(".json")
"""The key of the metadata under which stands what a network was trained for."""
LARGEST_DIFFERENCE = {False: 1e-3, True: 0.1}
"""Of a probability from that of Keras, with weights of 32 bits and (True) of 16; one value in a thousand may differ
more, for where an area ends steeply, rounding moves its edge."""
MOST_PIXELS = 0.005
"""The share of the pixels that may fall on the other side of the threshold, or into another class."""

LARGE = 2048
"""Fewer weights than these in one place are kept in 32 bits."""

_INSTALL = 'python -m pip install -c requirements.txt -e ".[onnx]"'


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    result = command.Parser(
        prog="python -m helpers.export",
        description="Write a trained network as an ONNX file, and check that it answers as the network does.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_model(result, tasks.TASKS)
    result.add_argument("--output", type=Path, required=True, metavar="FILE", help="the file to write, named .onnx")
    result.add_argument("--half", action="store_true", help="keep the weights in 16 bits, which halves the file")
    return result


def check(output: Path) -> None:
    """Raise ValueError or OSError for what keeps a file from being written, before any long work."""
    command.check_output("--output", output, (".onnx",))
    missing = [name for name in ("onnx", "tf2onnx") if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"{' and '.join(missing)} cannot be found, which write the file: install with {_INSTALL}")
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"a network is exported by TensorFlow, and Keras runs on {keras.backend.backend()}: set KERAS_BACKEND to "
            "tensorflow."
        )


def to_onnx(model: keras.Model, note: dict, half: bool = False) -> bytes:
    """Return a network as the content of an ONNX file.

    Its input is `image`, its output `probabilities`, both with the axes of Keras: images, height, width, channels.

    Args:
        model: a network of the zoo, with one head.
        note: what it was trained for, of plain values; becomes metadata.
        half: keep large weights as float16. They are made float32 again when the file is loaded, so all is computed in
            float32, on every runtime alike.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)  # it tells of each step, and warns of itself
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="image")]
    function = tf.function(lambda images: model(images, training=False), input_signature=signature)
    made, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    graph = made.graph
    _rename_output(graph, "probabilities")
    for value, sizes in ((graph.input[0], model.input_shape), (graph.output[0], model.output_shape)):
        for axis, (name, size) in enumerate(zip(("images", "height", "width", "channels"), sizes, strict=True)):
            if size is None:  # tf2onnx numbers them
                value.type.tensor_type.shape.dim[axis].dim_param = name
    if half:
        _halve(graph)
    graph.name = model.name
    made.producer_name, made.producer_version = "helpers.export", note["helpers"]
    onnx.helper.set_model_props(made, {NOTE: json.dumps(note)})
    onnx.checker.check_model(made)
    return made.SerializeToString()


def _rename_output(graph, name: str) -> None:
    old = graph.output[0].name
    for node in graph.node:
        node.output[:] = [name if each == old else each for each in node.output]
        node.input[:] = [name if each == old else each for each in node.input]
    graph.output[0].name = name


def _halve(graph) -> None:
    """Keep the large kernels as float16 with a cast to float32 behind each.

    Vectors and the first, narrow layers weigh little, and every pixel depends on them: 288 weights of a first depthwise
    convolution, rounded, moved probabilities by 0.14. They stay as they are, and so does what float16 cannot hold.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        with np.errstate(over="ignore"):
            large = values.dtype == np.float32 and values.size >= LARGE
            halved = values.astype("float16") if large else None
        if halved is None or not np.isfinite(halved).all():
            continue
        name = weights.name
        weights.CopyFrom(numpy_helper.from_array(halved, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def compare(content: bytes, model: keras.Model, threshold: float | None) -> tuple[float, float]:
    """Compare an ONNX file, run by onnxruntime, with its network on four images made up of spots.

    Returns:
        The largest difference of a probability but for one in a thousand, and the share of the pixels that are given
        to another class, or to the other side of the threshold.
    """
    import onnxruntime

    images = _spots(4, *(side or 3 * inference.PAD_TO for side in model.input_shape[1:3]))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (theirs,) = session.run(["probabilities"], {"image": images})
    ours = np.asarray(keras.ops.convert_to_numpy(model(images, training=False)))
    if theirs.shape != ours.shape:
        return 1.0, 1.0
    if threshold is None:
        other = theirs.argmax(axis=-1) != ours.argmax(axis=-1)
    else:
        other = (theirs >= threshold) != (ours >= threshold)
    difference = np.quantile(abs(theirs - ours), 0.999)
    return float(difference) if np.isfinite(difference) else 1.0, float(other.mean())


def _spots(number: int, height: int, width: int) -> np.ndarray:
    """Images with something in them for a network to find: (number, height, width, 3) float32 in [0, 1]."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width] / max(height, width)
    images = np.zeros((number, height, width, 3), "float32")
    for image in images:
        for _ in range(12):
            centre, radius = rng.uniform(0, 1, 2), rng.uniform(0.05, 0.4)
            inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
            image[inside] = 0.5 * image[inside] + 0.5 * rng.uniform(0, 1, 3)
    return np.clip(images + rng.normal(0, 0.02, images.shape), 0, 1).astype("float32")


def exported(model: keras.Model, purpose: Purpose, half: bool = False) -> tuple[bytes, str]:
    """Return a network as the content of an ONNX file, and words about how near to Keras it answers.

    Raises:
        ValueError: it answers otherwise.
    """
    content = to_onnx(model, purpose.note(), half)
    if importlib.util.find_spec("onnxruntime") is None:
        return content, f"not compared with Keras, since onnxruntime cannot be found: install it with {_INSTALL}"
    difference, share = compare(content, model, purpose.threshold)
    words = (
        f"probabilities differ from those of Keras by {difference:.1e} (one in 1,000 by more), {share:.2%} other pixels"
    )
    if difference > LARGEST_DIFFERENCE[half] or share > MOST_PIXELS:
        advice = "leave --half out" if half else "report it, with the versions of tf2onnx and onnx"
        raise ValueError(f"the exported {model.name} answers otherwise, and is not written ({words}): {advice}.")
    return content, words


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parser().parse_args(arguments)
    check(options.output)
    model, purpose = tasks.load(options.model, options.dataset)
    content, words = exported(model, purpose, options.half)
    run_folder.write(options.output, content)
    print(f"{disk.printable(options.output)}: {len(content) / 1e6:.1f} MB, {words}")


if __name__ == "__main__":
    sys.exit(command.run(main, "nothing is written, and the same command begins again"))
