"""A real Chromium without a network, and the judge of accessibility."""

import pytest
from conftest import ROOT, need_file
from playwright.sync_api import sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Snakemake's own viewer says this of the style library that it carries inside.
KNOWN = "cdn.tailwindcss.com should not be used in production"


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=FLAGS)


@pytest.fixture
def page(browser):
    """A page that may not reach the network, and fails its test on any error or request."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, offline=True, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    context.on("request", lambda request: requests.append(request.url))
    yield page
    context.close()
    assert [text for text in complaints if KNOWN not in text] == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """Source of axe-core, which judges a page's accessibility; `npm ci` in web/ brings it."""
    path = ROOT / "web/node_modules/axe-core/axe.min.js"
    need_file(path, "no axe-core; needs Node.js: npm ci --prefix web")
    return path.read_text(encoding="utf-8")


@pytest.fixture
def check_accessibility(axe):
    """Function of a page or frame: fail for what axe-core finds serious or critical in it."""

    def check(page) -> None:
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [
            f"{violation['id']}: {violation['help']}: "
            + ", ".join(node["html"][:120] for node in violation["nodes"][:5])
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == []

    return check
