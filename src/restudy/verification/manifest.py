"""The manifest of a run's results: what there is, by digest, and how two runs differ by theirs.

A manifest is small and can be published; with it somebody else's run of the same configuration is
compared without the results themselves. See `restudy.verification.fingerprints` on how close is
told from different. All files are read one by one, and all is linear in their number.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from restudy.disk import whole_file
from restudy.errors import UserError, cut
from restudy.provenance.sums import check_sums
from restudy.user_files import UserFileError, is_there, read_user_file
from restudy.verification.fingerprints import SUMS, UNREADABLE, describe_file, digest_of, distance

FORMAT = 1
LARGEST_FILE = 500_000_000  # bytes: the manifest of a million artefacts
MAX_LINES, LONGEST_LINE = 1000, 500  # of a comparison in words
LARGEST_SUM = 1e150  # of a fingerprint: the square of a difference of two is a number
DIGESTS = ("settings", "data", "code", "lock")
OUTCOMES = ("identical", "within tolerance", "different", "missing", "additional")
FAILURES = ("different", "missing")


class ManifestError(UserError):
    """A file that can't be used as a manifest; the message names it and says why."""


def describe_cells(
    root: Path, folders: Mapping[str, Iterable[str]], files: Mapping[str, Iterable[str]]
) -> dict:
    """Describe the artefacts of every training job.

    Parameters
    ----------
    root
        Where ``results/`` lies: the working directory or, of a run that keeps its results in a
        bucket, the copy of it here.
    folders
        Folders of the jobs, as ``results/…``, by the family's name; each has the job's
        ``provenance.json``.
    files
        Names of the artefacts of a job, by the family's name.

    Returns
    -------
    dict
        By the job's folder: settings, data, code and lock (sha256 of what it was computed from),
        environment, and files: by name, see `describe_file`.
    """
    return {
        folder: _describe_job(root / folder, files[family])
        for family, jobs in folders.items()
        for folder in jobs
    }


def _describe_job(folder: Path, names: Iterable[str]) -> dict:
    record = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    check_sums(str(folder / name) for name in names)
    return {
        **{name: record[f"{name}_sha256"] for name in DIGESTS},
        "environment": record["environment"],
        "files": {name: describe_file(folder / name) for name in sorted(names)},
    }


def describe_aggregates(
    root: Path, paths: Iterable[str], provenance: Mapping, code: str, lock: str
) -> dict:
    """Describe what is made of all cells together, and the data.

    Parameters
    ----------
    root
        As for `describe_cells`.
    paths
        Files below it.
    provenance
        The run's record: its configuration and environment.
    code, lock
        Digests of all of the project's code, and of the file with the locked environment.

    Returns
    -------
    dict
        As a cell of `describe_cells`, but with the configuration's digest for settings, and without
        that of data, which are among the files.
    """
    return {
        "settings": provenance["configuration_sha256"],
        "code": code,
        "lock": lock,
        "environment": provenance["environment"],
        "files": {
            Path(path).relative_to(root).as_posix(): describe_file(path)
            for path in sorted(set(paths))
        },
    }


def make_manifest(
    cells: Mapping, aggregates: Mapping, computed: str, left_out: Mapping[str, str]
) -> dict:
    """Return the whole manifest.

    Parameters
    ----------
    cells, aggregates
        From `describe_cells` and `describe_aggregates`.
    computed
        Digest of all in the configuration that results depend on.
    left_out
        Paths of results that the manifest lacks, each with the reason.

    Returns
    -------
    dict
        format, configuration, environments (all that differ, once), cells and aggregates (each
        with the number of its environment in that list), and left_out.
    """
    environments: dict[str, int] = {}

    def with_number(group: Mapping) -> dict:
        text = json.dumps(group["environment"], sort_keys=True)
        return {**group, "environment": environments.setdefault(text, len(environments))}

    groups = {
        "cells": {folder: with_number(cell) for folder, cell in cells.items()},
        "aggregates": with_number(aggregates),
    }
    return {
        "format": FORMAT,
        "configuration": computed,
        "environments": [json.loads(text) for text in environments],
        **groups,
        "left_out": [{"artefacts": path, "reason": why} for path, why in left_out.items()],
    }


def write_manifest(path: str | Path, manifest: Mapping) -> None:
    """Write a manifest with a line for each artefact, so that tools for text can compare two."""

    def lines(group: Mapping, margin: str) -> Iterator[str]:
        short = {key: value for key, value in group.items() if key != "files"}
        yield margin + _compact(short)[:-1] + ', "files": {'
        entries = [f"{_compact(name)}: {_compact(file)}" for name, file in group["files"].items()]
        yield ",\n".join(margin + " " + entry for entry in entries)
        yield margin + "}}"

    def text() -> Iterator[str]:
        head = {key: manifest[key] for key in ("format", "configuration")}
        yield _compact(head)[:-1] + ',\n"environments": [\n'
        yield ",\n".join(map(_compact, manifest["environments"])) + '\n],\n"cells": {\n'
        for number, (folder, cell) in enumerate(manifest["cells"].items()):
            yield (",\n" if number else "") + _compact(folder) + ":\n"
            yield "\n".join(lines(cell, " "))
        yield '\n},\n"aggregates":\n' + "\n".join(lines(manifest["aggregates"], ""))
        yield ',\n"left_out": [\n' + ",\n".join(map(_compact, manifest["left_out"])) + "\n]}\n"

    with whole_file(path) as file:
        for part in text():
            file.write(part.encode())


