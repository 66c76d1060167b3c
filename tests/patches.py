"""Edits that documents show, applied to a copy of the project.

A block of ``diff`` begins with ``--- `` and a file; of the lines that follow, those with ``+`` are
to add, those with ``-`` to take out, and the others, which begin with a space, are there already
and say where. A new file has added lines alone.
"""

import re
from pathlib import Path
from typing import NamedTuple


class Patch(NamedTuple):
    """One edit: the file, the lines that are there, and the lines that replace them."""

    file: str
    there: str
    then: str

    def apply(self, folder: Path) -> None:
        """Edit the file below a folder; what is there has to be there once."""
        path = folder / self.file
        if not self.there:
            assert not path.exists(), f"{self.file} exists already"
            path.write_text(self.then)
            return
        text = path.read_text()
        found = text.count(self.there)
        assert found == 1, f"{self.file} has {found} times:\n{self.there}"
        path.write_text(text.replace(self.there, self.then))


def patches_in(text: str) -> list[Patch]:
    """The edits that a text in Markdown shows, in order."""
    found = []
    for block in re.findall(r"^```diff\n--- (.*?)^```", text, re.S | re.M):
        file, *lines = block.splitlines()
        assert all(line[:1] in ("", " ", "+", "-") for line in lines), file
        there = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
        then = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
        found.append(Patch(file, there, then))
    return found
