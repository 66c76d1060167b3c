"""Whether a claim was stated before there were results to state it from.

A claim's ``registered`` names the day and the commit of the repository that has the file of claims.
What it had then is compared with the claim as it is now, and the time of the commit with that of
the first results of the claim's cells.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from restudy.errors import UserError
from restudy.provenance.environment import digest, git
from restudy.study.yaml_files import parse_yaml

# What says nothing of what is claimed.
BESIDE = ("registered", "expect", "figure")


def content_digest(claim: Mapping[str, Any], judged_by: str | None) -> str:
    """Return a digest of what is claimed, and by which tests.

    Parameters
    ----------
    claim : mapping
        As the file has it.
    judged_by : str or None
        How the file says that its tests are judged.
    """
    kept = {key: value for key, value in claim.items() if key not in BESIDE}
    return digest(json.loads(json.dumps([kept, judged_by], default=str)))


def describe_registration(claim: Mapping, file: str | Path, results: Iterable[Path]) -> str:
    """Return in a sentence what is known of a claim's registration; empty if it states none.

    Parameters
    ----------
    claim : mapping
        With ``id``, ``content``, its digest, and ``registered``: None, or ``date`` and ``commit``.
    file : path
        The file of claims.
    results : iterable of Path
        Files of results of its cells, as far as they are at hand.
    """
    registered = claim["registered"]
    if not registered:
        return ""
    commit, file = registered["commit"], Path(file)
    text = f"Registered on {registered['date']} in commit {commit}"
    then, reason = git(file.parent, "show", "--no-patch", "--format=%cI", f"{commit}^{{commit}}")
    if not then:
        return f"{text}, which can't be looked up here ({reason or 'no such commit'})."
    committed = datetime.fromisoformat(then.splitlines()[-1])
    if (found := _content_then(claim["id"], file, commit)) != claim["content"]:
        which = "has no such claim" if found is None else "has it with other tests or other words"
        return f"{text}, which {which}."
    text += ", which has it as it is"
    if f"{committed:%Y-%m-%d}" != registered["date"]:
        text += f", and is of {committed:%Y-%m-%d}"
    times = [path.stat().st_mtime for path in results if path.exists()]
    if not times:
        return f"{text}; when its first results were written is not known here."
    first = datetime.fromtimestamp(min(times), UTC)
    when = "before" if committed < first else "after"
    return f"{text}, {when} its first results were written."


def _content_then(name: str, file: Path, commit: str) -> str | None:
    """Return the digest of a claim as a commit has it; None if it has none."""
    text, _ = git(file.parent, "show", f"{commit}:./{file.name}")
    try:
        document = parse_yaml(text, file)
        (claim,) = [each for each in document["claims"] if each.get("id") == name]
    except (UserError, TypeError, KeyError, ValueError, AttributeError):
        return None
    return content_digest(claim, document.get("judged_by"))
