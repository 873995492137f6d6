"""Makes tests/multiproc/job.py importable, and leaves out what is marked `full`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "multiproc"))

from full_marker import pytest_collection_modifyitems, pytest_configure  # noqa: F401
