"""Which of the project's own files a script or notebook runs: its imports, followed on and on.

Snakemake sees a script but not the modules that it imports. Declared as inputs of the rule, they
make an edited module re-run what it computes, and nothing else.
"""

import json
import re
from functools import cache
from pathlib import Path

from restudy.families.contract import LOADERS, Family
from restudy.provenance.environment import digest_once, file_digest, file_digests

PACKAGE = "restudy"
# `import a.b, c`, or `from a.b import c, d`, whose names may be in brackets.
IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:import[ \t]+([\w., \t]+)"
    rf"|from[ \t]+({PACKAGE}[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^(\n;]*))",
    re.MULTILINE,
)


@cache
def imported_files(
    script: Path, source: Path, without: frozenset[Path] = frozenset()
) -> tuple[Path, ...]:
    """Return the files of the package that a script imports, directly or through one another.

    Parameters
    ----------
    script : Path
        The Python file or notebook to start from.
    source : Path
        Folder that holds the package.
    without : frozenset of Path
        Files that are passed over, with what they import.

    Returns
    -------
    tuple of Path
        Sorted; includes the ``__init__.py`` of every package on the way.
    """
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        for module in _imports(waiting.pop()):
            for path in _files(module, source):
                if path not in found and path not in without:
                    found.add(path)
                    waiting.append(path)
    return tuple(sorted(found))


def _facts(source: Path) -> frozenset[Path]:
    """Files that state facts of the families.

    What of these decides on results reaches a job as its settings: words may change without another
    training. (The ranges in them only refuse.) With them goes what notes what a job was made from.
    """
    package = source / PACKAGE
    named = ("families/registry.py", "families/components.py", "job.py")
    return frozenset([*map(package.joinpath, named), *package.glob("families/*/family.py")])


def _elsewhere(source: Path) -> frozenset[Path]:
    """Files that only families run which train in a Python of their own."""
    families = source / PACKAGE / "families"
    return frozenset((families / "own_python.py", families / "worker.py"))


def module_files(
    path: str, source: Path, without: frozenset[Path] = frozenset()
) -> tuple[Path, ...]:
    """Return the files of the package that importing a module runs, itself among them.

    Parameters
    ----------
    path : str
        ``package.module``, or ``package.module:name``.
    source : Path
        Folder that holds the package.
    without : frozenset of Path
        As in `imported_files`.
    """
    own = _files(path.partition(":")[0], source)
    further = (each for file in own for each in imported_files(file, source, without))
    return tuple(sorted({*own, *further}))


def training_parts(script: Path, family: Family, source: Path) -> dict[str, str]:
    """Return the digest of every file whose code decides on what a training job computes.

    Parameters
    ----------
    script : Path
        Trains any family.
    family : Family
        Which it trains.
    source : Path
        Folder that holds the package.

    Returns
    -------
    dict of str to str
        Files of the project by their place in it; a file of the user's, wherever it lies, by its
        name. The families' facts are not among them.
    """
    without = _facts(source) | (frozenset() if family.has_own_python else _elsewhere(source))
    found = {
        script,
        *imported_files(script, source, without),
        *module_files(LOADERS[family.takes], source, without),
    }
    if family.file:
        found |= set(imported_files(Path(family.file), source, without))
        user = {Path(family.file).name: file_digest(family.file)}
    else:
        found |= set(module_files(family.train, source, without))
        user = {}
    return {**file_digests(sorted(found), source.parent), **user}


class Sources:
    """The project's own files behind what its jobs do, as they are when first asked for.

    Parameters
    ----------
    root : Path
        Folder of the project.
    """

    def __init__(self, root: Path):
        self.root, self.source = root, root / "src"

    def job(self, script: str, *further: str | Path) -> dict[str, str]:
        """Return the digest of every file that decides on what a script does.

        Parameters
        ----------
        script : str
            Its name below ``scripts/``.
        *further : str or Path
            Other files, below the project's folder: by their place in it. A file of the user's,
            by an absolute path: by its name alone, since where it lies changes nothing.
        """
        path = self.root / "scripts" / script
        found = [path, *imported_files(path, self.source), *(self.root / each for each in further)]
        return {_place(path, self.root): digest_once(path) for path in sorted(set(found))}

    def notebook(self, name: str) -> tuple[Path, ...]:
        """Return a notebook, and the modules that its cells import."""
        path = self.root / f"workflow/notebooks/{name}.ipynb"
        return (path, *imported_files(path, self.source))

    def module(self, path: str) -> tuple[Path, ...]:
        """Return the modules that a function, given by its dotted path, is made of."""
        return module_files(path, self.source)

    def function(self, family: Family, path: str) -> tuple[Path, ...]:
        """Return what a function is made of that a family's facts name; nothing without a name."""
        if not path:
            return ()
        if family.file:
            return (Path(family.file).resolve(),)
        return module_files(path, self.source, _facts(self.source))

    def training(self, family: Family) -> dict[str, str]:
        """Return the digest of every file that decides on what training a family computes."""
        return training_parts(self.root / "scripts/train.py", family, self.source)

    def everything(self) -> dict[str, str]:
        """Return the digest of every file of the library, and of every script."""
        found = [*self.source.glob(f"{PACKAGE}/**/*.py"), *self.root.glob("scripts/*.py")]
        return file_digests(sorted(found), self.root)


@cache
def _place(path: Path, root: Path) -> str:
    inside = path.is_relative_to(root)
    return path.relative_to(root).as_posix() if inside else path.name


def imported_names(text: str) -> set[str]:
    """Return the dotted names of the package that Python imports anywhere, inside functions too.

    They are looked for in the text, since parsing it takes twenty times as long, on every call of
    Snakemake. What looks like an import in a string counts too: that only costs another job.
    """
    found = []
    for plain, source, names in IMPORT.findall(re.sub("#.*", "", text).replace("\\\n", " ")):
        if plain:
            found += [name for each in plain.split(",") for name in each.split()[:1]]
        else:
            words = re.findall(r"(\w+)(?:\s+as\s+\w+)?", names)
            found += [source, *(f"{source}.{word}" for word in words)]
    return {name for name in found if name.split(".")[0] == PACKAGE}


@cache
def _imports(path: Path) -> tuple[str, ...]:
    return tuple(sorted(imported_names(_source(path))))


def _source(path: Path) -> str:
    """Python of a file; of a notebook, that of its code cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@cache
def _files(module: str, source: Path) -> tuple[Path, ...]:
    """Files that importing a dotted name runs; none for a name that is not a module."""
    parts = module.split(".")
    places = [source.joinpath(*parts[:length]) for length in range(1, len(parts) + 1)]
    candidates = [p for each in places for p in (each / "__init__.py", each.with_suffix(".py"))]
    return tuple(candidate for candidate in candidates if candidate.is_file())
