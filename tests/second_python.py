"""A second virtual environment, which has NumPy and none of the project's other libraries."""

import sys
import venv
from pathlib import Path

import numpy as np


def make_environment(folder: Path, with_numpy: bool = True) -> Path:
    """Make it, without a package index: NumPy is this environment's own. Return its Python."""
    venv.create(folder, symlinks=True, with_pip=False)
    if with_numpy:
        here = Path(np.__file__).parents[1]
        (there,) = folder.glob("lib/python*/site-packages")
        for name in ("numpy", "numpy.libs", f"numpy-{np.__version__}.dist-info"):
            if (here / name).exists():
                (there / name).symlink_to(here / name)
    return folder / "bin" / Path(sys.executable).name


def install(folder: Path, name: str, version: str) -> None:
    """Let a package seem to be installed in it."""
    (there,) = folder.glob("lib/python*/site-packages")
    for old in there.glob(f"{name}-*.dist-info"):
        (old / "METADATA").unlink()
        old.rmdir()
    (there / f"{name}-{version}.dist-info").mkdir()
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (there / f"{name}-{version}.dist-info/METADATA").write_text(text)
