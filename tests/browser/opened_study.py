"""The page of the studies, opened in a browser: what several tests do with it."""

from pathlib import Path


def open_at(page, path: Path, fragment: str = ""):
    page.goto("about:blank")
    page.goto(path.as_uri() + fragment)
    page.locator("h2#question").wait_for()
    page.locator(".time").wait_for()
    return page


def choose(page, label: str, option: str) -> None:
    box(page, label).select_option(label=option)
    settle(page)


def box(page, label: str):
    return page.get_by_role("combobox", name=label, exact=True)


def settle(page) -> None:
    """Wait until the page has drawn what it was told."""
    frame = "new Promise((done) => requestAnimationFrame(done))"
    idle = "new Promise((done) => requestIdleCallback(done, { timeout: 50 }))"
    page.evaluate(f"{frame}.then(() => {frame}).then(() => {idle})")


def section(page, name: str):
    """A part of the page, by its heading."""
    return page.locator("section", has=page.locator(f"h2#{name}"))


def rows(page, name: str = "cells") -> list[list[str]]:
    """What the table of a part of the page shows."""
    settle(page)
    return (
        section(page, name)
        .locator(".data-table tbody tr")
        .evaluate_all(
            "all => all.map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"
        )
    )
