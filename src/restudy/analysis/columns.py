"""What every column of every table means: from the facts of the families, and the words here."""

from collections.abc import Iterable, Iterator

from restudy.analysis.convergence import STILL_FALLING
from restudy.families.contract import Axis, Family, Time
from restudy.families.registry import FAMILIES
from restudy.families.setting_axes import setting_axis, settings_that_vary

# Of columns that are no axis, measure or time of a family.
COLUMNS = {
    "seed": "Seed of all that is drawn at random in the run, such as the initial weights.",
    "draw": (
        "Draw of the data set that the run was trained on, from 0: the seed modulo the number of "
        "draws."
    ),
    "grad_norm": (
        "Euclidean norm of the gradient; in a table of layers, of the gradient of the layer's "
        "weights and bias, on all training points or on a fixed batch of images without dropout."
    ),
    "diverged_at": (
        "When the run diverged, counted as training is: since then, what diverged_by names was "
        "not finite. Empty: never."
    ),
    "diverged_by": (
        "What was not finite, such as a loss, the weights or a monitored tensor; empty where the "
        "run did not diverge."
    ),
    "stopped_at": (
        "When the run stopped early, counted as training is; empty where it did not. See "
        "stop_early in its protocol."
    ),
    "best_at": (
        "When the run had the weights and the measures that it ends with, where it may stop early "
        "and did not diverge; else empty, and they are the last."
    ),
    "two_groups": (
        "Measures whose values over the seeds fall into two groups, as of networks of which some "
        "failed to train, with how many are near which value: there the mean is no typical value. "
        "Empty where none does, and of fewer than 10 runs."
    ),
    "rung": "Rung of the successive halving, from 1: all its cells have the same budget.",
    "rank": (
        "Place of the cell in its rung, 1 the best: by the share of its runs that diverged, and "
        "then by the mean of the study's measure."
    ),
    "promoted": "Whether the cell went on to the next rung.",
    "layer": "Layer, a number counted from 1 or a name; the last is the output layer.",
    "saturated_share": (
        "Share of (unit, example) pairs at which the activation's slope is below 5% of its "
        "steepest. Examples are all training points, or a fixed batch of images; of maxout, each "
        "piece counts as a unit, and of a convolution, each position in the image counts by "
        "itself. Empty for the output layer."
    ),
    "dead_share": (
        "Share of units (of a convolution: channels) for which that holds at every example and "
        "position; empty for the output layer."
    ),
    "image": "Test image, its place in the test set, counted from 0.",
    "label": "True class, a number from 0.",
    "predicted": "Class of the network's largest output.",
    "loss": "Cross-entropy of the image under the final weights, in nats.",
    "count": "Test images, or held-out points, of that class that got that prediction.",
    "images": "Test images of the class.",
    "points": "Held-out points of the class.",
    "correct": "How many of them are classified correctly.",
    "accuracy": "Share of them classified correctly (the recall); empty for a class without any.",
    "accuracy_low": (
        "Lower end of the accuracy's 95% interval (Wilson's): how far it may be from that of this "
        "network on all examples of the class. Other seeds differ by more."
    ),
    "accuracy_high": "Upper end of that interval.",
    "arithmetic": "published or corrected: at which argument the activation's slope is taken.",
    "parameter": "weights or bias of the layer.",
    "gradient_norm": "Euclidean norm of the loss gradient by central differences.",
    "relative_error": (
        "Euclidean distance of the gradient by backpropagation from the one by central "
        "differences, over the larger of their norms."
    ),
    "n": "Runs of the cell.",
    "diverged": "How many of them diverged; the measures are over the others.",
    "still_falling": (
        "How many of the others had not settled when they ended: in them, final_fall is more than "
        f"{STILL_FALLING:.0%}."
    ),
    "final_fall": (
        "How much the loss of a run falls in a tenth of its training, as a share of its last "
        "value: by the least-squares line through the records of the last fifth. Empty with fewer "
        "than two."
    ),
    "claim": "Name of the claim, as the file of claims has it.",
    "source": "Where the claim is made.",
    "statement": "The claim in plain words.",
    "model": "Family of networks that the claim is about: its section of the configuration.",
    "study": "Study of the configuration whose cells the row is about.",
    "verdict": (
        "reproduced, smaller (an effect in the claimed direction, but smaller than claimed), "
        "contradicted or undecided."
    ),
    "basis": (
        "What the verdict rests on: the seeds alone, seeds whose values are assumed normal, a "
        "stated spread (a single seed), or nothing."
    ),
    "judged_by": (
        "In which sense values over seeds exceed a margin: mean (and most seeds), typical_seed, "
        "normal (the mean of values that are normal), or share (of seeds)."
    ),
    "contrast": "The claim's weakest contrast (in a table of tests, the contrast) in words.",
    "measure": "What is compared.",
    "effect": (
        "The contrast over the seeds, in the measure's own unit: its mean; its median if it is "
        "judged by the typical seed; the share of seeds if that is claimed."
    ),
    "ci_low": (
        "Lower end of the effect's 95% interval; empty where so few seeds, or equal ones, give "
        "none."
    ),
    "ci_high": "Upper end of the effect's 95% interval.",
    "margin": "Smallest difference that matters: the effect is tested against it.",
    "because": "Why the margin, or the bound, is what it is.",
    "decided_low": "The contrast exceeds every margin below it, after the correction.",
    "decided_high": "The contrast stays below every margin above it, after the correction.",
    "above": "Seeds (or draws of the points) above the margin.",
    "below": "Seeds (or draws of the points) below the margin.",
    "left_out": (
        "Seeds (or draws of the points) that were started and have no value: the run diverged, or "
        "lacks the measure. They count for neither side."
    ),
    "low_group": "Where values fall into two groups: how many are in the lower one.",
    "low_group_mean": "The mean of the lower group.",
    "high_group": "Where values fall into two groups: how many are in the upper one.",
    "high_group_mean": "The mean of the upper group.",
    "test": "Which contrast of the claim, counted from 1; in a table of claims, the weakest.",
    "quantity": (
        "What the contrast is about, in words: its value is bound + effect where it is claimed to "
        "lie above the bound, and bound − effect where below."
    ),
    "zero": (
        "What a quantity of 0 stands for, such as no difference; empty where the quantity is a "
        "measure itself."
    ),
    "bound": "What the quantity is compared with; of a share of seeds, 0.",
    "direction": "On which side of its bound the quantity is claimed to lie: above or below.",
    "form": "Form of the test, as the file of claims has it.",
    "p_above": "p-value of the effect being above its margin, uncorrected.",
    "p_below": "p-value of the effect being below its margin, uncorrected.",
    "value": "What was measured: of a tag, or of a contrast for one seed.",
    "tag": "Name of a monitored scalar.",
    "tensor": "Layer and tensor, with a slash between them.",
    "values": "Number of values of the tensor.",
    "expected_distance": (
        "Mean Kolmogorov-Smirnov distance of that many values from the very distribution that they "
        "are drawn from, about 0.87 / √values; its standard deviation is three tenths of it. A "
        "distance of that size says nothing against a distribution that is known beforehand; "
        "from a normal one with the values' own mean and standard deviation, exact draws are "
        "closer."
    ),
    "initial_distance": (
        "Kolmogorov-Smirnov distance of the values from the distribution that the initializer "
        "draws from, with its own limit or standard deviation; empty for a tensor that is not "
        "drawn value by value from such a distribution."
    ),
    "uniform_distance": (
        "Kolmogorov-Smirnov distance of the values from the uniform distribution between the "
        "smallest and the largest of them (the nearest uniform distribution may be nearer)."
    ),
    "normal_distance": (
        "Kolmogorov-Smirnov distance of the values from the normal distribution with their mean "
        "and standard deviation (the nearest normal distribution may be nearer)."
    ),
    "p_value": "p-value of the verdict, in both directions; empty where nothing can be tested.",
    "p_adjusted": "The same after Holm's correction over all verdicts of the run.",
    "further_seeds": (
        "Of an undecided claim, the seeds beyond the present ones that would decide it in 80% of "
        "all experiments if it is as it looks now; empty where none would."
    ),
    "further_low": "How many it would take at best, in 80% of cases.",
    "further_high": "How many it may take, in 80% of cases; empty where no number is enough.",
    "setting": (
        "What adds these seeds, behind --config; the page of claims has the whole command of this "
        "run."
    ),
    "registration": "What is known of when the claim was stated; empty if it does not say.",
    "reason": "Why a claim is undecided.",
    "expect": "The verdict that check_claims insists on; empty: any.",
    "figure": "File of the figure that shows the claim.",
    "cells": "Paths of the cells that the claim was judged from, separated by spaces.",
    "rule": "Rule of the workflow that the job belongs to.",
    "job": "Which job of the rule.",
    "wall_seconds": "Time from start to end, in seconds.",
    "cpu_seconds": "Processor time of the job, all threads together, in seconds.",
    "peak_memory_mb": "Largest resident memory, in MB; sampled, so empty for the shortest jobs.",
}
STATISTICS = {
    "mean": "The mean over the seeds that did not diverge.",
    "sd": "The standard deviation over seeds.",
    "low": "The lower end of the 95% Student interval of the mean.",
    "high": "The upper end of the 95% Student interval of the mean.",
}


