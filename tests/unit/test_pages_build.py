"""The committed programs of the pages are what their sources give."""

import filecmp
import shutil
import subprocess

from conftest import ROOT, need_file

PAGES = ROOT / "src/restudy/views/pages"


def test_committed_programs_are_built_from_their_sources(tmp_path):
    need_file(shutil.which("node") or "node", "no Node.js; on Debian: apt install nodejs")
    need_file(ROOT / "web/node_modules/esbuild", "no esbuild: npm ci --prefix web")
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=ROOT / "web", check=True)
    built = sorted(path.name for path in tmp_path.iterdir())
    committed = sorted(p.name for p in PAGES.iterdir() if p.suffix in (".js", ".css", ".txt"))
    assert built == committed
    _, different, broken = filecmp.cmpfiles(tmp_path, PAGES, built, shallow=False)
    assert different == broken == []


def test_lock_names_no_registry():
    lock = (ROOT / "web/package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock


def test_programs_name_no_address_that_they_could_ask():
    for path in PAGES.glob("*.js"):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert "http://" not in text and "https://" not in text, path.name
