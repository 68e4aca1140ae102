"""No patient on both sides, and nobody moves."""

import numpy as np
import pytest

from helpers.data import splits

# SHA-256 of "TCGA_CS_4941_19960909" as `sha256sum` prints it; the hash is its start, the fold its end.
CS_4941 = "56b2caa8498b15fea3973ff0a23ab4ac296a4bf1e8a75ff42a18101865f95343"
HT_A616 = "05cf46563937002b079c57d0a4efc397511269a26ecc00f24fc0db774866e1d3"
IDS = [f"TCGA_{hospital}_{case:04d}_20000101" for hospital in ("CS", "DU") for case in range(100)]
PATIENTS = np.repeat(IDS, 3)  # three slices each


def test_patient_hash_is_the_start_of_the_sha256():
    assert splits.patient_hash("TCGA_CS_4941_19960909") == pytest.approx(int(CS_4941[:16], 16) / 2**64, abs=1e-15)
    assert splits.patient_hash("TCGA_HT_A616_19991226") == pytest.approx(int(HT_A616[:16], 16) / 2**64, abs=1e-15)
    assert splits.patient_hash(np.array(["TCGA_CS_4941_19960909"])[0]) == splits.patient_hash("TCGA_CS_4941_19960909")


def test_patient_hash_never_reaches_one(monkeypatch):
    class AllOnes:
        def digest(self):
            return b"\xff" * 32

    monkeypatch.setattr(splits.hashlib, "sha256", lambda _: AllOnes())
    assert splits.patient_hash("x") < 1


def test_the_hash_decides_the_part():
    # 0x56b2... / 2**64 = 0.3387 and 0x05cf... / 2**64 = 0.0227
    patients = np.array(["TCGA_CS_4941_19960909", "TCGA_HT_A616_19991226", "TCGA_CS_4941_19960909", IDS[2], IDS[4]])
    assert [round(splits.patient_hash(patient), 4) for patient in patients[:2]] == [0.3387, 0.0227]

    def part(row, **fractions):
        return [name for name, rows in splits.split_by_patient(patients, **fractions).items() if row in rows]

    assert part(0, validation=0.35) == part(2, validation=0.35) == ["validation"]
    assert part(0, validation=0.3) == part(2, validation=0.3) == ["train"]
    assert part(0, validation=0.3, test=0.05) == ["validation"] and part(1, validation=0.3, test=0.05) == ["test"]


def test_every_slice_is_in_one_part_and_no_patient_in_two():
    parts = splits.split_by_patient(PATIENTS, validation=0.2, test=0.1)
    assert sorted(parts) == ["test", "train", "validation"]
    assert np.array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(600))
    sets = [set(PATIENTS[rows]) for rows in parts.values()]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 200
    # 200 draws: 40 and 20 expected, with standard deviations of 5.7 and 4.2.
    assert 25 < len(sets[1]) < 55 and 8 < len(sets[2]) < 32


def test_without_test_part_it_is_empty():
    parts = splits.split_by_patient(PATIENTS)
    assert len(parts["test"]) == 0 and parts["test"].dtype == parts["train"].dtype


@pytest.mark.parametrize("split", [lambda p: splits.split_by_patient(p, 0.2, 0.1), splits.folds_by_patient])
def test_adding_patients_moves_nobody(split):
    def places(patients):
        found = split(patients)
        if isinstance(found, dict):
            return {patient: name for name, rows in found.items() for patient in patients[rows]}
        return dict(zip(patients, found.tolist(), strict=True))

    few, all_of_them = places(PATIENTS[:300]), places(np.random.default_rng(0).permutation(PATIENTS))
    assert few == {patient: all_of_them[patient] for patient in few}


def test_the_fold_is_the_end_of_the_sha256():
    # 0x2a / 256 = 0.164 and 0x4f / 256 = 0.309: folds 0 and 1 of 4, 1 and 3 of 10.
    patients = np.array(["TCGA_CS_4941_19960909", "TCGA_HT_A616_19991226", *IDS])
    assert splits.folds_by_patient(patients)[:2].tolist() == [0, 1]
    assert splits.folds_by_patient(patients, 10)[:2].tolist() == [1, 3]


def test_folds_are_whole_patients_and_say_nothing_about_the_split():
    folds = splits.folds_by_patient(PATIENTS, 4)
    assert folds.shape == (600,) and set(folds.tolist()) == {0, 1, 2, 3}
    assert np.array_equal(folds.reshape(200, 3), np.repeat(folds[::3, None], 3, axis=1))
    validation = splits.split_by_patient(PATIENTS, validation=0.25)["validation"]
    assert set(folds[validation].tolist()) == {0, 1, 2, 3}


def test_hospitals():
    assert splits.hospital_of("TCGA_CS_4941_19960909") == "CS"
    parts = splits.leave_hospital_out(PATIENTS, "DU")
    assert parts["train"].tolist() == list(range(300)) and parts["validation"].tolist() == list(range(300, 600))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: splits.split_by_patient(np.array(IDS[:1])), "part .* is empty, .* only 1 patients"),
        (lambda: splits.split_by_patient(PATIENTS, 0.2, 0.0001), "the test part .* only 200 patients"),
        (lambda: splits.split_by_patient(PATIENTS, 0.5, 0.5), "validation=0.5 and test=0.5"),
        (lambda: splits.split_by_patient(PATIENTS, -0.1), "validation=-0.1"),
        (
            lambda: splits.folds_by_patient(np.array(IDS[:3]), 4),
            "fold [0-3] of 4 is empty, .* only 3 patients",
        ),
        (lambda: splits.folds_by_patient(PATIENTS, 1), "folds=1"),
        (lambda: splits.hospital_of("patient7"), "patient7 names no hospital"),
        (lambda: splits.leave_hospital_out(PATIENTS, "HT"), "hospital HT: the data set has CS, DU"),
        (lambda: splits.leave_hospital_out(PATIENTS[:9], "CS"), "every patient comes from the hospital CS"),
    ],
)
def test_what_cannot_be_split_is_refused_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
