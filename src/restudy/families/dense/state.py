"""What training of a stack depends on after some pass, as arrays that a file can hold."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from restudy.families.stopping import EarlyStopping

Weights = list[
    np.ndarray
]  # of each layer, shape (R, rows, fan_in + 1); of one replicate, without R


@dataclass
class Divergence:
    """When and why a replicate stopped being finite, and its weights before that."""

    pass_number: int
    cause: str
    weights: Weights


@dataclass
class State:
    """All that training of a stack depends on after a pass, and what is recorded of it so far.

    Attributes
    ----------
    passes, updates : int
        Made so far.
    arrays : list of ndarray
        The parameters, and the optimizer's slots.
    records : dict of int to dict
        Pass -> what was measured after it, name -> array whose first axis is that of replicates.
    snapshots : dict of int to Weights
        Pass -> weights after it.
    diverged : dict of int to Divergence
        By replicate.
    stopping : list of EarlyStopping
        One per replicate if they may stop early, or none.
    best : Weights
        Those that each replicate was best with; none if they may not stop early.
    """

    passes: int
    updates: int
    arrays: list[np.ndarray]
    records: dict[int, dict[str, np.ndarray]]
    snapshots: dict[int, Weights]
    diverged: dict[int, Divergence]
    stopping: list[EarlyStopping]
    best: Weights

    def pack(self) -> dict[str, np.ndarray]:
        """Return copies of everything as arrays by name."""
        packed = {
            "made": np.array([self.passes, self.updates]),
            "diverged": np.array(
                [(replicate, each.pass_number) for replicate, each in self.diverged.items()], int
            ).reshape(-1, 2),
            "diverged_by": np.array([each.cause for each in self.diverged.values()], "U7"),
            "stopping": np.array(
                [(each.best, each.best_at, each.stopped_at) for each in self.stopping], float
            ).reshape(-1, 3),
        }
        packed |= _named("arrays", self.arrays) | _named("best", self.best)
        packed |= _stacked("records", self.records)
        packed |= _stacked(
            "snapshots", {mark: dict(enumerate(each)) for mark, each in self.snapshots.items()}
        )
        for replicate, each in self.diverged.items():
            packed |= _named(f"finite/{replicate}", each.weights)
        return {name: np.array(array) for name, array in packed.items()}

    @classmethod
    def unpack(cls, packed: Mapping[str, np.ndarray], rule: Callable[[], EarlyStopping]) -> "State":
        """Return the state of which `pack` returned these arrays.

        Parameters
        ----------
        packed : mapping of str to ndarray
            As `pack` returned it.
        rule : callable
            Returns a rule of early stopping that has taken no record.
        """
        snapshots = _unstacked("snapshots", packed)
        causes = packed["diverged_by"].tolist()
        passes, updates = packed["made"].tolist()
        return cls(
            passes=passes,
            updates=updates,
            arrays=_numbered("arrays", packed),
            records=_unstacked("records", packed),
            snapshots={mark: list(layers.values()) for mark, layers in snapshots.items()},
            diverged={
                replicate: Divergence(mark, cause, _numbered(f"finite/{replicate}", packed))
                for (replicate, mark), cause in zip(
                    packed["diverged"].tolist(), causes, strict=True
                )
            },
            stopping=[
                replace(
                    rule(),
                    best=None if math.isnan(best_at) else best,
                    best_at=None if math.isnan(best_at) else int(best_at),
                    stopped_at=None if math.isnan(stopped_at) else int(stopped_at),
                )
                for best, best_at, stopped_at in packed["stopping"].tolist()
            ],
            best=_numbered("best", packed),
        )


def _named(name: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{name}/{number}": array for number, array in enumerate(arrays)}


def _numbered(name: str, packed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return copies of the arrays that `_named` names, in order."""
    count = sum(each.startswith(f"{name}/") for each in packed)
    return [np.array(packed[f"{name}/{number}"]) for number in range(count)]


def _stacked(name: str, by_pass: Mapping[int, Mapping]) -> dict[str, np.ndarray]:
    """Return arrays by pass and name as one array a name, the passes along its first axis."""
    marks = list(by_pass)
    packed = {f"{name}/passes": np.array(marks, int)}
    for key in by_pass[marks[0]] if marks else ():
        packed[f"{name}/of/{key}"] = np.stack([by_pass[mark][key] for mark in marks])
    return packed


def _unstacked(name: str, packed: Mapping[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    """Return copies of what `_stacked` has put into arrays."""
    start = f"{name}/of/"
    keys = [each for each in packed if each.startswith(start)]
    return {
        mark: {key.removeprefix(start): np.array(packed[key][place]) for key in keys}
        for place, mark in enumerate(packed[f"{name}/passes"].tolist())
    }
