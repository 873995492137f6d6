"""Runs on every rank: all checks of a module, in order, outcomes into a file per rank."""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from pathlib import Path

import hvd
from hvd import _core


def main() -> None:
    module = importlib.import_module(sys.argv[1])
    hvd.init()
    with (Path(sys.argv[2]) / f"rank{hvd.rank()}.jsonl").open("w") as outcomes:
        for name in [n for n in vars(module) if n.startswith("check_")]:
            error = ""
            try:
                getattr(module, name)()
                # The next check starts on all ranks with nothing of this one pending.
                _core.submit_barrier(f"after {name}", 0.0).wait()
            except BaseException:
                error = traceback.format_exc()
            outcomes.write(json.dumps({"check": name, "error": error}) + "\n")
            outcomes.flush()


if __name__ == "__main__":
    main()
