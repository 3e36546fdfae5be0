"""The loopback interface of this machine, and marks for tests that need it or raw sockets."""

import os
import socket

import pytest

LOOPBACK = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "")
needs_loopback = pytest.mark.skipif(LOOPBACK == "", reason="this machine has no loopback interface")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets need root")
