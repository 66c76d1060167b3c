"""Records of jobs: what each was made from, as named JSON values.

They answer why a job would run again (`restudy.operation.causes`). A record lies below
``results/records`` where the job's log lies below ``results/logs``. It is no output of the rule:
nothing is made from it, results without one are as good, and a missing one must start no job. Of a
job in a container that shares no folder with others, it is lost with the container.

A job that begins sets its last record aside, and one that ends well writes a new one. Hence a
record that is in place tells of the outputs that are there, and one that was set aside of the last
ones that there were.
"""

import atexit
import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from restudy.provenance.environment import file_digest
from restudy.small_files import read_json, write_text

MAX_BYTES = 1_000_000  # of a file whose digest is recorded, as in Snakemake's own comparison
MAX_FILES = 200  # under one name: of tables of thousands of cells only the paths are recorded
LOGS, RECORDS = "results/logs/", "results/records/"


def record_path(log: str) -> Path:
    """Return where the record of a job lies, given its log."""
    head, found, tail = log.rpartition(LOGS)
    if not found:
        raise ValueError(f"got the log {log!r}; expected: a path below {LOGS}")
    return Path(f"{head}{RECORDS}{tail.removesuffix('.log')}.json")


def previous_path(path: Path) -> Path:
    """Return where a record lies that was set aside."""
    return path.with_name(f"{path.name}.previous")


def named_files(files: Any) -> dict[str, list[str]]:
    """Return the inputs of a job by their names.

    Parameters
    ----------
    files : list with ``items()``
        As Snakemake has them: a path or a list of paths under each name, further ones without.

    Returns
    -------
    dict
        Name -> paths; those without a name stand under "".
    """
    named = {
        name: [str(found)] if isinstance(found, str) else [str(each) for each in found]
        for name, found in files.items()
    }
    known = {path for paths in named.values() for path in paths}
    rest = [str(path) for path in files if str(path) not in known]
    return named | ({"": rest} if rest else {})


def describe_job(job: Any) -> dict[str, Any]:
    """Return what a job is made from.

    Parameters
    ----------
    job : object
        What Snakemake calls ``snakemake``.

    Returns
    -------
    dict
        rule, wildcards, input (name -> paths), sha256 (path -> digest, of inputs of up to a
        megabyte) and params (name -> value), among them the digest of the code.
    """
    inputs = named_files(job.input)
    return {
        "rule": job.rule,
        "wildcards": dict(job.wildcards.items()),
        "input": inputs,
        "sha256": small_digests(paths for paths in inputs.values() if len(paths) <= MAX_FILES),
        "params": dict(job.params.items()),
    }


def read_record(path: str | Path) -> dict[str, Any]:
    """Return what a job was made from, as it recorded it; empty if that can't be read."""
    record = read_json(path)
    whole = isinstance(record.get("rule"), str) and all(
        isinstance(record.get(name), dict) for name in ("wildcards", "input", "sha256", "params")
    )
    return record if whole else {}


def small_digests(groups: Iterable[Iterable[str]]) -> dict[str, str]:
    """Return the sha256 of those paths that are files of up to a megabyte."""
    paths = dict.fromkeys(path for paths in groups for path in paths)
    return {path: file_digest(path) for path in paths if is_small_file(path)}


def is_small_file(path: str | Path) -> bool:
    """Whether a path is that of a file of up to a megabyte."""
    try:
        status = Path(path).stat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES


def to_json(record: Mapping[str, Any]) -> str:
    """Return a record as JSON; NumPy's scalars become Python's, and mappings become objects.

    Raises
    ------
    TypeError
        If a parameter is nothing that JSON has.
    """
    return json.dumps(record, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if getattr(value, "shape", None) == ():
        return value.item()
    raise TypeError(f"a rule's parameter has {value!r}, a {type(value).__name__}: not plain JSON")


def write_at_end(
    path: Path,
    text: str | Callable[[], str],
    log: Callable[[str], None],
    further: Callable[[], None] = lambda: None,
) -> None:
    """Set the last record of a job aside, and write the new one when this process ends well.

    Parameters
    ----------
    path : Path
        See `record_path`.
    text : str or callable
        The record, or what returns it when the process ends.
    log : callable
        Takes a line; a record that can't be written costs a warning, not the job.
    further : callable
        What else is to be noted when the process ends well.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.replace(previous_path(path))
    except OSError as error:
        log(f"warning: the record of what this was made from can't be set aside ({error})")
    process, end_with = os.getpid(), sys.excepthook

    def write() -> None:
        if os.getpid() != process:
            return  # a fork of this process
        try:
            further()
            write_text(path, text if isinstance(text, str) else text())
            previous_path(path).unlink(missing_ok=True)
        except OSError as error:
            log(f"warning: no record of what this was made from ({error})")

    def give_up(kind, error, trace) -> None:
        atexit.unregister(write)
        end_with(kind, error, trace)

    # A process that is killed runs neither.
    sys.excepthook = give_up
    atexit.register(write)