def read_manifest(path: str | Path, computed: str | None = None) -> dict:
    """Read a manifest.

    Parameters
    ----------
    path
        The file.
    computed
        If given, the digest of the configuration that it must be of.

    Raises
    ------
    ManifestError
        If there is no such file, it is no manifest, or of another configuration.
    """
    path = Path(path)
    try:
        manifest = json.loads(read_user_file(path, LARGEST_FILE).decode())
    except (UserFileError, ValueError, RecursionError) as fault:
        if not is_there(path):
            raise ManifestError(f"{path}: no such file; expected a manifest.json") from None
        reason = str(fault) if isinstance(fault, UserFileError) else "not JSON"
        raise ManifestError(f"{path}: can't be read as a manifest ({reason})") from None
    keys = {"format", "configuration", "environments", "cells", "aggregates", "left_out"}
    if not isinstance(manifest, dict) or not keys <= manifest.keys():
        raise ManifestError(f"{path}: no manifest; it lacks some of: {', '.join(sorted(keys))}")
    if manifest["format"] != FORMAT:
        raise ManifestError(f"{path}: format {manifest['format']!r}; this code reads {FORMAT}")
    if fault := _damage(manifest):
        raise ManifestError(f"{path}: a damaged manifest: {fault}")
    if computed and manifest["configuration"] != computed:
        raise ManifestError(
            f"{path}: the manifest of another configuration (digest "
            f"{str(manifest['configuration'])[:12]}, this one's is {computed[:12]}); runs can be "
            "compared if their configurations are the same but for where data lie. Give the file "
            "that it was made with as --configfile."
        )
    return manifest


def _damage(manifest: Mapping) -> str:
    """Return what of a manifest is not as `make_manifest` makes it; empty if all is."""
    try:
        json.dumps(manifest, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, UnicodeEncodeError):
        return "it has numbers or characters that are none"
    environments, cells, whole = (manifest[k] for k in ("environments", "cells", "aggregates"))
    if not isinstance(environments, list) or not all(isinstance(e, dict) for e in environments):
        return "environments: expected a list of objects"
    if not isinstance(cells, dict):
        return "cells: expected an object"
    for name, group in {**cells, "aggregates": whole}.items():
        if not isinstance(group, dict) or not isinstance(group.get("files"), dict):
            return f"{name}: expected an object with files"
        number = group.get("environment")
        if type(number) is not int or not 0 <= number < len(environments):
            return f"{name}.environment: expected the number of an environment"
        for file, entry in group["files"].items():
            if not _is_entry(entry):
                return f"{name}.files.{file}: expected digest, bytes and fingerprint"
    return ""


def _is_entry(entry: Any) -> bool:
    """Return whether something can be an artefact's entry, see `describe_file`."""
    if not isinstance(entry, dict) or type(entry.get("bytes")) is not int:
        return False
    if not isinstance(entry.get("sha256", entry.get("content_sha256")), str):
        return False
    match entry.get("fingerprint", ["", 0, *[0.0] * SUMS]):
        case [str(), int(), *sums] if len(sums) == SUMS:
            return all(type(each) in (int, float) and abs(each) < LARGEST_SUM for each in sums)
    return False


def artefacts_of(manifest: Mapping) -> dict[str, tuple[dict, dict]]:
    """Return each artefact's entry, and what it was computed from by digest, by its path."""
    listed = {}
    for folder, cell in manifest["cells"].items():
        for name, entry in cell["files"].items():
            listed[f"{folder}/{name}"] = entry, cell
    for path, entry in manifest["aggregates"]["files"].items():
        listed[path] = entry, manifest["aggregates"]
    return listed


def is_same(entry: Mapping, other: Mapping) -> bool:
    """Return whether two entries have the same digest, of bytes or of content."""
    return all(entry.get(key) == other.get(key) for key in ("sha256", "content_sha256"))


