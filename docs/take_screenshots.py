"""Take the screenshots that README and docs show, from results and their report.

    python docs/take_screenshots.py [FOLDER]

FOLDER, by default the working directory, holds `results/` and `report.html`, and in `results/` the
folders of the examples as docs/your_own_model.md has them. A page that is not there is named, and
its old picture stays. It needs Debian's Chromium; the pictures are written beside this file, in
`screenshots/`.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
TARGET = Path(__file__).parent / "screenshots"
WIDE, NARROW = (1280, 860), (400, 860)


def show_section(name: str):
    """Function that scrolls a page to its section of that name."""
    return lambda page: page.locator(f"#{name}").evaluate("heading => heading.scrollIntoView()")


def show_tab(name: str):
    """Function that opens a tab of a page."""
    return lambda page: page.get_by_role("tab", name=name).click()


# Picture: page, size of the window, what to do first.
SCREENSHOTS = {
    "overview": ("results/report/overview.html", WIDE, lambda page: None),
    "report": ("report.html", WIDE, lambda page: None),
    "verdicts": ("results/report/verdicts.html", WIDE, lambda page: None),
    "study": ("results/report/study.html", WIDE, show_section("curves")),
    "study_narrow": ("results/report/study.html", NARROW, lambda page: None),
    "time_machine": ("results/report/study.html", WIDE, show_section("time-machine")),
    "tensorboard": ("results/report/tensorboard.html", WIDE, lambda page: None),
    "tensorboard_narrow": ("results/report/tensorboard.html", NARROW, lambda page: None),
    "hparams": ("results/report/tensorboard.html", WIDE, show_tab("HParams")),
    "notebook": ("results/report/backpropagation_notebook.html", WIDE, lambda page: None),
    "scikit_learn": (
        "results/scikit_learn/results/report/study.html",
        WIDE,
        show_section("effects"),
    ),
    "keras_images": (
        "results/keras_images/results/report/study.html",
        WIDE,
        show_section("curves"),
    ),
    "pytorch": ("results/pytorch/results/report/study.html", WIDE, show_section("curves")),
    "pytorch_narrow": ("results/pytorch/results/report/study.html", NARROW, lambda page: None),
}


def main(folder: Path) -> None:
    """Write every picture, in at most 256 colours."""
    TARGET.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, (path, (width, height), prepare) in SCREENSHOTS.items():
            if not (folder / path).exists():
                print(f"{name}: no {folder / path}")
                continue
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto((folder / path).resolve().as_uri())
            page.wait_for_timeout(2500)
            prepare(page)
            page.wait_for_timeout(1500)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            picture.quantize(256).save(TARGET / f"{name}.png", optimize=True)
            page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
