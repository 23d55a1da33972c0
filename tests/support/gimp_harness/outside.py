"""The half that runs outside: collects tests/gimp, starts GIMPs and shows the inner results."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from gimp_harness import INSTALLED
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


class Lane:
    """A process in which tests run inside a GIMP while others run here (`lane.py`)."""

    def __init__(self, data_dir: Path, nodes: Sequence[str]) -> None:
        self.nodes = frozenset(nodes)
        self.folder = Path(tempfile.mkdtemp(prefix="editgan-gimp-"))
        (self.folder / "nodes.json").write_text(json.dumps(list(nodes)), encoding="utf-8")
        (self.folder / "run").mkdir()
        self._log = (self.folder / "lane.log").open("w")
        names = ["nodes.json", "run"]
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gimp_harness.lane",
                data_dir,
                *map(self.folder.joinpath, names),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": f"{PROJECT}{os.pathsep}{SUPPORT}"},
            cwd=PROJECT,
        )

    @cached_property
    def results(self) -> Results:
        """What they gave, once all of them have ended."""
        self._process.wait()
        said = self._said("lane.log") + self._said("run/gimp.log")
        if os.environ.get("EDITGAN_TEST_SHOW_GIMP"):
            print(said, file=sys.__stdout__, flush=True)
        return Results(_read(self.folder / "run/results.jsonl"), said[-6000:])

    def _said(self, name: str) -> str:
        file = self.folder / name
        return file.read_text(errors="replace") if file.exists() else ""

    def end(self) -> None:
        """Leave nothing behind, whatever ended the session."""
        self._process.terminate()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


_LANES = pytest.StashKey[list[Lane]]()
_MOST_LANES = 2  # a test inside GIMP waits half of its time, for windows and answers
_WORTH = 12  # tests; fewer are done before a second GIMP has started


def start_gimp(session: pytest.Session) -> None:
    """Begin with the selected tests inside GIMP; `results_of` waits for them."""
    nodes = [item.nodeid for item in session.items if isinstance(item, GimpItem)]
    data_dir = session.config.stash[INSTALLED]
    if nodes and prepared_gimp(data_dir) and not session.config.option.collectonly:
        session.stash[_LANES] = [Lane(data_dir, share) for share in _shares(nodes)]


def end_gimp(session: pytest.Session) -> None:
    """End every GIMP that still runs."""
    lanes = session.stash.get(_LANES, [])
    for lane in lanes:
        lane.end()
    if lanes and (root := find_gimp(session.config.stash[INSTALLED]).root):
        unmount(root)


def results_of(item: GimpItem) -> Results:
    """What the tests in the item's GIMP gave; without a GIMP the item is skipped or fails."""
    find_gimp(item.session.config.stash[INSTALLED])
    (mine,) = (lane for lane in item.session.stash[_LANES] if item.nodeid in lane.nodes)
    return mine.results


def _shares(nodes: Sequence[str]) -> list[list[str]]:
    """The tests for each GIMP, in their order: whole files, whose fixtures are shared, and about as
    many tests."""
    files: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        files[node.split("::")[0]].append(node)
    count = min(_MOST_LANES, len(files)) if len(nodes) > _WORTH else 1
    shares: list[list[str]] = [[] for _ in range(count)]
    for mine in sorted(files.values(), key=len, reverse=True):
        min(shares, key=len).extend(mine)
    return [sorted(share, key=nodes.index) for share in shares]


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