def compare_manifests(own: Mapping, other: Mapping, tolerance: float) -> pd.DataFrame:
    """Compare the artefacts that are here with those of another run.

    Parameters
    ----------
    own
        This run's manifest. Its files are read again: an artefact that has changed since the
        manifest was written is compared as it is now.
    other
        The other run's.
    tolerance
        Largest `distance` at which two artefacts count as equal.

    Returns
    -------
    DataFrame
        A row per artefact of either: path; outcome, one of `OUTCOMES`; distance, where there are
        bytes that differ and numbers in them; why, as far as the manifests tell.
    """
    here, there = artefacts_of(own), artefacts_of(other)
    rows = []
    for path in dict.fromkeys([*there, *here]):
        entry, changed = (None, "")
        if path in here:
            entry, changed = _present(path, here[path][0])
        if path not in there:
            rows.append((path, "additional" if entry else "missing", None, changed))
        elif entry is None:
            rows.append((path, "missing", None, changed or "not part of this run's manifest"))
        elif is_same(entry, there[path][0]):
            rows.append((path, "identical", None, ""))
        else:
            groups = here[path][1], there[path][1]
            why = changed or _causes(*groups, own["environments"], other["environments"])
            rows.append((path, *_closeness(entry, there[path][0], tolerance), why))
    table = pd.DataFrame(rows, columns=["path", "outcome", "distance", "why"])
    return _settle_views(table.astype({"distance": float}), here, there)


def state_comparison(table: pd.DataFrame, tolerance: float) -> list[str]:
    """Return the comparison in words: a line per artefact that is not identical, then a summary."""
    lines = []
    for row in table[table["outcome"] != "identical"].itertuples():
        # Sums are kept to eleven decimals: a last bit may be lost in them.
        size = "under 1e-10" if row.distance < 1e-10 else f"{row.distance:.2g}"
        apart = "" if pd.isna(row.distance) else f" (distance {size})"
        lines.append(f"{row.outcome}{apart}: {row.path}" + (f"; {row.why}" if row.why else ""))
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"and {len(lines) - MAX_LINES:,} artefacts more"]
    # The names are another's.
    lines = [cut("".join(filter(str.isprintable, line)), LONGEST_LINE) for line in lines]
    counts = table["outcome"].value_counts()
    parts = [f"{counts.get(outcome, 0):,} {outcome}" for outcome in OUTCOMES]
    return [*lines, f"{len(table):,} artefacts, tolerance {tolerance:g}: {', '.join(parts)}"]


def _present(path: str, entry: dict) -> tuple[dict | None, str]:
    """Return an artefact as it is now, and a remark if that is not as its manifest says."""
    try:
        digest = digest_of(path)
        if is_same(entry, digest):
            return entry, ""
        return describe_file(path), "changed here since its manifest was written"
    except FileNotFoundError:
        return None, "removed here since its manifest was written"
    except UNREADABLE as fault:
        return {"sha256": "", "bytes": 0}, f"can't be read here: {fault}"


def _closeness(entry: Mapping, other: Mapping, tolerance: float) -> tuple[str, float | None]:
    """Return outcome and distance of two artefacts whose digests differ."""
    if "fingerprint" not in entry or "fingerprint" not in other:
        return "different", None
    apart = distance(entry["fingerprint"], other["fingerprint"])
    return "within tolerance" if apart <= tolerance else "different", apart


def _causes(own: Mapping, other: Mapping, here: list, there: list) -> str:
    """Return what differs in what two artefacts were computed from."""
    causes = [
        f"{name} differ" if name in ("settings", "data") else f"{name} differs"
        for name in DIGESTS
        if own.get(name) != other.get(name)
    ]
    causes += environment_differences(here[own["environment"]], there[other["environment"]])
    return "; ".join(causes) or "same settings, data, code, lock and environment"


def environment_differences(
    own: Mapping, other: Mapping, here: str = "here", there: str = "there"
) -> list[str]:
    """Return a phrase for each entry in which two environments differ, with a word per side."""
    flat = [_flat(environment) for environment in (own, other)]
    return [
        f"{key}: {flat[0].get(key, 'unknown')} {here}, {flat[1].get(key, 'unknown')} {there}"
        for key in dict.fromkeys([*flat[0], *flat[1]])
        if flat[0].get(key) != flat[1].get(key)
    ]


def _flat(environment: Mapping) -> dict:
    entries = {}
    for key, value in environment.items():
        entries |= value if isinstance(value, Mapping) else {key: value}
    return entries


def _settle_views(table: pd.DataFrame, here: Mapping, there: Mapping) -> pd.DataFrame:
    """Count pictures and pages as equal within tolerance where all that they can be made of is.

    They show the digits of results, so their bytes differ with them; there is no distance of two
    pages. It takes the same code and libraries.
    """
    numeric = table["path"].map(lambda path: "fingerprint" in (here.get(path) or there[path])[0])
    results = table.loc[numeric, "outcome"]
    if results.isin(["identical", "within tolerance"]).all() and "within tolerance" in set(results):
        for place in table.index[~numeric & (table["outcome"] == "different")]:
            own, other = (side[table.at[place, "path"]][1] for side in (here, there))
            changed = table.at[place, "why"].startswith(("changed", "can't"))
            if not changed and all(own.get(key) == other.get(key) for key in ("code", "lock")):
                table.at[place, "outcome"] = "within tolerance"
                table.at[place, "why"] = "made of results that are equal within tolerance"
    return table


def _compact(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
