"""The certificate's page: which cells were trained again, and whether they came out the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from markupsafe import Markup

from restudy.families.registry import FAMILIES
from restudy.study.labels import value_words
from restudy.verification.certificate import changed_since
from restudy.views.html_tables import ENVIRONMENT, FAVICON, STYLESHEET

COMMAND = "snakemake --cores N certificate"
CERTIFICATE_STYLESHEET = """
:root { --same: #1c6e8c; --other: #a8430c; }
@media (prefers-color-scheme: dark) { :root { --same: #6cc3df; --other: #f0975a; } }
.outcome { font-size: 1.1rem; font-weight: 600; }
.same { color: var(--same); } .other { color: var(--other); }
.changed { border-left: 4px solid var(--other); padding: .5rem .8rem; background: var(--shade); }
article { border: 1px solid var(--line); border-radius: 8px; padding: .7rem 1rem; margin: .8rem 0;
  max-width: 62rem; }
article h2 { margin: 0 0 .3rem; font-size: 1rem; }
article p { margin: 0 0 .4rem; max-width: none; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .4rem 0; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
code { font: .85rem ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
summary { cursor: pointer; }
@media (max-width: 560px) { dl { grid-template-columns: 1fr; } }
"""

PAGE = ENVIRONMENT.from_string(
    """{% extends "page" %}
{% block body %}
<h1>Certificate</h1>
{% if not made %}
<p class="outcome">Not made yet.</p>
<p>A certificate says whether a random share of the cells, trained again on this machine, gives the
same bytes (of event files, which hold times: the same values). It is not part of a plain run,
because it trains. To make it, call</p>
<p><code>{{ command }}</code></p>
<p>and write the report again. The keys <code>certificate.share</code> and
<code>certificate.seed</code> of the configuration say how many cells it tries and which.</p>
{% else %}
<p class="outcome {{ "other" if failed else "same" }}">{{ outcome }}</p>
{% if changed %}
<p class="changed"><strong>{{ changed }}</strong> Make it again: <code>{{ command }}</code></p>
{% else %}
<p>The results are the ones that this certificate was made of.</p>
{% endif %}
<dl>
<dt>Made</dt><dd>{{ made.date }}</dd>
<dt>Trained again</dt><dd>{{ tried }}</dd>
<dt>Chosen by</dt><dd>seed {{ made.choice.seed }}, share {{ made.choice.share }}</dd>
<dt>On</dt><dd>{{ made.environment.processor }}, Python {{ made.environment.python }}, revision
{{ made.environment.revision }}</dd>
</dl>
{% for job in jobs %}
<article>
<h2><span class="{{ "same" if job.identical else "other" }}">\
{{ "✓ identical" if job.identical else "✗ different" }}</span> · {{ job.title }}</h2>
{% if not job.identical %}
<p><strong>First difference:</strong> {{ job.first }}</p>
<dl>
{% for name, part in job.parts.items() if job.parts | length > 1 %}
<dt>{{ name }}</dt><dd>{{ part }}</dd>
{% endfor %}
<dt>what else differs</dt><dd>{{ job.causes | join("; ") or "nothing: code, data, locked \
environment, libraries and processor are the same" }}</dd>
</dl>
{% endif %}
<details><summary>{{ job.files | length }} files</summary>
<p><code>{{ job.folder }}</code></p>
<dl>
{% for name, file in job.files.items() %}
<dt>{{ name }}</dt><dd>{{ file.outcome }}{% if file.content_sha256 %}, what it says without times\
{% endif %} <code>{{ file.sha256 or file.content_sha256 }}</code></dd>
{% endfor %}
</dl></details>
</article>
{% endfor %}
{% endif %}
{% endblock %}
"""
)


def certificate_page(certificate: Mapping | None, manifest: Mapping) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    certificate : mapping or None
        ``results/certificate.json``, see `restudy.verification.certificate.make_certificate`.
        None if there is none.
    manifest : mapping
        The manifest of the results as they are now.
    """
    style = Markup(STYLESHEET + CERTIFICATE_STYLESHEET)
    common = {
        "title": "Certificate",
        "favicon": FAVICON,
        "stylesheet": style,
        "command": COMMAND,
        "made": certificate,
    }
    if certificate is None:
        return PAGE.render(common)
    jobs = certificate["jobs"]
    failed = sum(not job["identical"] for job in jobs)
    outcome = f"{len(jobs)} of {len(jobs)} came out identical, byte for byte."
    if failed:
        outcome = f"{failed} of {len(jobs)} came out different."
    return PAGE.render(
        **common,
        outcome=outcome,
        failed=failed,
        changed=changed_since(certificate, manifest),
        tried=", ".join(_tried(certificate)),
        jobs=[{**job, "title": _title(job)} for job in jobs],
    )


def _tried(certificate: Mapping) -> list[str]:
    """Return how many of each family's jobs were trained again: "3 of 30 dense cells"."""
    tried = Counter(job["family"] for job in certificate["jobs"])
    return [
        f"{tried[name]} of {count} {_noun(name)}" for name, count in certificate["cells"].items()
    ]


def _noun(name: str) -> str:
    """Return what the training jobs of a family are called."""
    family = FAMILIES.get(name)
    return (family.noun if family else "") or f"training jobs of {_heading(name)}"


def _heading(name: str) -> str:
    """Return the title of a family, or the name of one that the configuration has no longer."""
    return FAMILIES[name].title if name in FAMILIES else name


def _title(job: Mapping) -> str:
    """Return a job in words: its family, the values of its cell, and its seed if it has one."""
    words = [_heading(job["family"])]
    words += [value_words(value, axis) for axis, value in job["cell"].items()]
    if job["seed"] is not None:
        words.append(f"seed {job['seed']}")
    return ", ".join(words)
