"""hvdrun on a terminal: typing, Ctrl-C, Ctrl-D, Ctrl-Z, progress bars."""

import os
import pty
import select
import signal
import time

import pytest

from hvdrun_process import PATIENCE, program


class Terminal:
    """hvdrun as the foreground job of a terminal of its own."""

    def __init__(self, *arguments):
        path = program()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execv(path, ["hvdrun", *arguments])
            finally:
                os._exit(127)  # never a second pytest
        self.text = b""
        self.status = None

    def type(self, text):
        os.write(self.fd, text)

    def read_until(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.text:
            assert time.monotonic() < end, f"{text!r} did not come: {self.text!r}"
            if not select.select([self.fd], [], [], 1)[0]:
                continue
            try:
                self.text += os.read(self.fd, 65536)
            except OSError:  # every process has closed the terminal
                assert text in self.text, f"ended without {text!r}: {self.text!r}"

    def wait(self, options=0):
        _, self.status = os.waitpid(self.pid, options)
        return self.status

    def exit_status(self):
        return os.waitstatus_to_exitcode(self.wait())

    def close(self):
        if self.status is None or not (os.WIFEXITED(self.status) or os.WIFSIGNALED(self.status)):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def terminal():
    opened = []

    def opener(*arguments):
        opened.append(Terminal("--log-level", "error", *arguments))
        return opened[-1]

    yield opener
    for each in opened:
        each.close()


def test_what_is_typed_reaches_rank_0_and_ctrl_d_ends_it(terminal):
    tty = terminal("-np", "2", "sh", "-c", "while read line; do echo read $line; done; echo end")
    tty.type(b"hello\n")
    tty.read_until(b"[0]<stdout>:read hello")
    tty.type(b"\x04")
    tty.read_until(b"[0]<stdout>:end")
    tty.read_until(b"[1]<stdout>:end")
    assert tty.exit_status() == 0
    assert b"[1]<stdout>:read" not in tty.text


def test_ctrl_c_interrupts_every_rank_once(terminal):
    script = "trap 'echo interrupted; exit 0' INT; echo ready; while :; do sleep 0.05; done"
    tty = terminal("-np", "2", "sh", "-c", script)
    tty.read_until(b"[0]<stdout>:ready")
    tty.read_until(b"[1]<stdout>:ready")
    tty.type(b"\x03")
    tty.read_until(b"[0]<stdout>:interrupted")
    tty.read_until(b"[1]<stdout>:interrupted")
    assert tty.exit_status() == 130


def test_ctrl_z_stops_the_job_and_it_goes_on(terminal):
    tty = terminal("-np", "1", "sh", "-c", "echo ready; read line; echo read $line")
    tty.read_until(b"ready")
    tty.type(b"\x1a")
    assert os.WIFSTOPPED(tty.wait(os.WUNTRACED))
    os.kill(tty.pid, signal.SIGCONT)
    tty.type(b"again\n")
    tty.read_until(b"read again")
    assert tty.exit_status() == 0


def test_a_progress_bar_moves_on_a_terminal(terminal):
    tty = terminal("-np", "1", "sh", "-c", r"printf '10%%\r20%%\r'; read line; printf '\n'")
    tty.read_until(b"[0]<stdout>:10%\r")  # while the line is still being drawn
    tty.type(b"\n")
    tty.read_until(b"20%")
    assert tty.exit_status() == 0


@pytest.mark.parametrize("options", [[], ["--no-prefix"]])
def test_a_prompt_is_seen_before_its_line_ends(terminal, options):
    tty = terminal("-np", "1", *options, "sh", "-c", "printf 'name? '; read name; echo hello $name")
    tty.read_until(b"name? ")
    tty.type(b"world\n")
    tty.read_until(b"hello world\r\n")
    assert tty.exit_status() == 0
