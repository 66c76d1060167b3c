"""Whether a claim was stated before there were results, in real repositories."""

import os
import subprocess
from datetime import UTC, datetime

import pytest
import yaml
from conftest import ROOT

from restudy.claims.document import complete_claims
from restudy.claims.registration import describe_registration
from restudy.claims.resolve import ClaimsError
from restudy.study.config import complete_config
from restudy.study.yaml_files import parse_yaml

CONFIG = complete_config(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
TEXT = """\
claims:
  - id: lower
    source: mine
    statement: The loss is low.
    model: dense
    study: activations
    tests:
      - {{form: threshold, measure: train_loss, below: {bound}, cells: {{activation: tanh}}}}
"""


@pytest.fixture
def repository(tmp_path):
    """A repository with a file of claims, committed at noon of a day; and the commit."""
    file = tmp_path / "mine/claims.yaml"
    file.parent.mkdir()
    file.write_text(TEXT.format(bound=0.5))

    def git(*words):
        variables = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        who = ("-c", "user.name=me", "-c", "user.email=me@example.org")
        done = subprocess.run(
            ["git", *who, *words],
            cwd=tmp_path,
            env=variables | {"GIT_COMMITTER_DATE": "2026-03-04T12:00:00+00:00"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "claims")
    return file, git("rev-parse", "HEAD")


def told(file, text, date, commit, *results):
    registered = f"    registered: {{date: {date}, commit: {commit}}}\n"
    file.write_text(text.replace("    tests:\n", f"{registered}    tests:\n"))
    (claim,) = complete_claims(parse_yaml(file.read_text(), file), CONFIG)
    return describe_registration(claim, file, results)


def quoted(commit):
    return f"'{commit}'"


def written(path, when):
    path.write_text("seed\n")
    moment = datetime(*when, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    return path


def test_a_claim_that_is_older_than_its_results_is_said_to_be(repository, tmp_path):
    file, commit = repository
    results = [written(tmp_path / "runs.csv", (2026, 3, 5)), tmp_path / "gone.csv"]
    text = told(file, TEXT.format(bound=0.5), "2026-03-04", quoted(commit[:10]), *results)
    assert text == (
        f"Registered on 2026-03-04 in commit {commit[:10]}, which has it as it is, before its "
        "first results were written."
    )
    early = written(tmp_path / "early.csv", (2026, 3, 4, 11))
    assert "after its first results" in told(
        file, TEXT.format(bound=0.5), "2026-03-04", quoted(commit), *results, early
    )
    assert "is not known here" in told(file, TEXT.format(bound=0.5), "2026-03-04", quoted(commit))


def test_what_was_changed_since_is_said_to_be(repository):
    file, commit = repository
    changed = told(file, TEXT.format(bound=0.4), "2026-03-04", quoted(commit))
    assert changed.endswith("which has it with other tests or other words.")
    renamed = TEXT.format(bound=0.5).replace("lower", "higher")
    assert told(file, renamed, "2026-03-04", quoted(commit)).endswith("which has no such claim.")
    shared = "judged_by: normal\n" + TEXT.format(bound=0.5)
    assert "other tests" in told(file, shared, "2026-03-04", quoted(commit))
    expected = TEXT.format(bound=0.5).replace(
        "    tests:\n", "    expect: reproduced\n    tests:\n"
    )
    assert "has it as it is" in told(file, expected, "2026-03-04", quoted(commit))
    assert "and is of 2026-03-04" in told(
        file, TEXT.format(bound=0.5), "2026-03-03", quoted(commit)
    )


def test_a_commit_that_is_not_here_is_said_not_to_be(repository, tmp_path):
    file, _ = repository
    text = told(file, TEXT.format(bound=0.5), "2026-03-04", quoted("0123456"))
    assert "which can't be looked up here" in text


def test_a_claim_without_it_says_nothing():
    (claim,) = complete_claims(parse_yaml(TEXT.format(bound=0.5), "claims.yaml"), CONFIG)
    assert describe_registration(claim, "claims.yaml", []) == ""


@pytest.mark.parametrize(
    "given, message",
    [
        ("{date: soon, commit: abcdef0}", "registered.date: got 'soon'"),
        ("{date: 2026-03-04, commit: '--output=x'}", "registered.commit: got '--output=x'"),
        ("{date: 2026-03-04}", "commit"),
    ],
)
def test_what_is_no_day_or_no_commit_is_refused(given, message):
    text = TEXT.format(bound=0.5).replace("    tests:\n", f"    registered: {given}\n    tests:\n")
    with pytest.raises(ClaimsError, match=message):
        complete_claims(parse_yaml(text, "claims.yaml"), CONFIG)
