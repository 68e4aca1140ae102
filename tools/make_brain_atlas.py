"""Make helpers/data/brain_atlas.npz, the anatomy of the phantom brain, from two public templates. Run once, by hand.

    python tools/make_brain_atlas.py --colin ch2.nii.gz --colin-brain ch2bet.nii.gz --mni FOLDER

Colin27 (one man's head, 27 scans averaged) gives the head and a sharp brain; the MNI152 template (152 brains
averaged) a second brain, placed inside the same skull. One grid of 1 x 1 x 2 mm (x, y, z) holds,
in the order z, y, x:

- ``colin``: T1 intensity of the whole head, halved, uint8, 0 outside;
- ``mni``: T1 intensity of the MNI152 brain on the scale of ``colin``, 0 outside the brain;
- ``label``: an index into LABELS; ``origin`` and ``step``: millimetres (MNI space) of voxel 0, and of a step.

The volumes are stored as differences along x, which halves the file; a running sum gives them back.
"""

import argparse
import gzip
import pathlib

import numpy as np
from scipy import ndimage

LABELS = ("air", "head", "cerebrum", "ventricle", "hindbrain", "eye", "dura")
ATLAS = pathlib.Path(__file__).resolve().parents[1] / "helpers" / "data" / "brain_atlas.npz"
SHAPE, ORIGIN = (181, 217, 181), np.array([-90.0, -125.0, -71.0])


def read_nifti(path):
    """Read an uncompressed-type uint8 NIfTI-1 volume: (volume indexed x, y, z; millimetres of voxel 0)."""
    content = gzip.decompress(pathlib.Path(path).read_bytes())
    shape = tuple(np.frombuffer(content[42:48], "<i2"))
    kind = int(np.frombuffer(content[70:72], "<i2")[0])
    if kind != 2:
        raise ValueError(f"{path} holds NIfTI type {kind}; this script reads type 2 (uint8) only.")
    start = int(np.frombuffer(content[108:112], "<f4")[0])
    affine = np.frombuffer(content[280:328], "<f4").reshape(3, 4)
    volume = np.frombuffer(content[start:], np.uint8, count=int(np.prod(shape))).reshape(shape, order="F")
    return volume.astype(np.float32), affine[:, 3]


def on_grid(volume, origin):
    """Cut a 1 mm volume to the grid of Colin27."""
    low = np.round(ORIGIN - origin).astype(int)
    return volume[tuple(slice(a, a + n) for a, n in zip(low, SHAPE, strict=True))]


def largest(mask):
    """Keep the largest connected part of a mask."""
    labels, count = ndimage.label(mask)
    return labels == np.bincount(labels.ravel())[1:].argmax() + 1 if count else mask


def ball(radius):
    """Make a ball of so many voxels' radius."""
    grid = np.mgrid[-radius : radius + 1, -radius : radius + 1, -radius : radius + 1]
    return (grid**2).sum(0) <= radius**2


