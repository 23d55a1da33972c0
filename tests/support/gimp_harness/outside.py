"""The half that runs outside: collects tests/gimp, starts GIMPs and shows the inner results."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gimp_harness import INSTALLED, LANES, TAKEN
from gimp_harness.lane import PROJECT, SECONDS
from gimp_harness.profile import SUPPORT, find_gimp
from installer.enter import unmount
from installer.testing import prepared_gimp


class GimpFile(pytest.File):
    """A test file that is for GIMP's Python: its tests are read from the text, not imported."""

    def collect(self) -> Iterator[pytest.Item]:
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                yield GimpItem.from_parent(self, name=node.name, line=node.lineno)
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef) and inner.name.startswith("test"):
                        name = f"{node.name}::{inner.name}"
                        yield GimpItem.from_parent(self, name=name, line=inner.lineno)


class GimpItem(pytest.Item):
    """One test function; all its cases count as one result."""

    def __init__(self, *, line: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.line = line
        # The first of them waits until all have ended.
        self.add_marker(pytest.mark.timeout(SECONDS + 60))

    def runtest(self) -> None:
        results = results_of(self)
        mine = results.of(self.nodeid)
        if not mine:
            raise InsideGimpError(f"It did not run.\n{results.why_incomplete}")
        if failures := [text for outcome, text in mine if outcome == "failed"]:
            raise InsideGimpError("\n\n".join(failures))
        if all(outcome == "skipped" for outcome, _ in mine):
            pytest.skip(mine[0][1])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any) -> Any:
        if isinstance(excinfo.value, InsideGimpError):
            return f"inside GIMP:\n{excinfo.value}"
        return super().repr_failure(excinfo, *args)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line - 1, f"[in GIMP] {self.name}"


class InsideGimpError(Exception):
    """Carries the inner test's own report."""


@dataclass(frozen=True)
class Results:
    """What the tests inside GIMP gave."""

    by_function: dict[str, list[tuple[str, str]]]  # node id without case -> (outcome, report)
    why_incomplete: str

    def of(self, node: str) -> list[tuple[str, str]]:
        file = node.split("::")[0]
        return self.by_function.get(node, []) or self.by_function.get(file, [])


class LaneProcess:
    """A process in which tests run inside a GIMP while others run here (`lane.py`).

    All that comes of it lies in its folder, where any process can read it: nodes.json, the tests;
    run/, of lane.py; lane.log; ended, once the process has.
    """

    def __init__(self, data_dir: Path, folder: Path, nodes: Sequence[str]) -> None:
        (folder / "run").mkdir(parents=True)
        (folder / "nodes.json").write_text(json.dumps(list(nodes)), encoding="utf-8")
        words = ["-m", "gimp_harness.lane", data_dir, folder / "nodes.json", folder / "run"]
        with (folder / "lane.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": f"{PROJECT}{os.pathsep}{SUPPORT}"},
                cwd=PROJECT,
            )
        self._watch = threading.Thread(target=self._wait, args=[folder / "ended"], daemon=True)
        self._watch.start()

    def _wait(self, ended: Path) -> None:
        self._process.wait()
        ended.touch()

    def end(self) -> None:
        """Leave nothing running, whatever ended the session."""
        self._process.terminate()
        self._watch.join()


_STARTED = pytest.StashKey[list[LaneProcess]]()
_MOST_LANES = 2  # a test inside GIMP waits half of its time, for windows and answers
_WORTH = 12  # tests; fewer are done before a second GIMP has started


def start_gimp(config: pytest.Config, nodes: Sequence[str]) -> None:
    """Begin with these tests inside GIMP, unless it was done; `results_of` waits for them.

    Every GIMP knows all of them, and takes one file after the other that no other has taken.
    """
    data_dir, folder = config.stash[INSTALLED], config.stash[LANES]
    if not nodes or _STARTED in config.stash or config.option.collectonly:
        return
    if prepared_gimp(data_dir):
        (folder / TAKEN).mkdir(parents=True)
        files = {node.split("::")[0] for node in nodes}
        count = min(_MOST_LANES, len(files)) if len(nodes) > _WORTH else 1
        config.stash[_STARTED] = [
            LaneProcess(data_dir, folder / f"lane{number}", nodes) for number in range(count)
        ]


def end_gimp(config: pytest.Config) -> None:
    """End every GIMP that this process has started and that still runs."""
    started = config.stash.get(_STARTED, [])
    for lane in started:
        lane.end()
    if started and (root := find_gimp(config.stash[INSTALLED]).root):
        unmount(root)


def results_of(item: GimpItem) -> Results:
    """What the tests inside GIMP gave; without a GIMP the item is skipped or fails."""
    find_gimp(item.config.stash[INSTALLED])
    return _results(item.config.stash[LANES])


@cache
def _results(folder: Path) -> Results:
    """What all of them gave, once every GIMP has ended."""
    by_function: dict[str, list[tuple[str, str]]] = defaultdict(list)
    incomplete = ""
    for lane in sorted(folder.glob("lane*")):
        while not (lane / "ended").exists():
            time.sleep(0.1)
        for node, found in _read(lane / "run/results.jsonl").items():
            by_function[node] += found
        said = _said(lane / "lane.log") + _said(lane / "run/gimp.log")
        if os.environ.get("EDITGAN_TEST_SHOW_GIMP"):
            print(said, file=sys.__stdout__, flush=True)
        incomplete += said[-6000:]
    return Results(dict(by_function), incomplete)


def _said(file: Path) -> str:
    return file.read_text(errors="replace") if file.exists() else ""


def _read(file: Path) -> dict[str, list[tuple[str, str]]]:
    """(outcome, report) of every case, gathered by test function."""
    phases: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        entry = json.loads(line)
        phases[entry["node"]].append(entry)
    gathered: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for node, entries in phases.items():
        gathered[node.split("[")[0]].append(_verdict(node, entries))
    return dict(gathered)


def _verdict(node: str, entries: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """One case's outcome from its phases; a case that never came to its end has failed."""
    for entry in entries:
        if entry["outcome"] == "failed":
            said = "".join(f"\n--- {name}\n{text}" for name, text in entry.get("output", []))
            return "failed", f"{node} ({entry['when']})\n{entry['text']}{said}"
    if entries[-1]["when"] != "teardown":
        return "failed", f"{node}: GIMP ended during this test."
    for entry in entries:
        if entry["outcome"] == "skipped" and entry.get("xfail") is None:
            return "skipped", entry["text"]
    return "passed", ""
