"""What a user may write: every public name of gofollow, with its types.

`make lint` runs mypy --strict over it, test_user_script.py runs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import Sequence
from pathlib import Path

import gofollow
from gofollow import (
    STOP,
    Chunk,
    Connection,
    Counters,
    Endpoint,
    Event,
    Gap,
    LinkType,
    Segment,
    Sniffer,
    SnifferStatistics,
    Statistics,
    TCPStream,
    TCPStreamFollower,
    Turn,
    afollow,
    events,
    follow,
    format_event,
    sniff,
)


def facts(stream: TCPStream) -> list[str]:
    turns: list[Turn] = stream.turns()
    segments: list[Segment] = stream.segments
    gaps: Sequence[Gap] = [*stream.client_gaps, *stream.server_gaps]
    chunks: Sequence[Chunk] = stream.client_chunks
    counters: Counters | None = stream.server_counters
    connection: Connection = stream.connection
    client: Endpoint = connection.client
    times: list[float] = [time for time in (stream.opened_at, stream.closed_at, stream.duration, stream.handshake_rtt) if time is not None]
    with stream.open("client") as payload:
        first: bytes = payload.readline()
    fields: dict[str, object] = stream.as_dict(payload="text")
    bytes_lost: int = sum(gap.length for gap in gaps) if counters is None else counters.gap_bytes
    said: list[tuple[str, bytes, float | None, int]] = [(turn.side, turn.data, turn.time, turn.first_packet) for turn in turns]
    places: list[tuple[int, int]] = [(chunk.offset, chunk.length) for chunk in chunks]
    names = [str(client), str(stream.client_addr), str(stream.close_reason), str(stream.closed_by)]
    return [*names, repr((times, first, sorted(fields), bytes_lost, said, len(segments), places))]


def incrementally(capture: Path) -> Statistics:
    def data(stream: TCPStream) -> object:
        return STOP if stream.direction == "server" and len(stream.new_data) > 100 else None

    def end(stream: TCPStream) -> None:
        assert stream.finished

    with TCPStreamFollower(data, end, keep_payload=1000, filter="not port 22", idle_timeout="never") as follower:
        follower.feed_packet(b"no frame", 1.5, LinkType.RAW)
        follower.feed_packets([(1.5, b"neither"), (2.5, b"nor this", 60, LinkType.ETHERNET)], unit="s")
        follower.feed_file(capture, progress=lambda packets, done, total: None)
        follower.feed([])
        follower.advance_time(3)
        follower.flush()
        taken: int = follower.packets + follower.ignored
        assert taken >= 3
        return follower.statistics


def log(capture: Path) -> list[str]:
    found: list[Event] = list(events(capture, segments=True, anomalies=True))
    return [format_event(event) for event in found]


async def in_a_loop(capture: Path) -> list[TCPStream]:
    return [stream async for stream in afollow(capture, record="segments")]


def live(interface: str) -> SnifferStatistics | str:
    try:
        sniffer: Sniffer = sniff(interface, bpf="tcp port 9", snap_length=65535)
    except gofollow.CapturePermissionError as error:
        return f"not permitted: {error}"
    except (gofollow.MissingPackageError, gofollow.CaptureFileNotFoundError, gofollow.CaptureIsADirectoryError) as error:
        return str(error)
    with sniffer:
        sniffer.stop()
        sniffer.run()
    return sniffer.statistics


def carefully(capture: Path) -> list[TCPStream]:
    """Handle what may go wrong, the special before the general."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gofollow.GofollowWarning)
        warnings.simplefilter("error", gofollow.TruncatedCaptureWarning)
        try:
            return list(follow(capture, keep_payload="all", record="segments"))
        except gofollow.CaptureFileError as error:
            raise SystemExit(f"{error.filename}: {error.strerror}") from error
        except gofollow.TruncatedCaptureWarning:
            return []
        except (gofollow.CaptureError, gofollow.OptionError, gofollow.PacketTooLargeError) as error:
            raise SystemExit(str(error)) from error
        except (gofollow.ForkedError, gofollow.LostEventsError, gofollow.UsageError, gofollow.InternalError) as error:
            raise SystemExit(f"start again: {error}") from error
        except (gofollow.OutOfMemoryError, gofollow.GofollowError):
            raise


def tables(capture: Path, folder: Path) -> int:
    from gofollow import tables as made

    rows: int = made.connections(capture).read_all().num_rows
    written: made.Written = made.write_parquet(folder, capture, name="one")
    assert written.connections == rows
    return len(made.to_pandas(made.turns(capture)))


def main(capture: Path, folder: Path) -> None:
    print(gofollow.__version__, gofollow.core, gofollow.build_info())
    for stream in carefully(capture):
        print(*facts(stream))
    print(incrementally(capture), *log(capture), *asyncio.run(in_a_loop(capture)), live("lo"), sep="\n")
    with contextlib.suppress(ImportError):  # pyarrow and pandas
        print(tables(capture, folder))
