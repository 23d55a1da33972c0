"""Backend Status, without its window."""

from collections.abc import Callable

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp
from gimp_helpers import STATUS, succeeded

Call = Callable[..., Gimp.ValueArray]


def test_report(call: Call) -> None:
    report = succeeded(call(STATUS))
    assert report["device"]
    assert "faces" in [bundle["name"] for bundle in report["bundles"]]


def test_stop_and_start_again(call: Call) -> None:
    succeeded(call(STATUS))
    assert succeeded(call(STATUS, action="stop"))["stopped"] is True
    assert succeeded(call(STATUS, action="stop"))["stopped"] is False
    assert succeeded(call(STATUS))["uptime_s"] < 30


def test_restart(call: Call) -> None:
    succeeded(call(STATUS))
    assert succeeded(call(STATUS, action="restart"))["uptime_s"] < 10


def test_every_command_is_found_by_the_product_s_name() -> None:
    """GIMP's search for actions looks into what a command does."""
    pdb = Gimp.get_pdb()
    names = pdb.query_procedures("^plug-in-editgan-", *[""] * 7)
    assert len(names) > 10
    assert [n for n in names if "EditGAN" not in pdb.lookup_procedure(n).get_blurb()] == []
