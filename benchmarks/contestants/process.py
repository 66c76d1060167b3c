"""What every contestant does alike: it takes its cores, and says how much memory it took."""

import os
import resource
import sys


def take_cores(threads: int, passed_over: int = 0) -> None:
    """Keep this process to as many cores as threads; call it before NumPy is imported.

    Whatever a library thinks of threads: there are no more cores to run them on.

    Parameters
    ----------
    threads : int
        How many.
    passed_over : int
        So many of the last cores are left to others.
    """
    for name in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0), reverse=True)
        os.sched_setaffinity(0, cores[passed_over : passed_over + threads] or cores[:threads])


def peak_memory_mb() -> float:
    """Return the largest resident memory so far."""
    # In kilobytes, but on macOS in bytes.
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
