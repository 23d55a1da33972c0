"""The `editgan` command. Only the command that is asked for is imported: `--help` must be quick.

Exit codes: 0 done, 1 a fault of ours, 2 something the user can put right, 3 done but for some of
many, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import io
import json
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from backend.errors import check_address_space, is_out_of_memory
from backend.session.plain_json import plain
from protocol import processes
from protocol.errors import UserError


@dataclass(frozen=True)
class Command:
    """A module with `add_arguments(parser)`, `run(args)`, which returns a dataclass, and perhaps
    `describe(report)`."""

    module: str
    help: str


Commands = Mapping[str, "Command | tuple[str, Commands]"]

LABELS: Commands = {
    "draft": Command("backend.commands.train.labels.draft", "draft label maps of faces"),
    "paint": Command("backend.commands.train.labels.paint", "paint outlines onto label maps"),
    "sheet": Command("backend.commands.train.labels.sheet", "show label maps over their photos"),
}
TRAINING: Commands = {
    "align": Command("backend.commands.train.align", "cut aligned pictures out of photos"),
    "closed-eyes": Command("backend.commands.train.closed_eyes", "list pictures with closed eyes"),
    "balance": Command("backend.commands.train.balance", "draw rare ages and skin tones often"),
    "pack": Command("backend.commands.train.pack", "pack aligned pictures for another machine"),
    "generator": Command("backend.commands.train.generator", "train a generator and its encoder"),
    "score": Command("backend.commands.train.score", "compare generators on unseen photos"),
    "encoder": Command("backend.commands.train.encoder", "train an encoder for a generator"),
    "finer": Command("backend.commands.train.finer", "double the resolution of a finished bundle"),
    "detector": Command("backend.commands.train.detector", "train what finds a model's subjects"),
    "distilled": Command("backend.commands.train.distilled", "teach a network one edit"),
    "maskgan": Command("backend.commands.train.mask_network", "teach a network to paint labels"),
    "labels": ("draw label maps of photos and look at them", LABELS),
    "segmentation": Command("backend.commands.train.segmentation", "train the segmentation branch"),
    "parser": Command("backend.commands.train.parser", "train a face parser on labelled photos"),
    "bundle": Command("backend.commands.train.bundle", "turn a training run into a model bundle"),
    "codes": Command("backend.commands.train.codes", "fit what a model's samples are drawn from"),
    "presets": Command("backend.commands.train.presets", "learn the edits that ship with a bundle"),
}
LIBRARY: Commands = {
    "list": Command("backend.commands.library.list", "list edits"),
    "show": Command("backend.commands.library.show", "show one edit"),
    "rename": Command("backend.commands.library.rename", "give an edit another name"),
    "delete": Command("backend.commands.library.delete", "move an edit to the library's trash"),
    "import": Command("backend.commands.library.import_", "add an edit from an .editgan file"),
    "export": Command("backend.commands.library.export", "write an edit as an .editgan file"),
}
COMMANDS: Commands = {
    "setup": Command("installer.command", "install the environment, and the plug-in into GIMP"),
    "serve": Command("backend.commands.serve", "run the backend that GIMP talks to"),
    "doctor": Command("backend.commands.doctor", "check the installation and say what to do"),
    "sample": Command("backend.commands.sample", "draw random pictures from a model"),
    "segment": Command("backend.commands.segment", "find the parts of the subject in a photo"),
    "repaint": Command("backend.commands.repaint", "change a photo to agree with repainted parts"),
    "apply": Command("backend.commands.apply", "apply edits from the library to a photo"),
    "batch": Command("backend.commands.batch", "apply edits to folders of photos"),
    "bundles": Command("backend.commands.bundles", "list the installed models"),
    "import": Command("backend.commands.import_", "make a model from a StyleGAN2 checkpoint"),
    "download": Command("backend.commands.download", "fetch a public StyleGAN2 checkpoint"),
    "adopt": Command(
        "backend.commands.train.adopt",
        "turn a checkpoint into a model that opens photos",
    ),
    "label": Command(
        "backend.commands.train.label", "make pictures of a model's to label its parts on"
    ),
    "evaluate": Command("backend.commands.evaluate", "measure a model and its presets on photos"),
    "learn": Command("backend.commands.learn", "learn an edit from a folder of photos"),
    "library": ("list, show, rename, delete, import and export edits", LIBRARY),
    "train": ("train models", TRAINING),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    _print_any_name()
    if importlib.util.find_spec("torch") is None and "setup" not in words[:1]:
        return _elsewhere(words)
    module, args = parse(words)
    logging.basicConfig(level=logging.ERROR, format="%(message)s", stream=sys.stderr)
    try:
        if hasattr(args, "device"):  # it loads networks
            check_address_space()
        report = module.run(args)
        _print_report(module, report, as_json=args.json)
        return int(getattr(report, "exit_code", 0))
    except KeyboardInterrupt:
        return _fail(args, 130, "cancelled", "Interrupted.")
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _explain(args, error)


def _elsewhere(words: Sequence[str]) -> int:
    """Run the command in the environment that `editgan setup` made; this one has no torch."""
    program = processes.installed().get("editgan")
    if isinstance(program, str) and Path(program).is_file():
        return subprocess.call([program, *words])
    if words and not words[0].startswith("-"):
        print("editgan: EditGAN is not set up yet; run 'editgan setup'.", file=sys.stderr)
        return 2
    parse(list(words))  # --help and --version, which end the program
    return 2


def _explain(args: argparse.Namespace, error: Exception) -> int:
    """One sentence about an error, and its exit code."""
    if args.debug:
        traceback.print_exception(error)
    if isinstance(error, UserError):
        return _fail(args, 1 if error.code == "internal" else 2, error.code, error.message)
    if is_out_of_memory(error):
        text = "There is not enough memory for this; close other programs or use a smaller photo."
        return _fail(args, 1, "out_of_memory", text)
    if isinstance(error, OSError):
        name, reason = error.filename or "A file", error.strerror or str(error)
        text = f"{name} cannot be read or written: {reason}; check the name and the permissions."
        return _fail(args, 2, "file", text)
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    text = f"Something went wrong inside EditGAN ({what}); run it again with --debug to see where."
    return _fail(args, 1, "internal", text)


def _fail(args: argparse.Namespace, exit_code: int, code: str, message: str) -> int:
    print(f"editgan: {_on_one_line(message)}", file=sys.stderr)
    if args.json:
        _print_json({"error": {"code": code, "message": message}})
    return exit_code


def _print_any_name() -> None:
    """Let file names that are no text of this locale be printed, escaped, and not end the program.

    In JSON that is an escape that JSON knows.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _on_one_line(text: str) -> str:
    """File names may hold line ends and worse."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _print_json(value: Any) -> None:
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not unicode))


def _print_report(module: ModuleType, report: Any, *, as_json: bool) -> None:
    if as_json:
        _print_json(plain(report))
    else:
        describe = getattr(module, "describe", _describe)
        if text := describe(report):
            print(text)
    sys.stdout.flush()


def _describe(report: Any) -> str:
    return "\n".join(f"{key.replace('_', ' ')}: {v}" for key, v in plain(report).items())


def parse(words: list[str]) -> tuple[ModuleType, argparse.Namespace]:
    """The chosen command's module and its arguments; raises SystemExit for help and bad usage."""
    parser = _Parser(
        prog="editgan", description="EditGAN: repaint the parts of a photo.", allow_abbrev=False
    )
    parser.as_json = "--json" in words
    parser.add_argument("--version", action="version", version=f"editgan {_version()}")
    module = _add_commands(parser, COMMANDS, words)
    args = parser.parse_args(words)
    assert module is not None  # argparse has refused anything that is no command
    return module, args


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the words as JSON, too, where that is wanted."""

    as_json = False

    def error(self, message: str) -> NoReturn:
        if self.as_json:
            _print_json({"error": {"code": "usage", "message": message}})
        super().error(message)


def _add_commands(parser: _Parser, commands: Commands, words: list[str]) -> ModuleType | None:
    """Add all commands by name, and the arguments of the one that `words` choose."""
    choices = parser.add_subparsers(metavar="COMMAND", required=True)
    chosen = next((word for word in words if not word.startswith("-")), None)
    module = None
    for name, command in commands.items():
        text = command.help if isinstance(command, Command) else command[0]
        child = choices.add_parser(name, help=text, description=_sentence(text), allow_abbrev=False)
        child.as_json = parser.as_json
        if name != chosen:
            continue
        if isinstance(command, Command):
            module = importlib.import_module(command.module)
            module.add_arguments(child)
            _add_common(child)
        else:
            module = _add_commands(child, command[1], words[words.index(name) + 1 :])
    return module


def _add_common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument("--quiet", action="store_true", help="show no progress")
    group.add_argument("--debug", action="store_true", help="show where an error comes from")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _version() -> str:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version("editgan-gimp")
    return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
