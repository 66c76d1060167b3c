"""Inputs, outputs, parameters and labels of rules, as functions; no rules."""


def outputs_of(family, place):
    """The outputs of a training job, at paths given by a function."""
    folders = {artefact.key for artefact in family.artefacts if artefact.folder}
    return {
        key: directory(place(path)) if key in folders else place(path)
        for key, path in files.training_outputs(family).items()
    }


def place_in(folder):
    """Function of a file's path: that of the same file in a folder."""
    return lambda path: f"{folder}/{path.rpartition('/')[2]}"


def settings_of(family):
    """Function of wildcards: the cell's settings, whether or not it belongs to a study."""

    def settings(wildcards):
        with reported():
            return PLAN.settings(family, cell_from_wildcards(family, wildcards))

    return settings


def seeds_of(family):
    """Function of wildcards: the seeds that a job trains."""

    def seeds(wildcards):
        if family.seeds_per_job == ONE:
            return [int(wildcards.seed)]
        return list(range(settings_of(family)(wildcards)["protocol"]["replicates"]))

    return seeds


def checkpoints_of(family, place):
    """Function of wildcards: where a job's checkpoints are, at a path given by a function."""

    def checkpoints(wildcards):
        return place(paths.checkpoints(family, wildcards))

    return checkpoints


def rung_files(family, rung, name):
    """Function of wildcards: a file of every training job of a rung."""
    return lambda wildcards: [
        f"{folder}/{name}"
        for folders in halving.job_folders(PLAN, family, rung)
        for folder in folders
    ]


def promotion_of(family, rung):
    """Function of wildcards: what is needed to rank a rung's cells, as JSON values."""
    return lambda wildcards: halving.promotion(PLAN, family, rung)


def rung_of(family, wildcards):
    """The rung that the wildcards name."""
    return halving.rungs(PLAN, family, wildcards.study)[int(wildcards.rung) - 1]


def slot_data(family):
    """Function of wildcards: the file that represents each data set of a rung's cells."""
    return lambda wildcards: list(
        map(PLAN.data_file, rung_of(family, wildcards).datasets)
    )


def slot_images(family):
    """Function of wildcards: the images of each of them."""
    if family.takes != IMAGES:
        return []
    return lambda wildcards: [
        ancient(f"{paths.image_folder(dataset)}/{name}")
        for dataset in rung_of(family, wildcards).datasets
        for name in paths.IMAGE_FILES
    ]


def slot_settings(family, anew):
    """Function of wildcards: settings of a job that takes about as long."""
    return lambda wildcards: halving.likely_settings(
        PLAN, family, rung_of(family, wildcards), anew
    )


def slot_seeds(family):
    """Function of wildcards: the seeds that the job of a slot trains."""

    def seeds(wildcards):
        if family.seeds_per_job == ONE:
            return [int(wildcards.seed)]
        return list(range(rung_of(family, wildcards).replicates))

    return seeds


def gradient_choice_of(family):
    """Function of wildcards: the networks that a family's gradient check examines."""
    return lambda wildcards: PLAN.gradient_choice(family)


def gradient_points_of(family):
    """Function of wildcards: the points that the gradients are checked on."""
    return lambda wildcards: PLAN.data_file(PLAN.gradient_choice(family)["dataset"])


def gradient_draws_of(family):
    """Function of wildcards: how many draws there are of these points, of which it takes the first."""
    return lambda wildcards: PLAN.draws(PLAN.gradient_choice(family)["dataset"])


def heldout_points(wildcards):
    """The points of every data set that is used by a cell of the family."""
    names = PLAN.used_datasets(family_of(wildcards))
    return [f"{paths.data_folder(name)}/points.csv" for name in names]


def predicted_from(wildcards):
    """What a family's predictions are counted from: those of its jobs, or points and weights."""
    family = family_of(wildcards)
    names = files.prediction_files(family)
    named = {
        key: files.job_files(PLAN.jobs(family), name) for key, name in names.items()
    }
    return (
        named
        if "predictions" in names
        else {**named, "points": heldout_points(wildcards)}
    )


