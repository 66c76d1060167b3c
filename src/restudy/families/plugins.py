"""What a file of the user's may hold beside families of models: smaller things, one record each.

The file is named in the configuration under the key that says what it adds, such as ``activations:
[mish.py]``; every record of that class at the top level of the file is then there like one of the
built-in kinds. The record names plain functions of arrays and numbers; this module loads no
numeric library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from restudy.data.kinds import GENERATED_SETTINGS, DatasetKind
from restudy.families.components import WARM_UP, ActivationKind, ScheduleKind
from restudy.families.contract import Kind


class Record:
    """What all records of such files have in common."""

    def completed(self, **more: Any) -> Self:
        """Return it with the settings that all of its kind have, and with further attributes."""
        return replace(self, **more)


@dataclass(frozen=True, kw_only=True)
class Activation(Record, ActivationKind):
    """An activation function of the hidden layers.

    Functions take a parameter for each setting, by name, after those that are given here.

    Attributes
    ----------
    value : callable (z) -> array
        f(z) of net inputs z, an array of any shape; elementwise.
    derivative : callable (z) -> array
        f'(z). It is compared with central differences when the file is loaded.
    in_tensorflow : callable (z) -> tensor, optional
        f(z) of tensors. With it, the convolutional network can use the function too.
    javascript : str
        As in `ActivationKind`. Without it, pages show pictures that were computed beforehand.
    """

    value: Callable[..., Any]
    derivative: Callable[..., Any]
    in_tensorflow: Callable[..., Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Initializer(Record, Kind):
    """A distribution of the initial weights of dense layers; biases start at zero.

    Attributes
    ----------
    draw : callable (generator, fan_in, fan_out) -> array
        Draws one matrix (fan_in, fan_out) from a ``numpy.random.RandomState``, and from nothing
        else. Takes settings as further parameters.
    """

    draw: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Optimizer(Record, Kind):
    """An update rule of dense networks; ``learning_rate`` is a setting of every optimizer.

    Attributes
    ----------
    update : callable (parameters, gradient, slots, updates, learning_rate)
        Changes ``parameters`` and the arrays in ``slots`` in place; all are flat and of one shape,
        and the rule is elementwise, since networks of several seeds are updated together.
        ``updates`` counts the updates, this one included; ``learning_rate`` is that of the
        schedule. Takes settings as further parameters.
    slots : tuple of float
        Initial value of each array that it keeps between updates.
    """

    update: Callable[..., None]
    slots: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Schedule(Record, ScheduleKind):
    """How the learning rate of dense networks changes from pass to pass.

    Attributes
    ----------
    factor : callable (pass_number, passes) -> float
        The factor of the learning rate in a pass, counted from 1, of so many. Takes settings as
        further parameters. After a warm-up both are counted from its end.
    until_end : bool
        Whether the factor depends on ``passes``: then no training goes on from a shorter one.
    """

    factor: Callable[..., float]

    def completed(self, **more: Any) -> Self:
        """Return it with the setting of all schedules too; see `Record`."""
        return replace(self, settings=(WARM_UP, *self.settings), **more)


@dataclass(frozen=True, kw_only=True)
class PointSet(Record, DatasetKind):
    """A kind of point set, generated from a seed.

    Attributes
    ----------
    generate : callable (generator, points) -> (x, label)
        Draws points (N, D) and their classes (N,), whole numbers from 0, from a
        ``numpy.random.RandomState``. Takes settings as further parameters.
    features, classes : int
        How many; a setting of that name may say it instead.
    """

    generate: Callable[..., tuple[Any, Any]]

    def completed(self, **more: Any) -> Self:
        """Return it with the settings of all generated sets too; see `Record`."""
        points, *parts = GENERATED_SETTINGS
        return replace(self, settings=(points, *self.settings, *parts), **more)


@dataclass(frozen=True, kw_only=True)
class ClaimForm(Record, Kind):
    """A form that a claim's test can have; see `restudy.claims.forms` for the built-in ones.

    Attributes
    ----------
    contrasts : callable (grid, test, place) -> iterator of contrasts
        Each made by `restudy.claims.forms.contrast`.
    keys : mapping of str to mapping
        Keys of a test of this form -> JSON Schema of the value.
    shared : tuple of str
        Those of the keys that other forms have, which it has too.
    required : tuple of str
        The keys that have to be there.
    """

    contrasts: Callable[..., Any]
    keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shared: tuple[str, ...] = ("measure", "margin", "cells", "spread", "at")
    required: tuple[str, ...] = ("measure",)


@dataclass(frozen=True, kw_only=True)
class Figure(Record, Kind):
    """A figure of a study; its ``label`` is its title in the report.

    Attributes
    ----------
    draw : callable (tables, study, family) -> Matplotlib figure
        ``tables`` has the study's rows of each table by its name without ending, ``study`` is as
        the configuration has it, ``family`` has the facts.
    tables : tuple of str
        Artefacts that it is drawn from; families that lack one don't get the figure.
    fits : callable (study) -> bool
        Whether a study gets it; without it, all do.
    shows, made : str
        Sentences below it in the report: what is to be seen, and how it was computed.
    """

    draw: Callable[..., Any]
    tables: tuple[str, ...] = ("runs.csv",)
    fits: Callable[[Mapping[str, Any]], bool] = lambda study: True
    shows: str = ""
    made: str = ""


@dataclass(frozen=True)
class Plugin:
    """What a key of the configuration says of the files that it names.

    Attributes
    ----------
    record : type
        What such a file has at its top level, once or several times.
    noun : str
        What that is, within a sentence.
    functions : tuple of str
        Attributes of the record that have to be functions.
    built_in : str
        Path of a function: the names that are taken by what is built in. Without it, they are
        those of the families' kinds under the key.
    """

    record: type
    noun: str
    functions: tuple[str, ...]
    built_in: str = ""

    @property
    def of_one(self) -> str:
        """The noun with its article."""
        return f"an {self.noun}" if self.noun[0] in "aeiou" else f"a {self.noun}"


PLUGINS = {
    "activations": Plugin(Activation, "activation function", ("value", "derivative")),
    "initializers": Plugin(Initializer, "initializer", ("draw",)),
    "optimizers": Plugin(Optimizer, "optimizer", ("update",)),
    "schedules": Plugin(Schedule, "schedule", ("factor",)),
    "point_sets": Plugin(PointSet, "point set", ("generate",), "restudy.data.kinds:built_in_names"),
    "claim_forms": Plugin(
        ClaimForm, "form of claim", ("contrasts",), "restudy.claims.forms:built_in_names"
    ),
    "figures": Plugin(Figure, "figure", ("draw", "fits"), "restudy.plan.figures:built_in_names"),
}
FAMILY_KEY = "families"
PYTHON_KEY = "python"  # names what some of these families train in
FILE_KEYS = (FAMILY_KEY, *PLUGINS)  # keys of a configuration that name files of the user's
