"""What ranks get, and what becomes of their output."""

import os
import re
import subprocess
import sys

import pytest

NP2 = ("-np", "2", "sh", "-c")


def test_each_rank_knows_who_it_is(run):
    job = run(
        *NP2, "echo $HVD_RANK/$HVD_SIZE $HOROVOD_LOCAL_RANK/$HOROVOD_LOCAL_SIZE $HVD_LAUNCHER"
    )
    assert job.status == 0
    assert job.lines() == ["[0]<stdout>:0/2 0/2 hvdrun", "[1]<stdout>:1/2 1/2 hvdrun"]


def test_identity_of_an_outer_launcher_is_replaced(run):
    outer = {"HVD_RANK": "7", "OMPI_COMM_WORLD_RANK": "7", "SLURM_PROCID": "7", "MY_SETTING": "x"}
    job = run(*NP2, "echo $HVD_RANK,$OMPI_COMM_WORLD_RANK,$SLURM_PROCID,$MY_SETTING", env=outer)
    assert job.lines() == ["[0]<stdout>:0,,,x", "[1]<stdout>:1,,,x"]


def test_standard_streams_stay_apart(run):
    job = run("-np", "1", "sh", "-c", "echo to-out; echo to-err >&2")
    assert job.stdout() == "[0]<stdout>:to-out\n"
    assert "[0]<stderr>:to-err\n" in job.stderr()


def test_standard_input_goes_to_rank_0_whole_and_to_no_other(run, tmp_path):
    text = b"x" * 1_000_000
    (tmp_path / "input").write_bytes(text)
    with open(tmp_path / "input", "rb") as stdin:
        job = run(*NP2, "wc -c | tr -d ' '", stdin=stdin)
    assert job.lines() == [f"[0]<stdout>:{len(text)}", "[1]<stdout>:0"]


def test_closed_standard_input_is_no_problem(run):
    job = run(*NP2, "cat; echo done", stdin=None, preexec_fn=lambda: os.close(0))
    assert job.status == 0
    assert len(job.lines()) == 2


def test_all_ranks_read_one_secret_again_and_again(run):
    read = "cat /proc/self/fd/$HVD_SECRET_FD; echo"
    job = run(*NP2, f"{read}; exec sh -c '{read}'")
    secrets = {line.split(":", 1)[1] for line in job.lines()}
    assert len(job.lines()) == 4
    assert len(secrets) == 1
    assert re.fullmatch("[0-9a-f]{64}", secrets.pop())
    other = run(*NP2, read)
    assert not {line.split(":", 1)[1] for line in other.lines()} & secrets


def test_the_secret_stands_in_no_command_line_and_no_variable(run):
    look = (
        "import os, pathlib; secret = os.pread(int(os.environ['HVD_SECRET_FD']), 64, 0).decode();"
        "texts = [p.read_bytes() for p in pathlib.Path('/proc').glob('[0-9]*/cmdline')];"
        "texts.append(pathlib.Path('/proc/self/environ').read_bytes());"
        "print(len(secret), any(secret.encode() in text for text in texts))"
    )
    job = run("-np", "1", sys.executable, "-c", look)
    assert job.stdout() == "[0]<stdout>:64 False\n"


def test_the_thread_count_is_chosen_and_said_once_unless_it_is_set(run):
    cores = len(os.sched_getaffinity(0))
    job = run("-np", str(cores), "sh", "-c", "echo $OMP_NUM_THREADS")
    assert set(job.lines()) == {f"[{rank}]<stdout>:1" for rank in range(cores)}
    assert job.stderr().count("OMP_NUM_THREADS set to 1 for ") == 1
    job = run(*NP2, "echo $OMP_NUM_THREADS", env={"OMP_NUM_THREADS": "77"})
    assert job.lines() == ["[0]<stdout>:77", "[1]<stdout>:77"]
    assert job.stderr() == ""
    assert run("--log-level", "error", *NP2, "true").stderr() == ""


def test_much_output_of_many_ranks_comes_in_whole_lines(run):
    count = 20_000
    job = run("-np", "3", "sh", "-c", f"seq -f 'line-%06g-of-a-rank' 1 {count}")
    lines = job.stdout().splitlines()
    for rank in range(3):
        mine = [line for line in lines if line.startswith(f"[{rank}]<stdout>:")]
        assert mine == [f"[{rank}]<stdout>:line-{i:06}-of-a-rank" for i in range(1, count + 1)]
    assert len(lines) == 3 * count


