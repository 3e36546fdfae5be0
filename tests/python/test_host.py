"""What the host's memory and files do while a capture is followed."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gofollow import OutOfMemoryError, TCPStreamFollower, UsageError, _native

SOURCES = Path(__file__).resolve().parents[2]


def test_every_code_has_its_exception() -> None:
    codes = dict(re.findall(r"^ +GOFOLLOW_(ERR_\w+) += (-\d+)", (SOURCES / "capi/gofollow.h").read_text("utf-8"), re.M))
    assert len(codes) >= 14
    for name, code in codes.items():
        if name != "ERR_FULL":
            assert int(code) in _native._ERRORS, name
    with ThreadPoolExecutor(1) as fresh:  # a thread in which no call has failed
        error = fresh.submit(_native.error_from_code, int(codes["ERR_MEMORY"])).result()
    assert isinstance(error, OutOfMemoryError)
    assert isinstance(error, MemoryError)
    assert "memory" in str(error)


def long_capture() -> tuple[bytes, int]:
    header = bytes.fromhex("d4c3b2a10200040000000000000000000000040001000000")
    record = (0).to_bytes(8, "little") + (100).to_bytes(4, "little") * 2 + bytes(100)
    return header + record * 50_000, 50_000  # a call of the library ends after 20,000


@pytest.mark.parametrize("change", ["nothing", "removed", "replaced", "appended"])
def test_file_that_changes_while_it_is_read(tmp_path: Path, change: str) -> None:
    path, other = tmp_path / "capture", tmp_path / "other"
    data, packets = long_capture()
    path.write_bytes(data)
    other.write_bytes(b"no capture at all")
    changed: list[int] = []

    def progress(*step: object) -> None:
        if changed:
            return
        changed.append(1)
        if change == "removed":
            path.unlink()
        elif change == "replaced":
            os.replace(other, path)
        elif change == "appended":
            with path.open("ab") as file:
                file.write(data[24:])

    with TCPStreamFollower() as follower:
        follower.feed_file(path, progress)
        assert follower.packets == packets * (2 if change == "appended" else 1)
    assert changed
    with pytest.raises(UsageError):
        follower.feed_packet(b"")
