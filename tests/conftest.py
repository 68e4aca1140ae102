"""Fixtures for all tests: a data folder of their own, and a tiny set of patients in the Kaggle layout."""

import os

import numpy as np
import pytest
from PIL import Image

# Where several processes test side by side, each keeps its networks, and those of the notebooks that it runs, to its
# share of the processors: two lessons on two processors then take 85 s instead of 109.
share = max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))
for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, str(share))

SIDE = 64  # pixels
SLICES = 4
# Ids that fall on both sides of split_by_patient(validation=0.3) and into all of 2, 3 and 4 folds.
PATIENTS = [
    "TCGA_CS_0002_20000101",
    "TCGA_CS_0004_20000101",
    "TCGA_CS_0005_20000101",
    "TCGA_DU_0004_20000101",
    "TCGA_DU_0005_20000101",
    "TCGA_HT_0002_20000101",
]


@pytest.fixture(autouse=True)
def data_home(tmp_path_factory, monkeypatch):
    """No test reads or fills the user's own data folder."""
    folder = tmp_path_factory.mktemp("data_home")
    monkeypatch.setenv("DATA_HOME", str(folder))
    return folder


LEVELS = 2


@pytest.fixture(scope="module")
def shallow():
    """Plain networks have two levels instead of five: they train, resume and score alike, in a third of the time."""
    from helpers.nets import zoo

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, "LEVELS", LEVELS)
        yield


def write_slice(folder, patient, number, image, mask):
    """Write image (h, w, 3) uint8 and mask (h, w) uint8 as one slice; None writes nothing."""
    (folder / patient).mkdir(parents=True, exist_ok=True)
    for array, end in ((image, ""), (mask, "_mask")):
        if array is not None:
            Image.fromarray(array).save(folder / patient / f"{patient}_{number}{end}.tif", compression="tiff_deflate")


def draw_slice(patient, number):
    """A disc as head, of another grey in each slice; slices 2 and 3 have a square tumour in FLAIR."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[x**2 + y**2 < 24**2] = np.array([70, 60, 80]) + 5 * PATIENTS.index(patient) + number
    mask = np.zeros((SIDE, SIDE), np.uint8)
    if number in (2, 3):
        left = 18 + 3 * PATIENTS.index(patient)
        mask[24:36, left : left + 10] = 255
    image[mask > 0, 1] = 200
    return image, mask


@pytest.fixture
def kaggle_folder(tmp_path):
    """`kaggle_3m` with 6 patients from 3 hospitals, 4 slices of 64x64 each, 2 of them with a tumour."""
    folder = tmp_path / "lgg-mri-segmentation" / "kaggle_3m"
    for patient in PATIENTS:
        for number in range(1, SLICES + 1):
            write_slice(folder, patient, number, *draw_slice(patient, number))
    (folder / "data.csv").write_text("Patient,death01\n")
    (folder / "README.md").write_text("# LGG Segmentation Dataset\n")
    return folder
