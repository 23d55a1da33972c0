"""Run a program of the private GIMP: `enter.py [gimp | gimp-console | ...] ARGS`.

The private root is entered through a mount and process namespace of its own (unshare, bind mounts,
chroot), so no mount and no process outlives the call. The machine's own folders (home, data, the
working folder) are bound at the same paths, so photographs, the connection file and the backend's
sockets have one name inside and outside.

The backend cannot run in there. This process therefore stays outside, listens on a FIFO named in
EDITGAN_LAUNCHER, and starts the backend whenever the plug-in asks for it.

install.py copies this file, which needs nothing beside it, to the data folder, where `bin/gimp` and
`bin/gimp-console` call it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

# Top-level folders that belong to the operating system; everything else is the user's.
_SYSTEM = {"bin", "boot", "dev", "etc", "lost+found", "proc", "run", "sbin", "sys", "usr", "var"}
_PASSED_ON = ("DISPLAY", "EDITGAN_", "GIMP3_", "TERM", "TMPDIR", "XAUTHORITY")
_PLAIN = "C.UTF-8"  # the locale that every root has
_END = b"end\n"
_ENTER = """
set -e
root=$1 where=$2
shift 2
while [ "$1" != -- ]; do
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
    shift
done
shift
mount -t proc proc "$root/proc"
exec chroot "$root" /usr/bin/env -i --chdir="$where" "$@"
"""


def bound_folders(*needed: Path, top: Path = Path("/")) -> list[Path]:
    """Folders of the machine that the private root sees at the same paths, outermost first."""
    bound = [
        folder
        for folder in sorted(top.iterdir())
        if folder.is_dir()
        and not folder.is_symlink()
        and folder.name not in _SYSTEM
        and not folder.name.startswith(("lib", "."))
    ]
    for folder in needed:
        seen = any(folder.is_relative_to(parent) for parent in bound)
        if not seen and _may_be_bound(folder.relative_to(top)):
            bound.append(folder)
    return bound


def _may_be_bound(folder: Path) -> bool:
    """Not over what GIMP itself runs on: the machine's own programs and libraries are others."""
    own = [Path("usr/local"), Path("usr/src"), Path("var"), Path("run/user"), Path("run/media")]
    return any(folder.is_relative_to(place) and folder != place for place in own)


def environment(settings: Mapping[str, str]) -> list[str]:
    """NAME=value words for a program in the root: little of the caller's, nothing of Python's."""
    values = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    values |= {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": _PLAIN,  # unless `settings` say otherwise, see `language`
        "HOME": str(Path.home()),
        "NO_AT_BRIDGE": "1",
    }
    if profile := settings.get("GIMP3_DIRECTORY"):
        # what GIMP's libraries keep goes there too, not among the user's own settings and caches
        kinds = ("CACHE", "CONFIG", "DATA", "STATE")
        values |= {f"XDG_{kind}_HOME": f"{profile}/xdg/{kind.lower()}" for kind in kinds}
    return [f"{name}={value}" for name, value in (values | dict(settings)).items()]


