"""Correct Parts from within the EditGAN window."""

from __future__ import annotations

from collections.abc import Callable

from commands import correct as command
from commands.people import PersonInPhoto
from image import part_layers
from link.errors import CommandCancelled, PlugInError
from link.texts import _
from windows.views import showing
from windows.workbench import Workbench


def correct(
    bench: Workbench, person: PersonInPhoto, go_on: Callable[[PersonInPhoto], None]
) -> None:
    """Take somebody's part layers for where the parts are. go_on: where that comes to nothing."""
    group = part_layers.find_group(bench.image, person.number)
    layers = [group] if group else []
    try:
        with showing(_("Correcting the parts"), preview=bench.image) as view:
            command.run(bench.image, layers, view=view, number=person.number)
    except CommandCancelled:
        go_on(person)
    except PlugInError as error:
        bench.tell(error)
        go_on(person)
    else:
        bench.reread(person)
