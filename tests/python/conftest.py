"""The package is installed or on PYTHONPATH; nothing is built here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
