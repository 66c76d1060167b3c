"""Rank the cells of a rung, and say which cell stands in each slot of the next."""

import json
from pathlib import Path

import pandas as pd

from restudy.analysis.ranking import COLUMNS, rank_cells
from restudy.data.tables import by_folder, concatenate, read_table, write_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.small_files import write_json
from restudy.study.cell import make_cell


def main(family: Family, rung: dict, inputs, output, log) -> None:
    """Write the table of ranks, and a file for each slot, in the order of the cells."""
    tables, records = by_folder(inputs.runs), by_folder(inputs.records)
    frames, settings = [], {}
    for folders in rung["folders"]:
        record = json.loads(Path(records[folders[0]]).read_text(encoding="utf-8"))
        path = make_cell(family, record["settings"]["cell"]).path
        settings[path] = record["settings"]
        runs = pd.concat([read_table(tables[folder]) for folder in folders], ignore_index=True)
        frames.append(runs.assign(**rung["coordinates"][path], cell=path))
    table = rank_cells(
        family,
        concatenate(frames),
        rung["measure"],
        rung["promoted"],
    )
    chosen = table.loc[table["promoted"], "cell"]
    for path, place in zip(chosen, output.slots, strict=True):
        write_json(place, slot(family, settings[path], rung["budget"], rung["next"][path]))
    table = table.drop(columns="cell").assign(study=rung["study"], rung=rung["rung"])
    write_table(table[[*COLUMNS, *table.columns.drop(list(COLUMNS))]], output.ranks)
    log(f"{len(table)} cells, of which {len(chosen)} go on: {', '.join(chosen) or 'none'}")


def slot(family: Family, settings: dict, budget: int, later: dict) -> dict:
    """Return what the job of a slot trains: settings, file of the data, folder of checkpoints."""
    protocol = {**settings["protocol"], family.time.budget: budget}
    return {
        "settings": {**settings, "cell": later["cell"], "protocol": protocol},
        "data": later["data"],
        "checkpoints": later["checkpoints"],
    }


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.params.family],
    snakemake.params.rung,
    snakemake.input,
    snakemake.output,
    log,
)
