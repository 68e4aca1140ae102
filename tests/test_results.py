"""The results that come with the course: what stands between marks is worked out of the scores stored beside it."""

import json
from pathlib import Path

import course
import numpy as np
import pandas
import pytest

ROOT = Path(__file__).resolve().parents[1]
make_results = course.script("tools/make_results.py")


def test_the_tables_are_those_of_the_stored_scores():
    for path, text in make_results.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python tools/make_results.py"


@pytest.mark.parametrize("name", make_results.COMPARISONS)
def test_the_intervals_are_those_of_the_stored_scores(name):
    stored = pandas.read_csv(make_results.RESULTS / name / "results.csv")
    pandas.testing.assert_frame_equal(stored, make_results.with_differences(name), check_exact=False, rtol=1e-9)
    means = {(row.model, row.loss): row.dice for row in stored.itertuples()}
    assert means == pytest.approx({key: scores.mean() for key, scores in make_results.scores_of(name).items()})


def stored(name):
    return json.loads((make_results.RESULTS / name / "scores.json").read_text())


@pytest.mark.parametrize("name", ["brain_cross_validation", "brain_from_phantoms"])
def test_the_dice_of_a_network_is_that_of_its_stored_patients(name):
    worked = make_results.dice_of(name)
    for what, value in stored(name)["dice"].items():
        assert value == pytest.approx(worked[what], abs=1e-9), what


@pytest.mark.parametrize("name", ["streets", "streets_longer"])
def test_the_iou_of_the_streets_is_that_of_the_stored_pixels(name):
    pixels = pandas.read_csv(make_results.RESULTS / name / "confusion.csv", index_col=0)
    both, true, predicted = np.diag(pixels), pixels.sum(axis=1), pixels.sum(axis=0)
    overlap = (both / (true + predicted - both))[true > 0]
    scores = stored(name)
    assert scores["mean_iou"] == pytest.approx(overlap.mean())
    assert scores["pixel_accuracy"] == pytest.approx(both.sum() / true.sum())
    assert {key: value for key, value in scores["classes"].items() if value is not None} == pytest.approx(dict(overlap))


def test_the_words_beside_the_tables_tell_of_the_stored_patients():
    def dice(name):
        return pandas.read_csv(make_results.RESULTS / name).set_index("patient").dice

    real, phantoms = dice("brain_cross_validation/patients.csv"), dice("brain_from_phantoms/patients.csv")
    gain, second = real - phantoms, dice("brain_cross_validation/seed_1.csv")
    loss = second - real
    rows = pandas.read_csv(make_results.RESULTS / "brain_cross_validation/patients.csv")
    folds = ", ".join(f"{mean:.3f}" for mean in rows.groupby("fold").dice.mean())
    lowest = ", ".join(f"{patient} {value:.2f}" for patient, value in real.nsmallest(5).items())
    alarms = stored("brain_from_phantoms")["false_positive_slices"]
    page = (make_results.RESULTS / "README.md").read_text(encoding="utf-8")
    for words in (
        f"raised {(gain > 0).sum()} of the {len(gain)} patients and lowered {(gain < 0).sum()}.",
        f"(69 of 1,886 slices without tumour, against {alarms})",
        f"Per fold, mean Dice: {folds}.",
        f"The lowest patients: {lowest}.",
        f"has {second.mean():.3f} [",
        f"over the {len(loss)} patients, {loss.mean():.3f} [",
        f"the mean of both, {(second + real).mean() / 2:.3f},",
        f"{(loss > 0).sum()} gain, {(loss < 0).sum()} lose",
    ):
        assert words in page


def test_the_steps_on_a_gpu_are_the_stored_ones_and_their_command_compiles_nothing():
    page = (make_results.RESULTS / "README.md").read_text(encoding="utf-8")
    steps = json.loads((make_results.RESULTS / "steps_of_unet_s5_d16/steps-torch.json").read_text())
    for row in steps:
        assert "compiled" not in row["framework"]
        assert (
            f"| {row['batch']} | {row['milliseconds_per_step']:.0f} ms | {row['images_per_second']:.0f} "
            f"| {row['share_of_bfloat16_peak']:.2f} |"
        ) in page
    command = page.partition("python benchmarks/unet_s5_d16_torch.py")[2].partition("\n\n")[0]
    assert "--compile False" in command, "which compiles when it is told nothing"


def test_a_table_stands_between_its_marks():
    page = "before\n<!-- a -->\n| old |\n<!-- /a -->\nbetween\n<!-- b -->\n<!-- /b -->\n"
    filled = make_results.filled(page, {"a": ["| 1 |", "| 2 |"], "b": ["| \\1 |"], "c": ["| nowhere |"]})
    assert filled == ("before\n<!-- a -->\n| 1 |\n| 2 |\n<!-- /a -->\nbetween\n<!-- b -->\n| \\1 |\n<!-- /b -->\n")


def test_every_table_has_its_marks():
    pages = "".join(path.read_text(encoding="utf-8") for path in make_results.pages())
    for name in ("results", "brains", "comparison", "losses", "attention", "streets"):
        assert pages.count(f"<!-- {name} -->") == pages.count(f"<!-- /{name} -->") == 1
