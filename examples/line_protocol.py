"""Print the lines of a text protocol (SMTP, FTP, IRC) in a capture as they come, both sides in the order of the conversation."""

import sys

from gofollow import TCPStream, TCPStreamFollower

unfinished: dict[tuple[int, str], bytes] = {}


def data(stream: TCPStream) -> None:
    assert stream.direction is not None
    key = (stream.identifier, stream.direction)
    *lines, rest = (unfinished.get(key, b"") + stream.new_data).split(b"\n")
    unfinished[key] = rest[-65536:]  # a line that never ends takes no more memory than that
    for line in lines:
        print(f"{stream.identifier} {'>' if stream.direction == 'client' else '<'} {line.rstrip().decode('ascii', 'backslashreplace')!r}")


def end(stream: TCPStream) -> None:
    for side in ("client", "server"):
        if rest := unfinished.pop((stream.identifier, side), b""):
            print(f"{stream.identifier} {side} ends within a line: {rest!r}")


with TCPStreamFollower(data, end, keep_payload="none") as follower:
    follower.feed_file(sys.argv[1])
