"""A whole run on a disk that becomes full, again and again, until there is room for all of it."""

import random

from faults_form import LONG
from whole_runs import TARGETS, call, differing, leftovers, write_study

from restudy.disk import AGAIN

TIMES = 12 if LONG else 3


def test_a_run_may_find_the_disk_full_anywhere(whole_study, small_disk, tally):
    work = write_study(small_disk.folder / "work")
    before = small_disk.pages()
    taken = sum(1 + path.stat().st_size // 4096 for path in whole_study.rglob("*"))
    draw = random.Random(0)
    taken = taken if LONG else taken // 3  # without figures and pages
    shares = [0, 0.002, *sorted(draw.uniform(0.02, 0.6) for _ in range(TIMES - 2))]
    for share in shares:
        room = max(0, round(share * taken) - (small_disk.pages() - before))
        with small_disk.full(but_for=room):
            code, told = call(work, *TARGETS)
        if code:
            assert "the disk is full. Free some space, " + AGAIN in told, told
            assert "Traceback" not in told and "Logging error" not in told, told
        assert [path for path in leftovers(work) if path.startswith("results")] == []
        tally("full disks, a whole run", 1, 1)
    code, told = call(work, *TARGETS)
    assert code == 0, told
    assert differing(work, whole_study) == [] and leftovers(work) == []


def test_a_folder_may_become_read_only(small_disk, tally):
    work = write_study(small_disk.folder / "work")
    with small_disk.read_only():
        code, told = call(work, "--", "results/tables/svm_runs.csv")
    assert code == 1 and "Traceback" not in told, told
    assert "can't be written to: call with --directory" in told or "read-only" in told, told
    code, told = call(work, "--", "results/tables/svm_runs.csv")
    assert code == 0 and leftovers(work) == [], told
    tally("read-only file systems", 1, 1)