def test_a_torn_line_is_not_mixed_with_another_rank_s(run, tmp_path):
    # Rank 0 writes half a line, rank 1 a whole one, then rank 0 the other half.
    script = (
        f"cd {tmp_path}; if [ $HVD_RANK = 0 ]; then printf half; mkfifo turn; : > turn;"
        " echo -other; else while [ ! -p turn ]; do :; done; echo whole; cat turn; fi"
    )
    job = run(*NP2, script)
    assert job.lines() == ["[0]<stdout>:half-other", "[1]<stdout>:whole"]


def test_the_last_line_needs_no_newline(run):
    assert run("-np", "1", "printf", "a\\nb").stdout() == "[0]<stdout>:a\n[0]<stdout>:b\n"


def test_bytes_pass_unchanged_without_prefix(run, tmp_path):
    data = os.urandom(1_000_000)
    (tmp_path / "data").write_bytes(data)
    job = run("-np", "1", "--no-prefix", "cat", str(tmp_path / "data"))
    assert job.out.read_bytes() == data


def test_output_files_keep_each_rank_s_bytes(run, tmp_path):
    logs = tmp_path / "logs"
    job = run(
        "-np", "2", "--output-filename", str(logs), "sh", "-c", "printf $HVD_RANK; echo e >&2"
    )
    assert job.status == 0
    for rank in "01":
        assert (logs / f"rank.{rank}" / "stdout").read_text() == rank
        assert (logs / f"rank.{rank}" / "stderr").read_text() == "e\n"
    assert job.lines() == ["[0]<stdout>:0", "[1]<stdout>:1"]


def test_a_reader_that_goes_away_ends_the_job_as_it_would_end_the_command(start):
    job = start("-np", "2", "yes", stdout=subprocess.PIPE)
    assert job.process.stdout.readline().endswith(b":y\n")
    job.process.stdout.close()
    assert job.wait() == 128 + 13
    assert not job.living()


def test_a_reader_that_waits_loses_nothing(start):
    job = start("-np", "1", "seq", "1", "500000", stdout=subprocess.PIPE)
    first = job.process.stdout.readline()
    job.job_process()  # runs, with far more output than all buffers hold
    rest = job.process.stdout.read().splitlines()
    assert first == b"[0]<stdout>:1\n"
    assert rest == [f"[0]<stdout>:{i}".encode() for i in range(2, 500001)]
    assert job.wait() == 0


def test_the_command_keeps_its_own_options(run):
    job = run("-np", "1", "sh", "-c", 'echo "$@"', "sh", "--help", "-np", "3", "--", "x")
    assert job.stdout() == "[0]<stdout>:--help -np 3 -- x\n"


def test_a_dry_run_shows_everything_but_the_secret_and_starts_nothing(run, tmp_path):
    mark = tmp_path / "started"
    job = run("-np", "2", "--dry-run", "touch", str(mark))
    assert job.status == 0
    assert not mark.exists()
    assert job.stdout().count(f"touch {mark}") == 2
    assert "HVD_RANK=1" in job.stdout()
    assert not re.search("[0-9a-f]{64}", job.stdout())


@pytest.mark.parametrize("noise", ["os.urandom(5000)", "b''"], ids=["noise", "silence"])
def test_strangers_at_the_rendezvous_do_not_harm_the_job(run, noise):
    stranger = (
        "import os, socket;"
        "s = socket.create_connection((os.environ['HVD_RENDEZVOUS_ADDR'],"
        " int(os.environ['HVD_RENDEZVOUS_PORT'])), timeout=20);"
        f"s.sendall({noise}); print('connected')"
    )
    job = run("-np", "3", sys.executable, "-c", stranger)
    assert job.status == 0
    assert job.lines() == [f"[{rank}]<stdout>:connected" for rank in range(3)]


def test_the_rendezvous_listens_on_this_host_only(run):
    listing = (
        "import os, pathlib; port = f\"{int(os.environ['HVD_RENDEZVOUS_PORT']):04X}\";"
        "rows = [r.split() for r in pathlib.Path('/proc/net/tcp').read_text().splitlines()[1:]];"
        "print([r[1].split(':')[0] for r in rows if r[1].endswith(':' + port) and r[3] == '0A'])"
    )
    job = run("-np", "1", sys.executable, "-c", listing)
    assert job.stdout() == "[0]<stdout>:['0100007F']\n"
