"""The wheel: the same bytes wherever it is built, and whole: `editgan setup` works from it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from installer import own_wheel, release
from installer.console import InstallError
from installer.environment import SOURCES

EPOCH = 1_760_000_000


def copy_of_the_source(target: Path) -> Path:
    """Without weights, which take long to pack and are packed like everything else."""
    target.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.jpg")
    for name in SOURCES:
        source = release.PROJECT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy(source, target / name)
    return target


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    return release.build(copy_of_the_source(folder / "source"), folder / "dist", EPOCH)


def test_two_builds_are_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    source = copy_of_the_source(tmp_path / "another place, with other times and permissions")
    for number, path in enumerate(sorted(source.rglob("*"))):
        if path.is_file():
            path.chmod(0o600 if number % 2 else 0o664)
        os.utime(path, (number, number))
    again = release.build(source, tmp_path / "dist", EPOCH)
    assert again.name == wheel.name
    first, second = (hashlib.sha256(file.read_bytes()).hexdigest() for file in (wheel, again))
    assert first == second
    other = release.build(copy_of_the_source(tmp_path / "later"), tmp_path / "new", EPOCH + 86400)
    assert other.read_bytes() != wheel.read_bytes(), "the time is the commit's"


def test_all_that_the_setup_needs_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    wanted = {
        "installer/command.py",
        "installer/requirements/backend.txt",
        "installer/requirements/cuda.in",
        "gimp_plugin/editgan/editgan.py",
        "gimp_plugin/editgan/locale/de/LC_MESSAGES/editgan.mo",
        "protocol/bridge.py",
        "backend/bundles/models.toml",
        "backend/bundles/builtin/faces/bundle.json",
    }
    assert wanted <= names
    assert any(name.startswith("edit_library/presets/faces/") for name in names)
    assert not [name for name in names if "/cars/" in name], "too large for an index"


def test_a_checkout_installs_all_that_it_has(tmp_path: Path) -> None:
    """`install.py` installs the package as setuptools builds it: users have the models that the
    guide speaks of, and the edits for them."""
    source, dist = copy_of_the_source(tmp_path / "source"), tmp_path / "dist"
    dist.mkdir()
    built = subprocess.run(
        [sys.executable, "-c", release._BUILD, str(dist)],
        cwd=source, capture_output=True, text=True, check=True,
    )  # fmt: skip
    with zipfile.ZipFile(dist / built.stdout.split()[-1]) as archive:
        names = set(archive.namelist())
    for place in ("backend/bundles/builtin/*/bundle.json", "edit_library/presets/*/*/edit.json"):
        there = {path.relative_to(source).as_posix() for path in source.glob(place)}
        assert len(there) >= 3 and there <= names
    for package in ("gimp_plugin/editgan", "installer", "protocol", "edit_library"):
        here = {
            f"{package}/{file.relative_to(release.PROJECT / package).as_posix()}"
            for file in (release.PROJECT / package).rglob("*")
            if file.is_file() and file.suffix not in (".pyc", ".partial", ".safetensors", ".jpg")
        }
        assert here - names == set()
    assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]


def pip(python: Path, *words: object) -> None:
    flags = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    command = [str(python), "-m", "pip", "install", *flags, *map(str, words)]
    subprocess.run(command, check=True, capture_output=True)


def test_installed_by_pip_it_sets_itself_up_elsewhere(wheel: Path, tmp_path: Path) -> None:
    """From an environment with nothing but the wheel, as `pip install editgan-gimp` makes it."""
    place = tmp_path / "pip's own"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    own = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    pip(Path(sys.executable), "--target", own, wheel)
    home = tmp_path / "data"

    def editgan(*words: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; from backend.cli import main; sys.exit(main())"
        environment = {**os.environ, "EDITGAN_HOME": str(home)}
        return subprocess.run(
            [str(python), "-I", "-c", code, *words],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )

    assert "0.2.0" in editgan("--version").stdout
    said = editgan("setup", "--where")
    assert said.returncode == 0, said.stderr
    assert str(home) in said.stdout
    refused = editgan("doctor")
    assert refused.returncode == 2 and "editgan setup" in refused.stderr
    # what setup puts into its private environment is the same package
    code = "import pathlib, sys; from installer import own_wheel; "
    code += "print(own_wheel.make(pathlib.Path(sys.argv[1])))"
    made = subprocess.run(
        [str(python), "-I", "-c", code, str(tmp_path / "again")],
        capture_output=True,
        text=True,
        check=True,
    )
    with zipfile.ZipFile(made.stdout.strip()) as again, zipfile.ZipFile(wheel) as first:
        names = {name for name in again.namelist() if not name.endswith("RECORD")}
        assert names == {name for name in first.namelist() if not name.endswith("RECORD")}
        assert all(again.read(name) == first.read(name) for name in names)
    pip(Path(sys.executable), "--target", tmp_path / "third", made.stdout.strip())


def test_only_what_is_the_wheel_s_own_goes_on() -> None:
    assert own_wheel._belongs("backend/cli.py")
    for name in (
        "../../../bin/editgan",
        "a/__pycache__/b.cpython-311.pyc",
        "x.dist-info/INSTALLER",
    ):
        assert not own_wheel._belongs(name)


def test_what_is_released_has_a_date(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.20.3"\n')
    changes = tmp_path / "CHANGELOG.md"
    for heading in ("1.20.3 (unreleased)", "1.20.30 (2026-12-01)", "1x20.3 (2026-12-01)"):
        changes.write_text(f"# Changes\n\n## {heading}\n\n## 1.0.0 (2026-01-01)\n")
        with pytest.raises(InstallError, match=r"no date for 1\.20\.3"):
            release.dated_version(tmp_path)
    changes.write_text("# Changes\n\n## 1.20.3 (2026-12-01)\n")
    assert release.dated_version(tmp_path) == "1.20.3"
