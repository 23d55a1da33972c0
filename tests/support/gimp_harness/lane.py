"""Runs tests inside GIMP in a process of its own: `-m gimp_harness.lane DATA_DIR NODES RUN`.

NODES is a JSON file with the tests' ids, RUN an empty folder: there the inner pytest writes
results.jsonl, and GIMP its output. Beside it the outer pytest runs the other tests, whose changes
of environment, folder and signals must not reach GIMP.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from gimp_harness import LEVEL, WORKSTATION, WORKSTATION_ADDRESS
from gimp_harness.profile import TestGimp, find_gimp
from installer.enter import command, launcher, start_backend
from protocol import keys

PROJECT = Path(__file__).resolve().parents[3]
Orders = Mapping[str, Callable[[], object]]
_BACKEND = [sys.executable, str(PROJECT / "tests/support/backend_harness/quick_backend.py")]
SECONDS = 3600  # for all tests inside GIMP; those outside run beside them
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


def main(data_dir: Path, nodes: Path, run: Path) -> None:
    """Run the tests; returns when GIMP has ended and nothing of it is left."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by the outer tests"))
    run_in_gimp(find_gimp(data_dir), json.loads(nodes.read_text(encoding="utf-8")), run)


def run_in_gimp(gimp: TestGimp, nodes: Sequence[str], run: Path) -> None:
    """Start GIMP with a profile, a data folder and a backend of its own and run `nodes` in it."""
    home = run / "home"
    home.mkdir()
    try:
        (run / "arguments.json").write_text(json.dumps(list(nodes)), encoding="utf-8")
        (home / "settings.json").write_text(json.dumps({"level": LEVEL}), encoding="utf-8")
        gimp.make_profile(run / "profile", home)
        _start_once(gimp, run, home)
        _run(gimp, run, home)
    finally:
        end_backend_of(home)
        end_backend_of(run / WORKSTATION)


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


def _run(gimp: TestGimp, run: Path, home: Path) -> None:
    """Run GIMP until it ends or has taken too long."""
    backend = [*_BACKEND, "serve"]
    outside = {**os.environ, "EDITGAN_HOME": str(home), "no_proxy": "127.0.0.1"}
    log, address = run / "gimp.log", free_address()
    settings = {
        "EDITGAN_INSIDE_GIMP": "1",
        "EDITGAN_TEST_RUN": str(run),
        "EDITGAN_TEST_PATH": ":".join(map(str, gimp.module_path(run / "profile"))),
        "EDITGAN_HOME": str(home),
        WORKSTATION_ADDRESS: address,
        "EDITGAN_PYTHON": sys.executable,  # with EDITGAN_LINK=bridge the tests need one as well
        "GIMP3_DIRECTORY": str(run / "profile"),
    }
    words = (*gimp.console, "-i", "-d", "-f", "--batch-interpreter=python-fu-eval", "-b", _START)
    orders = {
        "start": lambda: start_backend(backend, outside, PROJECT),
        "kill": lambda: end_backend_of(home),
        "full": lambda: limit_files_of(home, 0),
        "room": lambda: limit_files_of(home, resource.RLIM_INFINITY),
        "generator": lambda: make_generator(home / "bundles/tiny"),
        "checkpoint": lambda: make_checkpoint(run / "net.pkl"),
        "start-workstation": lambda: start_workstation(run, home, address),
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
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=SECONDS)
        finally:
            process.kill()
            process.wait()


def acknowledged(orders: Orders, run: Path) -> Orders:
    """The same orders; each leaves a file when it is carried out, for which a test can wait."""

    def carry_out(name: str, work: Callable[[], object]) -> None:
        work()
        (run / f"{name}.done").touch()

    return {name: partial(carry_out, name, work) for name, work in orders.items()}


def make_generator(folder: Path) -> None:
    """A small generator without parts, as an import leaves it; anew where there is one."""
    shutil.rmtree(folder, ignore_errors=True)
    _with_torch("from cli_harness import make_generator as make; make(path)", folder)


def make_checkpoint(file: Path) -> None:
    """The same kind of generator in a file as NVIDIA's program writes it."""
    words = "from stylegan_reference import Generator; from checkpoint_files import write_nvidia"
    _with_torch(f"{words}; write_nvidia(path, Generator().eval().requires_grad_(False))", file)


def _with_torch(words: str, path: Path) -> None:
    """Run Python code outside GIMP, in which `path` is a path."""
    begin = "import sys; from pathlib import Path; path = Path(sys.argv[1])"
    folders = os.pathsep.join([str(PROJECT), str(PROJECT / "tests/support")])
    subprocess.run(
        [sys.executable, "-c", f"{begin}; {words}", str(path)],
        env={**os.environ, "PYTHONPATH": folders, "OMP_NUM_THREADS": "1"},
        cwd=PROJECT,
        check=True,
    )


def free_address() -> str:
    """HOST:PORT that nobody listens at, other runs of the tests included."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def start_workstation(run: Path, home: Path, address: str) -> None:
    """Another computer's backend: a data folder of its own, on TCP, letting `home`'s user in."""
    own = json.loads((home / "keys/client.json").read_text(encoding="utf-8"))
    words = ["serve", "--tcp", address, "--allow", keys.to_hex(own["public"])]
    environment = {**os.environ, "EDITGAN_HOME": str(run / WORKSTATION)}
    (run / WORKSTATION).mkdir(exist_ok=True)
    start_backend([*_BACKEND, *words], environment, PROJECT)


def _command(
    gimp: TestGimp, run: Path, words: Sequence[str], settings: dict[str, str]
) -> list[str]:
    has_display = (gimp.root / "usr/bin/Xvfb").exists() if gimp.root else shutil.which("Xvfb")
    if has_display:
        words = ["sh", "-c", _WITH_DISPLAY, str(run), *words]
    return command(gimp.root, words, settings) if gimp.root else list(words)


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


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
