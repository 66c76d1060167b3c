"""What every job of the workflow begins with: its log, its record, and the user's own code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from restudy.errors import UserError
from restudy.families.registry import load_plugins
from restudy.log import start_log
from restudy.provenance.cut import BYTES, sizes_of
from restudy.provenance.environment import PROJECT, unlocked
from restudy.provenance.records import describe_job, named_files, record_path, to_json, write_at_end
from restudy.provenance.sums import check_sums, forget_sums, note_sums


class ForeignPackageError(UserError):
    """The job's modules are not those of the project that started it."""


def begin_job(job: Any, checks_inputs: bool = True) -> Callable[[str], None]:
    """Begin a job: its log, what files of the user's add, and its record.

    What the job prints goes to its log. When it ends well, a record of what it was made from is
    written, see `restudy.provenance.records`.

    Parameters
    ----------
    job : object
        What Snakemake calls ``snakemake``: ``log``, ``config``, ``input``, ``params``,
        ``wildcards`` and ``rule``. In ``config``, ``repository`` is the project's folder, ``files``
        are the user's files of code by their key, and ``python`` what some families train in.
    checks_inputs : bool
        Whether results that are not as their jobs wrote them are refused; not where finding these
        is what the job is for.

    Returns
    -------
    callable
        Writes a line into the log.

    Raises
    ------
    ForeignPackageError
        If another package of the same name runs, whose code the job's digests do not stand for.
    """
    log = start_log(job.log[0])
    check_package(PROJECT, job.config.get("repository"))
    if others := unlocked():
        log(f"warning: packages that are not those of the lock: {others}")
    load_plugins(job.config.get("files") or {}, job.config.get("python"), check=False, tell=log)
    if checks_inputs:
        check_sums(path for paths in named_files(job.input).values() for path in paths)
    forget_sums(job.output)
    record = describe_job(job)
    to_json(record)  # what is no plain JSON is found before the job does anything

    def ended() -> str:
        return to_json(record | {BYTES: sizes_of(job.output)})

    write_at_end(record_path(job.log[0]), ended, log, lambda: note_sums(job.output))
    return log


def check_package(found: Path, expected: str | Path | None) -> None:
    """Refuse to run the package of another project than the one that started the job."""
    if expected is not None and found.resolve() != Path(expected).resolve():
        raise ForeignPackageError(
            f"the package restudy of {found} comes before that of {Path(expected).resolve()} on "
            "Python's search path; take it off PYTHONPATH, or out of the environment"
        )
