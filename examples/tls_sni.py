"""Print the server names of TLS ClientHellos (SNI, RFC 6066) in a capture. No more of a stream is followed than that takes."""

import struct
import sys

from gofollow import STOP, TCPStream, TCPStreamFollower

LONGEST = 1 << 14  # what a client sends is given up after so many bytes


def server_name(data: bytes) -> str | None:
    """Return the name in the ClientHello with which data begins, None if it has none.

    Raises IndexError or struct.error where the ClientHello is not complete, ValueError where it is none.
    """
    if data[0] != 0x16 or data[5] != 1:
        raise ValueError("no ClientHello")
    hello = data[5 : 5 + struct.unpack_from("!H", data, 3)[0]]
    at = 38  # behind type, length, version and random number
    at += 1 + hello[at]  # session id
    at += 2 + struct.unpack_from("!H", hello, at)[0]  # cipher suites
    at += 1 + hello[at]  # compression methods
    at += 2
    while at < 4 + int.from_bytes(hello[1:4], "big"):
        kind, length = struct.unpack_from("!HH", hello, at)
        if kind == 0:
            size = struct.unpack_from("!H", hello, at + 7)[0]
            return hello[at + 9 : at + 9 + size].decode("ascii", "replace")
        at += 4 + length
    return None


def data(stream: TCPStream) -> object:
    if stream.direction != "client":
        return None
    try:
        name = server_name(stream.client_payload)
    except (IndexError, struct.error):
        return None if len(stream.client_payload) < LONGEST else STOP  # not complete yet
    except ValueError:
        return STOP
    if name is not None:
        print(f"{stream.client_addr}:{stream.client_port} -> {stream.server_addr}:{stream.server_port} {name}")
    return STOP


with TCPStreamFollower(data, keep_payload=LONGEST) as follower:
    follower.feed_file(sys.argv[1])
