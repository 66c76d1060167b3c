"""Tickets: what stands below an item of the report, so that a reader can make just it again."""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def describe_call(
    repository: Path, directory: Path, configfiles: Sequence[Path], overrides: Sequence[str]
) -> list[str]:
    """Return options for Snakemake in the project's folder that run the same configuration.

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
    """Return options, as `describe_call` gives them, with one more setting of the configuration.

    It comes last: Snakemake merges what stands behind ``--config`` key by key, in order.
    """
    return [*options, *([] if "--config" in options else ["--config"]), setting]


def _short(path: Path, repository: Path) -> str:
    return str(path.relative_to(repository) if path.is_relative_to(repository) else path)


class Ticket(dict):
    """What the tickets of a report share; called in a caption, it writes that item's own.

    A dictionary, because it travels in Snakemake's ``config``, which has to be plain JSON. Jobs,
    which write no captions, get a plain one.

    Parameters
    ----------
    digest : str
        sha256 of the configuration that the report is made with.
    options : list of str
        As `describe_call` gives them.
    find_item : callable
        Takes the variable ``categories`` of captions; returns the path of the item whose caption is
        being written, and whether it is out of date.
    style : str
        CSS that goes with every ticket.
    """

    def __init__(
        self,
        digest: str,
        options: list[str],
        find_item: Callable[[Mapping], tuple[str, bool]],
        style: str = "",
    ):
        super().__init__(digest=digest, options=options)
        self.find_item, self.style = find_item, style

    def __reduce__(self) -> tuple:
        return dict, (dict(self),)

    def __call__(self, categories: Mapping) -> str:
        """Return the ticket of the item whose caption is being written, in reStructuredText."""
        target, is_outdated = self.find_item(categories)
        ticket = write_ticket(target, is_outdated, self["digest"], self["options"])
        return f"{ticket}\n.. raw:: html\n\n   <style>{self.style}</style>\n"


def write_ticket(target: str, is_outdated: bool, digest: str, options: Sequence[str]) -> str:
    """Return the ticket of an item, in reStructuredText.

    Parameters
    ----------
    target : str
        Path of the item.
    is_outdated : bool
        Whether the next run would make it again.
    digest, options
        As `Ticket` takes them.
    """
    call = ["--cores", "1", *options]
    lines = [
        f"**Ticket.** ``{target}``, {_configuration(digest)} To make it again, in the "
        "project's folder::",
        "",
        f"   {shlex.join(['snakemake', *call, '--force', target])}",
    ]
    if is_outdated:
        lines += [
            "",
            "**Out of date.** Something that it is made from has changed since: this command "
            "gives what the next run would. Why, says::",
            "",
            f"   {shlex.join(['python', 'workflow/explain_jobs.py', *call, '--', target])}",
        ]
    return "\n".join([*lines, ""])


def _configuration(digest: str) -> str:
    """Which configuration the item was made with, and which one the report is made with."""
    own, record = f"``{digest[:12]}``", Path("results/provenance.json")
    if not record.exists():
        return (
            f"configuration of this report {own}; with which one it was made is not "
            "recorded, for ``results/provenance.json`` is missing."
        )
    known = json.loads(record.read_text(encoding="utf-8"))["configuration_sha256"]
    recorded = f"``{known[:12]}``"
    if own != recorded:
        return (
            f"made with configuration {recorded}, as ``results/provenance.json`` has it, and "
            f"**not with this report's**, {own}, with which it would be made again."
        )
    return f"configuration {own}, as ``results/provenance.json`` has it."
