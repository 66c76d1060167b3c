"""What a family of models says of itself: plain facts, each said once.

Schema, rules, tables, columns, labels, figures, pages, claims, certificate, manifest and price are
derived from these facts. This module loads no numeric library, so that reading the facts costs
next to nothing; training is named by a dotted path and imported by the job that trains. It takes
Python 3.10, in which a family may train that has an environment of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

ALL, ONE = "all", "one"  # seeds that one job trains
POINTS, IMAGES = "points", "images"  # what data sets consist of
# Functions (file that stands for the data, settings of the data set) -> a list of what is trained
# on, by the draw: only what a job reads its data with decides on what it computes.
LOADERS = {
    POINTS: "restudy.data.tables:load_points",
    IMAGES: "restudy.data.images:load_split",
}
LARGEST_COUNT = 1_000_000_000
LARGEST_JOB = 8000  # megabytes of memory: as much as many machines have for all jobs
DRAWS = "draws"  # key of a data set: how many independent draws of points it has
# How a path spells another value of one of an entry's settings, as in gd+learning_rate=0.03.
OVERRIDE = r"\+([a-z][a-z0-9_]*)=([A-Za-z0-9_.-]+)"


class PointFacts(NamedTuple):
    """What is known of a set of points before anything is trained on it.

    Attributes
    ----------
    features : int
        Number of features D.
    has_validation : bool
        Whether it has a validation part.
    rows, classes : int
        Of a file of the user's: its points, of all parts, and their classes. Else 0: the settings
        of the data set tell them.
    """

    features: int
    has_validation: bool = True
    rows: int = 0
    classes: int = 0


def draw_count(dataset: Mapping[str, Any]) -> int:
    """Return how many draws a data set has, given its settings; one, if they say nothing of it."""
    return dataset.get(DRAWS, 1)


def draw_of(seed: int, draws: int) -> int:
    """Return which of the draws of a data set the run of a seed trains on: they take turns.

    It does not depend on how many seeds there are.
    """
    return seed % draws


def without_overrides(value: str, *keys: str) -> str:
    """Return a value such as ``corrected+passes=600`` without what it overrides of some keys."""
    return re.sub(OVERRIDE, lambda found: "" if found[1] in keys else found[0], value)


@dataclass(frozen=True)
class Setting:
    """One key of a bundle: its type and range, its default, and what it does.

    Attributes
    ----------
    name, description : str
        The key, and a sentence on its effect.
    type : {"number", "integer", "counts", "boolean", "text", "choice", "settings", "kind", "kinds"}
        ``counts`` is a list of whole numbers; ``settings`` is a mapping with settings of its own;
        ``kind`` is a mapping with a ``kind`` and its settings, ``kinds`` a list of them.
    default : object
        None: the key is required if ``required``, and otherwise may be missing.
    minimum, maximum, above, below : number or None
        Bounds of a number, or of each of several; the last two exclude the bound itself.
    min_length, max_length : int or None
        Of a list of whole numbers.
    choices : tuple of str
        Of a choice.
    settings : tuple of Setting
        Of a mapping.
    kinds : tuple of Kind
        Of a kind, or of each of several.
    pattern : str
        Regular expression that text has to match; without one it may be any but the empty text.
    affects_results : bool
        Whether results depend on it; where data lie and how many seeds there are do not, as far
        as a single job is concerned.
    label : str
        What it is called within a sentence; by default its name without underscores.
    """

    name: str
    description: str
    type: str = "number"
    default: Any = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    min_length: int = 1
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    kinds: tuple[Kind, ...] = ()
    pattern: str = ""
    affects_results: bool = True
    label: str = ""

    @property
    def words(self) -> str:
        """What it is called within a sentence: ``learning rate``."""
        return self.label or self.name.replace("_", " ")


def count(name: str, description: str, default: int | None = None, **more: Any) -> Setting:
    """Return the setting of a whole number from 1 on; required where it has no default."""
    bounds = {"minimum": 1, "maximum": LARGEST_COUNT} | more
    return Setting(name, description, "integer", default, required=default is None, **bounds)


@dataclass(frozen=True)
class Kind:
    """One of several things of a sort, with settings of its own, such as the activation ``elu``.

    Attributes
    ----------
    name, label, description : str
        As the configuration names it; as figures do (by default the name without underscores);
        a phrase on what it is.
    settings : tuple of Setting
        Its own.
    file, digest : str
        Of a kind in a file of the user's: the file, and the sha256 of its bytes.
    """

    name: str
    label: str = ""
    description: str = ""
    settings: tuple[Setting, ...] = ()
    file: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Bundle:
    """Named entries of a family's section, each a kind with its settings.

    Attributes
    ----------
    name : str
        The key of the section, such as ``optimizers``.
    description : str
        What is named.
    entry : str
        What a single entry is.
    kinds : tuple of Kind
        What an entry may be.
    settings : tuple of Setting
        What every kind has as well.
    plain : bool
        Whether the name of a kind may stand on the axis, for the kind with its defaults. If not,
        the section has to have the key.
    """

    name: str
    description: str
    entry: str
    kinds: tuple[Kind, ...]
    settings: tuple[Setting, ...] = ()
    plain: bool = False


@dataclass(frozen=True)
class Axis:
    """What a study may vary.

    Attributes
    ----------
    name, label, description : str
        As configuration and tables name it, as figures do, and a sentence on what it is.
    values : {"name", "choice", "whole_number", "number"}
        A name that the configuration defines, one of ``choices``, or a number.
    bundle : Bundle or None
        What a name stands for.
    choices : tuple of str
        Of a choice.
    minimum, maximum, above, below : number or None
        Bounds of a number; the last two exclude the bound itself.
    counted : tuple of str
        What a whole number counts, singular and plural: ("unit", "units").
    column : str
        What a table's column of it means, where that is more than the description.
    """

    name: str
    label: str
    description: str
    values: str = "name"
    bundle: Bundle | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    counted: tuple[str, str] | tuple[()] = ()
    column: str = ""

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.values in ("whole_number", "number")

    @property
    def pattern(self) -> str:
        """Regular expression of a value as it stands in a path."""
        return {
            "whole_number": "[1-9][0-9]*|0",
            "number": r"-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?",
            "name": rf"[a-z][a-z0-9_]*(?:{OVERRIDE.replace('(', '(?:')})*",
        }.get(self.values, "[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Measure:
    """What is measured of a run.

    Attributes
    ----------
    name, label, description : str
        Column, words for figures, and what it is.
    unit : str
        Such as "nats".
    better : {"lower", "higher", ""}
        Which of two values is the better one, where that can be said.
    recorded : str
        Key of the protocol with the interval at which it is recorded during training. Empty: it
        is known at the end of training only.
    from_start : bool
        Whether there is a record before the first update.
    summarised : bool
        Whether the table of cells has its mean and spread.
    drawn : bool
        Whether figures of a study's measures over time and by axis have it; the page has all.
    difference : tuple of str
        Of a measure that is in no table: the two whose difference it is.
    table : str
        Of a measure that is worked out after training: the table that has it, such as "linearity".
    """

    name: str
    label: str
    description: str
    unit: str = ""
    better: str = ""
    recorded: str = ""
    from_start: bool = True
    summarised: bool = True
    drawn: bool = True
    difference: tuple[str, str] | tuple[()] = ()
    table: str = ""

    @property
    def quantity(self) -> str:
        """What it is a measure of, whatever part of the data it is taken on: "loss"."""
        return self.name.rpartition("_")[2]

    @property
    def part(self) -> str:
        """The part of the data that it is taken on: "train"."""
        return self.name.rpartition("_")[0]

    @property
    def trained(self) -> bool:
        """Whether it is taken on what the model is trained on."""
        return self.part == "train"

    @property
    def in_runs(self) -> bool:
        """Whether the table of runs has it."""
        return not (self.difference or self.table)


# What the parts of the data are called, of each kind of data.
PARTS = {
    POINTS: {"train": "Training", "validation": "Validation", "heldout": "Held-out"},
    IMAGES: {"train": "Training", "validation": "Validation", "test": "Test"},
}
# Quantity -> what it is, its unit, and which of two is the better.
QUANTITIES = {
    "loss": ("Mean cross-entropy on the {}, in nats.", "nats", "lower"),
    "accuracy": ("Share of the {} classified correctly.", "", "higher"),
}


def measures_of_parts(takes: str, *quantities: str, **more: Any) -> tuple[Measure, ...]:
    """Return measures on all parts of the data, such as ``train_loss`` and ``heldout_accuracy``.

    Parameters
    ----------
    takes : {"points", "images"}
        The kind of data.
    quantities : {"loss", "accuracy"}
        What is measured on each part.
    more
        Further facts of every `Measure`, such as ``recorded``.

    Raises
    ------
    ValueError
        If there is no such kind of data, or no such quantity.
    """
    for what, known, given in (("takes", PARTS, [takes]), ("quantity", QUANTITIES, quantities)):
        for name in given:
            if name not in known:
                raise ValueError(f"{what}: got {name!r}; allowed: {', '.join(known)}")
    return tuple(
        Measure(
            f"{part}_{quantity}",
            f"{word} {quantity}",
            meaning.format(f"{word.lower()} {takes}"),
            unit,
            better,
            **more,
        )
        for part, word in PARTS[takes].items()
        for quantity in quantities
        for meaning, unit, better in [QUANTITIES[quantity]]
    )


def calibration_measures(takes: str) -> tuple[Measure, Measure]:
    """Return the measures of `restudy.families.calibration` on the last part of the data.

    They are known at the end of training only.

    Parameters
    ----------
    takes : {"points", "images"}
        The kind of data.
    """
    part, word = list(PARTS[takes].items())[-1]
    examples = f"{word.lower()} {takes}"
    return (
        Measure(
            f"{part}_ece",
            f"{word} calibration error",
            f"Expected calibration error on the {examples}: mean over them of how far the "
            "probability of the predicted class is from the share that is classified correctly, "
            "both as means of one of 15 bins of equal width (Guo et al. 2017).",
            better="lower",
        ),
        Measure(
            f"{part}_brier",
            f"{word} Brier score",
            f"Mean over the {examples} of the sum over the classes of squared differences between "
            "the probability and 1 for the true class, 0 for another; from 0 to 2.",
            better="lower",
        ),
    )


@dataclass(frozen=True)
class Artefact:
    """A file, or a folder of files, that a training job leaves.

    Attributes
    ----------
    name : str
        Such as ``runs.csv``; views that show it ask for the name, not for the family.
    description : str
        What it holds.
    folder : bool
        Whether it is a folder.
    compressed : bool
        Whether arrays are compressed, which takes time.
    """

    name: str
    description: str
    folder: bool = False
    compressed: bool = False

    @property
    def key(self) -> str:
        """Its name among the outputs of the job's rule."""
        return self.name.partition(".")[0]

    @property
    def is_table(self) -> bool:
        """Whether it is a table whose first columns are the axes."""
        return self.name.endswith((".csv", ".parquet"))


