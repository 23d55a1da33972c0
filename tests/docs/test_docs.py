"""What the documentation names is there: files, headings, and every option of every command."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest

import install
from backend import cli

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "backend/**/*.md", "assets/*.md")
    for path in PROJECT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# A file of the repository, named in the text
NAMED = re.compile(
    r"`((?:backend|benchmarks|docs|edit_library|gimp_plugin|installer|protocol|tests)/[\w./-]*)`"
)
TYPED = re.compile(r"^ {4,}(editgan .*)$", re.MULTILINE)  # a line to be typed, as it stands
MENTIONED = re.compile(r"`(editgan [a-z][^`]*)`")
INSTALL = re.compile(r"python3 (install\.py[^`#|\n)]*)")
SCRIPT = re.compile(r"(?:python|\$PYTHON) ((?:benchmarks|docs|gimp_plugin)/\w+\.py)")


def page_id(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def anchors(page: Path) -> set[str]:
    """The headings' names as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """All commands of a kind: page, and the words without a comment behind them."""
    return sorted(
        {
            (page_id(page), re.sub(r"\s+", " ", re.sub(r" #.*", "", text)).strip())
            for page in PAGES
            for text in pattern.findall(page.read_text(encoding="utf-8"))
        }
    )


def test_there_is_documentation() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/guide.md"} <= {page_id(page) for page in PAGES}
    assert len(commands(TYPED)) > 10 and len(commands(INSTALL)) > 5


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(target)
    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_that_are_named_exist(page: Path) -> None:
    names = NAMED.findall(page.read_text(encoding="utf-8"))
    assert [name for name in names if not (PROJECT / name).exists()] == []


@pytest.mark.parametrize(("page", "command"), commands(TYPED))
def test_commands_to_type_are_understood(page: str, command: str) -> None:
    words = shlex.split(command.replace(" KEY", f" {'0' * 64}"))[1:]
    try:
        cli.parse(words)
    except SystemExit as end:
        pytest.fail(f"{page}: {command} (exit code {end.code})")


@pytest.mark.parametrize(("page", "command"), commands(MENTIONED))
def test_commands_that_are_mentioned_have_these_options(
    page: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command.split()[1:]
    names = list(itertools.takewhile(lambda word: re.fullmatch("[a-z]+", word), words))
    with pytest.raises(SystemExit) as end:
        cli.parse([*names, "--help"])
    assert end.value.code == 0, page
    options = [word for word in words if word.startswith("--")]
    known = capsys.readouterr().out
    assert [option for option in options if option not in known] == [], page


@pytest.mark.parametrize(("page", "command"), commands(INSTALL))
def test_every_use_of_the_installer_is_understood(page: str, command: str) -> None:
    rest = install.parser().parse_known_args(shlex.split(command)[1:])[1]
    assert "--test" in command or not rest, page


@pytest.mark.parametrize(("page", "script"), commands(SCRIPT))
def test_scripts_exist(page: str, script: str) -> None:
    assert (PROJECT / script).is_file(), page
