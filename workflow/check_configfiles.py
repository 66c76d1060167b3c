"""Look at a configuration before Snakemake reads it; every profile calls this.

Snakemake runs the Python in a file that calls itself a template, and shows a traceback for one
that it can't read, or for words behind --config that it doesn't understand. This ends the call
before, in one line.
"""

import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from restudy.errors import UserError
from restudy.study.yaml_files import check_configfile

SETTING = re.compile(r"[A-Za-z_][\w-]*\w=.*", re.DOTALL)


def check_call(arguments: Sequence[str]) -> None:
    """Check what a command line of snakemake says of the configuration.

    Raises
    ------
    UserError
        If Snakemake would show a traceback, or run a file as Python.
    """
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", default=[])
    parser.add_argument("--config", "-C", nargs="*", default=[])
    parser.add_argument("--directory", "-d", default=".")
    given, _ = parser.parse_known_args(list(arguments))
    # Snakemake makes the working directory, if it isn't there, with all that leads to it.
    wanted = Path(given.directory).absolute()
    there = next(path for path in (wanted, *wanted.parents) if path.exists())
    if there != wanted and not os.access(there, os.W_OK):
        raise UserError(f"--directory {wanted}: can't be made, since {there} can't be written to")
    if not there.is_dir():
        raise UserError(f"--directory {wanted}: {there} is no folder")
    for word in given.config:
        if not SETTING.fullmatch(word):
            raise UserError(f"--config: got {word!r}; allowed: KEY=VALUE, such as claims=my.yaml")
    for path in given.configfile:
        check_configfile(path)


try:
    check_call(sys.argv[1:])
except UserError as fault:
    sys.exit(f"This call can't be run:\n{fault}")
