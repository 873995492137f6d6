"""What a failing rank, a bad command and bad options get."""

import pytest

SLEEP = "exec sleep 1000"


def on_rank(rank, script, others=SLEEP):
    return f"if [ $HVD_RANK = {rank} ]; then {script}; else {others}; fi"


def test_the_first_failing_rank_ends_the_job_with_a_report(run):
    job = run("-np", "3", "sh", "-c", on_rank(1, "echo loading; echo oh no >&2; exit 3"))
    assert job.status == 3
    report = job.stderr()
    assert "hvdrun: rank 1 (pid " in report
    assert "exited with code 3" in report
    assert "    | loading\n" in report
    assert "    | oh no\n" in report
    assert "ranks 0 2: ended by hvdrun with SIGTERM" in report
    assert report.endswith("  exit status 3\n")


def test_a_killed_rank_is_reported_by_the_signal_s_name(run):
    job = run("-np", "2", "sh", "-c", on_rank(0, "kill -9 $$"))
    assert job.status == 137
    assert "rank 0 (pid " in job.stderr()
    assert "was killed by signal 9 (SIGKILL)" in job.stderr()


def test_others_that_fail_by_themselves_do_not_hide_the_cause(run, tmp_path):
    # Rank 0 fails after rank 1 has, as it does when a connection breaks.
    follow = (
        f"cd {tmp_path}; while [ ! -s pid ] || kill -0 $(cat pid) 2> /dev/null; do :; done; exit 5"
    )
    job = run("-np", "2", "sh", "-c", on_rank(1, f"echo $$ > {tmp_path}/pid; exit 3", follow))
    assert job.status == 3
    assert "rank 0: exited with code 5\n" in job.stderr()
    assert "SIGTERM" not in job.stderr()


def test_a_rank_that_ignores_sigterm_is_killed_after_the_grace_period(run):
    deaf = "trap '' TERM; while :; do sleep 0.1; done"
    job = run("-np", "2", "--grace-seconds", "0.2", "sh", "-c", on_rank(1, "exit 4", deaf))
    assert job.status == 4
    assert "rank 0: ended by hvdrun with SIGKILL\n" in job.stderr()


def test_the_last_thirty_lines_are_in_the_report(run):
    job = run("-np", "1", "sh", "-c", "seq 1 100; exit 1")
    assert [line for line in job.stderr().splitlines() if line.startswith("    | ")] == [
        f"    | {i}" for i in range(71, 101)
    ]


def test_a_rank_may_end_well_while_others_go_on(run, tmp_path):
    # Rank 1 ends only after hvdrun has reaped rank 0.
    follow = (
        f"cd {tmp_path}; while [ ! -s pid ] || kill -0 $(cat pid) 2> /dev/null; do :; done; echo on"
    )
    job = run("-np", "2", "sh", "-c", on_rank(0, f"echo $$ > {tmp_path}/pid; exit 0", follow))
    assert job.status == 0
    assert job.stdout() == "[1]<stdout>:on\n"


def test_a_command_that_is_not_there_is_said_once(run):
    job = run("-np", "4", "no-such-command")
    assert job.status == 127
    assert job.stdout() == ""
    assert job.stderr() == (
        "hvdrun: cannot run 'no-such-command': no such file or directory in any folder of PATH\n"
    )


def test_a_file_that_cannot_be_executed_gets_advice(run, tmp_path):
    script = tmp_path / "train.py"
    script.write_text("print('hello')\n")
    job = run("-np", "2", str(script))
    assert job.status == 126
    assert f"it is not executable; run it as: python3 {script}" in job.stderr()


def test_an_interpreter_that_is_not_there_stops_at_the_first_rank(run, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    job = run("-np", "3", str(script))
    assert job.status == 127
    assert job.stderr().count("cannot run") == 1
    assert "interpreter in its first line" in job.stderr()


def test_a_program_that_the_kernel_refuses_is_a_sentence(run, tmp_path):
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF garbage")
    program.chmod(0o755)
    job = run("-np", "2", str(program))
    assert job.status in (126, 127, 2)  # the shell that execvp's rule hands it to refuses it
    assert job.stderr() != ""


def test_a_folder_for_output_that_cannot_be_made_starts_nothing(run, tmp_path):
    (tmp_path / "file").write_text("")
    mark = tmp_path / "mark"
    job = run("-np", "1", "--output-filename", str(tmp_path / "file" / "x"), "touch", str(mark))
    assert job.status != 0
    assert "--output-filename" in job.stderr()
    assert not mark.exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["-np", "0", "true"], "-np '0'"),
        (["-np", "-3", "true"], "-np '-3'"),
        (["-np", "two", "true"], "-np 'two'"),
        (["true"], "-np is missing"),
        (["-np", "2"], "no command given"),
        (["-np", "2", "--frobnicate", "true"], "unknown option '--frobnicate'"),
        (["-np", "2", "-H", "a:1,b:1", "true"], "-H 'a:1,b:1'"),
        (["-np", "2", "-H", "localhost:1", "true"], "offers 1 slots, -np asks for 2"),
        (["-np", "2", "--grace-seconds", "soon", "true"], "--grace-seconds 'soon'"),
    ],
)
def test_wrong_use_is_named(run, arguments, named):
    job = run(*arguments)
    assert job.status == 2
    assert job.stderr().startswith("hvdrun: ")
    assert named in job.stderr()
    assert job.stderr().count("\n") == 1


def test_help_begins_with_examples_and_settings_are_listed(run):
    job = run("--help")
    assert job.status == 0
    assert job.stdout().index("Examples:") < job.stdout().index("--grace-seconds")
    assert "HVD_SECRET_FD" in run("--help-env").stdout()
    assert run("--version").stdout().startswith("hvdrun ")
