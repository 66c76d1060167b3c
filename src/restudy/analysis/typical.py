"""Which run of a cell stands for the others where a picture has room for one."""

import pandas as pd

from restudy.families.contract import Family


def typical_seeds(runs: pd.DataFrame, family: Family) -> list[int]:
    """Return the seeds of the runs that finished, the one nearest the median first.

    Parameters
    ----------
    runs : DataFrame
        The runs of one cell: ``seed``, ``diverged_at`` and the measures.
    family : Family
        Distances are those of the last measure that cells are ranked by;
        equal ones are ordered by the measure before, and so on, and then by the seed.
    """
    finished = runs[runs["diverged_at"].isna()] if "diverged_at" in runs else runs
    measures = [name for name in reversed(family.ranked_by) if name in finished]
    distances = {
        name: (finished[name] - finished[name].median()).abs().round(12) for name in measures
    }
    table = pd.DataFrame({**distances, "seed": finished["seed"]})
    return table.sort_values([*measures, "seed"], kind="stable")["seed"].astype(int).tolist()


def typical_seed(runs: pd.DataFrame, family: Family) -> int | None:
    """Return the seed nearest the median, see `typical_seeds`; None where no run finished."""
    return next(iter(typical_seeds(runs, family)), None)
