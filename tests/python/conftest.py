"""The package is installed or on PYTHONPATH; nothing is built here."""

import signal
import sys
from pathlib import Path

import gofollow

sys.path.insert(0, str(Path(__file__).parent))
# A shell starts what runs in its background with this signal ignored, and programs that tests start would ignore it, too.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    return f"gofollow's core: {gofollow.core}"
