"""What a window does again and again goes on when one look fails."""

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import GLib


@pytest.mark.usefixtures("plug_in")
def test_a_look_that_fails_is_not_the_last(capfd: pytest.CaptureFixture[str]) -> None:
    from windows.polling import every

    loop = GLib.MainLoop()
    looks = []

    def look() -> None:
        looks.append("")
        if len(looks) == 3:
            loop.quit()
        raise RuntimeError("The image was closed meanwhile.")

    source = every(1, look)
    patience = GLib.timeout_add_seconds(20, loop.quit)
    loop.run()
    assert len(looks) == 3
    GLib.source_remove(source)
    GLib.source_remove(patience)
    assert capfd.readouterr().err.count("Traceback") == 1  # told once
