"""Console scripts: ``hvdrun`` and ``hvd-explain`` are native, ``hvd-config`` helps compilers."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

_PACKAGE = Path(__file__).resolve().parent


def hvdrun_path() -> Path:
    """Where the native launcher of this installation is."""
    return _PACKAGE / "bin" / "hvdrun"


def _become(program: Path) -> NoReturn:
    """Replaces this process by a native program."""
    # Python ignores these two, and what is ignored stays ignored across exec: without this, a
    # reader that goes away (hvdrun ... | head) would not end the job as it ends any command.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    name = program.name
    try:
        os.execv(program, [name, *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"{name}: cannot start {program}: {error.strerror}; is hvd installed completely?")


def hvdrun() -> NoReturn:
    """Replaces this process by the native launcher."""
    _become(hvdrun_path())


def explain() -> NoReturn:
    """Replaces this process by the native hvd-explain."""
    _become(_PACKAGE / "bin" / "hvd-explain")


def _config_lines(wanted: list[str]) -> list[str]:
    """Answers options of hvd-config.

    >>> _config_lines(["--libs"])[0].endswith("-l:libhvd.so.0")
    True
    """
    answers = {
        "--cflags": f"-I{_PACKAGE / 'include'}",
        "--libs": f"-L{_PACKAGE / 'lib'} -Wl,-rpath,{_PACKAGE / 'lib'} -l:libhvd.so.0",
        "--prefix": str(_PACKAGE),
        "--pkgconfigdir": str(_PACKAGE / "pkgconfig"),
    }
    unknown = [option for option in wanted if option not in answers]
    if unknown or not wanted:
        usage = "usage: hvd-config " + " ".join(f"[{option}]" for option in answers)
        sys.exit(usage if not unknown else f"hvd-config: unknown option {unknown[0]}\n{usage}")
    return [answers[option] for option in wanted]


def config() -> None:
    """Prints what a compiler needs to build against hvd.h."""
    print(" ".join(_config_lines(sys.argv[1:])))
