"""The runner's own promises: it counts tests, and lets nothing pass in silence."""

import sys

import pytest

import allowed_skips
import results
import run_suites
import suites

JUNIT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="a" name="test_good" file="tests/python/test_a.py" time="0.5"/>
<testcase classname="tests.python.test_a" name="test_bad" file="tests/python/test_a.py" time="1">
  <failure message="assert 1 == 2">assert 1 == 2</failure></testcase>
<testcase classname="tests.python.test_a" name="test_gone" file="tests/python/test_a.py" time="0">
  <skipped message="no torch"/></testcase>
</testsuite></testsuites>"""

CATCH = b"""<?xml version="1.0"?><Catch name="x"><Group name="x">
<TestCase name="a property holds" filename="../tests/x_test.cc" line="3">
  <OverallResult success="true" durationInSeconds="0.25"/></TestCase>
<TestCase name="a sum is right" filename="../tests/x_test.cc" line="9">
  <Section name="one"><OverallResults successes="0" failures="1"/></Section>
  <Expression success="false" type="CHECK" filename="../tests/x_test.cc" line="11">
    <Original> a == b </Original><Expanded> 1 == 2 </Expanded></Expression>
  <OverallResult success="false" durationInSeconds="0.5"/></TestCase>"""
CATCH_END = b"</Group></Catch>"
CATCH_CUT = b"""<TestCase name="a rank dies" filename="../tests/x_test.cc" line="20"><Section"""


def outcomes(found):
    return [r.outcome for r in found]


def test_pytest_results_are_counted_by_outcome():
    found = results.from_pytest("python", JUNIT)
    assert outcomes(found) == ["passed", "failed", "skipped"]
    assert found[1].name == "tests/python/test_a.py::test_bad"
    assert found[2].detail == "no torch"


def test_a_catch_test_case_is_one_test_and_its_failure_says_where():
    found, running = results.from_catch("unit", "x_tests", CATCH + CATCH_END)
    assert outcomes(found) == ["passed", "failed"]
    assert running is None
    assert "tests/x_test.cc:9" in found[1].detail
    assert "CHECK( a == b ), which was: 1 == 2" in found[1].detail


def test_a_catch_program_that_dies_leaves_the_name_of_the_test_it_was_in():
    found, running = results.from_catch("unit", "x_tests", CATCH + CATCH_CUT)
    assert outcomes(found) == ["passed", "failed"]
    assert running == "x_tests: a rank dies"


def test_no_output_at_all_is_no_result():
    assert results.from_catch("unit", "x_tests", b"") == ([], None)


def run_with(found, capsys, ci=False, rows=()):
    status = run_suites.run(["unit"], ci, run_suite=lambda name: list(found), rows=rows)
    return status, capsys.readouterr().out.splitlines()


def one(outcome, name="t", detail=""):
    return results.Result("unit", name, outcome, 0.1, detail)


def test_a_good_run_ends_with_the_counts_and_status_0(capsys):
    status, lines = run_with([one("passed"), one("passed")], capsys)
    assert status == 0
    assert lines[-1] == "2 passed, 0 failed, 0 skipped"


def test_a_failure_is_shown_and_gives_status_1(capsys):
    status, lines = run_with([one("failed", "adds", "1 is not 2")], capsys)
    assert status == 1
    assert "FAILED adds" in lines and "1 is not 2" in lines
    assert lines[-1] == "0 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize("found", [[], [one("skipped")]])
def test_a_suite_that_ran_nothing_fails(found, capsys):
    status, lines = run_with(found, capsys)
    assert status == 1
    assert "FAILED unit: ran nothing" in lines


def test_a_skip_fails_under_ci_unless_it_is_listed(capsys):
    found = [one("passed"), one("skipped", "tests/python/test_a.py::test_gpu", "no GPU")]
    assert run_with(found, capsys)[0] == 0
    assert run_with(found, capsys, ci=True)[0] == 1
    rows = allowed_skips.parse("tests/python/*::test_gpu | this machine has no GPU\n")
    assert run_with(found, capsys, ci=True, rows=rows)[0] == 0


def test_an_allowed_skip_without_a_reason_is_refused():
    with pytest.raises(ValueError, match="reason"):
        allowed_skips.parse("tests/python/*\n")


def test_a_listing_of_brackets_matches_parametrized_tests_by_star():
    rows = allowed_skips.parse("tests/x.py::test_a* | reason")
    assert allowed_skips.not_allowed([one("skipped", "tests/x.py::test_a[gloo]")], rows) == []


def test_an_unknown_suite_is_named(capsys):
    assert run_suites.main(["unti"]) == 2
    assert "no suite 'unti'" in capsys.readouterr().err


def meson_test(tmp_path, script, timeout=20):
    command = [sys.executable, "-c", script]
    return {"name": "t", "cmd": command, "env": {}, "workdir": None, "timeout": timeout}


@pytest.fixture
def logs_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(suites, "LOGS", tmp_path)


def test_a_script_that_hangs_is_ended_and_fails(tmp_path, monkeypatch, logs_elsewhere):
    monkeypatch.setattr(suites, "PATIENCE", 0.05)
    (result,) = suites.run_meson_test(
        "unit", meson_test(tmp_path, "import signal; signal.pause()"), build=tmp_path
    )
    assert result.outcome == "failed"
    assert "was ended after 1 s" in result.detail


def test_a_program_of_the_build_that_dies_before_its_first_test_fails(tmp_path, logs_elsewhere):
    program = tmp_path / "dies_tests"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    test = {"name": "t", "cmd": [str(program)], "env": {}, "workdir": None, "timeout": 20}
    (result,) = suites.run_meson_test("unit", test, build=tmp_path)
    assert result.outcome == "failed"
    assert "SIGKILL" in result.detail


def test_settings_of_the_caller_do_not_reach_the_tests(monkeypatch):
    monkeypatch.setenv("HVD_RANK", "3")
    monkeypatch.setenv("HOROVOD_SIZE", "4")
    assert not {"HVD_RANK", "HOROVOD_SIZE"} & set(suites.environment())
    assert suites.environment()["HVDRUN"].endswith("hvdrun")


def test_pytest_folders_are_run_and_a_broken_module_fails(tmp_path, logs_elsewhere):
    (tmp_path / "test_x.py").write_text("import no_such_module_at_all\n")
    found = suites.run_pytest("python", str(tmp_path))
    assert "failed" in outcomes(found)
    (tmp_path / "test_x.py").write_text("def test_y(): pass\n")
    assert outcomes(suites.run_pytest("python", str(tmp_path))) == ["passed"]
