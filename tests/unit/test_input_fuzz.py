"""A good configuration, table or claims, damaged at random: a plan, or lines that name it."""

import copy
import random
import time
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from restudy.data.inspection import inspect_datasets
from restudy.errors import UserError
from restudy.operation.loading import load_study
from restudy.study.yaml_files import check_configfile

SMOKE = yaml.safe_load((ROOT / "config/smoke.yaml").read_text())
CLAIMS = yaml.safe_load((ROOT / "config/smoke_claims.yaml").read_text())
ODD = [
    *(None, True, 0, -1, 1, 3, 0.5, 1e9, 10**12, 10**400, float("nan"), float("inf")),
    *("", "x", "moons", "tanh", "1e-4", "x" * 5000, "a\nb", "</script>", "../..", "é", "{x}"),
    *([], {}, [1, 2], ["tanh", "tanh"], {"a": 1}, {"from": 1, "to": 10**9, "count": 10**9}),
    *({"kind": "csv", "path": "/dev/zero", "label": "y"}, [[[[]]]], "gd+learning_rate=nan"),
]
TABLE = "height,width,kind\n" + "".join(
    f"{n * 37 % 101},{n * n % 7}.5,{'ab'[n % 2]}\n" for n in range(30)
)
PIECES = [
    ",",
    "\n",
    '"',
    ";",
    "\t",
    "\0",
    "\ufeff",
    "é",
    " ",
    "NA",
    "?",
    "1e400",
    "-",
    "inf",
    "9" * 5000,
]
SECONDS = 20  # at most, on a machine that others use too


def places_of(value, at=()):
    """Every place in a configuration, as keys and indices, but for the whole."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield (*at, key)
        yield from places_of(value[key], (*at, key))


def damage(drawn: random.Random, document):
    """The document with one to three places deleted, renamed, or with something odd."""
    document = copy.deepcopy(document)
    for _ in range(drawn.choice([1, 1, 1, 2, 3])):
        *way, last = drawn.choice(list(places_of(document)))
        group = document
        for key in way:
            group = group[key]
        sort = drawn.random()
        if sort < 0.2:
            del group[last]
        elif sort < 0.35 and isinstance(group, dict):
            group[drawn.choice(["x", "", "kind", f"{last}s", "A b"])] = group.pop(last)
        else:
            group[last] = copy.deepcopy(drawn.choice(ODD))
    return document


def planned(path: Path) -> str:
    """Empty if a configuration gives a plan, or the message that refuses it."""
    try:
        check_configfile(path)
        load_study(yaml.safe_load(path.read_text()), {}, [path], [], ROOT)
    except UserError as fault:
        return str(fault)
    return ""


def assert_readable(message: str) -> None:
    assert len(message) < 30_000
    for line in message.splitlines():
        assert line.strip() and len(line) <= 1300


@pytest.mark.parametrize("seed", range(80))
def test_a_damaged_configuration_is_planned_or_refused_by_name(tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    path = Path("odd.yaml")
    path.write_text(yaml.safe_dump(damage(random.Random(seed), SMOKE), allow_unicode=True))
    began = time.monotonic()
    message = planned(path)
    assert time.monotonic() - began < SECONDS
    assert_readable(message)
    assert not message or "odd.yaml" in message or "claims" in message


@pytest.mark.parametrize("seed", range(40))
def test_damaged_claims_are_planned_or_refused_by_name(tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    drawn = random.Random(seed)
    Path("odd_claims.yaml").write_text(yaml.safe_dump(damage(drawn, CLAIMS), allow_unicode=True))
    path = Path("odd.yaml")
    path.write_text(yaml.safe_dump({**SMOKE, "claims": "odd_claims.yaml"}))
    message = planned(path)
    assert_readable(message)
    assert not message or "odd_claims.yaml" in message


@pytest.mark.parametrize("seed", range(150))
def test_a_damaged_table_is_read_or_refused_by_name(tmp_path, seed):
    drawn = random.Random(seed)
    text = TABLE
    for _ in range(drawn.choice([1, 1, 2, 5])):
        place = drawn.randrange(len(text))
        end = place + drawn.choice([0, 0, 1, 3, 40])
        text = text[:place] + drawn.choice(PIECES) + text[end:]
    content = text.encode(drawn.choice(["utf-8", "utf-8", "utf-8", "latin-1", "utf-16"]), "replace")
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    told = []
    try:
        inspect_datasets({"own": {"kind": "csv", "path": str(path), "label": "kind"}}, told.append)
    except UserError as fault:
        assert_readable(str(fault))
        assert all(line.startswith("datasets.own.") for line in str(fault).splitlines())
    assert all("own.csv: " in line and len(line) < 1000 for line in told)
