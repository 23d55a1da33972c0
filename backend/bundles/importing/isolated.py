"""Reading a checkpoint in a process of its own: whatever the file does there, nothing else suffers.

The child has limits of memory, time and disk. It hands back names, tensors (safetensors) and the
generator's shape, which are checked here once more.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend.bundles.importing.checkpoint import BadCheckpoint, Checkpoint, State, check_fit
from backend.models.config import GeneratorConfig

_TENSORS, _ANSWER = "tensors.safetensors", "answer.json"
_PROJECT = Path(__file__).resolve().parents[3]

_FREE_BYTES = 2 << 30  # memory beyond what the program itself takes
_FREE_SECONDS = 120  # of the processor
_COPIES = 4  # of the file that may be in memory
_BYTES_PER_SECOND = 10 << 20  # how slowly a file may be read
_PATIENCE = 4  # seconds of the clock for each of the processor: the machine has other work, too
_MAX_ANSWER = 1 << 20
_THREADS = 4  # each takes address space


def read_checkpoint(path: Path) -> Checkpoint:
    """The generator in `path`, read by a child process.

    Raises BadCheckpoint: what the file is instead, and what to do.
    """
    with tempfile.TemporaryDirectory(prefix="editgan-import-", ignore_cleanup_errors=True) as place:
        _run(path, Path(place))
        return _taken_over(Path(place), path.name)


def _run(path: Path, place: Path) -> None:
    """Let a child read `path` and leave its answer in `place`; raises BadCheckpoint."""
    command = [sys.executable, "-m", __name__, str(path.absolute()), str(place)]
    environment = {**os.environ, "PYTHONPATH": str(_PROJECT), "OMP_NUM_THREADS": str(_THREADS)}
    seconds = _PATIENCE * _seconds(path)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=place,
            env=environment,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise BadCheckpoint(_given_up(path.name, f"it took longer than {seconds} s")) from None
    except OSError as error:
        raise BadCheckpoint(f"The reader cannot be started ({error.strerror}).") from error
    if done.returncode:
        raise BadCheckpoint(_given_up(path.name, "it exceeded the memory or time that it has"))


def _given_up(name: str, reason: str) -> str:
    return (
        f"{name} cannot be imported. Reading it was given up, as {reason}: the file is damaged or "
        "hostile; get it again from where it came from."
    )


def _taken_over(place: Path, name: str) -> Checkpoint:
    """What the child left; nothing of it is believed without a check."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from protocol.typed import ProtocolError, from_wire

    try:
        with (place / _ANSWER).open("rb") as file:
            answer: dict[str, Any] = json.loads(file.read(_MAX_ANSWER))
        if "error" in answer:
            raise BadCheckpoint(str(answer["error"]))
        origin, notes = from_wire(tuple[str, list[str]], answer["texts"], (), name)
        config = from_wire(GeneratorConfig, answer["config"], (), name)
        state = load_file(place / _TENSORS)
    except (OSError, ValueError, KeyError, TypeError, ProtocolError, SafetensorError) as error:
        raise BadCheckpoint(_given_up(name, "its reader gave no sound answer")) from error
    check_fit(state, config)
    return Checkpoint(config, state, origin, tuple(notes))


# --- in the child -------------------------------------------------------------------------------


def main(source: Path, place: Path) -> int:
    """Read `source` under limits; the answer goes into `place`."""
    import torch

    from backend.bundles.importing.read import read_here

    torch.set_num_threads(min(_THREADS, torch.get_num_threads()))
    _limit(source)
    try:
        found = read_here(source)
    except BadCheckpoint as error:
        return _answer(place, {"error": error.message})
    _save(found.state, place / _TENSORS)
    answer = {"texts": [found.origin, list(found.notes)], "config": asdict(found.config)}
    return _answer(place, answer)


def _answer(place: Path, content: dict[str, Any]) -> int:
    (place / _ANSWER).write_text(json.dumps(content), encoding="utf-8")
    return 0


def _save(state: State, path: Path) -> None:
    """As safetensors, which hold no tensor that shares its memory with another."""
    from safetensors.torch import save_file

    seen: set[int] = set()
    alone: State = {}
    for name, value in state.items():
        start, size = value.untyped_storage().data_ptr(), value.untyped_storage().nbytes()
        shared = start in seen or size != value.numel() * value.element_size()
        alone[name] = value.clone() if shared else value
        seen.add(start)
    save_file(alone, path)


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _seconds(path: Path) -> int:
    return _FREE_SECONDS + _size(path) // _BYTES_PER_SECOND


def _limit(source: Path) -> None:
    """Bound memory, time and files written; Windows has no such limits but the parent's clock."""
    if sys.platform == "win32":
        return
    import resource

    room = _FREE_BYTES + _COPIES * _size(source)
    limits = {
        resource.RLIMIT_AS: _address_space() + room,
        resource.RLIMIT_CPU: _seconds(source),
        resource.RLIMIT_FSIZE: room,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        with contextlib.suppress(ValueError, OSError):  # macOS does not know all of them
            most = resource.getrlimit(kind)[1]
            value = value if most == resource.RLIM_INFINITY else min(value, most)
            resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    """Bytes of address space that the program has by itself, before it reads anything."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 16 << 30
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
