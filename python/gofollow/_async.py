"""Following captures in asyncio's event loop."""

from __future__ import annotations

import asyncio
import os
import stat
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from ._core import Core
from ._engine import Engine
from ._events import BATCH
from ._options import FollowerOptions, Unpack, split_options
from ._sources import Links, Order, Pushed, Reading, Source, address_of_url
from ._stream import TCPStream
from .errors import CaptureError, file_error

_PIECE = 256 * 1024  # so many bytes are read at most before they are followed
_TURN = 0.002  # so many seconds at most are streams made before other tasks run
_Result = TypeVar("_Result")
_Read = Callable[[int], Awaitable[bytes]]


async def afollow(
    *sources: Source | asyncio.StreamReader, order: Order = "time", **options: Unpack[FollowerOptions]
) -> AsyncGenerator[TCPStream, None]:
    """Yield the streams of captures as they close, as follow does, while other tasks of the event loop run.

        async for stream in afollow("capture.pcapng"):
            print(stream)

    A source is what follow takes, or an asyncio.StreamReader that gives a capture. A StreamReader, "tcp://HOST:PORT" and the path of a
    pipe are read by the event loop, and are the only source then. Files are read in a thread of this call's own. Cancelling the task, or
    closing the generator (contextlib.aclosing does it at once), ends the thread and closes what was opened here.

    Raises as follow; TypeError for a StreamReader, socket or pipe besides other sources.
    """
    engine_options, kept = split_options(options)
    engine = Engine(engine_options, half_closed=False)
    streams: deque[TCPStream] = deque()
    core = Core(engine.number, None, streams.append, TCPStream, kept, _nothing, engine.close)
    loop = asyncio.get_running_loop()
    links = Links(engine, later=True)
    async with AsyncExitStack() as stack:
        stack.callback(engine.close)
        live = [source for source in sources if _is_live(source)]
        if live and len(sources) > 1:
            raise TypeError("a StreamReader, socket or pipe is followed alone: give the other captures to another afollow")
        read, pushed = None, None
        if live:
            name, read = await _open(live[0], stack)
            pushed = Pushed(name)
        reading = Reading(engine, None, links, sources if pushed is None else [pushed], order)
        steps = reading.steps()
        stack.callback(steps.close)
        worker = stack.enter_context(ThreadPoolExecutor(1, "gofollow"))

        async def in_thread(function: Callable[..., _Result], *arguments: Any) -> _Result:
            """Call a function that takes a while; when cancelled, wait for its end."""
            future = loop.run_in_executor(worker, function, *arguments)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                await asyncio.wait([future])
                raise

        fault: Exception | None = None
        reading_on, flushed = True, False
        while not flushed:
            if reading_on:
                try:
                    if pushed is not None and read is not None and pushed.hungry():
                        pushed.give(await read(_PIECE))
                    reading_on = await in_thread(_next, steps)
                except (CaptureError, OSError, EOFError) as error:
                    fault, reading_on = error, False
            else:
                flushed = await in_thread(engine.flush)
            count, turn = BATCH, loop.time() + _TURN
            while count == BATCH:
                count = core.pull(BATCH)
                while streams:
                    yield streams.popleft()
                if loop.time() > turn:
                    await asyncio.sleep(0)
                    turn = loop.time() + _TURN
        reading.warn()
        if fault is not None:
            raise fault
        links.warn_at_end()


def _nothing() -> None:
    pass


def _next(steps: Any) -> bool:
    """Take a step, and return whether there was one."""
    for _ in steps:
        return True
    return False


def _is_live(source: Any) -> bool:
    if isinstance(source, asyncio.StreamReader) or (isinstance(source, str) and source.startswith("tcp://")):
        return True
    if not isinstance(source, (str, bytes, os.PathLike)):
        return False
    try:
        return stat.S_ISFIFO(os.stat(source).st_mode)
    except (OSError, ValueError):
        return False  # opening says it


async def _open(source: Any, stack: AsyncExitStack) -> tuple[str, _Read]:
    """Return the name of a source that is read by the event loop, and what reads it."""
    if isinstance(source, asyncio.StreamReader):
        return "a StreamReader", source.read
    name = os.fsdecode(source)
    try:
        if name.startswith("tcp://"):
            reader, writer = await asyncio.open_connection(*address_of_url(name))
            stack.callback(writer.close)
        else:
            # Opened like this it does not wait for a writer, and neither does the loop.
            pipe = open(os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0)  # noqa: SIM115
            reader = asyncio.StreamReader()
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
            stack.callback(transport.close)
    except OSError as error:
        raise file_error(error, name) from None
    return name, reader.read
