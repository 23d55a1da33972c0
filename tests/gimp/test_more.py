"""Commands that are chosen in the EditGAN window's menu More."""

import os
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
LIBRARY = "plug-in-editgan-apply"


class Window:
    """The window that the menu is in, and what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []
        self.done = 0

    def settle(self, then: Callable[[], None]) -> None:
        then()

    def remember_person(self) -> int | None:
        return None

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def found(self, text: str) -> None:
        self.warned = [warning for warning in self.warned if warning != text]

    def command_done(self) -> None:
        self.done += 1


def chosen(work: Callable[[Any], None]) -> tuple[Any, Window]:
    """The menu, and its window, after the command that does `work(menu)` was chosen."""
    from windows.more_menu import LABELS, MoreMenu

    image, window = Gimp.Image.new(8, 8, Gimp.ImageBaseType.RGB), Window()
    menu = MoreMenu(image, {LIBRARY: lambda *_arguments: work(menu)}, window)
    items = menu.widget.get_popup().get_children()
    next(item for item in items if item.get_label() == LABELS[LIBRARY]).activate()
    image.delete()
    return menu, window


def test_a_job_shows_itself_in_the_window_and_is_stopped_there(plug_in: None) -> None:
    """GIMP's own progress bar has a Cancel that would end the window, too."""
    from link.errors import CommandCancelled
    from windows import views

    stopped, seen = [], []

    def work(menu: Any) -> None:
        with views.showing("Working") as view:
            view.begin(stopped.append)
            seen.append((menu.bar.get_visible(), menu.widget.get_sensitive()))
            menu.stop()
            assert view.cancelled.is_set()
        with views.showing("The next one") as view:
            assert not view.cancelled.is_set()
        views.tell("What became of it")
        raise CommandCancelled

    menu, window = chosen(work)
    assert stopped == [False] and seen == [(True, False)]
    assert not menu.bar.get_visible() and menu.widget.get_sensitive()
    assert (window.said, window.warned, window.done) == (["What became of it"], [], 1)


def test_what_nobody_expected_is_told(plug_in: None) -> None:
    def work(_menu: Any) -> None:
        raise RuntimeError("a layer that is gone")

    menu, window = chosen(work)
    (sentence,) = window.warned
    assert "a layer that is gone" in sentence and "report it" in sentence
    assert menu.widget.get_sensitive() and window.done == 1


def test_elsewhere_gimp_shows_it(plug_in: None) -> None:
    from windows import views

    with views.showing("Working") as view:
        assert isinstance(view, views.ProgressView)


def test_a_backend_that_is_back_takes_no_other_news_along(plug_in: None) -> None:
    """What failed for it is still to be read; that another one takes over is not."""
    from windows.news_bar import NewsBar

    news = NewsBar()
    news.warn_if_quiet("Another backend takes over.")
    assert news.said == "Another backend takes over."
    news.take_back("Another backend takes over.")
    assert not news.said
    for told in ("Nothing was borrowed.", "Another backend takes over."):
        news.warn_if_quiet(told)
    news.take_back("Another backend takes over.")
    assert news.said == "Nothing was borrowed."


def test_a_warning_goes_with_the_next_command(plug_in: None) -> None:
    """Else it seems to be said of that one."""
    from link.errors import PlugInError
    from windows.more_menu import LABELS

    fails = [True, False]

    def work(_menu: Any) -> None:
        if fails.pop(0):
            raise PlugInError("There is nothing to save yet.")

    menu, window = chosen(work)
    assert window.warned == ["There is nothing to save yet."]
    items = menu.widget.get_popup().get_children()
    next(item for item in items if item.get_label() == LABELS[LIBRARY]).activate()
    assert window.warned == [] and window.done == 2
