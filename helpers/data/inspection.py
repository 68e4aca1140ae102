"""Look at every file of a data set once, remember what was seen, and say all that is wrong in one list.

`python -m helpers.prepare --check` and every training ask the same inspection, so both say the same.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shlex
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from helpers.data import disk, image_files

_VERSION = 3  # of what a look says
_FRESH = 2 * 10**9  # nanoseconds: a file that young may change again without a change of its times

Facts = dict[str, Any]
"""What a look at a file says, in plain values; under "problem" why it cannot be used."""
Look = Callable[[Path], Facts]


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What is in a data set.

    Attributes:
        folder: where it lies.
        words: what it holds, such as "2 patients, 4 slices in FOLDER".
        findings: all that is wrong, in natural order.
    """

    folder: Path
    words: str
    findings: list[image_files.Finding]

    @property
    def lines(self) -> list[str]:
        """The findings as text, one line each."""
        return list(map(str, self.findings))


def inspection(folder: Path, words: str, findings: Sequence[image_files.Finding]) -> Inspection:
    """Put the findings of a folder in order, each once."""
    unique = {str(finding): finding for finding in findings}
    return Inspection(folder, words, [unique[line] for line in sorted(unique, key=disk.natural_order)])


def look_at_all(
    data_set: str, folder: Path, looks: dict[Path, Look], unit: str, progress: bool
) -> tuple[dict[Path, Facts], dict[str, Facts]]:
    """Look at each file that is new or has changed since it was looked at, and remember what was seen.

    What is remembered lies in the folder of caches, by the file's path below `folder`, and counts as long as size,
    times and inode are what they were; of a file that was written in the last two seconds nothing is remembered. Where
    it cannot be written, the next inspection looks again.

    Args:
        data_set: as `prepare` calls it; each asks other things, of the same files too.
        folder: of the data set.
        looks: for each file what is to be asked of it.
        unit: what the bar counts.
        progress: show a bar, if there is something to look at.

    Returns:
        What is known of each file; and of those that were there at an earlier inspection and are not now, by the path
        below the folder.
    """
    memory = _Memory(data_set, folder)
    facts: dict[Path, Facts] = {}
    stamps: dict[Path, list[int]] = {}
    waiting = []
    for path in looks:
        try:
            stamps[path] = disk.stamp(path)
        except OSError as error:
            facts[path] = {"problem": f"cannot be read ({error.strerror})"}
            continue
        known = memory.facts(path, stamps[path])
        if known is None:
            waiting.append(path)
        else:
            facts[path] = known
    # TIFFs one after the other: libtiff can be kept quiet only while nobody else writes to standard error.
    alone = [path for path in waiting if image_files.is_tiff(path)]
    together = [path for path in waiting if not image_files.is_tiff(path)]
    bar = disk.progress_bar(
        desc=f"checking {disk.printable(folder.name)}",
        total=len(waiting),
        unit=unit,
        disable=not (progress and waiting),
    )
    with bar:
        for path in alone:
            facts[path] = _seen(looks[path], path)
            bar.update()
        ahead = disk.made_ahead(_seen, ((looks[path], path) for path in together))
        for path, seen in zip(together, ahead, strict=True):
            facts[path] = seen
            bar.update()
    gone = memory.gone(looks)
    memory.write({path: (stamps[path], facts[path]) for path in stamps}, bool(waiting))
    return facts, gone


def _seen(look: Look, path: Path) -> Facts:
    try:
        return look(path)
    except ValueError as error:
        return {"problem": str(error)}
    except MemoryError:
        return {"problem": "needs more memory than there is"}


def unusable(folder: Path, facts: dict[Path, Facts]) -> list[image_files.Finding]:
    """The files that cannot be used, and why."""
    return [
        image_files.Finding(disk.below(folder, path), seen["problem"])
        for path, seen in facts.items()
        if "problem" in seen
    ]


def misfit(mask: Sequence[int], image: Sequence[int]) -> str:
    """What is wrong with a mask of another size, (width, height), than its image."""
    return f"mask has {disk.size_words(mask)} pixels, its image {disk.size_words(image)}"


