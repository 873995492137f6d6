"""Fixtures of the tests of hvdrun."""

import pytest

import hvdrun_process


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
