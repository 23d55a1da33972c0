"""`editgan doctor`: is everything there and does it fit together? Says what to do where not."""

from __future__ import annotations

import argparse
import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands import doctor_folders
from backend.commands.findings import Finding, bug_report, lines_of
from protocol.errors import UserError

if TYPE_CHECKING:
    from backend.bundles import Bundle

_PACKAGES = (
    "torch", "torchvision", "facenet-pytorch", "lpips", "numpy", "opencv-python-headless",
    "pillow", "imagecodecs", "tifffile", "safetensors", "pyzmq", "msgpack", "tqdm",
)  # fmt: skip
# torchvision 0.N goes with torch 2.(N - 15).
_TORCHVISION_OFFSET = 15
_AGAIN = "Delete {}, or install the model again."


class CannotWrite(UserError):
    code = "not_writable"


@dataclass(frozen=True)
class DoctorReport:
    """report: the file that was written for a bug report."""

    healthy: bool
    findings: list[Finding]
    report: str | None
    exit_code: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report", type=Path, metavar="FILE",
        help="also write a text for a bug report: no photos and no names are in it",
    )  # fmt: skip


def run(args: argparse.Namespace) -> DoctorReport:
    """All findings; exit code 1 when one of them is a problem."""
    findings: list[Finding] = []
    checks = (_versions, _torch, _device, _bundles, _networks, _library)
    for check in (*checks, *doctor_folders.CHECKS, _backend):
        findings += _tried(check)
    healthy = all(finding.state != "problem" for finding in findings)
    if args.report:
        write_text(args.report, bug_report(findings))
    written = str(args.report) if args.report else None
    return DoctorReport(healthy, findings, written, exit_code=0 if healthy else 1)


def describe(report: DoctorReport) -> str:
    """A line for each finding."""
    end = "Everything is in order." if report.healthy else "Something needs your attention."
    written = [f"For a bug report: {report.report}"] if report.report else []
    return "\n".join([*lines_of(report.findings), end, *written])


def write_text(path: Path, text: str) -> None:
    """Raises CannotWrite."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}.") from error


def _tried(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """A check that falls over is a finding as well."""
    findings = []
    try:
        for finding in check():
            findings.append(finding)
    except Exception as error:
        name = check.__name__.strip("_")
        reason = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
        findings.append(Finding(name, "problem", reason, "Run install.py again."))
    return findings


def _versions() -> Iterator[Finding]:
    found, missing = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        advice = "Run install.py again."
        yield Finding("packages", "problem", f"missing: {', '.join(missing)}", advice)
    yield Finding("packages", "ok", ", ".join(found))


def _torch() -> Iterator[Finding]:
    versions = [metadata.version(name) for name in ("torch", "torchvision")]
    numbers = [[int(n) for n in v.split("+")[0].split(".")[:2]] for v in versions]
    text = f"torch {versions[0]}, torchvision {versions[1]}"
    if numbers[1][1] - numbers[0][1] != _TORCHVISION_OFFSET:
        advice = "They must be of one release; run install.py again."
        yield Finding("torch", "problem", f"{text} do not belong together", advice)
        return
    import torch
    from torchvision.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    assert nms(boxes, torch.tensor([0.5, 0.9]), 0.5).tolist() == [1]
    yield Finding("torch", "ok", f"{text}, and they work together")


def _device() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        text = f"{torch.cuda.get_device_name(0)}, {memory:.0f} GB"
    else:
        text = f"the processor, {torch.get_num_threads()} threads (no usable GPU)"
        if shutil.which("nvidia-smi") and not _has_cuda():
            advice = "Run install.py --cuda, if the NVIDIA card of this machine should be used."
            yield Finding("device", "note", text, advice)
            return
    yield Finding("device", "ok", text)


def _has_cuda() -> bool:
    """Whether CUDA's own libraries are installed, and not placeholders for them."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        return bool(metadata.version("nvidia-cublas"))
    return "+cu" in metadata.version("torch")


