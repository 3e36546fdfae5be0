"""Following in asyncio's event loop: what comes out, what else runs meanwhile, what cancelling leaves."""

import asyncio
import gzip
import io
import os
import threading
from collections.abc import Awaitable
from contextlib import aclosing
from pathlib import Path

import pytest
from frames import pcap_of
from test_sources import START, by_direction, pipe, rows_of, same_handles, served, streams

from gofollow import CaptureError, CaptureFileError, GofollowWarning, TruncatedCaptureWarning, afollow, follow

WHOLE = pcap_of(rows_of())
Stream = tuple[int, bytes, bytes, str | None]


async def collect(*sources: object, **options: object) -> set[Stream]:
    found = set()
    async for s in afollow(*sources, **options):  # type: ignore[arg-type]
        found.add((s.client_port, s.client_payload, s.server_payload, s.close_reason))
    return found


def in_loop(work: Awaitable[object]) -> object:
    """Run in a new loop, and check that no thread and no handle is left."""

    async def main() -> object:
        return await work

    with same_handles():
        threads = threading.active_count()
        result = asyncio.run(main())
        assert threading.active_count() <= threads
    return result


def reader_of(data: bytes, size: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    for at in range(0, len(data), size):
        reader.feed_data(data[at : at + size])
    reader.feed_eof()
    return reader


def test_every_source_gives_the_streams_of_follow(tmp_path: Path) -> None:
    want = streams(io.BytesIO(WHOLE))
    path = tmp_path / "a"
    path.write_bytes(WHOLE)
    assert in_loop(collect(path)) == want
    assert in_loop(collect(io.BytesIO(WHOLE))) == want
    assert in_loop(collect([(time / 10**9, data) for time, data in rows_of()])) == want
    for name, part in zip("bc", by_direction(rows_of()), strict=True):
        (tmp_path / name).write_bytes(pcap_of(part))
    assert in_loop(collect(tmp_path / "c", tmp_path / "b")) == want
    with served(gzip.compress(WHOLE)) as address:
        assert in_loop(collect(address)) == want
    with pipe(tmp_path / "fifo", WHOLE):
        assert in_loop(collect(str(tmp_path / "fifo"))) == want

    async def from_reader(size: int) -> set[Stream]:
        return await collect(reader_of(WHOLE, size), keep_payload="all")

    for size in (1, 100, len(WHOLE)):
        assert in_loop(from_reader(size)) == want


def test_streams_come_while_the_capture_goes_on() -> None:
    async def main() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(pcap_of(rows_of(1)))
        async with aclosing(afollow(reader)) as followed:
            stream = await asyncio.wait_for(anext(followed), 60)
            assert stream.close_reason == "fin"
            waiting = asyncio.ensure_future(anext(followed))
            await asyncio.sleep(0)
            reader.feed_data(pcap_of([(START + 10**9, data) for _, data in rows_of(1)])[24:])
            assert (await asyncio.wait_for(waiting, 60)).identifier == 1

    in_loop(main())


def test_faults_and_warnings(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(WHOLE[:-5])
    with pytest.warns(TruncatedCaptureWarning, match="cut short"):
        in_loop(collect(path))
    path.write_bytes(WHOLE + b"\xff" * 40)
    found: list[object] = []

    async def until_damage() -> None:
        async for stream in afollow(path):
            found.append(stream)

    with pytest.raises(CaptureError, match="damaged"):
        in_loop(until_damage())
    assert len(found) == 3
    with pytest.raises(CaptureFileError, match="No such file"):
        in_loop(collect(tmp_path / "none"))
    with pytest.raises(TypeError, match="alone"):
        in_loop(collect(path, "tcp://127.0.0.1:9"))
    with pytest.raises(TypeError, match="no capture"):
        in_loop(collect())
    path.write_bytes(pcap_of([(START, bytes(12) + b"\x08\x06" + bytes(28))]))
    with pytest.warns(GofollowWarning, match="no TCP"):
        assert in_loop(collect(path)) == set()


def test_other_tasks_run_between_the_steps(tmp_path: Path) -> None:
    """However long the capture, other tasks get their turns: at least one for each piece of 20,000 packets and more."""
    path = tmp_path / "long"
    rows = rows_of(3000)  # 48,000 packets
    path.write_bytes(pcap_of(rows))

    async def main() -> int:
        turns = 0
        done = False

        async def other() -> None:
            nonlocal turns
            while not done:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.ensure_future(other())
        count = len([stream async for stream in afollow(path)])
        done = True
        await task
        assert count == 3000
        return turns

    turns = in_loop(main())
    assert isinstance(turns, int)
    assert turns > 10


def test_cancelling_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(pcap_of(rows_of(2000)))

    async def cancelled(after: int) -> None:
        task = asyncio.ensure_future(collect(path))
        for _ in range(after):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("gofollow")]

    for after in (1, 2, 5, 20):
        in_loop(cancelled(after))

    async def waiting() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(collect(asyncio.StreamReader()), 0.01)
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(collect(tmp_path / "fifo"), 0.01)

    in_loop(waiting())

    async def left() -> None:
        async with aclosing(afollow(path)) as followed:
            async for _ in followed:
                break

    in_loop(left())
    assert len(list(follow(path))) == 2000
