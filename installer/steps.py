"""What install.py does, one function for each of its options."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from installer import find_gimp, plugin, private_gimp, sandboxes, service, testing
from installer import uninstall as removal
from installer.console import InstallError, say
from installer.demo import run_demo
from installer.environment import Environment
from installer.find_gimp import Gimp
from installer.gimp_batch import call_in_gimp
from installer.record import Record, write_atomically
from installer.torch_build import Build
from protocol import paths


@dataclass(frozen=True)
class Options:
    """What the command line says.

    build, torch_index: of torch, None where the machine decides. gimp: which kind, None for the
    first that is found.
    """

    build: Build | None = None
    torch_index: str | None = None
    gimp: str | None = None


def install(options: Options = Options()) -> int:
    """Install for the GIMP 3 of this machine (or the private one, where that was built)."""
    data_dir, record = _open()
    environment = _environment(data_dir, record, options)
    gimp = _gimp(environment, record, build=False, wanted=options.gimp)
    _install_plugin(environment, gimp, record)
    _say_what_to_click(environment, gimp)
    return 0


def install_command(options: Options = Options()) -> int:
    """Install the environment and the `editgan` command, whether there is a GIMP or not."""
    data_dir, record = _open()
    environment = _environment(data_dir, record, options)
    complaint = environment.complaint("import backend.session.devices, torchvision, cv2, zmq")
    if complaint is not None:
        raise InstallError(f"The environment does not work ({complaint}); run this again.")
    if not record.plugin_dirs:
        record.set_backend(environment.python, environment.editgan, alone=True)
    say(f"\nInstalled: {environment.editgan} --help")
    return 0


def demo(options: Options = Options()) -> int:
    """Install, building a private GIMP where there is none, and run the demonstration."""
    data_dir, record = _open()
    environment = _environment(data_dir, record, options)
    gimp = _gimp(environment, record, build=True)
    _install_plugin(environment, gimp, record)
    run_demo(environment, gimp, record, Path.cwd() / "demo")
    _say_what_to_click(environment, gimp)
    return 0


def test(arguments: Sequence[str], options: Options = Options()) -> int:
    """Prepare everything that the tests need and run them from this checkout.

    An installed copy of the project and its plug-in stay as they are.
    """
    data_dir, record = _open()
    environment = Environment(data_dir, record)
    environment.ensure(tests=True, build=options.build, torch_index=options.torch_index)
    gimp = _gimp(environment, record, build=True)
    record.add_path(data_dir / "test")
    record.add_path(data_dir / "vendor")
    testing.ensure_file_tools(record, data_dir)
    testing.prepare_gimp(environment, gimp, data_dir)
    return testing.run_tests(environment, arguments)


def show_where() -> int:
    """Print where everything is; null for what is not installed."""
    print(json.dumps(where(paths.data_dir()), indent=1))
    return 0


def where(data_dir: Path) -> dict[str, object]:
    """Where everything is: python, editgan, plugin_dirs, data_dir, gimp, versions."""
    record = Record(data_dir)
    environment = Environment(data_dir, record)
    gimp = record.gimp or testing.prepared_gimp(data_dir)
    versions = environment.versions(["editgan-gimp", "torch", "torchvision", "pyzmq"])
    return {
        "python": str(environment.python) if environment.python.exists() else None,
        "editgan": str(environment.editgan) if environment.editgan.exists() else None,
        "plugin_dirs": [str(path) for path in record.plugin_dirs if path.exists()],
        "data_dir": str(data_dir),
        "gimp": _program(gimp, data_dir) if gimp else None,
        "versions": {
            "editgan": versions.pop("editgan-gimp"),
            **versions,
            "gimp": gimp.version if gimp else None,
            "gimp_python": gimp.python if gimp else None,
        },
    }


def uninstall(*, purge: bool, sure: bool) -> int:
    """Remove what install.py put on this machine."""
    return removal.uninstall(paths.data_dir(), purge=purge, sure=sure)


def _open() -> tuple[Path, Record]:
    data_dir = paths.data_dir()
    record = Record(data_dir)
    for name in ("logs", "run", "cache"):  # the backend's own, of no use without it
        record.add_path(data_dir / name)
    return data_dir, record


def _environment(data_dir: Path, record: Record, options: Options) -> Environment:
    say(f"Installing EditGAN for GIMP below {data_dir}")
    environment = Environment(data_dir, record)
    environment.ensure(build=options.build, torch_index=options.torch_index)
    environment.ensure_project()
    record.set_backend(environment.python, environment.editgan)
    return environment


def _gimp(
    environment: Environment, record: Record, *, build: bool, wanted: str | None = None
) -> Gimp:
    """GIMP 3 of this machine, else the private one; build: make that where it is not there."""
    if found := find_gimp.find(wanted):
        return found
    if wanted:
        raise InstallError(f"No GIMP 3 of the kind '{wanted}' was found; start it once, try again.")
    data_dir = record.file.parent
    if build and private_gimp.can_build():
        private_gimp.build(data_dir, record)
    if private_gimp.is_built(data_dir):
        private_gimp.write_commands(data_dir, environment.python, record)
        if made := find_gimp.ask("private", (str(data_dir / "bin/gimp-console"),)):
            return made
        raise InstallError(
            f"The private GIMP in {data_dir / 'gimp'} does not run "
            f"({private_gimp.complaint(data_dir)}); delete that folder and run this again."
        )
    hint = " Or run install.py --demo, which builds a private one." * private_gimp.can_build()
    raise InstallError(f"{find_gimp.how_to_get()}{hint}")


def _install_plugin(environment: Environment, gimp: Gimp, record: Record) -> None:
    data_dir = record.file.parent
    vendor = record.add_path(data_dir / "vendor")
    packages = plugin.ensure_vendor(environment, gimp, vendor)
    record.add_path(gimp.plugin_dir)
    settings = {
        "data_dir": str(data_dir),
        "python": str(environment.python),
        "editgan": str(environment.editgan),
    }
    if folder := sandboxes.granted_folder(gimp):
        settings |= _put_up_service(environment, gimp, record, folder)
    plugin.install_plugin(gimp.plugin_dir, packages, settings)
    if len(gimp.command) > 1:
        _write_command(gimp, data_dir, record)
    record.set_plugin(gimp)
    _check(gimp)


def _put_up_service(
    environment: Environment, gimp: Gimp, record: Record, folder: Path
) -> dict[str, str]:
    """What a GIMP in a sandbox needs; returns what its plug-in has to know of it."""
    if said := sandboxes.missing_permission(gimp, folder):
        raise InstallError(
            f"This GIMP may not see {folder}, where it would reach EditGAN; allow it with\n"
            f"    {said}\nand run this again."
        )
    socket = record.add_path(folder) / "backend.sock"
    service.install(environment, record, socket)
    record.set_socket(socket)
    return {"data_dir": str(folder), "socket": str(socket)}


def _write_command(gimp: Gimp, data_dir: Path, record: Record) -> None:
    """One program that runs gimp-console, where that takes several words (Flatpak, Snap)."""
    program = record.add_path(data_dir / "bin") / "gimp-console"
    write_atomically(program, f'#!/bin/sh\nexec {shlex.join(gimp.command)} "$@"\n')
    program.chmod(0o755)


def _program(gimp: Gimp, data_dir: Path) -> str:
    return gimp.command[0] if len(gimp.command) == 1 else str(data_dir / "bin/gimp-console")


def _check(gimp: Gimp) -> None:
    """Go the whole line once: GIMP, plug-in, protocol, backend, bundles."""
    report = call_in_gimp(gimp, "plug-in-editgan-status", "the whole line: GIMP to backend")
    bundles = ", ".join(str(bundle["name"]) for bundle in report["bundles"]) or "none"
    say(f"  GIMP {gimp.version} reaches the backend on {report['device']}; models: {bundles}")


def _say_what_to_click(environment: Environment, gimp: Gimp) -> None:
    start = "Start GIMP (close it first if it is open)"
    if gimp.kind == "private":
        start = f"Start the private GIMP: {Path(gimp.command[0]).with_name('gimp')} PHOTO"
    on_path = shutil.which("editgan") == str(environment.editgan)
    say(
        f"\n{start}, open a photo with a face, and choose Filters > EditGAN > EditGAN...\n"
        "Move a slider, or choose a part and paint on it; Keep makes it a layer.\n"
        f"Without GIMP: {'editgan' if on_path else environment.editgan} --help\n"
        f"To remove it all: python3 {sys.argv[0]} --uninstall"
    )
