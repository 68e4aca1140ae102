"""What a network was trained for: the note that travels inside its .keras file."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import helpers
from helpers.nets.inference import HALF, AreaRule
from helpers.settings import Settings


@dataclasses.dataclass(frozen=True)
class Purpose:
    """What a trained network expects and what its channels mean.

    Attributes:
        dataset: the data set, as in `Settings`.
        classes: names of the channels; one for an area against the rest.
        size: (height, width) of the images that it takes; None for any.
        normalisation: what is done to the values of an image first, in the words of its task.
        threshold: the probability from which a pixel belongs to the area; None for several classes.
        helpers: the version that wrote it.
        settings: all those of its run; None where they are not known.
        split: a digest of the names of the images trained on and held out, not of their pixels; None where unknown.
    """

    dataset: str
    classes: tuple[str, ...]
    size: tuple[int | None, int | None]
    normalisation: str
    threshold: float | None
    helpers: str = helpers.__version__
    settings: dict[str, Any] | None = None
    split: str | None = None

    def note(self) -> dict[str, Any]:
        """Return it in plain values."""
        return dataclasses.asdict(self)

    def area_rule(self, asked: dict[str, float], name: str) -> AreaRule:
        """Return the way from probabilities to an area: what was asked for, and for the rest, as its run was scored.

        A network of several classes takes the likeliest, and has no use for it.

        Args:
            asked: `threshold` and `smallest_part`, each or none.
            name: of the network, for the sentence.

        Raises:
            ValueError: it has several classes, and something was asked for.
        """
        if self.threshold is None:
            if asked:
                option = f"--{next(iter(asked)).replace('_', '-')}"
                raise ValueError(f"{option} is for one class, and {name} has several: leave it out.")
            return HALF
        smallest_part = (self.settings or {}).get("smallest_part", Settings.smallest_part)
        own = {"threshold": self.threshold, "smallest_part": smallest_part}
        return AreaRule(**own | asked)

    def averaging(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return how to predict, as `inference.predict_probabilities` takes it: `flips` of None as in its run."""
        own = (self.settings or {}).get("flips", Settings.flips)
        return asked | {"flips": own if asked["flips"] is None else asked["flips"]}

    @classmethod
    def of_note(cls, note: dict[str, Any]) -> "Purpose":
        """Return what `note` gave; TypeError or KeyError for anything else."""
        return cls(**{**note, "classes": tuple(note["classes"]), "size": tuple(note["size"])})

    @classmethod
    def of_run(
        cls,
        settings: Settings,
        classes: tuple[str, ...],
        size: tuple[int | None, int | None],
        normalisation: str,
        names: Sequence[Sequence[str]] | None = None,
    ) -> "Purpose":
        """Return what a run with these settings, and images of these names on its two sides, trains a network for."""
        threshold = 0.5 if len(classes) == 1 else None
        split = None if names is None else hashlib.sha256(json.dumps(names).encode()).hexdigest()
        plain = dataclasses.asdict(settings)
        return cls(settings.dataset, classes, size, normalisation, threshold, settings=plain, split=split)