@dataclass(frozen=True)
class Time:
    """What training advances by.

    Attributes
    ----------
    name, plural : str
        Column of the history, and of the table of runs ("pass" and "passes").
    label : str
        Of the axis of a figure.
    budget : str
        Key of the protocol that says how many there are.
    example : str
        What a network is shown, one at a time: "point" or "image".
    """

    name: str
    plural: str
    label: str
    budget: str
    example: str


@dataclass(frozen=True)
class Resources:
    """What a training job asks for; the scheduler starts jobs of a higher priority first."""

    threads: int = 1
    mem_mb: int = 1000
    runtime: int = 60  # minutes
    priority: int = 60


@dataclass(frozen=True)
class Family:
    """A family of models: what can be trained, and all that a study needs to know of it.

    Attributes
    ----------
    name : str
        Its section of a configuration, its folder below ``results/``, and the beginning of its
        tables' names.
    title, description, noun : str
        A heading; a sentence; and what its training jobs are called ("dense cells").
    takes : {"points", "images"}
        The kind of data.
    axes : tuple of Axis
        Its own; ``all_axes`` begins with the data set and the protocol.
    protocol : tuple of Setting
        What is held fixed while axes vary. ``replicates``, the number of seeds, is added where it
        is not among them.
    measures : tuple of Measure
        In the order of tables.
    ranked_by : tuple of str
        The measures by which cells are compared in words, in order. By default those on the last
        part of the data, held-out points or test images, as far as it is said which is better.
    chosen_by : str
        The measure whose mean over seeds says which of several is the best, taken on a part of the
        data that nothing else is reported on. By default the first on the validation part; without
        one, the last of ``ranked_by``.
    converges_by : str
        The loss whose fall at the end of a training says whether it still learns. By default the
        first that is recorded; empty if none is.
    artefacts : tuple of Artefact
        What a job leaves beside its record of provenance. The table of runs, ``runs.csv``, is
        added where it is not among them; where measures are recorded, ``history.parquet`` too.
    train : str
        ``package.module:function``, or the name of a function in the family's own file. It takes a
        `Run`.
    seeds_per_job : {ALL, ONE}
        Whether one job trains all seeds of a cell, or one of them.
    time : Time or None
        What training advances by, if it is iterative.
    resources : Resources
        What a job asks for.
    starts_anew : str
        Path of a function of a cell's settings: why its training can't go on from where one with a
        smaller budget ended, as the end of a sentence; empty if it can, and then `Run.restored`
        may return the state that such a training left by `Run.checkpoint` at its last step.
        Without the function, it never can.
    check : str
        Path of a function of a completed section that yields lines on settings which clash.
    check_data : str
        Path of a function (a cell's settings, what is known of its data set, key of its protocol)
        that yields lines on what is too large to be trained. Of images, that is `ImageCounts`, of
        points `PointFacts`.
    cost : str
        Path of a module with ``features(settings)`` and ``disk(settings)``, from which a job's
        time and its bytes on disk are estimated; and perhaps ``state(settings)``, the bytes of what
        it keeps for a larger budget.
    predict : str
        Path of a function (settings, weights, points) -> the class of each of N points, (R, N), or
        the probability of each class, (R, N, C), for each of the R runs whose weights are given.
        Pictures of decision boundaries and what asks how straight one is need it.
    browser_twin : str
        Path of a function of a cell's settings: what the page that runs networks in the browser
        has to know of one, beside its snapshots. Of it, ``form`` is the JavaScript of its
        activation, empty where there is none.
    snapshot_pictures : str
        Path of a function (what ``browser_twin`` says, snapshots, parts of the points) -> what the
        page shows where there is none, see `restudy.families.dense.pictures.draw_snapshots`.
    gradient_choice, gradient_check : str
        Paths of functions (settings of the baseline, settings of all cells) -> choice, JSON values
        with the name of the ``dataset``, and (choice, table of points) -> table of the errors of
        hand-written gradients.
    words : tuple of (str, str)
        Words for further names in tables and configurations, such as those of layers.
    layers : str
        Path of a function of a cell's settings: names of its network's layers, in order. Without
        it, nothing is known of them.
    tensors, monitored : str
        Regular expressions of the tensors whose final values are kept (weights.npz), and of the
        scalars that are recorded of tensors (scalars.parquet); empty without any.
    initial : str
        Path of a function (a cell's settings, tensor) -> function of the tensor's shape, as
        weights.npz has it, that returns the `restudy.families.distributions.Distribution` which its
        initial values are drawn from independently; or None, where there is no such distribution.
    monitored_interval : str
        Key of the protocol with the interval at which these scalars are recorded, from the start.
    end_figures : tuple of str
        Figures of a study that show what came out at the end: ``effects``, by the values of each
        axis, and ``final_accuracy``, every cell, sorted.
    notebooks : tuple of str
        Notebooks, below ``workflow/notebooks``, that retell its studies.
    own_kinds : tuple of (str, str)
        Kinds from files of the user's that it can use: a key such as ``activations``, and the
        attribute of such a kind that it then needs, see `restudy.families.plugins`.
    environment : str
        Of a family in a file of the user's that trains in an environment of its own: the file
        that defines it for conda, relative to the family's file. Its ``train`` is then a function
        in the same file, and has what `Run` offers; see `restudy.families.own_python`.
    file, digest : str
        Of a family in a file of the user's: the file, and the sha256 of its bytes.
    python : str
        Of a family whose Python the configuration names: its path.
    """

    name: str
    title: str
    description: str
    takes: str
    axes: tuple[Axis, ...]
    measures: tuple[Measure, ...]
    train: str = "train"
    noun: str = ""
    protocol: tuple[Setting, ...] = ()
    ranked_by: tuple[str, ...] = ()
    chosen_by: str = ""
    converges_by: str = ""
    artefacts: tuple[Artefact, ...] = ()
    seeds_per_job: str = ONE
    time: Time | None = None
    resources: Resources = field(default_factory=Resources)
    starts_anew: str = ""
    check: str = ""
    check_data: str = ""
    cost: str = ""
    predict: str = ""
    browser_twin: str = ""
    snapshot_pictures: str = ""
    gradient_choice: str = ""
    gradient_check: str = ""
    words: tuple[tuple[str, str], ...] = ()
    layers: str = ""
    tensors: str = ""
    monitored: str = ""
    initial: str = ""
    monitored_interval: str = ""
    end_figures: tuple[str, ...] = ("effects",)
    notebooks: tuple[str, ...] = ()
    own_kinds: tuple[tuple[str, str], ...] = ()
    environment: str = ""
    file: str = ""
    digest: str = ""
    python: str = ""

    def __post_init__(self):
        """Fill in what follows from other facts."""
        recorded = self.time and self.recorded_measures
        written = (RUNS, HISTORY) if recorded else (RUNS,)
        added = tuple(each for each in written if not self.leaves(each.name))
        parts = list(PARTS.get(self.takes, ["", ""]))
        compared = [each for each in self.measures if each.better and each.in_runs]
        choices = [each.name for each in compared if each.part == "validation"]
        losses = [each.name for each in self.recorded_measures if each.quantity == "loss"]
        converges_by = "".join(losses[:1]) if self.time else ""
        facts = {
            "artefacts": (*added, *self.artefacts),
            "ranked_by": self.ranked_by
            or tuple(each.name for each in compared if each.part == parts[-1]),
            "chosen_by": self.chosen_by or "".join(choices[:1]),
            "converges_by": self.converges_by or converges_by,
        }
        for name, value in facts.items():
            object.__setattr__(self, name, value)  # as a frozen dataclass sets its own

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """All settings of a protocol."""
        named = any(setting.name == "replicates" for setting in self.protocol)
        return self.protocol if named else (*self.protocol, REPLICATES)

    @cached_property
    def all_axes(self) -> tuple[Axis, ...]:
        """All axes, in the order of paths and tables."""
        return (DATASET, PROTOCOL, *self.axes)

    @cached_property
    def axis_names(self) -> tuple[str, ...]:
        """Names of all axes, in that order."""
        return tuple(axis.name for axis in self.all_axes)

    def axis(self, name: str) -> Axis:
        """Return the axis of a name."""
        return next(axis for axis in self.all_axes if axis.name == name)

    @cached_property
    def bundles(self) -> dict[str, Bundle]:
        """What names on axes stand for, by the axis."""
        return {axis.name: axis.bundle for axis in self.axes if axis.bundle}

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Columns that tell runs apart: the axes, and the seed."""
        return (*self.axis_names, "seed")

    def measure(self, name: str) -> Measure | None:
        """Return the measure of a name, if there is one."""
        return next((each for each in self.measures if each.name == name), None)

    @cached_property
    def recorded_measures(self) -> tuple[Measure, ...]:
        """Measures of which the history has a column."""
        return tuple(each for each in self.measures if each.recorded and each.in_runs)

    @cached_property
    def choice(self) -> Measure | None:
        """The measure by which the best is chosen, if there is one."""
        return self.measure(self.chosen_by or (self.ranked_by[-1] if self.ranked_by else ""))

    @cached_property
    def reported(self) -> tuple[Measure, ...]:
        """The ranking measures that the best is reported with, and was not chosen by."""
        ranked = map(self.measure, self.ranked_by)
        return tuple(
            each for each in ranked if each not in (self.choice, None) and not each.trained
        )

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """What is compared in figures: "loss", "accuracy", as far as a ranking measure has it."""
        return tuple(dict.fromkeys(self.measure(name).quantity for name in self.ranked_by))

    @property
    def has_own_python(self) -> bool:
        """Whether it trains in a Python of its own."""
        return bool(self.python or self.environment)

    def leaves(self, artefact: str) -> bool:
        """Whether a training job leaves an artefact of that name."""
        return any(each.name == artefact for each in self.artefacts)


def _parts(data: Any) -> Mapping[str, tuple[Any, Any]]:
    """Return (x, label) of each part of what is trained on."""
    if isinstance(data, Mapping):
        return data
    return {
        part: (getattr(data, f"{part}_images"), getattr(data, f"{part}_labels"))
        for part in PARTS[IMAGES]
    }


RUNS = Artefact("runs.csv", "A row per run.")
HISTORY = Artefact("history.parquet", "A row per run and record.")
REPLICATES = count("replicates", "Seeds per cell, counted from 0.", 5)
DATASET = Axis(
    "dataset",
    "Data set",
    "A name under datasets.",
    column="Data set, a name from the configuration.",
)
PROTOCOL = Axis(
    "protocol",
    "Protocol",
    "A name under the section's protocols.",
    column="Protocol: the named bundle of all that is held fixed (arithmetic, budget, …).",
)


class Run:
    """What a family's ``train`` is given: what to train, and how to hand over what comes of it.

    Attributes
    ----------
    settings : mapping
        ``cell`` (a value for every axis), ``dataset`` and ``protocol``, and for every axis with a
        bundle the kind that its value stands for, with all its settings.
    data_by_seed : mapping of int to object
        Seed -> what its run is trained on. Of a family that takes points: part -> (x, label),
        arrays (N, D) and (N,); in every draw of a data set they have the same shapes. Of one that
        takes images: an `ImageSplit`.
    seeds : tuple of int
        To train: all of a cell, or one.
    threads : int
        How many the job may compute on.
    scratch : Path
        A folder for checkpoints, which outlives a job that is killed; it may not exist yet.
    identity : str
        Digest of all that decides the result: settings, seed, data, code and libraries.
    log : callable
        Takes a line for the job's log.
    """

    settings: Mapping[str, Any]
    data_by_seed: Mapping[int, Any]
    seeds: tuple[int, ...]
    threads: int
    scratch: Any
    identity: str
    log: Callable[[str], None]

    @property
    def cell(self) -> Mapping[str, Any]:
        """The value of every axis."""
        return self.settings["cell"]

    @property
    def seed(self) -> int:
        """The only seed, where a job trains one."""
        (seed,) = self.seeds
        return seed

    @property
    def data(self) -> Any:
        """What is trained on, as in ``data_by_seed``, where it is the same for all seeds.

        Raises
        ------
        ValueError
            If the job trains several seeds, and the data set has several draws.
        """
        first, *others = self.data_by_seed.values()
        if any(each is not first for each in others):
            raise ValueError(
                "run.data and run.parts: the seeds of this job train on several draws of the data "
                "set; allowed: run.data_by_seed[seed] and run.parts_of(seed), the data of one seed"
            )
        return first

    @property
    def parts(self) -> Mapping[str, tuple[Any, Any]]:
        """Part of the data -> (x, label), whatever it consists of; of all seeds, as ``data``.

        ``x`` has the shape (N, D) of points, or (N, height, width) of images, whose values are
        bytes; ``label`` is (N,).
        """
        return _parts(self.data)

    def parts_of(self, seed: int) -> Mapping[str, tuple[Any, Any]]:
        """Return the parts of the data that the run of a seed is trained on; see ``parts``."""
        return _parts(self.data_by_seed[seed])

    @property
    def classes(self) -> int:
        """Number of classes: every label is below it."""
        return max(
            getattr(data, "classes", 0)
            or 1 + max(int(label.max()) for _, label in _parts(data).values())
            for data in self.data_by_seed.values()
        )

    def record(self, step: int | None = None, seed: int | None = None, **measures: float) -> None:
        """Record measures of a run.

        Parameters
        ----------
        step : int or None
            After which pass or step; of a family without `Time` None.
        seed : int or None
            Of which run; it may be left out where there is only one.
        measures
            By name; the last record of each is what the run ends with.
        """
        raise NotImplementedError

    def diverge(self, step: int, what: str, seed: int | None = None) -> None:
        """Say that a run diverged: after which pass or step, and what was not finite."""
        raise NotImplementedError

    def save(self, artefact: str, content: Any) -> None:
        """Save an artefact: arrays by name, or a table without the axes.

        A table is a DataFrame, or its columns by name.
        """
        raise NotImplementedError

    def place(self, artefact: str) -> Any:
        """Return the path of an artefact that training itself writes, such as a folder."""
        raise NotImplementedError

    def note(self, **facts: Any) -> None:
        """Add facts, as JSON values, to the job's record of provenance."""
        raise NotImplementedError

    def checkpoint(self, step: int, state: Mapping[str, Any]) -> None:
        """Keep arrays by name from which training can go on after a kill.

        After the last pass or step, they are kept for a larger budget, see ``Family.starts_anew``:
        so they must have nothing that is there only because it is the last.
        """
        raise NotImplementedError

    def restored(self) -> tuple[int, Mapping[str, Any]] | None:
        """Return step and state of the newest whole checkpoint of this very run, if any.

        Or that of one which differs by its smaller budget alone, if the family can go on from it.
        """
        raise NotImplementedError

    def generator(self, purpose: str, step: int = 0, seed: int | None = None) -> Any:
        """Return NumPy's generator that depends on seed, purpose and step alone."""
        from numpy.random import default_rng

        key = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big")
        return default_rng([self.seed if seed is None else seed, key, step])

    def progress(self, total: int, unit: str) -> Callable[[int, float], None]:
        """Return a callable (done, loss) that writes progress into the log every few seconds."""
        raise NotImplementedError
