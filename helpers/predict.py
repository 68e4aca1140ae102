"""Segment an image, or every image in a folder, with a trained network.

python -m helpers.predict --model brain --input IMAGE_OR_FOLDER --output FOLDER
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from helpers import command
from helpers.data import brain, disk, streets
from helpers.nets import inference

EXAMPLE = """example, with a phantom brain (python -m helpers.prepare brain makes it):

    python -m helpers.prepare brain
    python -m helpers.predict --model brain --input data/phantom_brain --output predictions

For each image, NAME_mask.png (0 or 255) and NAME_overlay.png (the contour of the prediction in red, and in green that
of NAME_mask.tif where there is one) are written, at the image's own size. The slices of one patient in one folder are
normalised together, as in training; a slice that is given alone is normalised with those that lie beside it.

A network for streets writes NAME_labelIds.png, ready for the benchmark's server, and NAME_overlay.png, the classes in
the colours of Cityscapes over the photograph:

    python -m helpers.predict --model STREETS.keras --input data/phantom_streets/leftImg8bit/val --output predictions"""

SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")
RED, GREEN = (230, 30, 30), (30, 200, 60)


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    result = argparse.ArgumentParser(
        prog="python -m helpers.predict",
        description="Write a mask and an overlay for each image.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--model", required=True, metavar="FILE", help="a .keras file, or brain or phantom")
    result.add_argument("--input", type=Path, required=True, metavar="PATH", help="an image, or a folder of them")
    result.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="made if missing")
    result.add_argument("--threshold", type=float, default=0.5, metavar="P", help="brain: probability of tumour (0.5)")
    command.add_inference_options(result)
    return result


def images_in(path: Path) -> list[Path]:
    """List the images of a folder and its folders, without masks; of an image, the image alone."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such file or folder; --input takes an image or a folder of images.")
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in SUFFIXES and not file.stem.endswith(("_mask", "_overlay", "_labelIds"))
    ]
    if not found:
        raise FileNotFoundError(f"{path}: holds no image ({', '.join(SUFFIXES)}); --input takes images.")
    return found


def volume_of(path: Path) -> tuple[Path, str]:
    """Say which images belong together: those of one patient in one folder, or else the image alone."""
    name, _, number = path.stem.rpartition("_")
    return path.parent, name if name and number.isdigit() else path.stem


def read_image(path: Path) -> np.ndarray:
    """Read an image as (height, width, 3) uint8; OSError names a file that cannot be read."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise OSError(f"{path}: cannot be read as an image ({error}); replace it or leave it out.") from error


def folder_for(path: Path, output: Path, root: Path) -> Path:
    """Make the folder for what is predicted of an image: under the same folders as the input's."""
    folder = output / path.parent.relative_to(root)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def contour(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask that touch its outside."""
    return mask & ~ndimage.binary_erosion(mask)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parser().parse_args(arguments)
    if not 0 < options.threshold < 1:
        raise ValueError(f"--threshold is {options.threshold}: give a probability between 0 and 1.")
    wanted = images_in(options.input)
    model = inference.load_model(options.model)
    options.output.mkdir(parents=True, exist_ok=True)
    root = options.input if options.input.is_dir() else options.input.parent
    classes = model.output_shape[-1]
    if classes == 1:
        unreadable = segment_slices(model, wanted, root, options)
    elif classes == len(streets.CLASSES):
        unreadable = segment_streets(model, wanted, root, options)
    else:
        raise ValueError(f"{options.model}: predicts {classes} classes; give a network for brain slices or streets.")
    print(f"{len(wanted) - len(unreadable)} masks and overlays are in {options.output}")
    if unreadable:
        raise OSError("\n".join(unreadable))


def segment_streets(model, wanted: Sequence[Path], root: Path, options: argparse.Namespace) -> list[str]:
    """Write label ids and an overlay for each photograph; return what is wrong with those that cannot be read."""
    unreadable = []
    for path in disk.progress_bar(wanted, unit="image"):
        try:
            image = read_image(path)
        except OSError as error:
            unreadable.append(str(error))
            continue
        probabilities = inference.predict_probabilities(
            model, image[None], options.flips, 1, options.scales, options.window
        )
        classes = probabilities[0].argmax(axis=-1)
        folder = folder_for(path, options.output, root)
        # aachen_000000_000019_leftImg8bit.png becomes aachen_000000_000019_labelIds.png
        stem = path.stem.removesuffix("_leftImg8bit")
        Image.fromarray(streets.LABEL_ID_OF_CLASS[classes]).save(folder / f"{stem}_labelIds.png")
        overlay = image // 2 + streets.PALETTE[classes] // 2
        Image.fromarray(overlay).save(folder / f"{stem}_overlay.png")
    return unreadable


def segment_slices(model, wanted: Sequence[Path], root: Path, options: argparse.Namespace) -> list[str]:
    """Write a mask and an overlay for each slice; return what is wrong with those that cannot be read."""
    volumes: dict[tuple[Path, str], list[Path]] = {}
    for path in wanted:
        volumes.setdefault(volume_of(path), []).append(path)

    unreadable = []
    bar = disk.progress_bar(total=len(wanted), unit="image")
    for volume, paths in volumes.items():
        beside = [path for path in images_in(volume[0]) if volume_of(path) == volume and path not in paths]
        images: dict[Path, np.ndarray] = {}
        for path in paths + beside:
            try:
                images[path] = read_image(path)
            except OSError as error:
                if path in paths:
                    unreadable.append(str(error))
        shapes = {image.shape for image in images.values()}
        for shape in shapes:
            same = [path for path in images if images[path].shape == shape]
            stack = np.stack([images[path] for path in same])
            rows = [row for row, path in enumerate(same) if path in paths]
            normalised = brain.normalise_images(stack)[rows]
            probabilities = inference.predict_probabilities(model, normalised, flips=options.flips)
            for row, probability in zip(rows, probabilities, strict=True):
                write(same[row], stack[row], probability >= options.threshold, options.output, root)
        bar.update(len(paths))
    bar.close()
    return unreadable


def write(path: Path, image: np.ndarray, mask: np.ndarray, output: Path, root: Path) -> None:
    """Write the mask and the overlay of one image."""
    folder = folder_for(path, output, root)
    Image.fromarray(mask.astype("uint8") * 255).save(folder / f"{path.stem}_mask.png")
    overlay = image.copy()
    truth = path.with_name(f"{path.stem}_mask{path.suffix}")
    if truth.exists():
        true_mask = read_image(truth)[..., 0] > 127
        if true_mask.shape == mask.shape:
            overlay[contour(true_mask)] = GREEN
    overlay[contour(mask)] = RED
    Image.fromarray(overlay).save(folder / f"{path.stem}_overlay.png")


if __name__ == "__main__":
    sys.exit(command.run(main))