def planar_cells(wildcards):
    """Those cells of the wildcards' study that have a boundary to draw."""
    return PLAN.planar(PLAN.cells(family_of(wildcards), wildcards.study))


def planar_jobs(wildcards):
    """The training jobs of these cells, with their settings, as JSON values for a script."""
    family = family_of(wildcards)
    return [
        job.as_param() | {"settings": PLAN.settings(family, job.cell)}
        for job in PLAN.jobs(family, planar_cells(wildcards))
    ]


def planar_files(name):
    """Function of wildcards: a file in the folder of every such cell."""
    return lambda wildcards: [
        f"{cell.folder}/{name}" for cell in planar_cells(wildcards)
    ]


def most_draws(wildcards):
    """How many draws the data sets of these cells have, at most."""
    return max(
        (PLAN.draws(cell["dataset"]) for cell in planar_cells(wildcards)), default=1
    )


def planar_data(name):
    """Function of wildcards: a file of the data set of every such cell."""
    return lambda wildcards: list(
        dict.fromkeys(
            f"{paths.data_folder(cell['dataset'])}/{name}"
            for cell in planar_cells(wildcards)
        )
    )


def study_tables(name):
    """Function of wildcards: the tables that a figure of a study is drawn from."""
    return lambda wildcards: files.study_inputs(
        PLAN, family_of(wildcards), study_of(wildcards)["name"], name
    )


def cells_of_study(wildcards):
    """Cells of the wildcards' study, with the settings that it varies, as JSON values."""
    return [cell.at for cell in PLAN.cells(family_of(wildcards), wildcards.study)]


def category(wildcards):
    """The report's category for figures of the wildcards' family."""
    return CATEGORIES[wildcards.family]


def study_labels(figure):
    """Function of wildcards: the labels of a figure that shows a whole study."""
    return lambda wildcards: report_labels.study_labels(study_of(wildcards), figure)


def study_table_labels(language):
    """Function of wildcards: the labels of a study's table for a paper."""
    return lambda wildcards: report_labels.study_table_labels(
        family_of(wildcards), wildcards.study, language
    )


def cell_labels(family, figure=None):
    """Function of wildcards: the labels of a figure that shows a cell or a run."""
    return lambda wildcards: report_labels.cell_labels(
        cell_from_wildcards(family, wildcards), figure, wildcards.get("seed")
    )


def row_of(family):
    """Function of wildcards: the cell that they name, as JSON values for a script."""
    return lambda wildcards: cell_from_wildcards(family, wildcards).row


def path_of(family):
    """Function of wildcards: the path of the cell that they name."""
    return lambda wildcards: cell_from_wildcards(family, wildcards).path


def run_path_of(family):
    """Function of wildcards: the path of the run that they name."""
    return lambda wildcards: f"{path_of(family)(wildcards)}/seed~{wildcards.seed}"


def tables_of(drawn):
    """Inputs of a rule that draws figures of a study, by the names of their tables."""
    return {name.partition(".")[0]: study_tables(name) for name in drawn.tables}


def view_code(drawn):
    """What these figures are drawn with: an edit redraws no others."""
    own = [Path(drawn.file).resolve()] if drawn.file else SOURCES.module(drawn.draw)
    return code("plot_study.py", *own)


def words_of(drawn, text):
    """What a caption says of such figures: a user's words are text, and no markup."""
    return escape_markup(text) if drawn.file else text


def few_cells(drawn):
    """Function of wildcards: the study's cells, for figures that distinguish them."""
    return lambda wildcards: cells_of_study(wildcards) if drawn.of_few_cells else []


def claimed_in(drawn):
    """Function of wildcards: what is claimed of the study's cells, for figures that show it."""
    return lambda wildcards: (
        claimed_values(STUDY.claims, wildcards.family, wildcards.study)
        if drawn.shows_claims
        else []
    )


def event_folders(wildcards):
    """The event files of all runs of families that write them."""
    jobs = (job for family in PLAN.that_leave("events") for job in PLAN.jobs(family))
    return files.job_files(jobs, "events")


