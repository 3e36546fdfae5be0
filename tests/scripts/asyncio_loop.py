"""Follows a connection in asyncio's loop, then records packets.

asyncio_loop.py INTERFACE FILTER COUNT OUTPUT
"""

import asyncio
import sys

from cycapture.libpcap import BlockingSniffer, NonBlockingSniffer
from cycapture.libtins import EthernetII, TCPStreamFollower

loop = asyncio.new_event_loop()
sniffer = NonBlockingSniffer(sys.argv[1], read_timeout=100, snapshot_length=65000)
sniffer.filter = sys.argv[2]


def ended(stream):
    print("ended", stream.client_payload.tobytes(), len(stream.server_payload), flush=True)
    sniffer.stop()
    loop.call_soon(record)


def callback(sec, usec, length, mview):
    follower.feed(EthernetII.from_buffer(mview))


def record():
    sniffer.sniff_and_export(sys.argv[4], max_p=int(sys.argv[3]))
    print("recording", flush=True)
    loop.call_soon(wait)


def wait():
    if sniffer.activated:
        loop.call_later(0.01, wait)
    else:
        loop.stop()


follower = TCPStreamFollower(None, ended)
sniffer.set_loop(loop, "asyncio").sniff_callback(callback)
print("listening", flush=True)
loop.run_forever()
loop.close()
q = []
BlockingSniffer(filename=sys.argv[4]).sniff_and_store(q)
print(len(q), "recorded")
