"""Train a cell of any family, or one of its runs, and record what it was computed from."""

import json
from pathlib import Path

from restudy.data.tables import from_results
from restudy.families.budgets import why_anew, without_budget
from restudy.families.contract import ONE, Family
from restudy.families.own_python import interpreter_of
from restudy.families.registry import FAMILIES
from restudy.families.running import JobRun, load_data, train
from restudy.job import begin_job
from restudy.provenance.environment import describe_run, digest, digest_inputs
from restudy.provenance.sums import FILES, byte_digest
from restudy.small_files import write_json


def main(params, inputs, outputs, threads: int, kept_megabytes: float, log) -> None:
    """Train, from the last checkpoint if there is one."""
    family, settings, data, checkpoints = what_to_train(params, inputs)
    origin = settings, data, params.code, params.lock
    anew = why_anew(family, settings)
    shared = settings if anew else without_budget(family, settings)
    if anew and family.time and any(Path(checkpoints).glob("*")):
        log(f"starts anew whatever was trained before: {anew}")
    interpreter = interpreter_of(family)
    own = {"own_python": interpreter.facts} if interpreter else {}
    run = JobRun(
        family,
        settings,
        load_data(family, data, settings["dataset"], params.seeds),
        params.seeds,
        {artefact.name: outputs[artefact.key] for artefact in family.artefacts},
        checkpoints,
        digest({"seeds": params.seeds, **own, **digest_inputs(shared, *origin[1:])}),
        threads,
        log,
        kept_megabytes,
    )
    run.note(**own)
    if family.seeds_per_job == ONE:
        run.note(seed=run.seed)
    train(run, interpreter)
    files = {name: byte_digest(place) for name, place in run.places.items()}
    write_json(outputs.provenance, describe_run(*origin) | {FILES: files} | run.notes)


def what_to_train(params, inputs) -> tuple[Family, dict, str, str]:
    """Family, settings, file of the data and folder of checkpoints of the job.

    A job that stands in a slot reads which cell was promoted to it.
    """
    family = FAMILIES[params.family]
    promoted = inputs.get("promoted")
    if promoted is None:
        return family, params.settings, inputs.data, params.checkpoints
    slot = json.loads(Path(promoted).read_text(encoding="utf-8"))
    given = [inputs.data] if isinstance(inputs.data, str) else inputs.data
    data = next(path for path in given if from_results(path) == slot["data"])
    checkpoints = slot["checkpoints"].format(seed=params.seeds[0])
    return family, slot["settings"], data, checkpoints.replace("results/", params.results, 1)


log = begin_job(snakemake)
main(
    snakemake.params,
    snakemake.input,
    snakemake.output,
    snakemake.threads,
    snakemake.config["kept_state_megabytes"],
    log,
)
