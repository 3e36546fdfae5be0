"""Sniffs in tornado's loop until SIGINT: tornado_loop.py INTERFACE FILTER."""

import signal
import sys

from cycapture.libpcap import NonBlockingSniffer
from cycapture.libtins import RAW, EthernetII
from tornado.gen import coroutine
from tornado.ioloop import IOLoop


def handle_int(signum, frame):
    NonBlockingSniffer.stop_all()
    IOLoop.instance().add_callback_from_signal(IOLoop.instance().stop)


def callback(sec, usec, length, mview):
    print(length, EthernetII.from_buffer(mview).rfind_pdu(RAW).payload.decode(), flush=True)


@coroutine
def start():
    s = NonBlockingSniffer(sys.argv[1], read_timeout=100)
    s.filter = sys.argv[2]
    s.set_loop(IOLoop.instance()).sniff_callback(callback)
    print("listening", flush=True)


signal.signal(signal.SIGTERM, handle_int)
signal.signal(signal.SIGINT, handle_int)
IOLoop.instance().add_callback(start)
IOLoop.instance().start()
print("end of main")
