"""What doctor says of folders and files, and what a bug report leaves out."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend.commands import doctor, doctor_folders
from backend.commands.findings import Finding, bug_report
from protocol import keys, paths


def states(found: list[Finding]) -> dict[str, str]:
    return {one.check: one.state for one in found}


def test_what_others_can_read_is_named_and_closed(home: Path) -> None:
    keys.own("server")
    key = paths.keys_dir() / "server.json"
    paths.library_dir().mkdir()
    for path in (paths.library_dir(), paths.run_dir()):
        path.chmod(0o777)
    key.chmod(0o644)
    (found,) = doctor_folders.privacy()
    assert found.state == "note" and str(key) in found.text and "new keys" in found.advice
    assert [path.stat().st_mode & 0o777 for path in (paths.library_dir(), key)] == [0o700, 0o600]
    assert states(list(doctor_folders.privacy())) == {"privacy": "ok"}


def test_a_disk_that_is_nearly_full(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)
    assert states(list(doctor_folders.folders())) == {"data folder": "ok"}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3 << 20))
    (found,) = doctor_folders.folders()
    assert found.state == "problem" and "only 3 MB are free" in found.text


def test_settings_for_which_defaults_stand_in(home: Path) -> None:
    assert list(doctor_folders.preferences()) == []
    paths.settings_file().write_text('{"level": "best"}')
    (found,) = doctor_folders.preferences()
    assert found.state == "note" and "level" in found.text


def test_programs_that_are_gone(home: Path, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    plugin = tmp_path / "plug-ins"
    plugin.mkdir()
    (plugin / "editgan.py").write_text("")
    content = {"editgan": gone, "gimp": {"command": [gone], "version": "3.0"}}
    paths.install_file().write_text(json.dumps({**content, "plugin_dirs": [str(plugin)]}))
    found = states(list(doctor_folders.gimp()))
    assert found == {"editgan command": "problem", "GIMP": "problem", "GIMP plug-in": "ok"}


def test_the_command_line_alone_is_no_problem(home: Path) -> None:
    paths.install_file().write_text(json.dumps({"alone": True}))
    assert states(list(doctor_folders.gimp())) == {"GIMP plug-in": "note"}


@pytest.mark.skipif(sys.platform == "win32", reason="no sandboxed GIMP there")
def test_a_service_that_a_sandboxed_gimp_needs(home: Path, tmp_path: Path) -> None:
    assert list(doctor_folders.waiting_service()) == []
    place = tmp_path / "backend.sock"
    paths.install_file().write_text(json.dumps({"socket": str(place)}))
    (found,) = doctor_folders.waiting_service()
    assert found.state == "problem" and "install.py" in found.advice
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(place))
        line.listen()
        assert states(list(doctor_folders.waiting_service())) == {"waiting service": "ok"}


@pytest.mark.parametrize(("card", "cuda", "state"), [(0, 0, "ok"), (1, 0, "note"), (1, 1, "ok")])
def test_a_card_that_is_not_used(
    monkeypatch: pytest.MonkeyPatch, card: int, cuda: int, state: str
) -> None:
    imitated = SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: False), get_num_threads=lambda: 2
    )
    monkeypatch.setitem(sys.modules, "torch", imitated)
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/nvidia-smi" if card else None)
    versions = {"torch": "2.11.0", **({"nvidia-cublas": "13"} if cuda else {})}

    def version(name: str) -> str:
        if name not in versions:
            raise doctor.metadata.PackageNotFoundError
        return versions[name]

    monkeypatch.setattr(doctor.metadata, "version", version)
    (found,) = doctor._device()
    assert found.state == state


@pytest.mark.parametrize("text", ["", "[]", "[" * 9999, '{"plugin_dirs": 5}', '{"gimp": 5}'])
def test_an_odd_record_of_the_installation(home: Path, text: str) -> None:
    paths.install_file().write_text(text)
    assert states(list(doctor_folders.gimp())) == {"GIMP plug-in": "problem"}


def test_a_bug_report_names_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "rosalind")
    paths.logs_dir().mkdir()
    log = paths.logs_dir() / "backend.log"
    log.write_text(
        "opened /home/rosalind/photos/Aunt-Mary.jpg for rosalind\n"
        f"the edit 'Smile of Mary' in {home}/library/faces/x\n"
        '  File "/opt/venv/lib/site-packages/torch/nn.py", line 3\n'
    )
    finding = Finding("edit library", "problem", "learnt elsewhere: 'Aunt Mary'", "Look at it.")
    report = bug_report([finding])
    for name in ("rosalind", "Mary", str(home), "photos"):
        assert name not in report
    assert "site-packages/torch/nn.py" in report and "PROBLEM edit library" in report
