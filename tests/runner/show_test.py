"""`./dev show` believes a row only if it printed its figure, and a miss is not success."""

import pytest

import show


@pytest.mark.parametrize(
    ("status", "output", "expected"),
    [
        (0, "evidence\n3.1 ms | <= 5 ms | hit\n", ("3.1 ms", "<= 5 ms", "hit")),
        (1, "7 ms | <= 5 ms | miss\n", ("7 ms", "<= 5 ms", "miss")),
    ],
)
def test_the_last_line_is_the_verdict(status, output, expected):
    assert show.verdict(status, output) == expected


@pytest.mark.parametrize(
    ("status", "output"),
    [(0, ""), (0, "3.1 ms\n"), (1, "3.1 ms | <= 5 ms | hit\n"), (None, "x"), (0, "a | b | maybe")],
)
def test_a_row_without_a_figure_or_that_failed_is_a_miss(status, output):
    assert show.verdict(status, output)[2] == "miss"


def test_a_row_is_run_and_a_miss_gives_status_1(tmp_path, capsys):
    (tmp_path / "a_good.py").write_text("print('1 s | < 2 s | hit')")
    (tmp_path / "b_bad.sh").write_text("echo '3 s | < 2 s | miss'")
    assert show.run(show.rows_of(tmp_path, "good")) == 0
    assert show.run(show.rows_of(tmp_path)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split() == ["b_bad", "3", "s", "<", "2", "s", "miss"]


def test_a_row_that_takes_too_long_is_ended_and_is_a_miss(tmp_path):
    row = tmp_path / "slow.py"
    row.write_text("import time\ntime.sleep(600)\n")
    status, output = show.run_row(row, seconds_max=1)
    assert status is None
    assert output.endswith("not done after 1 s\n")
    assert show.verdict(status, output)[2] == "miss"


def test_quick_reaches_the_rows(tmp_path, capsys):
    (tmp_path / "row.py").write_text("import sys\nprint(sys.argv[1:], '| x | hit')")
    show.run(show.rows_of(tmp_path), ["--quick"])
    assert "['--quick'] | x | hit" in capsys.readouterr().out
