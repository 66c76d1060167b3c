"""From what a user wrote to the plan: configuration, families, data and claims, all checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from restudy.claims.document import needed_tables, read_claims
from restudy.data.inspection import PointFacts, inspect_datasets
from restudy.errors import UserError
from restudy.families.own_python import find_interpreter
from restudy.families.plugins import FILE_KEYS
from restudy.families.registry import load_plugins
from restudy.plan.figures import check_figure
from restudy.plan.studies import Plan
from restudy.study.config import (
    check_data,
    check_target,
    complete_config,
    with_typed_values,
    without_files,
)
from restudy.study.schema import CHECKS
from restudy.study.validation import key_path
from restudy.study.yaml_files import check_configfile
from restudy.user_files import is_there

LONGEST_NUMBER = 400  # digits: more than a float has


class Study(NamedTuple):
    """What is to be run.

    Attributes
    ----------
    plan : Plan
        Of the configuration.
    claims : list of dict
        As `complete_claims` gives them.
    checks : dict
        Settings of checks, which never affect results.
    files : dict of str to list of str
        The user's files of code, by the key of the configuration that names them.
    python : dict of str to str
        Name of a family in one of them -> path of the Python that it trains in, if that is its own.
    """

    plan: Plan
    claims: list[dict]
    checks: dict[str, Any]
    files: dict[str, list[str]]
    python: dict[str, str]


class StudyError(UserError):
    """What a user wrote can't be run; the message has a heading and a line for each fault."""


def load_study(
    config: Mapping[str, Any],
    overrides: Mapping[str, Any],
    configfiles: Iterable[Path],
    targets: Iterable[str],
    root: Path,
    tell: Callable[[str], None] = lambda line: None,
    of_job: bool = False,
) -> Study:
    """Return the plan of a configuration, with the claims that it names.

    Parameters
    ----------
    config, overrides : mapping
        The whole configuration, and the part of it that stands on the command line.
    configfiles : iterable of Path
        Where it was read from: read again, since a duplicate key shows in the files alone.
    targets : iterable of str
        What was asked for: a cell that is not allowed is refused, and so is a figure's format.
    root : Path
        Folder of the project, where files are looked for that the working directory lacks.
    tell : callable
        Takes a line for each thing that is allowed, and perhaps not meant.
    of_job : bool
        Whether a single job asks: then the main process has checked the cells of all studies.

    Raises
    ------
    StudyError
        Before anything runs.
    """

    def find(path: str) -> str:
        elsewhere = not is_there(path) and is_there(root / path)
        return os.path.relpath(root / path) if elsewhere else str(path)

    configfiles = [os.path.relpath(path) for path in configfiles]
    try:
        for path in configfiles:
            check_configfile(path)
        refuse_unusable(config)
        typed = with_typed_values(config, overrides)
        complete, files, python = _complete(typed, find, not of_job, tell)
        for target in targets:
            check_target(complete, target)
            check_figure(target)
        checks = {key: complete.pop(key, None) for key in CHECKS}
        known = inspect_datasets(complete["datasets"], tell)
        if not of_job:
            check_data(complete, known)
            for target in targets:
                check_target(complete, target, known=known)
    except (UserError, OSError) as fault:
        # A path that no system takes, for its length for example, is none that could be looked for.
        where = ", ".join(configfiles) or "--config"
        raise StudyError(f"The configuration ({where}) can't be run:\n{fault}") from None
    features = {
        name: facts.features for name, facts in known.items() if isinstance(facts, PointFacts)
    }
    images = {name: facts for name, facts in known.items() if name not in features}
    claims = []
    if complete["claims"]:
        path = complete["claims"]
        planar = [name for name, count in features.items() if count == 2]
        try:
            path = find(path)
            claims = read_claims(path, complete, planar)
        except (UserError, OSError) as fault:
            raise StudyError(f"The claims ({path}) can't be judged:\n{fault}") from None
    tables = tuple(needed_tables(claims))
    plan = Plan(complete, features, images, tables, of_job=of_job)
    for line in plan.remarks() if not of_job else ():
        tell(line)
    return Study(plan, claims, checks, files, python)


def refuse_unusable(value: Any, place: tuple = ()) -> None:
    """Refuse texts that no file, path or page can have, and numbers that can't be written.

    Raises
    ------
    StudyError
        It names the key.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            refuse_unusable(str(key), place)
            refuse_unusable(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            refuse_unusable(inner, (*place, index))
    elif isinstance(value, str) and not is_writable(value):
        raise StudyError(
            f"{key_path(place)}: got {ascii(value)[:60]}, which has a NUL or half a character; "
            "allowed: text"
        )
    elif isinstance(value, int) and abs(value) >= 10**LONGEST_NUMBER:
        raise StudyError(
            f"{key_path(place)}: got a whole number of more than {LONGEST_NUMBER} digits; "
            "allowed: a shorter one"
        )


def is_writable(text: str) -> bool:
    """Return whether a text can be stored as UTF-8, and stand in a path."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _complete(
    given: Mapping[str, Any],
    find: Callable[[str], str],
    check_cells: bool,
    tell: Callable[[str], None],
) -> tuple[dict, dict[str, list[str]], dict[str, str]]:
    """The completed configuration, and the user's files of code and Pythons, which it names."""
    own = {}
    for key in FILE_KEYS:
        paths = given.get(key)
        if isinstance(paths, list) and all(isinstance(path, str) for path in paths):
            own[key] = list(map(find, paths))
    python = given.get("python", {})
    if not (isinstance(python, Mapping) and all(isinstance(p, str) for p in python.values())):
        python = {}  # the schema says what is wrong
    # The program of a virtual environment is a link, and knows by its own path where it belongs.
    python = {
        str(name): str(Path(find(str(Path(path).expanduser()))).absolute())
        for name, path in python.items()
    }
    load_plugins(own, python, check_cells, tell)
    complete = complete_config({**given, **own}, check_cells=check_cells)
    for name, path in python.items():
        find_interpreter(path, f"python.{name}")
    return without_files(complete), own, python
