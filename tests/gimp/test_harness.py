"""The harness itself: this is a real GIMP 3, and its fixtures do what they say."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp

from gimp_harness.inside import Taken


def test_runs_inside_gimp_3() -> None:
    assert Gimp.version().startswith("3.")


def test_calls_return_the_procedure_s_values(call: Callable[..., Gimp.ValueArray]) -> None:
    result = call("gimp-image-new", width=5, height=4, type=Gimp.ImageBaseType.RGB)
    assert result.index(0) == Gimp.PDBStatusType.SUCCESS
    assert (result.index(1).get_width(), result.index(1).get_height()) == (5, 4)


def test_images_of_earlier_tests_are_gone() -> None:
    assert not Gimp.get_images()


def test_a_file_is_taken_by_one_gimp_only(tmp_path: Path) -> None:
    one, other = Taken(tmp_path), Taken(tmp_path)
    items = [SimpleNamespace(nodeid=f"tests/gimp/test_a.py::test_{i}") for i in range(2)]
    assert [one.pytest_runtest_protocol(item) for item in items] == [None, None]  # as usual
    assert [other.pytest_runtest_protocol(item) for item in items] == [True, True]
