"""Tickets: what stands below an item of the report, so that a reader can make just it again."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

# The viewer's column is narrower than most paths.
STYLE = """.. raw:: html

   <style>tt.docutils, pre.literal-block { white-space: pre-wrap; overflow-wrap: anywhere; }</style>
"""


def describe_call(
    repository: Path, directory: Path, configfiles: Sequence[Path], overrides: Sequence[str]
) -> list[str]:
    """Options of a call of Snakemake in the project's folder that runs the same configuration.

    Parameters
    ----------
    repository : Path
        Folder of the project.
    directory : Path
        Working directory of the run.
    configfiles : sequence of Path
        Configurations that take the place of the default one.
    overrides : sequence of str
        What stood behind ``--config``.

    Returns
    -------
    list of str
        Paths below the project are relative to it, all others absolute. An option that takes any
        number of values comes last, so that another option has to follow.
    """
    words = []
    if directory != repository:
        words += ["--directory", _short(directory, repository)]
    if configfiles:
        words += ["--configfile", *(_short(path, repository) for path in configfiles)]
    if overrides:
        words += ["--config", *overrides]
    return words


def further_options(options: Sequence[str], setting: str) -> list[str]:
    """Options of a call, as `describe_call` gives them, with one more setting of the configuration.

    It comes last: Snakemake merges what stands behind ``--config`` key by key, in order.
    """
    return [*options, *([] if "--config" in options else ["--config"]), setting]


def _short(path: Path, repository: Path) -> str:
    return str(path.relative_to(repository) if path.is_relative_to(repository) else path)


class Ticket(dict):
    """What the tickets of a report share; called in a caption, it writes that item's own.

    A dictionary, because it travels in Snakemake's ``config``, which has to be plain JSON.

    Parameters
    ----------
    digest : str
        sha256 of the configuration that the report is made with.
    options : list of str
        As `describe_call` gives them.
    """

    def __init__(self, digest: str, options: list[str]):
        super().__init__(digest=digest, options=options)

    def __call__(self, categories: Mapping) -> str:
        """Ticket of the item whose caption is being written, in reStructuredText.

        Parameters
        ----------
        categories : mapping
            The variable of that name in captions: category -> subcategory -> records.
        """
        record = _current(each for part in categories.values() for each in part.values())
        target, job = str(record.path), record.job
        call = ["--cores", "1", *self["options"]]
        lines = [
            f"**Ticket.** ``{target}``, {self._configuration()} To make it again, in the "
            "project's folder::",
            "",
            f"   {shlex.join(['snakemake', *call, '--force', target])}",
        ]
        if job.dag.needrun(job):
            lines += [
                "",
                "**Out of date.** Something that it is made from has changed since: this command "
                "gives what the next run would. Why, says::",
                "",
                f"   {shlex.join(['python', 'workflow/explain_jobs.py', *call, '--', target])}",
            ]
        return "\n".join([*lines, "", STYLE])

    def _configuration(self) -> str:
        digest, record = f"``{self['digest'][:12]}``", Path("results/provenance.json")
        if not record.exists():
            return (
                f"configuration of this report {digest}; with which one it was made is not "
                "recorded, for ``results/provenance.json`` is missing."
            )
        known = json.loads(record.read_text(encoding="utf-8"))["configuration_sha256"]
        recorded = f"``{known[:12]}``"
        if digest != recorded:
            return (
                f"made with configuration {recorded}, as ``results/provenance.json`` has it, and "
                f"**not with this report's**, {digest}, with which it would be made again."
            )
        return f"configuration {digest}, as ``results/provenance.json`` has it."


def _current(groups: Iterable) -> object:
    """The record whose turn it is: Snakemake writes the captions in order."""
    return next(
        record for records in groups for record in records if not hasattr(record, "caption")
    )