def segment(colin, brain_intensity, mni):
    """Label the head: see LABELS."""
    x, y, z = np.meshgrid(*(o + np.arange(n) for o, n in zip(ORIGIN, SHAPE, strict=True)), indexing="ij")
    head = largest(ndimage.binary_opening(colin > 14, iterations=1))
    head = np.stack(
        [ndimage.binary_fill_holes(ndimage.binary_closing(s, iterations=3)) for s in np.moveaxis(head, 2, 0)],
        2,
    )
    # The brain extraction of Colin27 has blocky leaks; the MNI brain, 4 mm thicker, says where brain can be.
    possible = ndimage.binary_dilation(mni > 0, ball(4))
    brain = largest(ndimage.binary_opening((brain_intensity > 0) & possible, ball(2)))
    brain = ndimage.binary_closing(np.pad(brain, 8), ball(7))[8:-8, 8:-8, 8:-8] & possible
    brain = np.stack([ndimage.binary_fill_holes(s) for s in np.moveaxis(brain, 2, 0)], 2)
    depth = ndimage.distance_transform_edt(brain)
    fluid = (colin < 62) & brain
    # The trigones and temporal horns lie further out than the bodies.
    wide = np.where((z < 3) | (y < -15), 38, 24)
    inside = (depth > 17) & (np.abs(x) < wide) & (y > -62) & (y < 42) & (z > -22) & (z < 34)
    core = ndimage.binary_opening(fluid & inside, ball(1))
    labels, _ = ndimage.label(core)
    sizes = np.bincount(labels.ravel())
    keep = [n for n in range(1, len(sizes)) if sizes[n] > 250]
    ventricle = ndimage.binary_dilation(np.isin(labels, keep), ball(1)) & (colin < 85) & brain
    # Cerebellum and brain stem: a watershed over the dark cleft under the cerebrum, from certain places.
    seeds = np.zeros(SHAPE, np.int16)
    seeds[(z > 2) | (y > -2) | ((z > -9) & (y > -30)) | ((z > -12) & (y < -70))] = 1
    seeds[(y > -22) & (np.abs(x) > 24)] = 1
    seeds[(z < -28) & (y < -48) & (np.abs(x) < 36)] = 2
    seeds[(z < -34) & (y < -26) | (z < -16) & (y < -16) & (y > -40) & (np.abs(x) < 14)] = 2
    seeds[(z < -23) & (y < -60) & (np.abs(x) < 48)] = 2
    seeds[(z < -12) & (y < -52) & (np.abs(x) < 6) & (y > -66)] = 2
    seeds[~brain] = 3
    darkness = np.clip(200 - 1.6 * ndimage.gaussian_filter(colin, 0.7), 0, 255).astype(np.uint8)
    hindbrain = brain & (ndimage.watershed_ift(darkness, seeds) == 2)
    hindbrain = largest(ndimage.binary_opening(ndimage.binary_closing(hindbrain, ball(3)), ball(2))) & brain
    eye = np.zeros(SHAPE, bool)
    for side in (-1, 1):
        near = (x - side * 33) ** 2 + (y - 57) ** 2 + (z + 35) ** 2 < 17**2
        globe = largest(ndimage.binary_opening(near & (colin < 58) & ~brain, ball(3)))
        eye |= ndimage.binary_dilation(globe, ball(2)) & near & (colin < 110)
    dura = ndimage.binary_dilation(brain, ball(3)) & ~brain & head
    label = np.zeros(SHAPE, np.uint8)
    for number, mask in ((1, head), (6, dura), (5, eye & head), (2, brain), (4, hindbrain), (3, ventricle)):
        label[mask] = number
    return label


def match(source, target, mask_source, mask_target):
    """Map intensities so that their quantiles inside the masks agree."""
    levels = np.linspace(0, 100, 101)
    known = np.percentile(source[mask_source], levels) + np.arange(101) * 1e-3
    return np.interp(source, known, np.percentile(target[mask_target], levels))


def main():
    """Read the sources, label the head and write brain_atlas.npz into the package."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--colin", required=True, help="ch2.nii.gz of MRIcron's templates")
    parser.add_argument("--colin-brain", required=True, help="ch2bet.nii.gz of MRIcron's templates")
    parser.add_argument("--mni", required=True, type=pathlib.Path, help="nilearn/datasets/data of nilearn's wheel")
    parser.add_argument("--output", type=pathlib.Path, default=ATLAS)
    arguments = parser.parse_args()
    colin = on_grid(*read_nifti(arguments.colin))
    brain = on_grid(*read_nifti(arguments.colin_brain))
    mni = on_grid(*read_nifti(arguments.mni / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"))
    label = segment(colin, brain, mni)
    parenchyma = np.isin(label, (2, 3, 4))
    mni = np.where((mni > 0), match(mni, colin, mni > 0, parenchyma), 0)
    # Halving the intensities loses less than the noise that is added later.
    colin = np.where(label > 0, np.minimum(colin, 220), 0)
    thin = label[:, :, 0:180:2]
    volumes = {"colin": colin, "mni": mni}
    stored = {}
    for name, volume in volumes.items():
        volume = (volume[:, :, 0:180:2] + volume[:, :, 1:181:2]) / 2
        stored[name] = np.round(volume / 2).astype(np.uint8)
    stored["colin"][thin == 0] = 0
    stored["label"] = thin
    packed = {k: np.diff(v.transpose(2, 1, 0), axis=2, prepend=np.uint8(0)) for k, v in stored.items()}
    np.savez_compressed(arguments.output, **packed, origin=(ORIGIN + [0, 0, 0.5])[::-1], step=np.array([2.0, 1.0, 1.0]))
    print(
        arguments.output,
        arguments.output.stat().st_size,
        {n: int((thin == i).sum()) for i, n in enumerate(LABELS)},
    )


if __name__ == "__main__":
    main()
