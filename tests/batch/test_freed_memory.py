"""Freed memory stays a member's own; that of whole photos goes back to the system."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, resource, sys
import numpy as np
from backend.batch.freed_memory import give_back_freed_memory, keep_freed_memory

def fresh_pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def step():
    for piece in [np.empty(8 << 20, np.uint8) for _ in range(5)]:
        piece.fill(1)

def resident():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))

kept = keep_freed_memory() if sys.argv[1] == "kept" else False
step()
before = fresh_pages()
for _ in range(5):
    step()
pages, before = fresh_pages() - before, resident()
photo = np.ones(72 << 20, np.uint8)
held = resident() - before
del photo
left = resident() - before
pieces = [np.ones(1 << 20, np.uint8) for _ in range(200)]
del pieces[:-1]  # the last one lies above what is free
many = resident()
give_back_freed_memory(1e6)  # it holds less than that
same = resident()
give_back_freed_memory(100)
print(json.dumps([kept, pages, *((x >> 20) for x in (held, left, many - same, many - resident()))]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_steps_take_no_fresh_pages_and_photos_are_given_back() -> None:
    def told(how: str) -> list[int]:
        words = [sys.executable, "-c", SCRIPT, how]
        done = subprocess.run(words, capture_output=True, check=True, cwd=PROJECT)
        return json.loads(done.stdout)

    kept, pages, held, left, nothing, given_back = told("kept")
    if not kept:
        pytest.skip("the C library cannot be asked")
    assert pages < 1000, "five steps of 40 MB are 50,000 pages of 4 kB"
    assert pages < told("as ever")[1]
    assert held >= 70 and left < 10
    assert nothing < 10 and given_back > 150