def program(page):
    """Program and style of a page."""
    return [f"src/restudy/views/pages/{page}.{kind}" for kind in ("js", "css")]


def notebook_code(wildcards):
    """A notebook, what its cells import, what runs it, and what its page does."""
    notebook = SOURCES.notebook(wildcards.notebook)
    return code("run_notebook.py", *program("table"), *notebook)


def is_asked_for(target):
    """Whether a target without files is on the command line, also as part of a longer name."""
    return any(argument.endswith(target) for argument in sys.argv[1:])


def chosen_folders(wildcards):
    """Folders of the training jobs that the certificate repeats, by family."""
    share, seed = (STUDY.checks["certificate"][key] for key in ("share", "seed"))
    return {
        name: choose_folders(folders, share, seed)
        for name, folders in files.all_folders(PLAN).items()
    }


def originals(wildcards):
    """The files that the chosen jobs have written."""
    return files.left_by(chosen_folders(wildcards), PLAN.families)


def retrained(wildcards):
    """The files that they write when they run again."""
    return [paths.scratch(path) for path in originals(wildcards)]


def fetched(wildcards):
    """The files of all training jobs, if they must be fetched from a bucket."""
    return files.left_by(files.all_folders(PLAN), PLAN.families) if IN_BUCKET else []


def image_digests(wildcards):
    """The file that represents a set of images; for a published set, its content can't change."""
    path = PLAN.data_file(wildcards.dataset)
    return path if PLAN.own_files(wildcards.dataset) else ancient(path)


def image_files(*names):
    """Function of wildcards: files of a set of images, whose content the digests stand for.

    A single file is no list, as a rule would have it that names the file itself.
    """

    def places(wildcards):
        folder = paths.image_folder(wildcards.dataset)
        found = [ancient(f"{folder}/{name}") for name in names]
        return found if len(found) > 1 else found[0]

    return places


def dataset_facts(wildcards):
    """Kind and settings of the wildcards' data set."""
    with reported():
        return PLAN.dataset_facts(wildcards.dataset)


def project_code():
    """Digest of all of the project's code."""
    return parts.digest_of(parts.MODULES, SOURCES.everything())


def all_training_code():
    """Digest of what training any family of this run runs."""
    found = [SOURCES.training(family) for family in PLAN.families.values()]
    return parts.digest_of(
        parts.MODULES, {k: v for each in found for k, v in each.items()}
    )


def training_code(family):
    """Digest of all modules that training a family runs, as a parameter instead of inputs.

    A grid has thousands of training jobs, and Snakemake tracks every input of each.
    """
    return parts.digest_of(parts.MODULES, SOURCES.training(family))


def environment_of(family):
    """The file that defines the environment which a family's training jobs get from conda."""
    if family.name in WITH_CONDA:
        return str(own_python.environment_file(family))
    return "../../environment.yml"


def lock_of(family):
    """Digest of the locked environment and, of a family that has one, of the one of its own."""
    if not family.has_own_python:
        return LOCK
    with reported():
        own = own_python.installed_for(family)
    return parts.environment_digest(REPOSITORY / "requirements.lock", own)


def family_code(script, fact):
    """Function of wildcards: a script, and what the function is made of that a fact names, if any."""

    def digests(wildcards):
        family = family_of(wildcards)
        function = getattr(family, fact)
        return code(script, *(SOURCES.function(family, function) if function else ()))

    return digests


def own_data(wildcards):
    """Digest of the user's own files that a data set consists of; empty if there are none."""
    return parts.data_digest(PLAN.own_files(wildcards.dataset))


def rows_of(wildcards):
    """What picks the rows of the wildcards' study in a table, and describes them."""
    return PLAN.rows(family_of(wildcards), study_of(wildcards)["name"])


def jobs_of(settings=False):
    """Function of wildcards: the training jobs of a family, as JSON values for a script."""
    return lambda wildcards: [
        job.as_param(settings) for job in PLAN.jobs(family_of(wildcards))
    ]
