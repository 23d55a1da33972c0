"""The half that runs inside GIMP: pytest with a plug-in that writes every result to a file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from gimp_harness import TAKEN

_SECONDS = 600  # one test: the backend starts within it, on a busy machine


class Reporter:
    """Appends one JSON line per phase of a test: node id, phase, outcome, seconds, what it said."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._write(
            node=report.nodeid,
            when=report.when,
            outcome=report.outcome,
            duration=round(report.duration, 1),
            text=_reason(report),
            output=[list(section) for section in report.sections],
            xfail=getattr(report, "wasxfail", None),
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._write(node=report.nodeid, when="collect", outcome="failed", text=_reason(report))

    def _write(self, **values: object) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            print(json.dumps(values), file=file)


class Taken:
    """The files of tests that this GIMP has taken, of those that it shares with others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mine: dict[str, bool] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Passes over the tests of a file that another GIMP has taken."""
        file = item.nodeid.split("::")[0]
        if file not in self._mine:
            self._mine[file] = self._take(file)
        return None if self._mine[file] else True

    def _take(self, file: str) -> bool:
        try:
            (self._folder / file.replace("/", "+")).mkdir()
        except FileExistsError:
            return False
        return True


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):  # a skip: file, line, reason
        return report.longrepr[2]
    return report.longreprtext


def main() -> None:
    """Run the tests named in EDITGAN_TEST_RUN/arguments.json; raises when pytest itself failed."""
    run = Path(os.environ["EDITGAN_TEST_RUN"])
    arguments = json.loads((run / "arguments.json").read_text(encoding="utf-8"))
    # A test that hangs in a call to GIMP cannot be interrupted by a signal: end the process.
    limits = ["-o", "timeout_method=thread", "-o", f"timeout={_SECONDS}"]
    flags = ["-p", "no:cacheprovider", *limits, "-v", "--color=no"]
    plugins = [Reporter(run / "results.jsonl"), Taken(run.parents[1] / TAKEN)]
    code = pytest.main([*flags, *arguments], plugins=plugins)
    sys.stdout.flush()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"pytest inside GIMP ended with {code!r}")
