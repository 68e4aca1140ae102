"""Make the picture strip of README.md from phantoms: a contour, a street, an attention map, a slider at work.

python docs/images/make_strip.py       # a few minutes on two cores, for an Attention_UNet is trained; writes strip.jpg
"""

from pathlib import Path

import keras
import numpy as np
from matplotlib import pyplot

from helpers.data import brain, splits, street_classes, streets
from helpers.nets import attention, encoders, inference, maps, unet
from helpers.scores import losses
from helpers.show import figures
from helpers.training import schedules

STRIP = Path(__file__).with_name("strip.jpg")
SIZE, GATED_SIZE, EPOCHS, WIDTHS = 128, 64, 8, (8, 16, 32)
THRESHOLD = 0.98
ROOMY, BRIGHT = dict(left=0, right=1, bottom=0, top=1, wspace=0.02), dict(color="white", fontsize=15)


def largest(slices: brain.Slices, held_out: np.ndarray) -> np.ndarray:
    """The row of the largest tumour of each patient that is held out, the largest of all first."""
    areas = slices.masks.sum(axis=(1, 2))
    rows = [np.flatnonzero(slices.patients == patient) for patient in np.unique(slices.patients[held_out])]
    best = np.array([each[np.argmax(areas[each])] for each in rows])
    return best[np.argsort(-areas[best])]


def phantoms(size: int) -> tuple[brain.Slices, np.ndarray]:
    """The phantom slices, and which of them belong to patients that no network here is trained on."""
    slices = brain.normalise(brain.load("phantom", size=size, progress=False))
    return slices, splits.folds_by_patient(slices.patients, folds=4) == 0


def attention_map() -> tuple[np.ndarray, np.ndarray]:
    """Train the gated U-Net of lesson 09; return an unseen slice and the map of its finest gate over it."""
    slices, held_out = phantoms(GATED_SIZE)
    tumour, none = (np.flatnonzero(~held_out & where) for where in (slices.has_tumour, ~slices.has_tumour))
    training = slices.select(np.sort(np.concatenate([tumour, none[::6]])))
    images, masks = training.images.astype("float32") / 255, training.masks[..., None].astype("float32")
    keras.utils.set_random_seed(1)
    network = unet.build_unet(
        encoders.plain(WIDTHS),
        WIDTHS[-2::-1],
        (GATED_SIZE, GATED_SIZE, 3),
        skip=lambda level, width: attention.AttentionGate(name=f"attention_skip_{level}"),
    )
    network.get_layer("head_conv").bias.assign([-2.0])
    rate = schedules.get("cosine", 0.01, EPOCHS * -(-len(images) // 8))
    network.compile(keras.optimizers.AdamW(rate), losses.DiceCrossEntropy())
    network.fit(images, masks, batch_size=8, epochs=EPOCHS, verbose=2)
    shown = slices.images[largest(slices, held_out)[3:4]]
    return shown[0], maps.attention_maps(network, shown)["attention_skip_1"][0]


def main() -> None:
    """Draw the four pictures side by side."""
    figures.use_style()
    slices, held_out = phantoms(SIZE)
    chosen = largest(slices, held_out)[[0, 2]]
    trained = inference.load_model("phantom")
    probabilities = inference.predict_probabilities(trained, slices.images[chosen])
    seen, look = attention_map()

    scenes = streets.scenes("phantom", "val")
    classes = [streets.read_classes(scene) for scene in scenes]
    richest = max(range(len(scenes)), key=lambda index: len(np.unique(classes[index])))
    street = streets.read_image(scenes[richest])
    colours = np.asarray(street_classes.PALETTE, "uint8")[classes[richest]]

    figure, axes = pyplot.subplots(
        1, 4, figsize=(18, 3.6), dpi=100, facecolor="black", width_ratios=(1, 2, 1, 1), gridspec_kw=ROOMY
    )
    figures.overlay(axes[0], slices.images[chosen[0]], slices.masks[chosen[0]], probabilities[0])
    half = street.shape[1] // 2
    axes[1].imshow(np.concatenate([street[:, :half], colours[:, half:]], axis=1), interpolation="bilinear")
    figures.overlay(axes[2], seen)
    axes[2].imshow(look, cmap=figures.LOOK, vmin=0, vmax=1, alpha=0.75, interpolation="bilinear")
    figures.overlay(axes[3], slices.images[chosen[1]], slices.masks[chosen[1]], probabilities[1], threshold=THRESHOLD)
    slider = axes[3].inset_axes((0.1, 0.03, 0.8, 0.1))
    slider.plot([0, 1], [0, 0], color="#777777", linewidth=5, solid_capstyle="round")
    slider.plot([0, THRESHOLD], [0, 0], color="#4da3ff", linewidth=5, solid_capstyle="round")
    slider.plot(THRESHOLD, 0, "o", color="white", markersize=15)
    slider.set(xlim=(-0.05, 1.05), ylim=(-1, 1))
    axes[3].text(0.5, 0.15, f"threshold {THRESHOLD:.2f}", transform=axes[3].transAxes, ha="center", **BRIGHT)
    for each in (*axes, slider):
        each.set_axis_off()
    figure.savefig(STRIP, facecolor="black", pil_kwargs={"quality": 88})
    print(f"{STRIP.name}: {STRIP.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
