"""`./dev show NN [ROW] [--quick]`: what issue NN promised, measured: figure, target, hit or miss.

Each row is a program tests/show/NN/ROW.py or .sh. Its last line is `figure | target | hit` or
`figure | target | miss`; what it prints before that is its evidence. Exit status 1 on a miss.
--quick is handed to the rows: those that know it take fewer rounds, and prove less.
"""

import pathlib
import subprocess
import sys
import threading

import suites

SHOW = suites.ROOT / "tests" / "show"
ROW_SECONDS_MAX = 1800


def rows_of(folder, wanted=None):
    """Programs of the folder in order of their names; `wanted` may be a part of the name."""
    programs = sorted(p for p in folder.glob("*") if p.suffix in (".py", ".sh"))
    programs = [p for p in programs if not p.name.startswith("_")]
    return [p for p in programs if wanted is None or wanted in p.stem]


def verdict(status, output):
    """(figure, target, hit or miss) of a row that ended with this status and this output."""
    lines = [line for line in output.splitlines() if line.strip()]
    parts = [part.strip() for part in lines[-1].split("|")] if lines else []
    if status == 0 and len(parts) == 3 and parts[2] in ("hit", "miss"):
        return tuple(parts)
    if len(parts) == 3 and parts[2] == "miss":
        return tuple(parts)
    last = lines[-1].strip()[:100] if lines else "it printed nothing"
    return f"no figure; ended with {status}: {last}", "figure | target | hit or miss", "miss"


def run_row(program, extra=(), seconds_max=ROW_SECONDS_MAX):
    """(exit status or None if it was late, its output), which is printed as it comes."""
    starter = [sys.executable] if program.suffix == ".py" else ["bash"]
    process = subprocess.Popen(
        [*starter, str(program), *extra],
        cwd=suites.ROOT,
        env=suites.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    late = threading.Event()

    def end():
        late.set()
        suites.end_session(process)

    timer = threading.Timer(seconds_max, end)
    timer.start()
    lines = []
    for line in process.stdout:
        lines.append(line)
        print(line, end="", flush=True)
    status = process.wait()
    timer.cancel()
    if late.is_set():
        return None, "".join([*lines, f"not done after {seconds_max:.0f} s\n"])
    return status, "".join(lines)


def run(programs, extra=()):
    table = []
    for program in programs:
        print(f"--- {program.stem}", flush=True)
        status, output = run_row(program, extra)
        table.append((program.stem, *verdict(status, output)))
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    print()
    for row in table:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    return 1 if any(row[3] == "miss" for row in table) else 0


def main(arguments):
    extra = [a for a in arguments if a == "--quick"]
    arguments = [a for a in arguments if a != "--quick"]
    if not 1 <= len(arguments) <= 2:
        known = " ".join(sorted(p.name for p in SHOW.glob("[0-9]*")))
        print(
            f"usage: ./dev show NN [ROW] [--quick]; there is: {known or 'nothing yet'}",
            file=sys.stderr,
        )
        return 2
    folder = SHOW / pathlib.Path(arguments[0]).name
    programs = rows_of(folder, *arguments[1:])
    if not programs:
        known = " ".join(p.stem for p in rows_of(folder)) or "none"
        print(f"dev: nothing to show for {' '.join(arguments)}; rows: {known}", file=sys.stderr)
        return 2
    return run(programs, extra)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
