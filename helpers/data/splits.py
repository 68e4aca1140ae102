"""Divide slices by patient, so that no patient is on both sides. Built by hand in lesson 04.

A patient's part follows from a hash of the patient's id alone: it is the same on every machine, and stays
what it is when patients are added to the data set or left out.
"""

import hashlib

import numpy as np


def patient_hash(patient: str) -> float:
    """Return a number in [0, 1) that follows from the id alone: the start of its SHA-256 as a fraction."""
    return _fraction(patient, 0)


def split_by_patient(patients: np.ndarray, validation: float = 0.2, test: float = 0.0) -> dict[str, np.ndarray]:
    """Split slices into training, validation and test, whole patients at a time.

    Patients whose hash is below `test` are the test patients, the next `validation` of the range [0, 1)
    the validation patients. The parts of a small set can therefore differ from the fractions asked for.

    Args:
        patients: (n,) str, the patient of each slice.
        validation: fraction of the patients, in [0, 1).
        test: fraction of the patients, in [0, 1); validation + test < 1.

    Returns:
        {"train", "validation", "test"}: ascending indices of slices.

    Raises:
        ValueError: the fractions are impossible, or a part that was asked for is empty.
    """
    if validation < 0 or test < 0 or validation + test >= 1:
        raise ValueError(
            f"validation={validation} and test={test} cannot be; give fractions of at least 0 that add up to "
            "less than 1, so that something is left to train on"
        )
    ids, of_slice = np.unique(patients, return_inverse=True)
    hashes = np.array([patient_hash(patient) for patient in ids])[of_slice]
    parts = {
        "train": np.flatnonzero(hashes >= test + validation),
        "validation": np.flatnonzero((hashes >= test) & (hashes < test + validation)),
        "test": np.flatnonzero(hashes < test),
    }
    asked_for = {"train": 1 - validation - test, "validation": validation, "test": test}
    for name, rows in parts.items():
        if asked_for[name] and not len(rows):
            raise ValueError(
                f"the {name} part ({asked_for[name]:.0%}) is empty, for the data set has only {len(ids)} "
                "patients; change the fractions or add patients"
            )
    return parts


def folds_by_patient(patients: np.ndarray, folds: int = 4) -> np.ndarray:
    """Return the cross-validation fold of each slice, (n,) int in [0, folds), the same for a whole patient.

    The fold comes from another part of the hash than `patient_hash`, so that it says nothing about the
    part `split_by_patient` puts the patient in.

    Raises:
        ValueError: fewer than 2 folds, or a fold without a patient.
    """
    if folds < 2:
        raise ValueError(f"folds={folds} leaves nothing to train on; give at least 2")
    ids, of_slice = np.unique(patients, return_inverse=True)
    fold_of_patient = np.array([int(_fraction(patient, 24) * folds) for patient in ids], dtype=int)
    empty = sorted(set(range(folds)) - set(fold_of_patient.tolist()))
    if empty:
        raise ValueError(
            f"fold {empty[0]} of {folds} is empty, for the data set has only {len(ids)} patients; "
            "ask for fewer folds or add patients"
        )
    return fold_of_patient[of_slice]


def hospital_of(patient: str) -> str:
    """Return the code of the hospital in a patient's id: "CS" of "TCGA_CS_4941_19960909".

    Raises:
        ValueError: the id has no such part.
    """
    parts = patient.split("_")
    if len(parts) < 3:
        raise ValueError(f"{patient} names no hospital; an id such as TCGA_CS_4941_19960909 does")
    return parts[1]


def leave_hospital_out(patients: np.ndarray, hospital: str) -> dict[str, np.ndarray]:
    """Train on all hospitals but one, and validate on that one.

    Returns:
        {"train", "validation"}: ascending indices of slices; validation holds all slices of `hospital`.

    Raises:
        ValueError: no patient comes from `hospital`, or all do.
    """
    ids, of_slice = np.unique(patients, return_inverse=True)
    hospitals = np.array([hospital_of(patient) for patient in ids])
    left_out = (hospitals == hospital)[of_slice]
    known = ", ".join(sorted(set(hospitals.tolist())))
    if not left_out.any():
        raise ValueError(f"no patient comes from the hospital {hospital}: the data set has {known}")
    if left_out.all():
        raise ValueError(f"every patient comes from the hospital {hospital}: nothing is left to train on")
    return {"train": np.flatnonzero(~left_out), "validation": np.flatnonzero(left_out)}


def _fraction(patient: str, start: int) -> float:
    """Return 8 bytes of the id's SHA-256 as a number in [0, 1)."""
    digest = hashlib.sha256(str(patient).encode()).digest()
    return (int.from_bytes(digest[start : start + 8], "big") >> 11) / 2**53  # a float holds 53 bits
