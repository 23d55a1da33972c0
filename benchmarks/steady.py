#!/usr/bin/env python3
"""Run each test inside GIMP again and again, idle and with every core loaded, and count failures.

A test that fails once in twenty runs is a fault of the test or of the plug-in, never bad luck.

    python benchmarks/steady.py [-n 20] [-k EXPRESSION] [--only idle|loaded]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_RESULT = re.compile(r"^(tests/gimp/\S+) (PASSED|FAILED|ERROR|SKIPPED)", re.MULTILINE)
_BUSY = "while True: pass"


@contextlib.contextmanager
def load(processes: int) -> Iterator[None]:
    """So many processes that do nothing but take time, meanwhile."""
    busy = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run_once(expression: str | None) -> dict[str, str]:
    """One run of all chosen tests: what became of each."""
    words = [sys.executable, "-m", "pytest", "tests/gimp", "-v", "-p", "no:cacheprovider"]
    words += ["-k", expression] if expression else []
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    found = dict(_RESULT.findall(done.stdout))
    if not found:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", type=int, default=20, help="runs of each kind (default: 20)")
    parser.add_argument("-k", help="which tests, as pytest's -k has it (default: all)")
    parser.add_argument("--only", choices=("idle", "loaded"), help="one kind of runs")
    args = parser.parse_args()
    report: dict[str, dict[str, int]] = {}
    for kind, processes in (("idle", 0), ("loaded", os.cpu_count() or 1)):
        if args.only not in (None, kind):
            continue
        failed: Counter[str] = Counter()
        tests: set[str] = set()
        with load(processes):
            for number in range(args.n):
                found = run_once(args.k)
                tests |= set(found)
                failed.update(name for name, how in found.items() if how in ("FAILED", "ERROR"))
                print(f"{kind} {number + 1}/{args.n}: {sum(failed.values())} failures so far")
        report[kind] = dict(failed)
        print(f"{kind}: {len(tests)} tests, {args.n} runs, {sum(failed.values())} failures")
        for name, count in failed.most_common():
            print(f"  {count:3d}  {name}")
    print(json.dumps(report))
    return 1 if any(report.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
