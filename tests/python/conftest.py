"""The package is installed or on PYTHONPATH; nothing is built here."""

import sys
from pathlib import Path

import gofollow

sys.path.insert(0, str(Path(__file__).parent))


def pytest_report_header() -> str:
    return f"gofollow's core: {gofollow.core}"
