"""The half that runs outside: starts GIMP once, collects tests/gimp and shows the inner results."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gimp_harness import INSTALLED, WORKSTATION, WORKSTATION_ADDRESS
from gimp_harness.profile import TestGimp, find_gimp
from installer.enter import command, launcher, start_backend, unmount
from protocol import keys

PROJECT = Path(__file__).resolve().parents[3]
Orders = Mapping[str, Callable[[], object]]
_SECONDS = 1500  # for all tests inside GIMP
_START = (
    "import os, sys; sys.dont_write_bytecode = True; "
    "sys.path[:0] = os.environ['EDITGAN_TEST_PATH'].split(':'); "
    "from gimp_harness.inside import main; main()"
)
# The plug-in's windows need a display, and GIMP hands its environment to plug-ins. -noreset: else
# the server begins anew whenever its last client goes, and turns away who comes meanwhile. -r: else
# keys repeat themselves that a busy machine holds down for long.
_WITH_DISPLAY = """
Xvfb -displayfd 1 -noreset -r -screen 0 1280x1024x24 -nolisten tcp >"$0/display" 2>/dev/null &
while [ ! -s "$0/display" ]; do sleep 0.05; done
DISPLAY=:$(cat "$0/display") "$@"
code=$?
kill $!
wait $!
exit $code
"""


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
        # The first of them waits for GIMP and all tests in it.
        self.add_marker(pytest.mark.timeout(_SECONDS + 60))

    def runtest(self) -> None:
        results = results_of(self.session)
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


_RESULTS = pytest.StashKey[Results]()


def results_of(session: pytest.Session) -> Results:
    """Run the selected tests inside GIMP on the first call; the same results on later ones."""
    if _RESULTS not in session.stash:
        gimp = find_gimp(session.config.stash[INSTALLED])
        nodes = [item.nodeid for item in session.items if isinstance(item, GimpItem)]
        session.stash[_RESULTS] = run_in_gimp(gimp, nodes)
    return session.stash[_RESULTS]


def run_in_gimp(gimp: TestGimp, nodes: Sequence[str]) -> Results:
    """Start GIMP with a profile, a data folder and a backend of its own and run `nodes` in it."""
    run = Path(tempfile.mkdtemp(prefix="editgan-gimp-"))
    home = run / "home"
    home.mkdir()
    try:
        (run / "arguments.json").write_text(json.dumps(list(nodes)), encoding="utf-8")
        gimp.make_profile(run / "profile", home)
        _start_once(gimp, run, home)
        output = _run(gimp, run, home)
        return Results(_read(run / "results.jsonl"), output)
    finally:
        if gimp.root:
            unmount(gimp.root)
        end_backend_of(home)
        end_backend_of(run / WORKSTATION)
        shutil.rmtree(run, ignore_errors=True)


def _start_once(gimp: TestGimp, run: Path, home: Path) -> None:
    """Let GIMP learn the plug-in: what it remembers of it is then what users' GIMP works with.

    It reads back an empty default as none at all, for example.
    """
    settings = {"EDITGAN_HOME": str(home), "GIMP3_DIRECTORY": str(run / "profile")}
    words = [*gimp.console, "-i", "-d", "-f", "--quit"]
    subprocess.run(
        command(gimp.root, words, settings) if gimp.root else words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, **settings},
        timeout=300,
        check=True,
    )


def _run(gimp: TestGimp, run: Path, home: Path) -> str:
    """Run GIMP; returns the end of its output."""
    backend = [sys.executable, "-m", "backend.cli", "serve"]
    outside = {**os.environ, "EDITGAN_HOME": str(home)}
    log = run / "gimp.log"
    settings = {
        "EDITGAN_INSIDE_GIMP": "1",
        "EDITGAN_TEST_RUN": str(run),
        "EDITGAN_TEST_PATH": ":".join(map(str, gimp.module_path(run / "profile"))),
        "EDITGAN_HOME": str(home),
        "GIMP3_DIRECTORY": str(run / "profile"),
    }
    words = (*gimp.console, "-i", "-d", "-f", "--batch-interpreter=python-fu-eval", "-b", _START)
    orders = {
        "start": lambda: start_backend(backend, outside, PROJECT),
        "kill": lambda: end_backend_of(home),
        "full": lambda: limit_files_of(home, 0),
        "room": lambda: limit_files_of(home, resource.RLIM_INFINITY),
        "start-workstation": lambda: start_workstation(run, home),
        "kill-workstation": lambda: end_backend_of(run / WORKSTATION),
    }
    with launcher(acknowledged(orders, run)) as fifo, log.open("w") as file:
        settings["EDITGAN_LAUNCHER"] = str(fifo)
        process = subprocess.Popen(
            _command(gimp, run, [*words, "--quit"], settings),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, **settings},
            cwd=PROJECT,
        )
        try:
            process.wait(timeout=_SECONDS)
        finally:
            process.kill()
            process.wait()
    if os.environ.get("EDITGAN_TEST_SHOW_GIMP"):
        print(log.read_text(errors="replace"), file=sys.__stdout__, flush=True)
    return log.read_text(errors="replace")[-6000:]


def acknowledged(orders: Orders, run: Path) -> Orders:
    """The same orders; each leaves a file when it is carried out, for which a test can wait."""

    def carry_out(name: str, work: Callable[[], object]) -> None:
        work()
        (run / f"{name}.done").touch()

    return {name: partial(carry_out, name, work) for name, work in orders.items()}


def start_workstation(run: Path, home: Path) -> None:
    """Another computer's backend: a data folder of its own, on TCP, letting `home`'s user in."""
    own = json.loads((home / "keys/client.json").read_text(encoding="utf-8"))
    words = ["serve", "--tcp", WORKSTATION_ADDRESS, "--allow", keys.to_hex(own["public"])]
    environment = {**os.environ, "EDITGAN_HOME": str(run / WORKSTATION)}
    (run / WORKSTATION).mkdir(exist_ok=True)
    start_backend([sys.executable, "-m", "backend.cli", *words], environment, PROJECT)


def _command(
    gimp: TestGimp, run: Path, words: Sequence[str], settings: dict[str, str]
) -> list[str]:
    has_display = (gimp.root / "usr/bin/Xvfb").exists() if gimp.root else shutil.which("Xvfb")
    if has_display:
        words = ["sh", "-c", _WITH_DISPLAY, str(run), *words]
    return command(gimp.root, words, settings) if gimp.root else list(words)


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


def backends_of(home: Path) -> Iterator[Path]:
    """The folders in /proc of the backends whose data folder is `home`."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            variables = (folder / "environ").read_bytes().split(b"\0")
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if f"EDITGAN_HOME={home}".encode() in variables and b"serve" in words:
                yield folder


def end_backend_of(home: Path) -> None:
    """Kill the backend whose data folder is `home`, as a crash would, and wait for its end."""
    mine = list(backends_of(home))
    for folder in mine:
        with contextlib.suppress(OSError):
            os.kill(int(folder.name), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(folder.exists() for folder in mine) and time.monotonic() < deadline:
        time.sleep(0.02)


def limit_files_of(home: Path, size: int) -> None:
    """Let no file of that backend grow beyond `size` bytes: to it, a disk that is full."""
    for folder in backends_of(home):
        _soft, hard = resource.prlimit(int(folder.name), resource.RLIMIT_FSIZE)
        resource.prlimit(int(folder.name), resource.RLIMIT_FSIZE, (size, hard))