def describe_columns(
    names: Iterable[str], families: Iterable[Family] | None = None
) -> dict[str, str]:
    """Return the meaning of each of the given columns.

    Parameters
    ----------
    names : iterable of str
        The columns.
    families : iterable of Family, optional
        Those that the table is about; by default all. Where a column means different things, each
        stands behind the title of its family.

    Raises
    ------
    KeyError
        If a column is not described: a table may not grow one silently.
    """
    families = tuple(FAMILIES.values() if families is None else families)
    return {name: _describe(name, families) for name in names}


def _describe(name: str, families: tuple[Family, ...]) -> str:
    if meaning := _meaning(name, families):
        return meaning
    measure, _, statistic = name.rpartition("_")
    meaning = _meaning(measure, families)
    if not meaning or statistic not in STATISTICS:
        raise KeyError(name)
    return f"{meaning} {STATISTICS[statistic]}"


def _meaning(name: str, families: tuple[Family, ...]) -> str:
    """What a column means, or nothing."""
    facts = [(family.title, dict(_facts(family)).get(name)) for family in families]
    meanings = dict.fromkeys(text for _, text in facts if text)
    own = COLUMNS.get(name, "")
    if not meanings:
        return own
    if len(meanings) == 1 and (not own or len(families) == 1):
        return next(iter(meanings))
    return " ".join([own, *(f"{title}: {text}" for title, text in facts if text)]).lstrip()


def _facts(family: Family) -> Iterator[tuple[str, str]]:
    """Columns that a family's facts describe, with their meaning."""
    for axis in family.all_axes:
        yield axis.name, _axis(axis)
        for name, settings in settings_that_vary(family, axis).items():
            what = f"{axis.label}, its setting {name}: {settings[0].description}"
            yield setting_axis(axis.name, name), what
    for measure in family.measures:
        yield measure.name, measure.description
    if family.converges_by:
        loss = family.measure(family.converges_by).label.lower()
        yield "final_fall", COLUMNS["final_fall"].replace("the loss", f"the {loss}")
    if family.time:
        yield from _time(family.time, family)


def _axis(axis: Axis) -> str:
    return axis.column or axis.description


def _time(time: Time, family: Family) -> Iterator[tuple[str, str]]:
    """The columns of what training advances by: how much so far, and how much in all."""
    unit = next((each.description for each in family.settings if each.name == time.budget), "")
    yield time.name, f"{time.label} so far. {unit}".rstrip()
    yield time.plural, f"{time.label}, up to the divergence where there was one. {unit}".rstrip()
