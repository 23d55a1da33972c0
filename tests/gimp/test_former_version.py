"""Images that version 0.1 saved are opened and edited further."""

from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import APPLY, REPAINT, SAVE, grow, load, names, parts_by_size, succeeded

Call = Callable[..., Gimp.ValueArray]
# Written by 0.1.0: the portrait, segmented, one part repainted, Smile at half its strength, a
# mouth borrowed
FILE = Path("tests/data/former-version.xcf.xz")


@pytest.fixture
def former() -> Gimp.Image:
    return load(FILE)


def test_its_results_are_known(call: Call, former: Gimp.Image) -> None:
    saved = succeeded(call(SAVE, former, None, name="From the former version"))
    assert saved["parts"]
    layer = next(x for x in former.get_layers() if x.get_name() == "Smile 0.5")
    assert succeeded(call(SAVE, former, [layer], name="From before"))["parts"]


def test_its_stack_is_changed(call: Call, former: Gimp.Image) -> None:
    """What was repainted and borrowed goes into its layer: see test_one_stack.py."""
    succeeded(call(APPLY, former, None, edit="smile", scale=0.25))
    assert not any("Smile 0.5" in name for name in names(former))
    assert any(name.endswith("Smile 0.25") for name in names(former))


def test_its_part_layers_are_painted_on(call: Call, former: Gimp.Image) -> None:
    painted = parts_by_size(former)[1]
    grow(painted)
    report = succeeded(call(REPAINT, former, None, steps=2))
    assert painted.get_name() in report["edited_parts"]
