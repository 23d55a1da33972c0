"""Fetching from servers that break off, lie, or send something else."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from download_server import Answer, send, served

from backend.bundles.download import DownloadFailed, PublicModel, download, find_model, known_models
from backend.errors import BadSetting

CONTENT = bytes(range(256)) * 5000  # 1.28 MB: more than one piece
SHA = hashlib.sha256(CONTENT).hexdigest()


def honest(request: BaseHTTPRequestHandler, start: int) -> None:
    send(request, CONTENT[start:], start)


def breaking_off(request: BaseHTTPRequestHandler, start: int) -> None:
    rest = CONTENT[start:]
    send(request, rest[: len(rest) // 2 + 1], start, whole=len(rest))


def without_ranges(request: BaseHTTPRequestHandler, start: int) -> None:
    send(request, CONTENT, 0)


def other_bytes(request: BaseHTTPRequestHandler, start: int) -> None:
    send(request, CONTENT[start:][::-1], start)


def too_long(request: BaseHTTPRequestHandler, start: int) -> None:
    send(request, CONTENT + b"more", 0)


def silent(request: BaseHTTPRequestHandler, start: int) -> None:
    send(request, b"", start, whole=len(CONTENT) - start)


def gone(request: BaseHTTPRequestHandler, start: int) -> None:
    request.send_error(404)


def model(url: str, *, sha256: str | None = SHA, size: int | None = len(CONTENT)) -> PublicModel:
    return PublicModel("net", "Net", url, "faces", "CC0", "", sha256, size)


def fetch(wanted: PublicModel) -> Path:
    return download(wanted, lambda done, whole: None)


@pytest.fixture(autouse=True)
def own_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_whole_file_with_progress(home: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    with served(honest) as (url, _):
        path = download(model(url), lambda done, whole: seen.append((done, whole)))
    assert path == home / "downloads" / "net.pkl" and path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and len(seen) > 1
    with served(gone) as (url, asked):
        assert fetch(model(url)) == path and asked == []  # it is there


def test_what_broke_off_goes_on() -> None:
    with served(breaking_off, honest) as (url, asked):
        assert fetch(model(url)).read_bytes() == CONTENT
    assert asked == [0, len(CONTENT) // 2 + 1]


def test_it_goes_on_another_day(home: Path) -> None:
    (home / "downloads").mkdir()
    (home / "downloads" / "net.pkl.partial").write_bytes(CONTENT[:1000])
    with served(honest) as (url, asked):
        assert fetch(model(url)).read_bytes() == CONTENT
    assert asked == [1000]


def test_a_server_that_knows_no_ranges(home: Path) -> None:
    (home / "downloads").mkdir()
    (home / "downloads" / "net.pkl.partial").write_bytes(b"x" * 1000)
    with served(without_ranges) as (url, _):
        assert fetch(model(url)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (other_bytes, "not the file that was checked"),
        (too_long, "bytes instead of"),
        (silent, "broke off"),
        (gone, "Not Found"),
    ],
)
def test_servers_that_do_not_give_the_file(home: Path, answer: Answer, said: str) -> None:
    with served(answer) as (url, asked), pytest.raises(DownloadFailed, match=said) as caught:
        fetch(model(url))
    assert "fetch it with a browser" in caught.value.message and url in caught.value.message
    assert not (home / "downloads" / "net.pkl").exists()
    assert len(asked) <= 5


def test_nobody_there() -> None:
    with served(honest) as (url, _):
        pass
    with pytest.raises(DownloadFailed, match="could not be fetched"):
        fetch(model(url))


def test_the_table() -> None:
    models = known_models()
    assert {"ffhq", "afhqcat", "car"} <= models.keys()
    for one in models.values():
        assert one.url.startswith("https://") and one.terms.startswith("https://")
        assert one.license and one.path.suffix == ".pkl"
        assert one.sha256 is None or len(one.sha256) == 64
    with pytest.raises(BadSetting, match="known: ffhq"):
        find_model("nothing")


def test_a_table_of_ones_own(home: Path) -> None:
    own = home / "models.toml"
    about = 'title = "Ours"\ndomain = "cars"\nlicense = "CC0"\nterms = "https://a.example/t"\n'
    own.write_text(f'[ours]\nurl = "https://a.example/net.pkl"\n{about}')
    assert known_models()["ours"].title == "Ours" and "ffhq" in known_models()
    for wrong, why in (
        (f'[ours]\nurl = "file:///etc/passwd"\n{about}', "no web address"),
        (f'[ours]\nurl = "https://a.example"\nsize = "big"\n{about}', "cannot be used"),
        ("[ours", "cannot be used"),
    ):
        own.write_text(wrong)
        with pytest.raises(BadSetting, match=why):
            known_models()


def test_what_came_before_a_stall_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.bundles.download._TIMEOUT", 1)
    over = threading.Event()

    def stalling(request: BaseHTTPRequestHandler, start: int) -> None:
        send(request, CONTENT[start:5000], start, whole=len(CONTENT) - start)
        over.wait(60)

    with served(stalling, honest) as (url, asked):
        assert fetch(model(url)).read_bytes() == CONTENT
        over.set()
    assert asked == [0, 5000]


def test_a_file_that_was_put_there_by_hand_stays(home: Path) -> None:
    wanted = model("http://127.0.0.1:9/net.pkl")
    wanted.path.parent.mkdir(parents=True)
    wanted.path.write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadFailed, match="is not the file that was checked") as caught:
        fetch(wanted)
    assert str(wanted.path) in caught.value.message and SHA in caught.value.message
    assert wanted.path.read_bytes() == CONTENT[:-1]
    wanted.path.write_bytes(CONTENT)
    assert fetch(wanted) == wanted.path


def test_nothing_is_said_to_be_kept_that_is_not(home: Path) -> None:
    with served(other_bytes) as (url, _), pytest.raises(DownloadFailed) as caught:
        fetch(model(url))
    assert "kept" not in caught.value.message and list((home / "downloads").iterdir()) == []
