"""Early stopping: when a run has not become better for a while, it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from restudy.families.contract import Measure, Setting, count


def stop_early_setting(time: str, measures: Sequence[str]) -> Setting:
    """Return the setting of a protocol that ends training early; it may be missing.

    Parameters
    ----------
    time : str
        What patience is counted in, such as "passes".
    measures : sequence of str
        By which a run may be judged: none that its results are reported by.
    """
    return Setting(
        "stop_early",
        f"Without it, training takes all its {time}. With it, a run ends when a measure has not "
        "become better for long enough, and keeps the weights that it was best with.",
        "settings",
        settings=(
            Setting(
                "measure",
                "What has to become better.",
                "choice",
                measures[0],
                choices=tuple(measures),
            ),
            count("patience", f"{time.capitalize()} since the best record after which a run ends."),
            Setting(
                "min_delta",
                "By more than this a record has to be better than the best one.",
                default=0,
                minimum=0,
            ),
        ),
    )


@dataclass
class EarlyStopping:
    """What a run needs to know to end when it has not become better for a while.

    It is the rule of Prechelt (1998) in its common form: with v the value of a record and b the
    best one, a record is better if v + min_delta < b (of a measure of which more is better, if
    v - min_delta > b), and the first one is. A value that is not a number is never better.

    Attributes
    ----------
    lowest : bool
        Whether the lowest value is the best.
    patience : int
        Passes or steps since the best record after which the run ends.
    min_delta : float
        By more than this a record has to be better.
    best : float or None
        The best value so far.
    best_at, stopped_at : int or None
        When it was recorded, and when the run ended, if it did.
    """

    lowest: bool
    patience: int
    min_delta: float
    best: float | None = None
    best_at: int | None = None
    stopped_at: int | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any], measure: Measure) -> EarlyStopping:
        """Return the rule of a protocol's ``stop_early``."""
        return cls(measure.better == "lower", settings["patience"], settings["min_delta"])

    def record(self, at: int, value: float) -> bool:
        """Take a record of a run that has not ended; return whether it is the best so far."""
        if self._is_better(value):
            self.best, self.best_at = value, at
            return True
        if at - self.best_at >= self.patience:
            self.stopped_at = at
        return False

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return True
        if self.lowest:
            return value + self.min_delta < self.best
        return value - self.min_delta > self.best
