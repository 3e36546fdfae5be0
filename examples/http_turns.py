"""Print the requests and responses of HTTP/1 in a capture, parsed by h11 from the turns of each finished stream."""

import sys

import h11

from gofollow import TCPStream, follow


def exchanges(stream: TCPStream) -> list[str]:
    """Return a line for each request and each response, in the order of the conversation."""
    lines: list[str] = []
    readers = {"client": h11.Connection(h11.SERVER), "server": h11.Connection(h11.CLIENT)}
    for turn in stream.turns():
        if turn.side == "client" and readers["client"].their_state is h11.DONE:  # the next request
            readers = {"client": h11.Connection(h11.SERVER), "server": h11.Connection(h11.CLIENT)}
        reader = readers[turn.side]
        reader.receive_data(turn.data)
        while (event := reader.next_event()) is not h11.NEED_DATA and event is not h11.PAUSED:
            if isinstance(event, h11.Request):
                lines.append(f"{event.method.decode()} {event.target.decode()}")
                # The other reader has to know what it is that is answered.
                readers["server"].send(h11.Request(method=event.method, target=event.target, headers=event.headers))
            elif isinstance(event, h11.Response):
                lines.append(f"{event.status_code} {event.reason.decode()}")
    return lines


if __name__ == "__main__":
    for stream in follow(sys.argv[1]):
        try:
            print(*exchanges(stream), sep="\n")
        except h11.ProtocolError as error:
            print(f"{stream}: {error}")
