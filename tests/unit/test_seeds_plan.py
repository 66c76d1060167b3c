"""How many seeds claims need, as the command prints it."""

import io

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from scipy import stats

from restudy.__main__ import arguments
from restudy.claims.document import read_claims
from restudy.claims.seeds_plan import plan_seeds
from restudy.errors import UserError
from restudy.study.config import complete_config

CONFIG = complete_config(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
CLAIMS = read_claims(ROOT / "config/claims.yaml", CONFIG)


def run(*words, capsys):
    given = arguments().parse_args(["plan_seeds", *map(str, words)])
    given.run(given)
    return capsys.readouterr().out


def test_planned_seeds_decide_claims_in_80_of_100_simulated_experiments():
    (claim,) = [each for each in CLAIMS if each["id"] == "activation_ranking"]
    only = [{**claim, "protocols": {"corrected": claim["protocols"]["corrected"]}}]
    for way in ("typical_seed", "normal"):
        for contrast in only[0]["protocols"]["corrected"]:
            contrast["judged_by"] = way
        (row,) = plan_seeds(only, lambda *_: 1.0).to_dict("records")
        assert row["contrasts"] == 2 and row["least"] <= row["seeds_1"] <= row["seeds_0.5"]
        samples = np.random.default_rng(0).normal(0.5, 1.0, (3_000, 2, row["seeds_0.5"]))
        if way == "normal":
            p = stats.ttest_1samp(samples, 0, axis=2, alternative="greater").pvalue
        else:
            p = stats.binom.sf((samples > 0).sum(axis=2) - 1, samples.shape[2], 0.5)
        decided = (2 * p.max(axis=1) <= 0.05).mean()
        assert 0.78 <= decided <= 0.9


def test_the_command_prints_what_a_configuration_needs(capsys):
    text = run(ROOT / "config/config.yaml", capsys=capsys)
    assert "The training loss is lowest with ReLU, then … corrected" in text
    assert "activation_ranking" not in text and "All verdicts share the level" in text
    table = pd.read_csv(io.StringIO(run(ROOT / "config/config.yaml", "--csv", capsys=capsys)))
    assert len(table) == sum(len(claim["protocols"]) for claim in CLAIMS)
    assert (table["hours_0.5"] > 0).all() and (table["hours_0.5"] >= table["hours_2"]).all()


def test_what_it_cannot_use_is_told_in_a_line(tmp_path, capsys):
    with pytest.raises(UserError, match="names no claims"):
        run(ROOT / "config/search.yaml", capsys=capsys)
    with pytest.raises(UserError, match=r"lacks conv_history\.parquet, .*few seeds"):
        run(ROOT / "config/config.yaml", "--pilot", tmp_path, capsys=capsys)
