"""The ticket below every item of the report: its target, its configuration, its command."""

import html
import json
import re
import shlex
import shutil
import subprocess

import pytest
from conftest import Project

MOONS = "results/figures/data/moons.svg"


def tickets(report) -> dict[str, str]:
    """Caption of every item of a report, as text, by the item's path."""
    text = report.read_text(encoding="utf-8").partition('<script id="results">')[2]
    items, _ = json.JSONDecoder().raw_decode(text.partition("= ")[2])
    captions = {path: item["caption"] for path, item in items.items()}
    return {
        path: html.unescape(re.sub(r"<[^>]+>", "", caption)).partition("Ticket.")[2]
        for path, caption in captions.items()
    }


def command(ticket: str) -> list[str]:
    """The words of the command in a ticket, as a shell reads them."""
    (line,) = re.findall(r"^snakemake .*--force .*$", ticket, re.MULTILINE)
    return shlex.split(line)[1:]


def jobs(done: subprocess.CompletedProcess) -> dict[str, str]:
    """Number of jobs by rule that a call announces, their total left out."""
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    counts = dict(re.findall(r"^(\w+) +(\d+)$", text, re.MULTILINE))
    counts.pop("total")
    return counts


@pytest.fixture(scope="module")
def copied(smoke, tmp_path_factory) -> Project:
    """A copy of the smoke run that may be changed, its files as old as they were."""
    folder = tmp_path_factory.mktemp("tickets") / "project"
    shutil.copytree(smoke.folder, folder)
    return Project(folder)


def test_every_item_names_its_own_file_and_the_recorded_configuration(smoke):
    record = json.loads((smoke.folder / "results/provenance.json").read_text())
    digest = record["configuration_sha256"][:12]
    found = tickets(smoke.folder / "report.html")
    assert len(found) > 80
    for path, ticket in found.items():
        assert path in ticket and f"configuration {digest}, as results/provenance.json" in ticket
        assert command(ticket) == [
            *("--cores", "1", "--configfile", "config/smoke.yaml", "--force", path),
        ]
        assert "Out of date" not in ticket


def test_a_command_makes_exactly_its_item_again_with_the_same_bytes(smoke, copied):
    found = tickets(smoke.folder / "report.html")
    made = copied.folder / MOONS
    before, modified = made.read_bytes(), made.stat().st_mtime_ns
    assert jobs(copied.snakemake("-n", *command(found[MOONS]))) == {"plot_points": "1"}
    assert copied.snakemake(*command(found[MOONS])).returncode == 0
    assert made.stat().st_mtime_ns > modified and made.read_bytes() == before
    figure = "results/figures/dense/optimizers_accuracy_curves.svg"
    done = copied.snakemake("-n", "--verbose", *command(found[figure]))
    assert jobs(done) == {"plot_curves_dense": "1"}
    assert "Forced execution" in done.stdout + done.stderr


def test_a_report_with_other_settings_says_so_and_its_command_keeps_them(copied):
    settings = "datasets={moons: {noise: 0.3}}"
    done = copied.snakemake(
        *("--configfile", "config/smoke.yaml", "--config", settings),
        *("--report", "other.html", "--", MOONS),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (ticket,) = tickets(copied.folder / "other.html").values()
    assert "not with this report's" in ticket and "Out of date" in ticket
    assert (
        f"explain_jobs.py --cores 1 --configfile config/smoke.yaml --config '{settings}' -- {MOONS}"
        in ticket
    )
    words = command(ticket)
    assert words[-4:] == ["--config", settings, "--force", MOONS]
    assert jobs(copied.snakemake("-n", *words)) == {"make_points": "1", "plot_points": "1"}
