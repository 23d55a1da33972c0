"""`python -m tests.reliability [--long] [--only NAME] [--state FILE]`: all attacks and a table."""

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

from tests.reliability import kills, pings, processes
from tests.reliability.fuzz import MOST_GROWTH_MB, by_coverage, fuzz
from tests.reliability.table import printed
from tests.reliability.tally import Counts, Tally
from tests.reliability.targets import targets

_BATCH = 500  # cases of one process's life
MOST_GROWTH_PERCENT = 2.0


def _mutations(name: str, cases: int, tally: Tally) -> Counts:
    attack = f"fuzz {name}"
    for _ in tally.rounds(attack, cases, _BATCH):
        done = fuzz(targets()[name], _BATCH, seed=time.time_ns())
        assert done.growth_mb < MOST_GROWTH_MB, done
        tally.add(attack, taken=done.taken, executed=0)
        tally.raise_to(attack, **{"MB more": done.growth_mb, "slowest s": done.slowest_s})
    return tally.of(attack)


def _coverage(name: str, cases: int, tally: Tally) -> Counts:
    attack = f"cover {name}"
    for _ in tally.rounds(attack, cases, cases):
        with tempfile.TemporaryDirectory() as folder:
            by_coverage(name, cases, Path(folder))
        tally.add(attack, executed=0)
    return tally.of(attack)


def _pings(seconds: float, tally: Tally) -> Counts:
    for _ in tally.rounds("pings", 1):
        for shape, found in pings.ping(seconds):
            tally.add("pings", pings=found["pings"])
            tally.raise_to("pings", **{"worst p99 ms": found["p99"], f"{shape} ms": found["p99"]})
    return tally.of("pings")


def _soak(sizes: tuple[int, int, int, int], tally: Tally, *, strict: bool) -> Counts:
    for _ in tally.rounds("soak", 1):
        done = processes.soak(*sizes)
        assert not strict or done["memory grew by %"] < MOST_GROWTH_PERCENT, done
        tally.add("soak", **done)
    return tally.of("soak")


def attacks(long: bool, tally: Tally) -> dict[str, Callable[[], Counts]]:
    """All attacks by name; each returns its counts and raises for what is lost or let in."""
    seed = int(time.time())
    day = (5000, 500, 200, 4) if long else (200, 40, 40, 2)
    rows: dict[str, Callable[[], Counts]] = {
        "hostile messages": lambda: processes.hostile_messages(
            30_000 if long else 500, seed, tally
        ),
        "strangers": lambda: processes.strangers(100 if long else 3, tally),
        "racing starts": lambda: processes.race_starts(50 if long else 3, seed, tally),
        "kill clients": lambda: kills.kill_clients(100 if long else 3, tally),
        "kill backends": lambda: kills.kill_backends(300 if long else 9, seed, tally),
        "soak": lambda: _soak(day, tally, strict=long),
        "pings": lambda: _pings(20.0 if long else 2.0, tally),
    }
    every = 100_000 if long else 4000  # of all readers together
    for name in targets():
        cases = -(-every // len(targets()) // _BATCH) * _BATCH
        rows[f"fuzz {name}"] = lambda name=name, cases=cases: _mutations(name, cases, tally)
    for name in targets():
        cases = 10_000 if long else 1000
        rows[f"cover {name}"] = lambda name=name, cases=cases: _coverage(name, cases, tally)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="the full counts; takes hours")
    parser.add_argument("--only", default="", help="attacks whose name contains this")
    parser.add_argument("--state", type=Path, help="a file of counts: an interrupted run goes on")
    parser.add_argument("--table", action="store_true", help="print the table of --state, no more")
    args = parser.parse_args()
    tally, failed = Tally(args.state), []
    for name, attack in attacks(args.long, tally).items():
        if args.only not in name or args.table:
            continue
        with tempfile.TemporaryDirectory(prefix="editgan-attack-") as home:
            os.environ["EDITGAN_HOME"] = home
            begun = time.monotonic()
            try:
                found = str(attack())
            except FileNotFoundError as error:
                found = f"skipped: {error}"
            except Exception:
                failed.append(name)
                found = "FAILED\n" + traceback.format_exc()
            tally.add(name, hours=(time.monotonic() - begun) / 3600)
            print(name, f"{time.monotonic() - begun:.0f} s", found, sep=" | ", flush=True)
    print(printed(tally, None if args.table else failed))
    return min(len(failed), 1)


if __name__ == "__main__":
    sys.exit(main())
