"""`python -m tests.reliability [--long] [--only NAME]`: every attack, and one table in the end."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "support")]

from tests.reliability import processes
from tests.reliability.fuzz import MOST_GROWTH_MB, by_coverage, fuzz
from tests.reliability.targets import targets


def _fuzzing(long: bool) -> dict[str, Callable[[], object]]:
    def mutations(name: str) -> object:
        done = fuzz(targets()[name], 100_000 if long else 1000, seed=int(time.time()))
        assert done.growth_mb < MOST_GROWTH_MB, done
        return done

    def coverage(name: str) -> object:
        with tempfile.TemporaryDirectory() as folder:
            try:
                return {"cases": by_coverage(name, 100_000 if long else 2000, Path(folder))}
            except FileNotFoundError as error:
                return f"skipped: {error}"

    rows: dict[str, Callable[[], object]] = {}
    for name in targets():
        rows[f"fuzz {name}"] = lambda name=name: mutations(name)
        rows[f"fuzz {name} by coverage"] = lambda name=name: coverage(name)
    return rows


def attacks(long: bool) -> dict[str, Callable[[], object]]:
    """All attacks by name; each returns its counts and raises for what is lost or let in."""
    seed = int(time.time())
    return {
        **_fuzzing(long),
        "kill backends": lambda: processes.kill_backends(300 if long else 5, seed),
        "kill clients": lambda: processes.kill_clients(100 if long else 3),
        "racing starts": lambda: processes.race_starts(50 if long else 3, seed),
        "soak": lambda: processes.soak(*((5000, 500, 200, 4) if long else (200, 40, 40, 2))),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="the full counts; takes hours")
    parser.add_argument("--only", default="", help="attacks whose name contains this")
    args = parser.parse_args()
    rows, failed = [], 0
    for name, attack in attacks(args.long).items():
        if args.only not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="editgan-reliability-") as home:
            os.environ["EDITGAN_HOME"] = home
            begun = time.monotonic()
            try:
                found = str(attack())
            except Exception:
                failed += 1
                found = "FAILED\n" + traceback.format_exc()
            rows.append((name, f"{time.monotonic() - begun:.0f} s", found))
            print(*rows[-1], sep=" | ", flush=True)
    print("\n" + "\n".join(f"{name:<30} {took:>8}  {found}" for name, took, found in rows))
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
