"""What captions of the report are told of a family: plain facts and words, free of any library."""

from typing import Any

from restudy.families.contract import Family


def caption_facts(family: Family) -> dict[str, Any]:
    """Return what captions are told of a family, as plain values.

    Returns
    -------
    dict
        ``title`` and ``takes`` of the family; ``leaves``, names of what a job leaves; ``time``
        (name, plural) or None; ``quantities``, what is compared ("loss", "accuracy");
        ``recorded``, sentences on the measures in the history, and ``sparse``, whether some are
        recorded at longer intervals than others; ``compared``, the ranking measures by their
        quantity (label, in lower case, and description).
    """
    recorded = [measure for measure in family.recorded_measures if measure.drawn]
    return {
        "title": family.title,
        "takes": family.takes,
        "leaves": [artefact.name for artefact in family.artefacts],
        "time": family.time and {"name": family.time.name, "plural": family.time.plural},
        "quantities": list(family.quantities),
        "recorded": [f"{measure.label}: {measure.description}" for measure in recorded],
        "sparse": len({measure.recorded for measure in recorded}) > 1,
        "compared": {
            measure.quantity: {
                "label": in_sentence(measure.label),
                "description": measure.description,
            }
            for measure in map(family.measure, reversed(family.ranked_by))
        },
    }


def in_sentence(label: str) -> str:
    """Return a label as it stands within a sentence: in lower case, but for abbreviations."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label
