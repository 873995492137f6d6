"""Jobs of real processes, driven from outside.

`Job` starts ranks without a launcher, each with pipes of its own, and talks to each one line by
line (workers/rank_shell.cc); so a test knows what every rank is doing and when it learnt something.
`launch` runs a worker under hvdrun. Nothing here sleeps for luck: every wait is for an event, with
a limit that only a hang reaches.
"""

from __future__ import annotations

import os
import queue
import re
import secrets
import select
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
# A test that waits this long has hung, however busy the machine is.
PATIENCE = 60.0

STATUS = {
    "invalid_argument": 1,
    "precondition": 2,
    "mismatch": 3,
    "aborted": 4,
    "deadline": 5,
    "peer_ended": 6,
    "unsupported": 7,
    "resource": 8,
    "permission": 11,
}


def build_folder() -> Path:
    """Where ninja put things: build/, or $TESTS_BUILD."""
    return Path(os.environ.get("TESTS_BUILD", ROOT / "build"))


def worker(name: str) -> str:
    path = build_folder() / "tests" / "multiproc" / name
    assert path.exists(), f"{path} was not built"
    return str(path)


def hvdrun() -> str:
    return os.environ.get("HVDRUN", str(build_folder() / "launcher" / "hvdrun"))


def clean_environment(**settings: str) -> dict[str, str]:
    """This environment without settings of hvd, and with these."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HVD_", "HOROVOD_"))}
    # What is tested does not depend on what ranks measure of this machine; test_calibration.py is
    # of that.
    return {**clean, "OMP_NUM_THREADS": "1", "HVD_CALIBRATION": "off", **settings}


def free_port() -> int:
    """A port that nobody listens to. Held by nobody either, so a stranger could take it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Answer(NamedTuple):
    """One line of a rank_shell."""

    at: float  # seconds of time.monotonic()
    verdict: str  # ok, error, timed
    text: str
    code: int = 0  # of an error: hvd_status_t
    rank: int = -1  # its culprit
    tensor: str = ""

    @property
    def ok(self) -> bool:
        return self.verdict == "ok"

    @property
    def at_once(self) -> bool:
        """An event told it. Where a limit had to pass first, the text names that limit; so no clock
        is needed to tell them apart, which on a busy machine would measure the machine."""
        return "limit:" not in self.text and "gave up after" not in self.text

    def is_error(self, kind: str, *parts: str) -> bool:
        """Fails with the whole answer unless it is this error and names these parts."""
        assert (self.verdict, self.code) == ("error", STATUS[kind]), self
        for part in parts:
            assert part in self.text, (part, self.text)
        return True


def parse(line: str) -> Answer:
    at, verdict, *rest = line.rstrip("\n").split(" ", 2)
    text = rest[0] if rest else ""
    if verdict != "error":
        return Answer(float(at), verdict, text)
    code, rank, tensor, text = text.split(" ", 3)
    # A tensor's name may hold spaces nowhere here: the tests choose it.
    return Answer(float(at), verdict, text, int(code), int(rank), "" if tensor == "-" else tensor)


