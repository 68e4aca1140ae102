"""The networks by name. Each is only an encoder, the decoder's widths and a choice of plugs.

| name | encoder | skip | merge | stage |
|---|---|---|---|---|
| UNet | plain | | | |
| SE_UNet | plain | | SE | |
| Full_SE_UNet | plain | | SE | SE |
| CBAM_UNet | plain | CBAM | | |
| Full_CBAM_UNet | plain | | CBAM | CBAM |
| Attention_UNet | plain | attention gate, but for level 1 | | |
| Res_SE_UNet | ResNet50 | | SE | |
| Res_CBAM_UNet | ResNet50 | | CBAM | |
| Res_SE_CBAM_UNet | ResNet50 | CBAM, but for the raw image | SE | |
| UNet_S5_D16 | plain | | | |
| Lite0_UNet | EfficientNet-Lite0 | | | |
| Lite0_SE_UNet | EfficientNet-Lite0 | | SE | |
| Lite0_CBAM_UNet | EfficientNet-Lite0 | | CBAM | |

Sources: "Attention Based U-Nets" for the U-Nets with SE and CBAM and for those with a ResNet50; Oktay et al.
2018 for the Attention U-Net; mmsegmentation for UNet-S5-D16. The best network of "Attention Based U-Nets",
with both attentions, was published without code: here each sits where that work's other networks have it,
CBAM on the skips and SE on the concatenations. The Lite0 networks are this course's own: they are pretrained
without a download.
"""

import dataclasses
import difflib
import functools
from collections.abc import Callable, Sequence

import keras

from helpers.nets import attention, encoders, unet

LEVELS = 5  # of the plain encoder, the bottleneck among them


def _attend(layer: Callable, place: str, levels: Sequence[int] | None = None) -> unet.Plug:
    """A plug that gives a layer named attention_<place>_<level>, on these levels or on all."""

    def plug(level, width):
        return layer(name=f"attention_{place}_{level}") if levels is None or level in levels else None

    return plug


def _plain(filters, pretrained, deepest=None, **settings):
    widths = [filters * 2**level for level in range(LEVELS)]
    return {"encoder": encoders.plain(widths, deepest), "widths": widths[-2::-1], **settings}


def _s5_d16(filters, pretrained, **settings):
    head = functools.partial(unet.fcn_head, width=filters)
    return _plain(filters, pretrained, up=unet.bilinear_merge, head=head, **settings)


def _foreign(encoder, ratios, filters, pretrained, **settings):
    return {"encoder": encoder(pretrained), "widths": [filters * ratio for ratio in ratios], **settings}


@dataclasses.dataclass(frozen=True)
class _Family:
    settings: Callable  # of (filters, pretrained, plugs): what build_unet is called with
    filters: int  # the published width of level 1
    divisor: int
    pretrainable: bool = False


_PLAIN = _Family(_plain, 32, 16)
_S5_D16 = _Family(_s5_d16, 64, 16)
_RESNET50 = _Family(functools.partial(_foreign, encoders.resnet50, (16, 8, 4, 1, 1)), 64, 32, True)
_LITE0 = _Family(functools.partial(_foreign, encoders.efficientnet_lite0, (8, 4, 2, 1, 1)), 16, 32, True)

_SE, _CBAM, _GATE = attention.SqueezeExcitation, attention.CBAM, attention.AttentionGate

_NETWORKS = {
    "UNet": (_PLAIN, {}),
    "SE_UNet": (_PLAIN, {"merge": _attend(_SE, "merge")}),
    "Full_SE_UNet": (_PLAIN, {"merge": _attend(_SE, "merge"), "stage": _attend(_SE, "stage")}),
    # The last pool reads the attended map too, so that one sits in the encoder.
    "CBAM_UNet": (_PLAIN, {"skip": _attend(_CBAM, "skip", (1, 2, 3)), "deepest": _attend(_CBAM, "skip")}),
    "Full_CBAM_UNet": (_PLAIN, {"merge": _attend(_CBAM, "merge"), "stage": _attend(_CBAM, "stage")}),
    "Res_SE_UNet": (_RESNET50, {"merge": _attend(_SE, "merge")}),
    "Res_CBAM_UNet": (_RESNET50, {"merge": _attend(_CBAM, "merge")}),
    "Res_SE_CBAM_UNet": (
        _RESNET50,
        {"skip": _attend(_CBAM, "skip", (2, 3, 4, 5)), "merge": _attend(_SE, "merge")},
    ),
    "Attention_UNet": (_PLAIN, {"skip": _attend(_GATE, "skip", (2, 3, 4))}),
    "UNet_S5_D16": (_S5_D16, {}),
    "Lite0_UNet": (_LITE0, {}),
    "Lite0_SE_UNet": (_LITE0, {"merge": _attend(_SE, "merge")}),
    "Lite0_CBAM_UNet": (_LITE0, {"merge": _attend(_CBAM, "merge")}),
}

