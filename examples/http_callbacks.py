"""Print the requests of HTTP/1 in a capture while the streams go on: h11 gets each piece in a callback."""

import sys

import h11

from gofollow import STOP, TCPStream, TCPStreamFollower

readers: dict[int, h11.Connection] = {}


def data(stream: TCPStream) -> object:
    if stream.direction != "client":
        return None
    reader = readers.setdefault(stream.identifier, h11.Connection(h11.SERVER))
    try:
        reader.receive_data(stream.new_data)
        while (event := reader.next_event()) is not h11.NEED_DATA and event is not h11.PAUSED:
            if isinstance(event, h11.Request):
                print(f"{stream.time:.6f} {event.method.decode()} {event.target.decode()}")
            elif isinstance(event, h11.EndOfMessage):
                readers[stream.identifier] = h11.Connection(h11.SERVER)
                break
    except h11.ProtocolError:
        return STOP  # this is not HTTP/1, or a part of it is missing: nothing more of this stream
    return None


def end(stream: TCPStream) -> None:
    readers.pop(stream.identifier, None)


# keep_payload="none": what a callback does not keep, nobody does.
with TCPStreamFollower(data, end, keep_payload="none") as follower:
    follower.feed_file(sys.argv[1])
