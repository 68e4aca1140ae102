"""The leaderboard of lesson 15: scored anew, in the right order, and nothing on it that does not belong there."""

import html.parser
import json
import os

import keras
import numpy as np
import pytest

from grading import leaderboard, sandbox
from helpers.nets import checkpoint, handed_in

SECRET = "a secret for this test alone"


@pytest.fixture(scope="module")
def hidden():
    """Three patients of two slices: where the tumour is, its upper half is bright."""
    images = np.random.default_rng(0).integers(0, 90, (6, 48, 48, 3), dtype="uint8")
    masks = np.zeros((6, 48, 48), bool)
    for number, mask in enumerate(masks):
        mask[10 : 20 + 2 * number, 12:30] = True
    images[masks] = 250
    return leaderboard.HiddenSet(images, masks, np.repeat(np.arange(3), 2))


def answer(masks, **said):
    """The files that come out of a sandbox."""
    said = {"parameters": 10, "seconds": 0.5} | said
    return {leaderboard.MASKS: np.packbits(masks).tobytes(), leaderboard.SAID: json.dumps(said).encode()}


def test_the_hidden_patients_follow_from_the_secret_alone():
    first, again, other = (leaderboard.make_hidden_set(secret, 2, 1) for secret in (SECRET, SECRET, "another"))
    assert np.array_equal(first.images, again.images) and np.array_equal(first.masks, again.masks)
    assert not np.array_equal(first.images, other.images)
    assert first.images.shape == (2, 48, 48, 3) and first.images.dtype == np.uint8
    assert first.patients.tolist() == [0, 1]


def test_every_hidden_patient_has_noise_of_a_strength_of_its_own(monkeypatch):
    def blank(seed, number, slices):
        assert seed > 10**9, "the seeds up to 999 are the learners'"
        return np.full((slices, 96, 96, 3), 128, "uint8"), np.zeros((slices, 96, 96), bool)

    monkeypatch.setattr(leaderboard.phantom_brain, "patient", blank)
    monkeypatch.setattr(leaderboard.brain, "normalise_images", lambda images: images)
    made = leaderboard.make_hidden_set("7", 30, 2)
    spread = made.images.reshape(30, -1).std(axis=1)
    assert spread.min() < 4 and 20 < spread.max() < handed_in.NOISE + 1 and len(np.unique(spread)) == 30


def test_dice_is_that_of_the_patient_not_of_the_slice(hidden):
    masks = np.zeros((4, 4, 4), bool)
    masks[0, 0, :2] = masks[2, 0, :3] = True  # 2 pixels in one slice of the first patient, 3 of the second
    found = np.zeros_like(masks)
    found[0, 0, :2] = found[1, 0, :2] = True  # all of the first, and 2 too many in its other slice
    made = leaderboard.HiddenSet(np.zeros((4, 4, 4, 3), "uint8"), masks, np.array([0, 0, 1, 1]))
    assert made.dice(found).tolist() == [2 * 2 / (2 + 4), 0.0]


def test_the_masks_come_out_as_they_went_in(hidden):
    read = leaderboard.read_answer(answer(hidden.masks), 6)
    assert np.array_equal(read.masks, hidden.masks) and read.parameters == 10
    assert read.minutes == 0.5 * 6400 / 8 / 60


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no answer that can be read"),
        ({leaderboard.SAID: b"\x80\x04cos\nsystem\n"}, "no answer that can be read"),
        ({leaderboard.SAID: b"[" * 9_000}, "no answer that can be read"),
        ({leaderboard.SAID: b'"error"'}, "no answer that can be read"),
        ({leaderboard.SAID: b'{"error": "too large"}'}, "too large"),
        ({leaderboard.SAID: b'{"parameters": 10, "seconds": 0.5}'}, "no answer that can be read"),
        (answer(np.zeros((5, 48, 48), bool)), "the wrong size"),
        (answer(np.zeros((7, 48, 48), bool)), "the wrong size"),
        (answer(np.zeros((6, 48, 48), bool), parameters=10**9), "impossible things"),
        (answer(np.zeros((6, 48, 48), bool), parameters="many"), "no answer that can be read"),
        (answer(np.zeros((6, 48, 48), bool), seconds=float("nan")), "impossible things"),
        (answer(np.zeros((6, 48, 48), bool), seconds=-1), "impossible things"),
        (answer(np.zeros((6, 48, 48), bool), seconds=float("inf")), "impossible things"),
    ],
)
def test_an_answer_is_read_as_if_a_stranger_had_written_it(files, words):
    with pytest.raises(ValueError, match=words):
        leaderboard.read_answer(files, 6)


def row(name, dice, **more):
    return leaderboard.Row(name, np.array(dice), **{"parameters": 1000, "minutes": 1.5, **more})


