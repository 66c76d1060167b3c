"""A real Chromium without a network, and the judge of accessibility."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import ROOT, need_file
from playwright.sync_api import Page, sync_playwright

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
# Of axe-core's rules those that judge colours.
COLOR_RULES = ["color-contrast", "link-in-text-block"]


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=FLAGS)


@contextmanager
def watched_page(browser, **options) -> Iterator[Page]:
    """A page that may not reach the network; see `assert_quiet`, which closing it calls."""
    options = {"viewport": {"width": 1280, "height": 900}, **options}
    context = browser.new_context(offline=True, accept_downloads=True, **options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.heard, page.requested = [], []
    page.on("console", lambda message: page.heard.append(message.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    context.on("request", lambda request: page.requested.append(request.url))
    yield page
    context.close()
    assert_quiet(page)


def assert_quiet(page: Page) -> None:
    """Fail for any error, line in the console or request since this was last asked."""
    heard = [text for text in page.heard if KNOWN not in text]
    requested = [
        url for url in page.requested if not url.startswith(("file:", "data:", "blob:", "about:"))
    ]
    page.heard.clear()
    page.requested.clear()
    assert heard == [] and requested == []


@pytest.fixture(scope="module")
def open_page(browser):
    """Function for a page of one's own, with options of its context: see `watched_page`."""
    return functools.partial(watched_page, browser)


@pytest.fixture(scope="module")
def window(open_page):
    """The page of all tests of a file, emptied before each: a new one takes a quarter second."""
    with open_page() as page:
        yield page


@pytest.fixture
def page(window):
    """A page that may not reach the network, and fails its test on any error or request."""
    window.mouse.move(0, 0)
    window.emulate_media(color_scheme="light")
    window.set_viewport_size({"width": 1280, "height": 900})
    window.goto("about:blank")
    yield window
    window.evaluate("new Promise((done) => setTimeout(done))")  # what is due is said first
    window.goto("about:blank")
    assert_quiet(window)


@pytest.fixture(scope="session")
def axe() -> str:
    """Source of axe-core, which judges a page's accessibility; `npm ci` in web/ brings it."""
    path = ROOT / "web/node_modules/axe-core/axe.min.js"
    need_file(path, "no axe-core; needs Node.js: npm ci --prefix web")
    return path.read_text(encoding="utf-8")


@pytest.fixture
def check_accessibility(axe):
    """Function of a page or frame: fail for what axe-core finds serious or critical in it.

    Of a page that was judged as a whole in light, dark needs its colours judged alone, and vice
    versa: the themes differ in nothing else.
    """

    def check(page, colors_alone: bool = False) -> None:
        page.evaluate(axe)
        options = {"resultTypes": ["violations"]}
        if colors_alone:
            options["runOnly"] = {"type": "rule", "values": COLOR_RULES}
        found = page.evaluate("options => axe.run(document, options)", options)
        serious = [
            f"{violation['id']}: {violation['help']}: "
            + ", ".join(node["html"][:120] for node in violation["nodes"][:5])
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == [], page.url

    return check
