"""What numbers depend on besides code, data and settings: pinned where it can be, else recorded.

The same code gives other last bits with other kernels for matrix products, other instructions and
other versions of libraries. Variables of the environment that choose between these are taken out
of jobs; what the machine and the installation choose is told by `describe_arithmetic` and
`unlocked_packages`.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path

# Each chooses other kernels, instructions, precisions or styles than a run without it.
CHANGES_RESULTS = (
    "BLIS_ARCH_TYPE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "GLIBC_TUNABLES",
    "KERAS_BACKEND",
    "KERAS_HOME",
    "MATPLOTLIBRC",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_CPU_ISA_HINTS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_SET_ONEDNN_FPMATH_MODE",
    "TF_USE_LEGACY_KERAS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
)
# A folder of an installed package's metadata: normalised name and version.
INSTALLED = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)\.dist-info")


def pin_variables(variables: MutableMapping[str, str]) -> list[str]:
    """Take out the variables that change results; return those that were there, with values."""
    found = [name for name in CHANGES_RESULTS if name in variables]
    return [f"{name}={variables.pop(name)}" for name in found]


def unlocked_packages(locked: Mapping[str, str], path: Iterable[str]) -> dict[str, str]:
    """Return the packages that would be imported in another version than the lock's.

    Parameters
    ----------
    locked : mapping of str to str
        See `restudy.provenance.environment.read_packages`.
    path : iterable of str
        Python's search path. Only names of folders are read: it takes milliseconds.

    Returns
    -------
    dict
        Name -> "1.9.0, not 1.17.1".
    """
    found: dict[str, str] = {}
    for folder in filter(None, dict.fromkeys(path)):
        for each in Path(folder).glob("*.dist-info"):
            if match := INSTALLED.fullmatch(each.name):
                found.setdefault(_normalized(match["name"]), match["version"])
    return {
        name: f"{found[own]}, not {wanted}"
        for name, wanted in locked.items()
        if (own := _normalized(name)) in found and found[own] not in wanted.split(" or ")
    }


def describe_arithmetic() -> dict[str, str]:
    """Return the library and kernel of NumPy's matrix products, and the instructions it uses.

    Whatever else has been loaded: SciPy's wheel brings a library of its own.
    """
    import numpy as np
    from threadpoolctl import threadpool_info

    pools = [each for each in threadpool_info() if each["user_api"] == "blas"]
    bundled = Path(np.__file__).parents[1] / "numpy.libs"
    pools = [each for each in pools if Path(each["filepath"]).parent == bundled] or pools
    kernels = {
        f"{each['internal_api']} {each['version']} {each.get('architecture', '')}".strip()
        for each in pools
    }
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    return {
        "BLAS": ", ".join(sorted(kernels)) or "none",
        "instructions": ", ".join([*extensions["baseline"], *extensions.get("found", [])]),
    }


def _normalized(name: str) -> str:
    """Return a package's name as all its spellings have it in common (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
