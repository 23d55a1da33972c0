"""What `torch.save` writes, looked at before torch reads it: sizes and pickles within bounds."""

from __future__ import annotations

import zipfile
from typing import IO

from backend.bundles.importing.checkpoint import BadCheckpoint
from backend.bundles.importing.pickle_bounds import check_pickle

_ZIP = b"PK\x03\x04"
_MOST_MEMBERS = 100_000
_LEGACY_PICKLES = 5  # magic number, version, machine, content, names of the storages


def check_torch_file(file: IO[bytes]) -> None:
    """Raises BadCheckpoint for what no sound file does; leaves `file` at its start."""
    start = file.read(len(_ZIP))
    file.seek(0)
    if start == _ZIP:
        _check_archive(file)
    else:
        for _ in range(_LEGACY_PICKLES):
            check_pickle(file)
    file.seek(0)


def _check_archive(file: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            # torch stores without compression: a packed one would be larger than its file
            if any(one.compress_type != zipfile.ZIP_STORED for one in members):
                raise BadCheckpoint("It is packed, which no .pt file is.")
            if len(members) > _MOST_MEMBERS or sum(one.file_size for one in members) > _end(file):
                raise BadCheckpoint("It claims to hold more than it does.")
            for one in members:
                if one.filename.rpartition("/")[2] == "data.pkl":
                    with archive.open(one) as pickled:
                        check_pickle(pickled)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise BadCheckpoint("It ends too early or is damaged; get the file again.") from error


def _end(file: IO[bytes]) -> int:
    """The file's size in bytes."""
    return file.seek(0, 2)
