"""Fixtures of the tests of hvdrun."""

import signal

import pytest

import hvdrun_process


@pytest.fixture(autouse=True, scope="session")
def _signals_as_at_a_terminal():
    """Whoever starts the tests may ignore signals, as a shell does for what it runs in the
    background and nohup for all; hvdrun and its ranks would inherit that."""
    names = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)
    ignored = [n for n in names if signal.getsignal(n) == signal.SIG_IGN]
    for number in ignored:
        own = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, own)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def start(tmp_path):
    """Starts hvdrun with arguments; whatever a failing test leaves running ends with it."""
    jobs = []

    def starter(*arguments, **options):
        jobs.append(hvdrun_process.Job(tmp_path, arguments, **options))
        return jobs[-1]

    yield starter
    for job in jobs:
        job.clean_up()


@pytest.fixture
def run(start):
    """Runs hvdrun to its end; gives the job, whose returncode is `job.status`."""

    def runner(*arguments, **options):
        job = start(*arguments, **options)
        job.status = job.wait()
        assert not job.living(), "a process of the job was left behind"
        return job

    return runner
