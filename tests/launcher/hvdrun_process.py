"""Runs hvdrun in tests, and finds whatever a job has left behind."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time
import uuid

# For things that take milliseconds, on a machine that may be busy.
PATIENCE = 60
TOKEN = "HVDRUN_TEST_TOKEN"


def program():
    found = os.environ.get("HVDRUN") or shutil.which("hvdrun")
    assert found, "no hvdrun: set HVDRUN or put it on PATH"
    return found


def wait_until(true, what):
    """Polls; gives what `true` gave."""
    end = time.monotonic() + PATIENCE
    while not (value := true()):
        assert time.monotonic() < end, f"waited {PATIENCE} s for: {what}"
        time.sleep(0.005)
    return value


def state_of(pid):
    """'R', 'S', 'T', 'Z', ... or '' if there is no such process."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return stat[stat.rindex(")") + 2]


def children_of(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(word) for word in text.split()]


class Job:
    """One run of hvdrun, with a token in its environment that all its processes inherit."""

    def __init__(self, folder, arguments, stdin=subprocess.DEVNULL, env=None, **popen):
        self.token = uuid.uuid4().hex
        self.out = folder / f"out-{self.token}"
        self.err = folder / f"err-{self.token}"
        environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
        environment.update(env or {})
        environment[TOKEN] = self.token
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [program(), *arguments],
                stdin=stdin,
                stdout=popen.pop("stdout", out),
                stderr=err,
                env=environment,
                start_new_session=True,
                **popen,
            )
        self.pid = self.process.pid

    def stdout(self):
        return self.out.read_text(errors="replace")

    def stderr(self):
        return self.err.read_text(errors="replace")

    def lines(self):
        return sorted(self.stdout().splitlines())

    def wait(self):
        return self.process.wait(timeout=PATIENCE)

    def wait_for_output(self, text, count=1):
        def there():
            assert self.process.poll() is None or self.stdout().count(text) >= count, self.stderr()
            return self.stdout().count(text) >= count

        wait_until(there, f"{count} times {text!r} on standard output")

    def job_process(self):
        """The second process of hvdrun, which runs the job."""
        return wait_until(lambda: children_of(self.pid), "the process that runs the job")[0]

    def living(self):
        """Processes of this job, hvdrun's own too; a zombie has no environment."""
        mark = f"{TOKEN}={self.token}".encode()
        found = []
        for folder in pathlib.Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if mark in (folder / "environ").read_bytes().split(b"\0"):
                        found.append(int(folder.name))
                except OSError:
                    pass
        return found

    def wait_until_gone(self):
        wait_until(lambda: not self.living(), "every process of the job to end")

    def clean_up(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.living():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
