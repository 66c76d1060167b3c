"""A dense study small enough for whole runs in tests."""

from typing import Any


def small_cell(dataset: str, protocol: str) -> dict[str, Any]:
    """Return a cell of three hidden units, as a configuration's baseline."""
    return {
        "dataset": dataset,
        "protocol": protocol,
        "activation": "tanh",
        "hidden_size": 3,
        "depth": 1,
        "initializer": "fan_in_normal",
        "optimizer": "gd",
    }


def small_section(dataset: str, studies: dict[str, Any]) -> dict[str, Any]:
    """Return the section ``dense`` of a configuration: one protocol, 2 seeds of 20 passes."""
    return {
        "baseline": small_cell(dataset, "tiny"),
        "protocols": {
            "tiny": {
                "arithmetic": "corrected",
                "passes": 20,
                "replicates": 2,
                "record_interval": 10,
            }
        },
        "optimizers": {"gd": {"kind": "gradient_descent", "learning_rate": 0.01}},
        "studies": studies,
    }
