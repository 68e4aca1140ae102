"""Where a network looks: the maps of its attention layers, and Grad-CAM.

Attention maps are looked at in lessons 07 to 09, Grad-CAM beside them in lesson 09.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from helpers.nets import inference


def attention_maps(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """Give the map of every attention layer for a few images, all in one call.

    Args:
        model: a network of the zoo (or any with layers that have a method `attention`).
        images: (n, height, width, 3) uint8, normalised as the network was trained.

    Returns:
        For each attention layer by its name, in the order of the model's layers, float32 in [0, 1]: the weights of
        its channels, (n, channels), or of its pixels in the images' own size, (n, height, width). A CBAM has one of
        each, under its name with "_channels" and "_pixels" added. A network without attention gives {}.

    Raises:
        ValueError: the images are no stack of RGB images in uint8.
    """
    inference.check_images(images)
    layers = [layer for layer in model.layers if hasattr(layer, "attention")]
    if not layers:
        return {}
    if not len(images):  # Keras runs on one or more
        of_one = attention_maps(model, np.zeros((1, *images.shape[1:]), np.uint8))
        return {name: weights[:0] for name, weights in of_one.items()}
    batch, restore = inference.fitted(model, images)
    features = keras.Model(model.input, {layer.name: layer.input for layer in layers})(batch, training=False)
    found = {}
    for layer in layers:
        read = features[layer.name]
        weights = layer.attention(*(read if isinstance(read, list) else [read]))
        if isinstance(weights, tuple):
            found[f"{layer.name}_channels"], found[f"{layer.name}_pixels"] = weights
        else:
            found[layer.name] = weights
    found = {name: np.asarray(keras.ops.convert_to_numpy(weights), "float32") for name, weights in found.items()}
    return {
        name: weights[:, 0, 0] if weights.shape[1:3] == (1, 1) else restore(weights) for name, weights in found.items()
    }


def grad_cam(model: keras.Model, images: np.ndarray, layer: str, where: np.ndarray | None = None) -> np.ndarray:
    """Say which places of a layer's features raise the network's answer: Grad-CAM for segmentation.

    The features' channels are added up, each with the mean of its gradient as weight, and what is below 0 is dropped.
    Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2; the answer is the sum of the logits over an area, as in
    Vinogradova et al. 2020, "Towards Interpretable Semantic Segmentation via Gradient-Weighted Class Activation
    Mapping".

    Args:
        model: a network of the zoo with one class and one head.
        images: (n, height, width, 3) uint8, normalised as the network was trained.
        layer: the name of the layer whose features are asked, such as "bottleneck_relu_2"; any before the head.
        where: (n, height, width) bool, or a mask of 0 and 1 or of 0 and 255: the pixels whose answer is explained;
            None for those that the network marks (probability 0.5 or more).

    Returns:
        (n, height, width) float32 in [0, 1] in the images' own size, the highest place of each image 1; all 0 where
        no pixel is asked about, or nothing raises the answer.

    Raises:
        ValueError: the network has several classes or heads, or no head of the zoo; there is no such layer before its
            head (with some that there are), the shapes do not fit, or the backend has no gradients here.
    """
    names = _layers_before_the_head(model)
    if layer not in names:
        ends = [name for name in names if name.endswith("relu_2")] or names
        raise ValueError(
            f"{model.name} has no layer {layer!r} before its head: choose one of its layers, such as {', '.join(ends)}."
        )
    if where is None:
        where = inference.predict_probabilities(model, images) >= 0.5
    where = np.asarray(where) > 0.5
    if where.shape != images.shape[:3]:
        raise ValueError(f"where has the shape {where.shape}: give {images.shape[:3]}, one plane for each image.")
    inference.check_images(images)
    if not len(images):
        return np.zeros(where.shape, "float32")
    batch, restore = inference.fitted(model, images)
    # Of a network's pixel that holds several of the image's, the share that is asked about: a thin area would vanish.
    planes = np.repeat(where[..., None], 3, axis=-1) * np.uint8(255)
    area = inference.fitted(model, planes, mirrored=False)[0][..., :1]

    batch = keras.ops.convert_to_tensor(batch)
    target = model.get_layer(layer).output
    features = np.asarray(keras.ops.convert_to_numpy(keras.Model(model.input, target)(batch, training=False)))
    rest = keras.Model([model.input, target], model.get_layer("head_conv").output)
    gradient = _gradient(lambda values: keras.ops.sum(rest([batch, values], training=False) * area), features)
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    raised = restore(np.maximum((weights * features).sum(axis=-1, keepdims=True), 0))
    return raised / np.maximum(raised.max(axis=(1, 2), keepdims=True), np.finfo("float32").tiny)


def _layers_before_the_head(model: keras.Model) -> list[str]:
    """The names of the layers whose features Grad-CAM can ask."""
    if len(model.outputs) != 1:
        raise ValueError(f"{model.name} has {len(model.outputs)} heads: give a network of one head, for Grad-CAM.")
    if "head_conv" not in [each.name for each in model.layers]:
        raise ValueError(f"{model.name} has no layer 'head_conv', which Grad-CAM explains: give a network of the zoo.")
    logits = model.get_layer("head_conv").output
    if logits.shape[-1] != 1:
        raise ValueError(f"{model.name} has {logits.shape[-1]} classes: give a network of one class, for Grad-CAM.")
    before = keras.Model(model.input, logits).layers[:-1]
    return [each.name for each in before if len(each.output.shape) == 4]


def _gradient(function: Callable, values: np.ndarray) -> np.ndarray:
    """The gradient of a function of one array, which Keras itself does not offer on all backends alike."""
    point: Any = keras.ops.convert_to_tensor(values)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(point)
            result = function(point)
        gradient = tape.gradient(result, point)
    elif backend == "jax":
        import jax

        gradient = jax.grad(function)(point)
    else:
        raise ValueError(f"Grad-CAM needs the backend tensorflow or jax, and this is {backend}: set KERAS_BACKEND.")
    return np.asarray(keras.ops.convert_to_numpy(gradient))