def language(root: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """The variables that make the root speak the user's language; wanted: their own.

    The locale is compiled for the root when it is first asked for; where it cannot be, GIMP speaks
    English.
    """
    name = next((wanted[v] for v in ("LC_ALL", "LC_MESSAGES", "LANG") if wanted.get(v)), "")
    found = re.fullmatch(r"([a-z]{2,3}(?:_[A-Z]{2})?)(\.[\w-]+)?(@\w+)?", name)
    if found is None:  # C, POSIX, or nothing
        return {"LC_ALL": _PLAIN}
    source, modifier = found[1], found[3] or ""
    compiled = root / f"usr/lib/locale/{source}.utf8{modifier}"
    if not compiled.exists() and (root / f"usr/share/i18n/locales/{source}{modifier}").exists():
        words = ["localedef", "--no-archive", "-i", f"{source}{modifier}", "-f", "UTF-8"]
        subprocess.run(
            ["chroot", str(root), *words, f"/usr/lib/locale/{compiled.name}"],
            capture_output=True,
            check=False,
        )
    if not compiled.exists():
        return {"LC_ALL": _PLAIN}
    locale = f"{source}.UTF-8{modifier}"
    return {"LC_ALL": locale, "LANG": locale, "LANGUAGE": wanted.get("LANGUAGE") or source}


def command(root: Path, words: Sequence[str], settings: Mapping[str, str]) -> list[str]:
    """The command that runs `words` inside `root`; settings: variables for it (EDITGAN_HOME ...).

    Folders named by the variables are visible inside.
    """
    named = [Path(value) for value in settings.values() if value.startswith("/")]
    folders = bound_folders(Path.cwd(), Path.home(), *(path for path in named if path.is_dir()))
    here = Path.cwd() if any(map(Path.cwd().is_relative_to, folders)) else Path("/")
    propagation = "private" if Path("/") in mounts() else "unchanged"
    namespace = ["-m", "-p", "-f", "--kill-child", "--propagation", propagation]
    return [
        *("setpriv", "--pdeathsig", "KILL"),
        *("unshare", *namespace, "sh", "-c", _ENTER, "enter", str(root), str(here)),
        *("/dev", *map(str, folders), "--"),
        *environment(settings),
        *words,
    ]


def unmount(root: Path) -> None:
    """Remove what is still mounted in `root`, which is nothing except on an odd machine.

    In a chroot whose folder is no mount of its own, mounts cannot be made private beforehand.
    """
    for place in sorted(mounts(), reverse=True):  # inner ones first
        if place != root and place.is_relative_to(root):
            subprocess.run(["umount", "--lazy", str(place)], check=False)


def mounts() -> set[Path]:
    """Where something is mounted; nothing is known of it where there is no /proc."""
    file = Path("/proc/self/mounts")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {Path(line.split()[1].replace("\\040", " ")) for line in lines}


@contextlib.contextmanager
def launcher(orders: Mapping[str, Callable[[], object]]) -> Iterator[Path]:
    """A FIFO; a line written to it ("start", say) carries out the order of that name."""
    with tempfile.TemporaryDirectory(prefix="editgan-launcher-") as folder:
        fifo = Path(folder) / "orders"
        os.mkfifo(fifo, 0o600)
        # Opened for writing too: a read then waits for the next order instead of seeing the end.
        with fifo.open("r+b", buffering=0) as handle:
            thread = threading.Thread(target=_serve, args=(handle, orders), daemon=True)
            thread.start()
            try:
                yield fifo
            finally:
                handle.write(_END)
                thread.join()


def _serve(handle: io.RawIOBase, orders: Mapping[str, Callable[[], object]]) -> None:
    while (line := handle.readline()) != _END:
        if order := orders.get(line.decode(errors="replace").strip()):
            order()


def start_backend(backend: Sequence[str], env: Mapping[str, str], cwd: Path | None = None) -> None:
    """Make sure that a backend runs, starting it with the command `backend` if need be.

    What goes wrong is in the backend's own log; whoever waits for it notices its absence.
    """
    code = (
        "import pathlib, sys; from protocol.launch import ensure_backend; "
        "ensure_backend(sys.argv[2:], cwd=pathlib.Path(sys.argv[1])).close()"
    )
    where = str(cwd or env["EDITGAN_HOME"])
    # A process of its own: protocol.launch works by environment variables, and these are others.
    subprocess.run(
        [sys.executable, "-c", code, where, *backend],
        stdin=subprocess.DEVNULL,
        env={name: value for name, value in env.items() if name != "EDITGAN_LAUNCHER"},
        cwd=cwd,
        check=False,
    )


def main(arguments: Sequence[str]) -> int:
    """Run GIMP (or any program of the root); returns its exit code."""
    # bin/gimp sets it; a call by hand may rely on where this file lies
    data_dir = Path(os.environ.get("EDITGAN_HOME") or Path(__file__).parents[1]).absolute()
    root = data_dir / "gimp"
    if not (root / "usr/bin/gimp").exists():
        print(f"There is no private GIMP in {root}; run install.py --demo.", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("The private GIMP can be run by root only.", file=sys.stderr)
        return 2
    profile = os.environ.get("GIMP3_DIRECTORY") or str(data_dir / "gimp-profile")
    settings = {"EDITGAN_HOME": str(data_dir), "GIMP3_DIRECTORY": profile}
    settings |= language(root, os.environ)
    backend = [str(data_dir / "venv/bin/editgan"), "serve"]
    outside = {**os.environ, "EDITGAN_HOME": str(data_dir)}
    with launcher({"start": lambda: start_backend(backend, outside)}) as fifo:
        settings["EDITGAN_LAUNCHER"] = str(fifo)
        process = subprocess.Popen(command(root, arguments, settings))
        for name in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, lambda number, _: process.send_signal(number))
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.kill()
            return 130
        finally:
            unmount(root)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