class Rank:
    """A rank_shell, with its standard streams in our hands."""

    def __init__(self, number: int, env: dict[str, str], program: str, inside: str = ""):
        self.number = number
        self.process = subprocess.Popen(
            [*inside.split(), program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            start_new_session=True,
        )
        self.pid = self.process.pid
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._errors: list[str] = []
        self._errors_changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._read_answers, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_answers(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line.decode(errors="replace"))
        self._lines.put(None)

    def _read_errors(self) -> None:
        for line in self.process.stderr:
            with self._errors_changed:
                self._errors.append(line.decode(errors="replace"))
                self._errors_changed.notify_all()

    @property
    def who(self) -> str:
        """As error texts name it."""
        return f"rank {self.number} (host {socket.gethostname()}, pid {self.pid})"

    def tell(self, command: str) -> None:
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, patience: float = PATIENCE) -> Answer:
        """The next answer."""
        try:
            line = self._lines.get(timeout=patience)
        except queue.Empty:
            raise AssertionError(
                f"{self.who} did not answer in {patience:g} s\n{self.errors}"
            ) from None
        assert line is not None, f"{self.who} ended with {self.process.wait()}\n{self.errors}"
        return parse(line)

    def do(self, command: str, patience: float = PATIENCE) -> Answer:
        self.tell(command)
        return self.hear(patience)

    def silent(self, seconds: float) -> bool:
        """No answer in this time."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return True
        raise AssertionError(f"{self.who} said {line}")

    @property
    def errors(self) -> str:
        """Standard error so far."""
        with self._errors_changed:
            return "".join(self._errors)

    def wait_for_errors(self, pattern: str, count: int = 1) -> list[str]:
        """Standard error's matches, once there are this many."""
        until = time.monotonic() + PATIENCE
        with self._errors_changed:
            while True:
                found = re.findall(pattern, "".join(self._errors))
                if len(found) >= count:
                    return found
                left = until - time.monotonic()
                assert left > 0, f"{len(found)} of {count} x {pattern}:\n{''.join(self._errors)}"
                self._errors_changed.wait(left)

    def kill(self, number: int = signal.SIGKILL) -> float:
        """Sends a signal that ends it; the moment when the kernel says that it is gone."""
        os.kill(self.pid, number)
        self.process.wait(PATIENCE)
        return time.monotonic()

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self, status: int = 0, patience: float = PATIENCE) -> None:
        """End of input, then this status."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            found = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.who} did not end\n{self.errors}") from None
        assert found == status, (found, self.errors)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
        else:
            try:
                os.killpg(self.pid, signal.SIGKILL)  # children that it left
            except ProcessLookupError:
                pass
        self.process.stdin.close() if not self.process.stdin.closed else None
        for thread in self._threads:
            thread.join(5)
        self.process.stdout.close()
        self.process.stderr.close()


class Job:
    """Ranks that meet at rank 0, with a secret in HVD_SECRET. A context manager."""

    def __init__(self, size: int, each: dict[int, dict[str, str]] | None = None, **settings: str):
        self.size = size
        self.port = free_port()
        self.settings = {
            "HVD_SIZE": str(size),
            "HVD_RENDEZVOUS_ADDR": "127.0.0.1",
            "HVD_RENDEZVOUS_PORT": str(self.port),
            "HVD_SECRET": secrets.token_hex(32),
            "HVD_START_TIMEOUT_SECONDS": "50",
            **settings,
        }
        self.each = each or {}
        self.ranks: list[Rank] = []

    def start(self, numbers: list[int] | None = None) -> Job:
        for number in range(self.size) if numbers is None else numbers:
            special = dict(self.each.get(number, {}))
            program = special.pop("PROGRAM", worker("rank_shell"))
            inside = special.pop("INSIDE", "")  # "ip netns exec a": what execs the program
            env = clean_environment(**{**self.settings, "HVD_RANK": str(number), **special})
            self.ranks.append(Rank(number, env, program, inside))
        return self

    def __enter__(self) -> Job:
        if not self.ranks:
            self.start()
        return self

    def __exit__(self, *unused) -> None:
        for rank in self.ranks:
            rank.close()

    def __getitem__(self, number: int) -> Rank:
        return next(rank for rank in self.ranks if rank.number == number)

    def all(self, command: str, patience: float = PATIENCE) -> list[Answer]:
        """The command on all ranks at once; their answers in order of the ranks."""
        for rank in self.ranks:
            rank.tell(command)
        return [rank.hear(patience) for rank in self.ranks]

    def all_ok(self, command: str) -> list[Answer]:
        answers = self.all(command)
        assert all(answer.ok for answer in answers), (command, answers)
        return answers

    def init(self) -> Job:
        self.all_ok("init")
        return self

    def others(self, *without: int) -> list[Rank]:
        return [rank for rank in self.ranks if rank.number not in without]

    def works(self, name: str = "still works") -> None:
        """An allreduce over all ranks gives the right result."""
        name = name.replace(" ", "_")
        for answer in self.all_ok(f"allreduce {name} float32 3 value=2"):
            assert answer.text.endswith(f"first {2 * self.size}"), answer

    def end(self) -> None:
        """All shut down by ending; status 0 and nothing said."""
        for rank in self.ranks:
            rank.process.stdin.close()
        for rank in self.ranks:
            rank.end()
            rank._threads[1].join(PATIENCE)
            assert rank.errors == "", rank.errors


class Finished(NamedTuple):
    """How a job under hvdrun ended."""

    status: int
    out: str
    err: str
    pid: int


def launch(size: int, *command: str, timeout: float = 240, **settings: str) -> Finished:
    """hvdrun -np size command; killed with everything in its session after the timeout."""
    process = start_launch(size, *command, **settings)
    late = threading.Event()

    def end() -> None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(timeout, end)
    timer.start()
    try:
        out, err = process.communicate()
    finally:
        timer.cancel()
    assert not late.is_set(), f"not done after {timeout:g} s: {command}\n{out[-3000:]}{err[-6000:]}"
    return Finished(process.returncode, out, err, process.pid)


def start_launch(size: int, *command: str, **settings: str) -> subprocess.Popen:
    return subprocess.Popen(
        [hvdrun(), "-np", str(size), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(**settings),
        text=True,
        errors="replace",
        start_new_session=True,
    )


# ---- what a job may leave behind -----------------------------------------------------------------


def inodes_of(pids: list[int]) -> set[str]:
    """Sockets that these processes hold."""
    found = set()
    for pid in pids:
        try:
            links = [os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()]
        except OSError:
            continue  # it ended meanwhile
        found |= set(re.findall(r"socket:\[(\d+)\]", " ".join(links)))
    return found


def doors_of(pids: list[int]) -> set[str]:
    """Abstract names at which these processes listen."""
    inodes = inodes_of(pids)
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return {r[-1][1:] for r in rows if r[3] == "00010000" and r[6] in inodes and r[-1][0] == "@"}


def traces() -> set[str]:
    """What jobs could leave: abstract socket names, files. Jobs of others have them too."""
    names = set(re.findall(r"@hvd-\S+", Path("/proc/net/unix").read_text()))
    places = [Path("/dev/shm"), Path(os.environ.get("TMPDIR", "/tmp")), Path("/var/tmp")]
    files = [p for place in places if place.is_dir() for p in place.iterdir() if "hvd" in p.name]
    return names | {str(p) for p in files}


def nothing_left_since(before: set[str]) -> bool:
    """What came meanwhile and belongs to another job on this machine goes with that job."""
    came = traces() - before
    return eventually(lambda: not came & traces(), 120)


def processes_of_session(session: int) -> list[str]:
    """Command lines of living processes in this session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            command = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it ended meanwhile
        state, _, _, its_session = stat[stat.rindex(")") + 2 :].split()[:4]
        if int(its_session) == session and state != "Z":
            found.append(f"{folder.name} {command}")
    return found


def eventually(condition, patience: float = PATIENCE):
    """The first true value of the condition; looks again and again, as /proc has no events."""
    until = time.monotonic() + patience
    while True:
        value = condition()
        if value or time.monotonic() > until:
            return value
        select.select([], [], [], 0.02)
