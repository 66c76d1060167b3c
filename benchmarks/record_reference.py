"""Keep what was measured of the jobs of some runs, as the reference of `workflow/estimate_cost.py`.

    python benchmarks/record_reference.py FOLDER [FOLDER …]

Each folder has the `results/` of a run that had the machine to itself. Of every kind of training
job and of every other job a row is kept: of several alike the median.
"""

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from restudy.operation.cost import job_key, read_records, write_reference

REFERENCE = Path(__file__).parent / "results" / "reference_jobs.csv"


def main(folders: list[Path]) -> None:
    """Write the table."""
    alike: dict[tuple, list[dict]] = {}
    for folder in folders:
        for record in read_records(folder / "results"):
            alike.setdefault(job_key(record), []).append(record)
    kept = [
        records[0]
        | {
            key: round(statistics.median(record[key] for record in records), 2)
            for key in ("seconds", "memory_mb", "disk")
        }
        for records in alike.values()
    ]
    write_reference(sorted(kept, key=lambda record: (record["kind"], record["name"])), REFERENCE)
    print(f"{len(kept)} rows")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    main(parser.parse_args().folders)
