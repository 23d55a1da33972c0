"""`python -m installer.release`: the wheel of this commit, byte for byte the same wherever made.

From what git has of the commit and nothing else, with the commit's time (SOURCE_DATE_EPOCH) and
fixed permissions, by the pinned setuptools of the environment that runs it. Writes into dist/ the
wheel and SHA256SUMS, and prints both with the size.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

from installer.console import InstallError
from installer.torch_build import HERE

PROJECT = HERE.parent
_LARGEST_MB = 100  # what PyPI takes without being asked
# So the experimental model comes with a checkout only, and its edits with it.
_LEFT_OUT = ("backend/bundles/builtin/cars", "edit_library/presets/cars")
_BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


def build(source: Path, target: Path, epoch: int) -> Path:
    """Build the wheel of `source`, which is changed by that, into `target`; returns it.

    epoch: seconds, the time that all files in it get. Raises CalledProcessError.
    """
    for folder in _LEFT_OUT:
        shutil.rmtree(source / folder)
    for path in [source, *source.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    target.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, str(target)],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C", "TZ": "UTC"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=0o022,
        check=False,
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, "setuptools", done.stdout)
    return target / done.stdout.strip().splitlines()[-1]


def dated_version(project: Path) -> str:
    """The version of `project`, once its changelog has a date for it; raises InstallError."""
    version: str = tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"]
    changes = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$", changes, re.MULTILINE):
        raise InstallError(f"CHANGELOG.md has no date for {version}; write it behind the heading.")
    return version


def main() -> int:
    """Build this commit's wheel; returns the exit code."""
    try:
        version = dated_version(PROJECT)
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    git = ["git", "-C", str(PROJECT)]
    time = subprocess.run([*git, "log", "-1", "--format=%ct"], capture_output=True, check=True)
    files = subprocess.run([*git, "archive", "HEAD"], capture_output=True, check=True)
    target = PROJECT / "dist"
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(files.stdout)) as archive:
            archive.extractall(folder, filter="data")
        wheel = build(Path(folder), target, int(time.stdout))
    sha = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (target / "SHA256SUMS").write_text(f"{sha}  {wheel.name}\n", encoding="utf-8")
    megabytes = wheel.stat().st_size / 1e6
    print(f"{sha}  {wheel.name}\n{megabytes:.1f} MB")
    if megabytes > _LARGEST_MB:
        print(f"PyPI takes {_LARGEST_MB} MB: move models out of the wheel.", file=sys.stderr)
        return 1
    print(f"When all tests have passed:  git tag -a v{version} -m 'EditGAN for GIMP {version}'")
    return 0


if __name__ == "__main__":
    sys.exit(main())
