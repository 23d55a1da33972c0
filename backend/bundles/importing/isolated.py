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
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend.bundles.importing.checkpoint import BadCheckpoint, Checkpoint, State, check_fit
from backend.bundles.importing.encoders import with_encoder
from backend.models.config import GeneratorConfig

_TENSORS, _ENCODER, _ANSWER = "tensors.safetensors", "encoder.safetensors", "answer.json"
_ALL = "--all-tensors"
_PROJECT = Path(__file__).resolve().parents[3]

_FREE_BYTES = 2 << 30  # memory beyond what the program itself takes
_FREE_SECONDS = 120  # of the processor
_COPIES = 4  # of the file that may be in memory
_BYTES_PER_SECOND = 10 << 20  # how slowly a file may be read
_PATIENCE = 4  # seconds of the clock for each of the processor: the machine has other work, too
_MAX_ANSWER = 1 << 20
_THREADS = 4  # each takes address space


def read_checkpoint(path: Path, chosen: int | None = None) -> Checkpoint:
    """The generator in `path`, and its encoder where there is one, read by a child process.

    chosen: the class of a conditional generator. Raises BadCheckpoint: what the file is instead,
    and what to do.
    """
    with tempfile.TemporaryDirectory(prefix="editgan-import-", ignore_cleanup_errors=True) as place:
        words = [str(path.absolute()), str(place), *([] if chosen is None else [str(chosen)])]
        _run(words, Path(place), [path])
        return _taken_over(Path(place), path.name)


def read_tensors(paths: Sequence[Path]) -> list[State]:
    """All tensors of files that belong to no generator, by dotted path, read by a child process.

    Raises BadCheckpoint.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with tempfile.TemporaryDirectory(prefix="editgan-import-", ignore_cleanup_errors=True) as made:
        place, name = Path(made), paths[0].name
        _run([_ALL, str(place), *(str(path.absolute()) for path in paths)], place, paths)
        try:
            answer = json.loads((place / _ANSWER).read_text(encoding="utf-8")[:_MAX_ANSWER])
            if "error" in answer:
                raise BadCheckpoint(str(answer["error"]))
            return [load_file(place / f"{i}.safetensors") for i in range(len(paths))]
        except (OSError, ValueError, TypeError, SafetensorError) as error:
            raise BadCheckpoint(_given_up(name, "its reader gave no sound answer")) from error


def _run(words: Sequence[str], place: Path, sources: Sequence[Path]) -> None:
    """Let a child read files and leave its answer in `place`; raises BadCheckpoint."""
    command, name = [sys.executable, "-m", __name__, *words], sources[0].name
    environment = {**os.environ, "PYTHONPATH": str(_PROJECT), "OMP_NUM_THREADS": str(_THREADS)}
    seconds = _PATIENCE * _seconds(sources)
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
        raise BadCheckpoint(_given_up(name, f"it took longer than {seconds} s")) from None
    except OSError as error:
        raise BadCheckpoint(f"The reader cannot be started ({error.strerror}).") from error
    if done.returncode:
        raise BadCheckpoint(_given_up(name, "it exceeded the memory or time that it has"))


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
        encoder = load_file(place / _ENCODER) if (place / _ENCODER).is_file() else {}
    except (OSError, ValueError, KeyError, TypeError, ProtocolError, SafetensorError) as error:
        raise BadCheckpoint(_given_up(name, "its reader gave no sound answer")) from error
    check_fit(state, config)
    found = Checkpoint(config, state, origin, tuple(notes))
    return with_encoder(found, answer.get("encoder"), encoder) if encoder else found


# --- in the child -------------------------------------------------------------------------------


def main(source: Path, place: Path, chosen: int | None = None) -> int:
    """Read `source` under limits; the answer goes into `place`."""
    import torch

    from backend.bundles.importing.read import read_here

    torch.set_num_threads(min(_THREADS, torch.get_num_threads()))
    _limit([source])
    try:
        found = read_here(source, chosen)
    except BadCheckpoint as error:
        return _answer(place, {"error": error.message})
    _save(found.state, place / _TENSORS)
    answer = {"texts": [found.origin, list(found.notes)], "config": asdict(found.config)}
    if found.encoder:
        _save(found.encoder.state, place / _ENCODER)
        answer["encoder"] = found.encoder.kind
    return _answer(place, answer)


def main_of_all(place: Path, sources: Sequence[Path]) -> int:
    """Read all tensors of files under limits; they go into `place`, one file each."""
    import torch

    from backend.bundles.importing.contents import flat
    from backend.bundles.importing.read import read_content

    torch.set_num_threads(min(_THREADS, torch.get_num_threads()))
    _limit(sources)
    for number, source in enumerate(sources):
        try:
            tensors = flat(read_content(source)).tensors
        except (BadCheckpoint, OSError, RuntimeError, TypeError, ValueError) as error:
            reason = getattr(error, "message", None) or f"It is damaged ({str(error)[:120]})."
            return _answer(place, {"error": f"{source.name} cannot be imported. {reason}"})
        _save(
            {k: v.detach().contiguous() for k, v in tensors.items()},
            place / f"{number}.safetensors",
        )
    return _answer(place, {})


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


def _seconds(paths: Sequence[Path]) -> int:
    return _FREE_SECONDS + sum(map(_size, paths)) // _BYTES_PER_SECOND


def _limit(sources: Sequence[Path]) -> None:
    """Bound memory, time and files written; Windows has no such limits but the parent's clock."""
    if sys.platform == "win32":
        return
    import resource

    room = _FREE_BYTES + _COPIES * sum(map(_size, sources))
    limits = {
        resource.RLIMIT_AS: _address_space() + room,
        resource.RLIMIT_CPU: _seconds(sources),
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
    if sys.argv[1] == _ALL:
        sys.exit(main_of_all(Path(sys.argv[2]), [Path(word) for word in sys.argv[3:]]))
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])))
