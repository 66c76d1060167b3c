"""Write the event files of a run as pages: scalars, histograms, graph, images and HParams.

(Of any other log directory, ``python -m restudy tensorboard`` makes such a page.)
"""

from pathlib import Path

from restudy.analysis.event_files import read_log
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.views.tensorboard_page import describe_log, write_page

# The report shows pages of up to 1.4 MB.
IN_REPORT = 1_390_000


def main(events: list[str], families: list[str], outputs, log) -> None:
    """Write the full page, and the one for the report."""
    title, below = describe_log([FAMILIES[name] for name in families])
    # Where the results are here, which differs if they are kept in a bucket.
    runs = read_log(Path(outputs.full).parents[1] / below, events)
    folder, full = (Path("results") / below).as_posix(), Path(outputs.full).name
    log(write_page(runs, folder, outputs.full, title=title))
    log(write_page(runs, folder, outputs.thinned, title=title, max_bytes=IN_REPORT, full=full))


log = begin_job(snakemake)
main(snakemake.input.events, snakemake.params.families, snakemake.output, log)