def _bundles() -> Iterator[Finding]:
    from backend.bundles import list_bundles, read_bundle
    from backend.errors import BadBundle

    folders = list_bundles()
    if not folders:
        yield Finding("models", "problem", "no model is installed", "Run install.py again.")
    for name, folder in sorted(folders.items()):
        try:
            bundle = read_bundle(folder)
        except BadBundle as error:
            advice = "" if "Update EditGAN" in error.message else _AGAIN.format(folder)
            yield Finding("models", "problem", error.message, advice)
            continue
        if bad := bundle.verify():
            text = f"{name}: damaged or missing: {', '.join(bad)}"
            yield Finding("models", "problem", text, "Install the model again.")
        else:
            text = f"{name}, {bundle.resolution} pixels, {len(bundle.parts)} parts, files unharmed"
            yield Finding("models", "ok", f"{text}; {bundle.license}")


def _readable_bundles() -> list[Bundle]:
    """By name; `_bundles` speaks of those that cannot be read."""
    from backend.bundles import list_bundles, read_bundle
    from backend.errors import BadBundle

    found = []
    for _, folder in sorted(list_bundles().items()):
        with contextlib.suppress(BadBundle):
            found.append(read_bundle(folder))
    return found


def _networks() -> Iterator[Finding]:
    import torch

    from backend.bundles.networks import load_networks, weights_file
    from backend.errors import BadBundle

    for bundle in _readable_bundles():
        if bundle.missing:
            advice = "docs/bundles.md says how to train them; 'editgan sample' works already."
            text = f"{bundle.name} has no {' and no '.join(bundle.missing)} yet"
            yield Finding("networks", "note", text, advice)
            continue
        try:
            networks = load_networks(bundle, torch.device("cpu"))
        except BadBundle as error:
            yield Finding("networks", "problem", error.message, "Install the model again.")
            continue
        used = [network.name for network in (networks.perceptual, networks.identity) if network]
        yield Finding("networks", "ok", f"{bundle.name} measures with {', '.join(used)}")
    if weights_file("vgg16.pth") is None:
        from protocol.paths import data_dir

        yield Finding(
            "networks", "note", "the small perceptual network that ships with the model is in use",
            f"For LPIPS with VGG, put vgg16.pth into {data_dir() / 'weights'}.",
        )  # fmt: skip


def _library() -> Iterator[Finding]:
    from edit_library import Library
    from protocol.paths import library_dir

    library = Library(library_dir())
    edits = library.list()
    own = sum(edit.source == "user" for edit in edits)
    yours = "one edit" if own == 1 else f"{own} edits"
    yield Finding("edit library", "ok", f"{len(edits) - own} presets, {yours} of your own")
    generators = {bundle.name: bundle.sha for bundle in _readable_bundles()}
    strange = [e.title for e in edits if generators.get(e.bundle) != e.generator_sha256]
    if strange:
        text = f"learned with models that are not installed: {', '.join(map(repr, strange))}"
        yield Finding("edit library", "note", text, "They cannot be applied; learn them again.")
    for broken in library.broken():
        where = f"'{broken.bundle}/{broken.name}'"
        newer = "update EditGAN" in broken.reason
        advice = "" if newer else f"Delete {broken.folder}, or put the edit back from a copy."
        yield Finding("edit library", "problem", f"{where}: {broken.reason}", advice)


def _backend() -> Iterator[Finding]:
    from protocol.client import Connection
    from protocol.errors import BackendError
    from protocol.settings import load

    try:
        remote = load().chosen_remote
        with Connection.open(timeout=5.0) as connection:
            status = connection.status()
    except BackendError as error:
        if error.code == "backend_missing":
            yield Finding("backend", "ok", "not running; GIMP starts it when it is needed")
        elif error.code == "bad_settings" or remote:  # the sentence says what to do
            yield Finding("backend", "problem", error.message)
        else:
            advice = "End it (editgan serve in the list of processes) and try again."
            yield Finding("backend", "problem", error.message, advice)
        return
    where = f" at {remote.address}" if remote else ""
    text = f"running{where} for {status.uptime_s / 60:.0f} minutes on {status.device}"
    yield Finding("backend", "ok", f"{text}, {status.memory_mb:.0f} MB, log in {status.log}")
