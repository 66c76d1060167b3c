"""What watches a training in a family's own Python, for the trial that started it.

`restudy.families.worker` imports it there, so it imports NumPy and nothing else. What it finds
it hands over as a fact that a run notes.
"""

import contextlib
import faulthandler
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from restudy.families.worker import DistantRun
from restudy.family_check.watching import Own, Watch, Watched, describe_error

FOUND = "found"  # the name of the fact


class WatchedRun(Watched, DistantRun):
    """A run whose job is another process, and that is watched."""


def watch(file: str) -> tuple[Callable[..., WatchedRun], Callable[[WatchedRun], Any]]:
    """Return what makes a run, and the context in which it is to be trained.

    Parameters
    ----------
    file : str
        What the trial asks for, see `restudy.family_check.trials.Trials`.
    """
    request = json.loads(Path(file).read_text(encoding="utf-8"))
    own = Own(request["own"])
    make_run = partial(WatchedRun, own, request["unit"], request["has_several"])
    return make_run, partial(_watched, own, request)


@contextlib.contextmanager
def _watched(own: Own, request: dict[str, Any], run: WatchedRun) -> Iterator[None]:
    """Watch what is loaded and trained within, and hand over what was found."""
    with Path(request["stack_apart"]).open("w") as stack:
        faulthandler.enable(stack)
        faulthandler.dump_traceback_later(request["limits"]["train"], exit=True, file=stack)
        watching, found = Watch(own, request["trace"]), {}
        try:
            with watching.training(run, request["freeze"], request["note_reads"]) as found:
                yield
        except BaseException as error:
            found["error"] = {"text": describe_error(error), "line": own.line_of_error(error)}
            raise
        finally:
            found |= watching.end()
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()  # before its file is closed
            run.note(**{FOUND: found})