def advice(data_set: str, folder: Path) -> str:
    """How to see all that is wrong in a folder; `data_set` as `prepare` calls it."""
    command = f"python -m helpers.prepare {data_set} --check {shlex.quote(disk.printable(folder))}"
    return f"see all that is wrong with `{command}`"


def refuse(data_set: str, folder: Path, findings: Sequence[image_files.Finding]) -> None:
    """Raise ValueError with the first finding, if there is one."""
    for finding in findings:
        place = disk.printable(folder / finding.place)
        raise ValueError(f"{place}: {finding.words}; {advice(data_set, folder)}")


def refuse_ambiguous(data_set: str, folder: Path, findings: Sequence[image_files.Finding]) -> None:
    """Raise ValueError if a name leaves open which of two files is meant: the wrong one would be read in silence."""
    refuse(data_set, folder, [finding for finding in findings if finding.ambiguous])


def pixels(image) -> Facts:
    """What is asked of an image (of Pillow): its size, what its pixels are told apart by, and whether all are alike."""
    bands = image.getextrema()
    bands = bands if isinstance(bands[0], tuple) else (bands,)
    digest = hashlib.sha256(f"{image.size}".encode() + image.tobytes()).hexdigest()
    return {"size": list(image.size), "digest": digest, "flat": all(low == high for low, high in bands)}


def memory_of(data_set: str, folder: Path) -> Path:
    """The file that remembers what was seen in a folder, by a data set's way to look."""
    digest = hashlib.sha256(data_set.encode() + b"\n" + os.fsencode(folder.resolve())).hexdigest()[:12]
    return disk.data_home() / "cache" / f"inspected-{digest}.json"


class _Memory:
    """What was seen in a folder: its path in the first line, and below it each file's stamp and facts."""

    def __init__(self, data_set: str, folder: Path):
        self.folder, self.path = folder, memory_of(data_set, folder)
        self.known: dict[str, list] = {}
        try:
            lines = self.path.read_text("utf-8").split("\n", 1)
            if json.loads(lines[0]) == [_VERSION, str(folder.resolve())]:
                self.known = dict(json.loads(lines[1]))
        except (OSError, ValueError, IndexError, TypeError):  # none yet, or damaged: look again
            pass

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def facts(self, path: Path, stamp: list[int]) -> Facts | None:
        known = self.known.get(self._name(path))
        return known[1] if known is not None and known[0] == stamp else None

    def gone(self, looks: dict[Path, Look]) -> dict[str, Facts]:
        here = {self._name(path) for path in looks}
        return {name: known[1] for name, known in self.known.items() if name not in here}

    def write(self, seen: dict[Path, tuple[list[int], Facts]], news: bool) -> None:
        """Remember what was seen beside what is gone; in silence where that cannot be written."""
        if not news:
            return
        now = time.time_ns()
        for path, (stamp, facts) in seen.items():
            try:
                settled = now - max(stamp[1:3]) > _FRESH and disk.stamp(path) == stamp
            except OSError:
                settled = False
            if settled:
                self.known[self._name(path)] = [stamp, facts]
            else:
                self.known.pop(self._name(path), None)
        partial = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex[:8]}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            head = json.dumps([_VERSION, str(self.folder.resolve())])
            partial.write_text(f"{head}\n{json.dumps(self.known)}", "utf-8")
            os.replace(partial, self.path)
            self._forget_others()
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def _forget_others(self) -> None:
        """Remove what is remembered of folders that are no more, and what a kill left half written."""
        for path in self.path.parent.glob("inspected-*"):
            if disk.is_abandoned(path):
                with open(path, encoding="utf-8") as file:
                    head = file.readline()
                try:
                    there = path.suffix == ".json" and Path(json.loads(head)[1]).is_dir()
                except (ValueError, IndexError, TypeError):
                    there = False
                if not there:
                    path.unlink(missing_ok=True)
