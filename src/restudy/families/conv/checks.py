"""Settings of the CNN that 32-bit arithmetic, or the memory of a machine, cannot hold."""

from collections.abc import Iterator, Mapping

from restudy.data.image_files import ImageCounts
from restudy.families.contract import LARGEST_JOB
from restudy.families.conv.cost import memory

# TensorFlow computes in 32 bits and takes smaller numbers for 0, larger ones for infinity, and
# what is closer to 1 for 1.
SMALLEST_SINGLE, LARGEST_SINGLE, BELOW_ONE = 1.2e-38, 3.4e38, 0.9999999
DECAYS = ("momentum", "rho", "beta_1", "beta_2")
MAY_BE_ZERO = (*DECAYS, "initial_bias", "initial_accumulator", "weight_decay")


def find_clashes(section: Mapping, place: str) -> Iterator[str]:
    """Yield a line for each number that 32 bits cannot tell from 0, from infinity or from 1.

    Parameters
    ----------
    section : mapping
        The completed section of a configuration.
    place : str
        Its key.
    """
    for group in ("protocols", "optimizers", "activations", "initializers"):
        for name, entry in section[group].items():
            for key, value in entry.items():
                if isinstance(value, int | float):
                    where = f"{place}.{group}.{name}.{key}: got {value!r}; allowed:"
                    yield from _faults(where, key, value)


def why_anew(settings: Mapping) -> str:
    """Return why a run can't go on to more steps: nothing in it depends on their number."""
    return ""


def find_excess(settings: Mapping, counts: ImageCounts, place: str) -> Iterator[str]:
    """Yield a line if training a cell takes too much memory for a job.

    Parameters
    ----------
    settings : mapping
        Those of the cell.
    counts : ImageCounts
        Of its data set.
    place : str
        The key of its protocol.
    """
    needed = memory(settings, counts)
    if needed > LARGEST_JOB:
        sizes = ("channels", "kernel", "units", "batch_size")
        found = ", ".join(f"{key} {settings['protocol'][key]}" for key in sizes)
        yield (
            f"{place}: got {found}, which take about {needed:,.0f} MB of memory with data set "
            f"{settings['cell']['dataset']!r}; allowed: what takes at most {LARGEST_JOB:,} MB"
        )


def _faults(where: str, key: str, value: float) -> Iterator[str]:
    if value and not SMALLEST_SINGLE <= abs(value) <= LARGEST_SINGLE:
        zero = "0, or " if key in MAY_BE_ZERO else ""
        yield (
            f"{where} {zero}{SMALLEST_SINGLE} to {LARGEST_SINGLE}, which the CNN's 32-bit numbers "
            "can hold"
        )
    elif key in DECAYS and value > BELOW_ONE:
        yield f"{where} at most {BELOW_ONE}, which 32 bits can tell from 1"
