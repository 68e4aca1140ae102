"""One U-Net builder for every network of the course.

    inputs -> encoder -> decoder from the coarsest level up to level 1 -> head -> probabilities

Level 1 has the input's resolution, level 2 half of it, and so on down to the bottleneck. A U-Net has three
places where an attention layer can be plugged in, and every named network is only a choice of plugs:

    skip    the encoder feature on its way across, with the decoder's signal as gate
    merge   after the concatenation of decoder and skip
    stage   after a pool, and before the head

A plug is a function of (level, width) that gives a layer, or None for no layer at that level; no function at
all leaves every level without. Ronneberger et al. 2015, "U-Net: Convolutional Networks for Biomedical Image
Segmentation". Built by hand in lesson 05.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras

from helpers.nets import attention

Plug = Callable[[int, int], Callable | None]
Encoder = Callable[[keras.KerasTensor, Plug | None], list[keras.KerasTensor]]


def plug_in(plug: Plug | None, level: int, features, gate=None):
    """The features after the plug's layer for this level; the features themselves where it has none.

    A layer whose `call` takes a `gate` (the attention gate) is called with the decoder's signal too.
    """
    layer = plug(level, features.shape[-1]) if plug else None
    if layer is None:
        return features
    if gate is not None and "gate" in inspect.signature(getattr(layer, "call", layer)).parameters:
        return layer(features, gate)
    return layer(features)


def convolution(inputs, width: int, name: str, number: int = 1, kernel_size: int = 3):
    """Convolution without bias, batch normalisation (PyTorch's settings) and ReLU."""
    x = keras.layers.Conv2D(width, kernel_size, padding="same", use_bias=False, name=f"{name}_conv_{number}")(inputs)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm_{number}")(x)
    return keras.layers.ReLU(name=f"{name}_relu_{number}")(x)


def double_convolution(inputs, width: int, name: str):
    """The U-Net's block: two times convolution, normalisation, ReLU."""
    return convolution(convolution(inputs, width, name, 1), width, name, 2)


def transposed_merge(below, skip, width: int, name: str):
    """Up by a transposed 2x2 convolution, then the concatenation (up, skip): the attention U-Nets' way."""
    up = keras.layers.Conv2DTranspose(width, 2, strides=2, name=f"{name}_up")(below)
    return keras.layers.Concatenate(name=f"{name}_concat")([up, skip])


def bilinear_merge(below, skip, width: int, name: str):
    """Up by bilinear interpolation and a 1x1 convolution, then (skip, up): mmsegmentation's way."""
    up = attention.Double(name=f"{name}_up")(below)
    up = convolution(up, width, f"{name}_up", kernel_size=1)
    return keras.layers.Concatenate(name=f"{name}_concat")([skip, up])


def plain_head(features, classes: int, name: str):
    """A 1x1 convolution to the classes."""
    return keras.layers.Conv2D(classes, 1, name=f"{name}_conv")(features)


def fcn_head(features, classes: int, name: str, width: int = 64):
    """Convolution block, dropout of whole channels (0.1), 1x1 convolution: mmsegmentation's FCNHead."""
    x = convolution(features, width, name)
    x = keras.layers.SpatialDropout2D(0.1, name=f"{name}_dropout")(x)
    return keras.layers.Conv2D(classes, 1, name=f"{name}_conv")(x)


def probabilities(logits, name: str):
    """Sigmoid for one class, softmax for more, in float32 whatever the precision of the network."""
    activation = "sigmoid" if logits.shape[-1] == 1 else "softmax"
    return keras.layers.Activation(activation, dtype="float32", name=name)(logits)


def build_unet(
    encoder: Encoder,
    widths: Sequence[int],
    input_shape: tuple[int | None, int | None, int] = (256, 256, 3),
    classes: int = 1,
    skip: Plug | None = None,
    merge: Plug | None = None,
    stage: Plug | None = None,
    up: Callable = transposed_merge,
    head: Callable = plain_head,
    auxiliary: bool = False,
    name: str = "unet",
) -> keras.Model:
    """Build a U-Net around an encoder.

    Args:
        encoder: one of `helpers.nets.encoders`: a function of (inputs, stage plug) that gives the features of
            level 1, 2, ... and of the bottleneck, each at half the resolution of the one before.
        widths: channels of the decoder from the deepest level up to level 1; one for each skip.
        input_shape: (height, width, channels); a side that may vary is None.
        classes: 1 for a binary mask, more for one of several classes in each pixel.
        skip, merge, stage: the plugs. Before the head the stage plug is asked for level 0.
        up: joins the level below with the skip, `transposed_merge` or `bilinear_merge`.
        head: `plain_head` or `fcn_head`.
        auxiliary: adds a second head on level 2, whose logits are stretched to the input's size.
        name: of the model.

    Returns:
        A model of float32 images (batch, height, width, channels) in [0, 1] that gives float32 probabilities
        (batch, height, width, classes). With `auxiliary` a dictionary of two such: "main" and "auxiliary".
    """
    inputs: Any = keras.Input(input_shape, name="image")
    *skips, x = encoder(inputs, stage)
    if len(widths) != len(skips):
        raise ValueError(f"The encoder has {len(skips)} skips, so the decoder needs as many widths, not {len(widths)}.")
    levels = {}
    for level, features, width in zip(range(len(skips), 0, -1), reversed(skips), widths, strict=True):
        features = plug_in(skip, level, features, gate=x)
        x = up(x, features, width, f"decoder_{level}")
        x = plug_in(merge, level, x)
        x = levels[level] = double_convolution(x, width, f"decoder_{level}")
    x = plug_in(stage, 0, x)
    main = probabilities(head(x, classes, "head"), "main")
    if not auxiliary:
        return keras.Model(inputs, main, name=name)
    second = head(levels[2], classes, "auxiliary_head")
    second = attention.Double(name="auxiliary_head_up")(second)
    return keras.Model(inputs, {"main": main, "auxiliary": probabilities(second, "auxiliary")}, name=name)
