"""Runs in a second GIMP: segments the portrait with the backend that the first one uses too."""

from __future__ import annotations

import json
import os
from pathlib import Path

from gi.repository import Gimp
from gimp_helpers import PORTRAIT, SEGMENT, load, names


def main() -> None:
    """Write what came of it to EDITGAN_TEST_ANSWER."""
    image = load(PORTRAIT)
    procedure = Gimp.get_pdb().lookup_procedure(SEGMENT)
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_layers())
    values = procedure.run(config)
    worked = values.index(0) == Gimp.PDBStatusType.SUCCESS
    said = Gimp.get_pdb().get_last_error()
    answer = {"worked": worked, "said": said, "layers": names(image)}
    Path(os.environ["EDITGAN_TEST_ANSWER"]).write_text(json.dumps(answer), encoding="utf-8")
