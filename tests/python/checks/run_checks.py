"""Runs on every rank: all checks of a module, in order, outcomes into a file per rank."""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from pathlib import Path

import hvd
from hvd import _core


def start_afresh_if_it_failed(check: str, failed: bool) -> None:
    """A check that failed on some rank may have left operations for the next one to meet."""
    flag = bytearray([failed])
    _core.allreduce_buffer(f"after {check}", flag, flag, hvd.Max, 1.0, 1.0, 0.0).wait()
    if flag[0]:
        hvd.shutdown()
        hvd.init()


def main() -> None:
    module = importlib.import_module(sys.argv[1])
    hvd.init()
    with (Path(sys.argv[2]) / f"rank{hvd.rank()}.jsonl").open("w") as outcomes:
        for name in [n for n in vars(module) if n.startswith("check_")]:
            error = ""
            try:
                getattr(module, name)()
            except BaseException:
                error = traceback.format_exc()
            outcomes.write(json.dumps({"check": name, "error": error}) + "\n")
            outcomes.flush()
            start_afresh_if_it_failed(name, bool(error))


if __name__ == "__main__":
    main()
