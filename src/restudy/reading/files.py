"""The files of results, wherever they lie: read whole, or refused with their name and a reason.

Names are paths below the folder of the results.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

import numpy as np
import pandas as pd

from restudy.data.tables import read_table
from restudy.errors import UserError
from restudy.families.contract import Family
from restudy.plan import paths
from restudy.provenance.sums import FILES, RECORD, RESULTS, sum_path
from restudy.reading.storage import LocalFolder, RemoteFolder

RUNS, SUMMARY = "runs.csv", "summary.csv"
# What readers raise of a file that is cut or something else.
FAULTS = (ValueError, OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
T = TypeVar("T")


class ResultsError(UserError):
    """Results that are missing or damaged, or do not have what was asked for."""


class ResultFiles:
    """The files of results.

    Parameters
    ----------
    folder : LocalFolder or RemoteFolder
        Which has them.
    """

    def __init__(self, folder: LocalFolder | RemoteFolder):
        self.at, self.names, self.below = folder.at, folder.names, folder.files
        self._open = folder.open

    def table(self, name: str, family: Family | None = None) -> pd.DataFrame:
        """Return a table.

        Parameters
        ----------
        name : str
            Of its file.
        family : Family, optional
            Whose names are text, whatever they look like.

        Raises
        ------
        FileNotFoundError, ResultsError
            If there is no such file; if it is damaged.
        """
        texts = [axis.name for axis in family.all_axes if not axis.is_number] if family else ()
        return self.load(name, lambda file: read_table(name, file, texts))

    def rows_of_all(self, family: Family, table: str) -> pd.DataFrame:
        """Return the run's table over all cells of a family; it fails as `table` does."""
        return self._rows(family, below_results(paths.table(family, table)), table)

    def rows_of_job(self, family: Family, folder: str, table: str) -> pd.DataFrame:
        """Return a table that a training job left in its folder; it fails as `table` does."""
        return self._rows(family, f"{folder}/{table}", table)

    def _rows(self, family: Family, name: str, table: str) -> pd.DataFrame:
        needed = [*(family.axis_names if table == SUMMARY else family.keys)]
        needed += ["diverged_at"] if table == RUNS else []
        rows = self.table(name, family)
        if missing := [column for column in needed if column not in rows]:
            raise ResultsError(f"{self.at(name)}: lacks the columns {', '.join(missing)}")
        return rows

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays of a file by name; it fails as `table` does."""

        def read(file: BinaryIO) -> dict[str, np.ndarray]:
            with np.load(file) as arrays:
                return dict(arrays)

        return self.load(name, read)

    def object(self, name: str) -> dict[str, Any]:
        """Return the object in a JSON file; it fails as `table` does."""
        found = self.load(name, json.load)
        if not isinstance(found, dict):
            raise ResultsError(f"{self.at(name)}: can't be read: has no object")
        return found

    def part_of(self, name: str, *keys: str) -> dict[str, Any]:
        """Return an object within the one of a JSON file, for what makes things easier.

        It is empty if the file is missing or damaged, or has something else there.
        """
        try:
            found: Any = self.object(name)
        except (UserError, FileNotFoundError):
            return {}
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def load(self, name: str, read: Callable[[BinaryIO], T]) -> T:
        """Return what a function reads in a file; it fails as `table` does."""
        try:
            with self._open(name) as file:
                known = self._noted(name)
                if known and hashlib.file_digest(file, "sha256").hexdigest() != known:
                    raise ResultsError(
                        f"{self.at(name)}: is not what its job wrote there, but cut, altered or "
                        "copied in part; copy it again, or delete it and run snakemake again"
                    )
                file.seek(0)
                return read(file)
        except (UserError, FileNotFoundError):
            raise
        except FAULTS as fault:
            reason = (str(fault).splitlines() or [type(fault).__name__])[0]
            raise ResultsError(f"{self.at(name)}: can't be read: {reason}") from None

    def _noted(self, name: str) -> str:
        """The digest of a file that its job noted, if it did; see `restudy.provenance.sums`."""
        folder, _, file = name.rpartition("/")
        note = sum_path(f"{RESULTS}{name}")
        try:
            if note is not None:
                with self._open(below_results(note.as_posix())) as noted:
                    return noted.read().decode().strip()
            if not folder or file == RECORD:
                return ""
            with self._open(f"{folder}/{RECORD}") as noted:
                return json.load(noted)[FILES][file]
        except (OSError, ValueError, LookupError, TypeError):
            return ""


def below_results(path: str) -> str:
    """Return a path of results, such as those of `restudy.plan.paths`, below their folder."""
    return path.removeprefix(RESULTS)
