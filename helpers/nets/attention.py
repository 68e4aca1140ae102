"""The attention layers: squeeze-and-excitation, CBAM and the attention gate.

Each layer multiplies its input by a map with values in [0, 1] and gives that map to look at through its
method `attention`. To see the map inside a trained network:

    layer = model.get_layer("attention_merge_1")
    look = keras.Model(model.input, layer.attention(layer.input))   # a gate: layer.attention(*layer.input)
"""

import keras

# ruff: noqa: D102 (build, call, compute_output_shape and get_config are Keras's own)


@keras.saving.register_keras_serializable(package="where_to_look")
class SqueezeExcitation(keras.layers.Layer):
    """Squeeze-and-excitation: one weight for each channel, from the mean of every channel.

    Hu et al. 2018, "Squeeze-and-Excitation Networks", equations 2 to 4. The two dense layers have no bias.
    Built by hand in lesson 07.

    Input and output: (batch, height, width, channels).

    >>> layer, nothing = SqueezeExcitation(), keras.ops.zeros((1, 4, 4, 32))
    >>> tuple(layer(nothing).shape), tuple(layer.attention(nothing).shape)
    ((1, 4, 4, 32), (1, 1, 1, 32))
    >>> float(layer.attention(nothing)[0, 0, 0, 0])  # sigmoid(0), for there is no bias
    0.5
    >>> layer.count_params()  # 32 x 2 and 2 x 32
    128

    Args:
        ratio: how many times fewer units than channels the dense layer in the middle has (at least one unit).
    """

    def __init__(self, ratio: int = 16, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        self.squeeze = keras.layers.Dense(
            max(channels // self.ratio, 1),
            activation="relu",
            use_bias=False,
            name="squeeze",
            dtype=self.dtype_policy,
        )
        self.excite = keras.layers.Dense(
            channels, activation="sigmoid", use_bias=False, name="excite", dtype=self.dtype_policy
        )
        self.squeeze.build((None, channels))
        self.excite.build((None, self.squeeze.units))

    def attention(self, inputs):
        """The weight of each channel, (batch, 1, 1, channels) in [0, 1]."""
        weights = self.excite(self.squeeze(keras.ops.mean(inputs, axis=(1, 2))))
        return keras.ops.expand_dims(weights, (1, 2))

    def call(self, inputs):
        return inputs * self.attention(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}


@keras.saving.register_keras_serializable(package="where_to_look")
class ChannelGate(keras.layers.Layer):
    """CBAM's channel attention: one weight for each channel, from its mean and its maximum.

    One shared pair of dense layers, with biases, reads both vectors; the two results are added before the
    sigmoid. Woo et al. 2018, "CBAM: Convolutional Block Attention Module", equation 2.
    Built by hand in lesson 08.

    Input and output: (batch, height, width, channels).

    >>> layer, nothing = ChannelGate(), keras.ops.zeros((1, 4, 4, 32))
    >>> tuple(layer(nothing).shape), tuple(layer.attention(nothing).shape)
    ((1, 4, 4, 32), (1, 1, 1, 32))
    >>> layer.count_params()  # 32 x 2 + 2 and 2 x 32 + 32
    162

    Args:
        ratio: how many times fewer units than channels the dense layer in the middle has (at least one unit).
    """

    def __init__(self, ratio: int = 16, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        self.squeeze = keras.layers.Dense(
            max(channels // self.ratio, 1), activation="relu", name="squeeze", dtype=self.dtype_policy
        )
        self.excite = keras.layers.Dense(channels, name="excite", dtype=self.dtype_policy)
        self.squeeze.build((None, channels))
        self.excite.build((None, self.squeeze.units))

    def attention(self, inputs):
        """The weight of each channel, (batch, 1, 1, channels) in [0, 1]."""
        mean = self.excite(self.squeeze(keras.ops.mean(inputs, axis=(1, 2))))
        maximum = self.excite(self.squeeze(keras.ops.max(inputs, axis=(1, 2))))
        return keras.ops.expand_dims(keras.ops.sigmoid(mean + maximum), (1, 2))

    def call(self, inputs):
        return inputs * self.attention(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}


@keras.saving.register_keras_serializable(package="where_to_look")
class SpatialGate(keras.layers.Layer):
    """CBAM's spatial attention: one weight for each pixel, from the maximum and mean over its channels.

    A convolution without bias and a batch normalisation read the two maps. Woo et al. 2018, equation 3, with
    the normalisation that the authors' code has and the equation has not. Built by hand in lesson 08.

    Input and output: (batch, height, width, channels).

    >>> layer, nothing = SpatialGate(), keras.ops.zeros((1, 4, 4, 32))
    >>> tuple(layer(nothing).shape), tuple(layer.attention(nothing).shape)
    ((1, 4, 4, 32), (1, 4, 4, 1))
    >>> layer.count_params()  # 7 x 7 x 2, and 4 of the normalisation
    102

    Args:
        kernel_size: side of the convolution's kernel in pixels.
    """

    def __init__(self, kernel_size: int = 7, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size

    def build(self, input_shape):
        self.convolution = keras.layers.Conv2D(
            1,
            self.kernel_size,
            padding="same",
            use_bias=False,
            name="convolution",
            dtype=self.dtype_policy,
        )
        self.normalization = keras.layers.BatchNormalization(
            momentum=0.99, epsilon=1e-5, name="normalization", dtype=self.dtype_policy
        )
        self.convolution.build((*input_shape[:-1], 2))
        self.normalization.build((*input_shape[:-1], 1))

    def attention(self, inputs, training=None):
        """The weight of each pixel, (batch, height, width, 1) in [0, 1]."""
        maximum = keras.ops.max(inputs, axis=-1, keepdims=True)
        mean = keras.ops.mean(inputs, axis=-1, keepdims=True)
        scores = self.convolution(keras.ops.concatenate([maximum, mean], axis=-1))
        return keras.ops.sigmoid(self.normalization(scores, training=training))

    def call(self, inputs, training=None):
        return inputs * self.attention(inputs, training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size}


@keras.saving.register_keras_serializable(package="where_to_look")
class CBAM(keras.layers.Layer):
    """Convolutional block attention module: the channel gate, then the spatial gate on its result.

    Woo et al. 2018, equation 1. Built by hand in lesson 08.

    Input and output: (batch, height, width, channels).

    >>> layer, nothing = CBAM(), keras.ops.zeros((1, 4, 4, 32))
    >>> tuple(layer(nothing).shape), [tuple(weights.shape) for weights in layer.attention(nothing)]
    ((1, 4, 4, 32), [(1, 1, 1, 32), (1, 4, 4, 1)])
    >>> layer.count_params()  # 162 of the channel gate and 102 of the spatial gate
    264

    Args:
        ratio: of the channel gate's dense layer in the middle.
        kernel_size: of the spatial gate's convolution, in pixels.
    """

    def __init__(self, ratio: int = 16, kernel_size: int = 7, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio
        self.kernel_size = kernel_size

    def build(self, input_shape):
        self.channel_gate = ChannelGate(self.ratio, name="channel_gate", dtype=self.dtype_policy)
        self.spatial_gate = SpatialGate(self.kernel_size, name="spatial_gate", dtype=self.dtype_policy)
        self.channel_gate.build(input_shape)
        self.spatial_gate.build(input_shape)

    def attention(self, inputs, training=None):
        """Two maps: channels, (batch, 1, 1, channels), and pixels, (batch, height, width, 1); in [0, 1]."""
        channels = self.channel_gate.attention(inputs)
        return channels, self.spatial_gate.attention(inputs * channels, training=training)

    def call(self, inputs, training=None):
        return self.spatial_gate(self.channel_gate(inputs), training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio, "kernel_size": self.kernel_size}


@keras.saving.register_keras_serializable(package="where_to_look")
class Double(keras.layers.Layer):
    """Twice the height and width, by bilinear or nearest interpolation; the sides may be free.

    The same numbers as `keras.layers.UpSampling2D`, whose bilinear interpolation fails in a TensorFlow graph
    where the sides are free (Keras 3.15).

    Input: (batch, height, width, channels); output: (batch, 2 height, 2 width, channels).

    >>> row = keras.ops.array([[[[1.0], [3.0]]]])
    >>> keras.ops.convert_to_numpy(Double("nearest")(row))[0, :, :, 0].tolist()
    [[1.0, 1.0, 3.0, 3.0], [1.0, 1.0, 3.0, 3.0]]
    >>> keras.ops.convert_to_numpy(Double()(row))[0, :, :, 0].tolist()
    [[1.0, 1.5, 2.5, 3.0], [1.0, 1.5, 2.5, 3.0]]

    Args:
        interpolation: "bilinear" or "nearest".
    """

    def __init__(self, interpolation: str = "bilinear", **kwargs):
        super().__init__(**kwargs)
        self.interpolation = interpolation

    def call(self, inputs):
        height, width = inputs.shape[1:3]
        if height is not None and width is not None:
            return keras.ops.image.resize(inputs, (2 * height, 2 * width), interpolation=self.interpolation)
        doubled = keras.ops.repeat(keras.ops.repeat(inputs, 2, axis=1), 2, axis=2)
        if self.interpolation == "nearest":
            return doubled
        # Bilinear by a factor of 2 is nearest smoothed by (1, 2, 1) / 4, which is (1, 1) / 2 applied twice.
        padded = keras.ops.pad(doubled, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
        return keras.ops.average_pool(keras.ops.average_pool(padded, 2, 1), 2, 1)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return batch, height and 2 * height, width and 2 * width, channels

    def get_config(self):
        return {**super().get_config(), "interpolation": self.interpolation}


@keras.saving.register_keras_serializable(package="where_to_look")
class AttentionGate(keras.layers.Layer):
    """Additive attention gate: the decoder's coarse signal says where on the skipped feature to look.

    sigmoid(psi(relu(theta(features) + phi(gate)))), upsampled to the features, multiplies them; a 1x1
    convolution and a batch normalisation read the product. Oktay et al. 2018, "Attention U-Net: Learning
    Where to Look for the Pancreas", equations 1 and 2, with what only the authors' code has: theta is a 2x2
    convolution of stride 2 without bias, and the product is read by one more layer.
    Built by hand in lesson 09.

    Call it as `gate_layer(features, gate)`.
    features and output: (batch, height, width, channels); gate: (batch, height / 2, width / 2, any channels),
    stretched where it has another size.

    >>> layer, features, gate = AttentionGate(), keras.ops.zeros((1, 4, 4, 8)), keras.ops.zeros((1, 2, 2, 16))
    >>> tuple(layer(features, gate).shape), tuple(layer.attention(features, gate).shape)
    ((1, 4, 4, 8), (1, 4, 4, 1))
    >>> layer.count_params()  # theta 2 x 2 x 8 x 4, phi 16 x 4 + 4, psi 4 + 1, then 8 x 8 + 8, normalisation 4 x 8
    305

    Args:
        width: channels inside the gate; None for half of the features' channels, as the authors' layer has it
            where its caller gives none.
        upsampling: "bilinear" or "nearest", how the map grows to the features' size.
    """

    def __init__(self, width: int | None = None, upsampling: str = "bilinear", **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.upsampling = upsampling

    def build(self, features_shape, gate_shape):
        channels = features_shape[-1]
        width = self.width or max(channels // 2, 1)
        policy = self.dtype_policy
        self.theta = keras.layers.Conv2D(width, 2, strides=2, use_bias=False, name="theta", dtype=policy)
        self.phi = keras.layers.Conv2D(width, 1, name="phi", dtype=policy)
        self.psi = keras.layers.Conv2D(1, 1, name="psi", dtype=policy)
        self.double = Double(self.upsampling, name="double", dtype=policy)
        self.convolution = keras.layers.Conv2D(channels, 1, name="convolution", dtype=policy)
        self.normalization = keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, name="normalization", dtype=policy
        )
        self.theta.build(features_shape)
        self.phi.build(gate_shape)
        self.psi.build((None, None, None, width))
        self.convolution.build(features_shape)
        self.normalization.build(features_shape)

    def _stretch(self, inputs, like):
        height, width = like.shape[1:3]
        if height is None or width is None:  # free sides have to be even
            return self.double(inputs)
        return keras.ops.image.resize(inputs, (height, width), interpolation=self.upsampling)

    def attention(self, features, gate):
        """The weight of each pixel of the features, (batch, height, width, 1) in [0, 1]."""
        theta = self.theta(features)
        phi = self.phi(gate)
        if tuple(phi.shape[1:3]) != tuple(theta.shape[1:3]):
            phi = self._stretch(phi, theta)
        weights = keras.ops.sigmoid(self.psi(keras.ops.relu(theta + phi)))
        return self._stretch(weights, features)

    def call(self, features, gate, training=None):
        return self.normalization(self.convolution(features * self.attention(features, gate)), training=training)

    def compute_output_shape(self, features_shape, gate_shape):
        return features_shape

    def get_config(self):
        return {**super().get_config(), "width": self.width, "upsampling": self.upsampling}