NAMES = tuple(_NETWORKS)
DEFAULT = "UNet"
PRETRAINABLE = tuple(name for name, (family, _) in _NETWORKS.items() if family.pretrainable)
AUXILIARY = tuple(name for name, (family, _) in _NETWORKS.items() if family is _S5_D16)
DIVISOR = {name: family.divisor for name, (family, _) in _NETWORKS.items()}


def check(name: str, pretrained: bool = False, sides: Sequence[int | None] = ()) -> None:
    """Raise ValueError unless there is such a network, (pretrained), for images of such sides in pixels.

    The sentence says which names or sizes are possible. Costs nothing, so commands ask it before they begin.
    """
    if name not in _NETWORKS:
        lowered = {known.lower(): known for known in NAMES}
        nearest = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.0)[0]
        raise ValueError(
            f"There is no network {name!r}: did you mean {lowered[nearest]}? All names: {', '.join(NAMES)}."
        )
    if pretrained and name not in PRETRAINABLE:
        raise ValueError(
            f"{name} cannot be pretrained, since its encoder has no ImageNet weights: train it from scratch, "
            f"or take one of {', '.join(PRETRAINABLE)}."
        )
    divisor = DIVISOR[name]
    if any(side is not None and (side < 1 or side % divisor) for side in sides):
        smaller = [side if side is None else max(side // divisor, 1) * divisor for side in sides]
        larger = [side if side is None else max(-(-side // divisor), 1) * divisor for side in sides]
        possible = " or ".join(dict.fromkeys(f"{height} x {width}" for height, width in (smaller, larger)))
        raise ValueError(
            f"{name} cannot take images of {sides[0]} x {sides[1]} pixels, because each side must be "
            f"a multiple of {divisor}: use {possible}."
        )


def build(
    name: str = DEFAULT,
    input_shape: tuple[int | None, int | None, int] = (256, 256, 3),
    classes: int = 1,
    filters: int | None = None,
    pretrained: bool = False,
    auxiliary: bool = False,
) -> keras.Model:
    """Build a network by its name.

    Args:
        name: one of `NAMES`.
        input_shape: (height, width, channels); each side a multiple of `DIVISOR[name]`, or None (any).
        classes: 1 for a binary mask, more for one of several classes in each pixel.
        filters: channels of the decoder at level 1, which scale its other levels (and a plain encoder) along;
            None is the published width: 32, UNet_S5_D16 and Res_ networks 64, Lite0_ networks 16.
        pretrained: start from ImageNet weights; only for the networks in `PRETRAINABLE`.
        auxiliary: UNet_S5_D16 only: add the second head, so that the model gives a dictionary of two outputs.

    Returns:
        A model of float32 images (batch, height, width, channels) in [0, 1] that gives float32 probabilities
        (batch, height, width, classes), or {"main": ..., "auxiliary": ...} of two such. Its attention layers
        are named attention_<place>_<level>, as in attention_skip_2.

    Raises:
        ValueError: an unknown name (with the nearest one), an impossible size (with the nearest ones), or a
            setting that this network does not have.
        OSError: the ImageNet weights cannot be had.
    """
    height, width, channels = input_shape
    check(name, pretrained, (height, width))
    family, plugs = _NETWORKS[name]
    if family.pretrainable and channels != 3:
        raise ValueError(f"{name} reads images of 3 channels, not {channels}: repeat or drop channels.")
    if classes < 1 or (filters is not None and filters < 1):
        raise ValueError(f"{name} needs classes and filters of at least 1, not {classes} and {filters}.")
    if auxiliary and name not in AUXILIARY:
        raise ValueError(f"{name} has no auxiliary head: take {AUXILIARY[0]}, or set auxiliary to False.")
    return unet.build_unet(
        **family.settings(filters or family.filters, pretrained, **plugs),
        input_shape=input_shape,
        classes=classes,
        auxiliary=auxiliary,
        name=name,
    )


def small(seed: int = 0, deepest: unet.Plug | None = None, **settings) -> keras.Model:
    """Build the small U-Net that the lessons train in seconds: 8, 16 and 32 channels, images of 48 x 48 pixels.

    Args:
        seed: of its first weights; the same seed gives the same ones.
        deepest: as in `encoders.plain`.
        settings: more of `unet.build_unet`, such as its plugs.
    """
    keras.utils.set_random_seed(seed)
    return unet.build_unet(encoders.plain((8, 16, 32), deepest), (16, 8), (48, 48, 3), **settings)