COURSE = row("The course's U-Net", [0.25, 0.5, 0.75], competes=False)
# always 0.25 above, and so 0.25 whoever is drawn; now above and now below; always 0.25 below
ROWS = [
    row("Zoe", [0.0, 0.25, 0.5]),
    row("Ada", [0.5, 0.75, 1.0]),
    row("Ben", [0.75, 0.5, 0.25]),
    COURSE,
    row("Black", [0.0, 0.0, 0.0], parameters=None, minutes=None, competes=False),
]


def test_rows_stand_in_the_order_of_their_means_and_equal_ones_by_name():
    assert [each.name for each in leaderboard.ranked(ROWS)] == ["Ada", "Ben", "The course's U-Net", "Zoe", "Black"]
    assert [each.name for each in leaderboard.ranked(ROWS[::-1])] == [each.name for each in leaderboard.ranked(ROWS)]


class Cells(html.parser.HTMLParser):
    """The words of each row of the page's table, the tags of the page, and the labels of its pictures."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.tags, self.labels, self.inside = [], set(), [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True
        elif tag == "svg":
            self.labels.append(dict(attributes)["aria-label"])

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def test_the_page_says_what_was_worked_out_by_hand():
    page = Cells(leaderboard.page(ROWS, {}, COURSE, 3))
    lines = [[" ".join(cell.split()) for cell in line] for line in page.rows[1:6]]
    assert [line[0] for line in lines] == ["1", "2", "", "3", ""], "baselines take no place"
    assert [line[1] for line in lines] == [
        "Ada",
        "Bencannot be told from the first",
        "The course's U-Net",
        "Zoe",
        "Black",
    ]
    ada, ben, course, zoe, black = lines
    assert ada[2].startswith("0.750 [0.5") and ada[4] == "+0.250 [+0.250, +0.250] better"
    assert ben[4].startswith("+0.000 [-0.500, +0.500] cannot tell") and course[4] == "–"
    assert zoe[4] == "-0.250 [-0.250, -0.250] worse" and zoe[5:] == ["1,000", "1.5"]
    assert black[2] == "0.000 [0.000, 0.000]" and black[5:] == ["–", "–"]
    assert page.labels[0].startswith("Dice 0.750 on a scale from 0 to 1, interval 0.5") and len(page.labels) == 5


def test_the_page_fetches_nothing_and_runs_nothing():
    page = leaderboard.page(ROWS, {"Eve": "no network"}, COURSE, 3)
    assert not {"script", "link", "img", "iframe", "object"} & Cells(page).tags
    assert "http" not in page and "url(" not in page and "$" not in page
    assert "prefers-color-scheme: dark" in page


NAMES = {
    "<script>alert(1)</script>": "&lt;script&gt;alert(1)&lt;/script&gt;",
    '"><img src=x onerror=alert(1)>': "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;",
    "\u202eeno\u202c\x00\n$lesson": "eno $lesson",
    "Zoë Ångström-Müller": "Zoë Ångström-Müller",
    "a" * 300: "a" * 39 + "…",
    "\u200b": "(no name)",
}


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_nothing_but_a_name(name):
    scored = leaderboard.page([*ROWS, row(name, [0.1, 0.1, 0.2])], {}, COURSE, 3)
    refused = leaderboard.page(ROWS, {name: "<b>why</b>"}, COURSE, 3)
    for page in (scored, refused):
        assert f">{NAMES[name]}</bdi>" in page and "script" not in Cells(page).tags and "img" not in Cells(page).tags
    assert "&lt;b&gt;why&lt;/b&gt;" in refused


def finds_the_wrong():
    """A network of four weights that marks what is dark, which is never tumour."""
    inputs = keras.Input((48, 48, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid")(inputs))
    model.set_weights([np.full((1, 1, 3, 1), -40.0), np.array([60.0])])
    return model


def hand_in(folder, student, content, name="network.keras"):
    path = folder / student / leaderboard.LESSON / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_one_network_for_each_student_and_the_others_get_a_sentence(tmp_path, hidden, monkeypatch):
    def behind_walls(path, images, walls):
        assert path.read_bytes() == b"1" and walls
        return leaderboard.read_answer(answer(hidden.masks), len(images))

    monkeypatch.setattr(leaderboard, "answer_behind_walls", behind_walls)
    hand_in(tmp_path, "Ada", b"1", "my network.keras")
    hand_in(tmp_path, "Ben", b"1")
    hand_in(tmp_path, "Ben", b"1", "network (1).keras")
    hand_in(tmp_path, "Cleo", b"1", "15_capstone.ipynb")
    hand_in(tmp_path, "Dora", b"1")
    (tmp_path / "Emil" / "02_scores").mkdir(parents=True)
    (tmp_path / "Finn" / leaderboard.LESSON).mkdir(parents=True)
    (tmp_path / "Finn" / leaderboard.LESSON / "network.keras").symlink_to(tmp_path / "Ada" / leaderboard.LESSON)
    (tmp_path / "Gus").symlink_to("Ada")
    (tmp_path / "Hal").mkdir()
    (tmp_path / "Hal" / leaderboard.LESSON).symlink_to(tmp_path / "Ada" / leaderboard.LESSON)
    rows, refused = leaderboard.score_all(tmp_path, hidden, say=lambda words: None)
    assert {each.name: each.dice.tolist() for each in rows} == {"Ada": [1, 1, 1], "Dora": [1, 1, 1]}
    assert {name: why[:22] for name, why in refused.items()} == {
        "Ben": "handed in 2 .keras fil",
        "Cleo": "handed in 0 .keras fil",
        "Finn": "handed in 0 .keras fil",
    }


def test_networks_are_found_as_platforms_name_them(tmp_path):
    for name in (
        "Jörg Müller_12345_assignsubmission_file_/network.keras",
        "Kim Lee_11_assignsubmission_file_/network.keras",
        "Kim Lee_12_assignsubmission_file_/network.keras",
        "Ada Lovelace_99_assignsubmission_file_network.keras",
        "lovelaceada_101_9899_network-1.keras",
        "Grace/lessons/15_capstone/network.keras",
        "Grace/lessons/network before.keras",
        "Grace/lessons/06_training/best.keras",
        "Grace/lessons/.ipynb_checkpoints/network.keras",
        "Ida_15_assignsubmission_file_/15_capstone.ipynb",
        "Joe/06_training/best.keras",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {name: [path.name for path in files] for name, files in leaderboard.found(tmp_path).items()}
    assert found == {
        "Ada Lovelace": ["Ada Lovelace_99_assignsubmission_file_network.keras"],
        "Grace": ["network.keras"],
        "Ida": [],
        "Jörg Müller": ["network.keras"],
        "Kim Lee_11_assignsubmission_file_": ["network.keras"],
        "Kim Lee_12_assignsubmission_file_": ["network.keras"],
        "lovelaceada_101_9899": ["lovelaceada_101_9899_network-1.keras"],
    }


def test_folder_named_in_another_coding_costs_nobody_the_page(tmp_path, hidden, monkeypatch, capsys):
    try:
        hand_in(tmp_path, os.fsdecode(b"K\xf6pie"), b"1")
    except OSError:
        pytest.skip("this file system takes no such names")
    monkeypatch.setattr(
        leaderboard, "answer_behind_walls", lambda *given: leaderboard.read_answer(answer(hidden.masks), 6)
    )

    def say(words):
        words.encode()

    rows, refused = leaderboard.score_all(tmp_path, hidden, say=say)
    assert len(rows) == 1 and not refused


def test_what_is_handed_in_is_scored_anew_and_a_hostile_file_costs_nobody_else(tmp_path, hidden, monkeypatch, capsys):
    """The whole of it, once: the sandbox (where there is one), the course's networks, the page."""
    monkeypatch.setattr(leaderboard, "make_hidden_set", lambda secret, patients: hidden)
    claim = {"dice": 0.99, "name": "first place", "parameters": 1}
    hand_in(tmp_path, "Dice 1.000 <i>", checkpoint.serialise(finds_the_wrong(), claim))
    inputs = keras.Input((48, 48, 3))
    stranger = keras.Model(inputs, keras.layers.Lambda(lambda x: x[..., :1])(inputs))
    hand_in(tmp_path, "stranger", checkpoint.serialise(stranger))
    output = tmp_path / "page.html"
    walls = [] if sandbox.why_unavailable() is None else ["--no-sandbox"]
    assert leaderboard.main([str(tmp_path), "--seed", SECRET, "--output", str(output), *walls]) == 0
    page, said = output.read_text(), capsys.readouterr().out
    assert "networks with a score: 1, without: 1" in said
    assert SECRET not in page + said and "0.99" not in page and "first place" not in page
    lines = {line[1]: line for line in Cells(page).rows[1:]}
    assert lines["Dice 1.000 <i>"][0] == "1" and lines["Dice 1.000 <i>"][2].startswith("0.000")
    assert lines["Dice 1.000 <i>"][5] == "4"
    assert lines["The course's large network"][5] == "3,766,497"
    assert "&#x27;Lambda&#x27;, which is not among the layers that are loaded" in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "there is no secret: set SEED"),
        (["--seed", SECRET, "--patients", "1"], "an interval needs 2 or more"),
        (["nowhere", "--seed", SECRET], "nowhere: no such folder"),
    ],
)
def test_a_mistake_in_the_call_is_one_sentence(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEED", raising=False)
    (tmp_path / "submitted").mkdir()
    assert leaderboard.main(arguments) == 2
    said = capsys.readouterr().err
    assert words in said and said.startswith("error: ") and SECRET not in said
