import pytest

import full
from results import Result


@pytest.fixture(autouse=True)
def _a_commit_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(full, "STAMPS", tmp_path)
    monkeypatch.setattr(full, "commit", lambda: "c0ffee")
    monkeypatch.setattr(full.suites, "meson_tests", lambda *_: [{"name": "verify_algorithms"}])


def runs_of(monkeypatch, outcome):
    """The patterns that are run from now on, each with this outcome."""
    patterns = []

    def run(suite, test, extra):
        patterns.extend(extra)
        return [Result(suite, test["name"], outcome)]

    monkeypatch.setattr(full.suites, "run_meson_test", run)
    return patterns


def test_each_number_of_ranks_is_run_once_on_a_commit(monkeypatch):
    patterns = runs_of(monkeypatch, "passed")
    assert len(full.verify(range(17, 20))) == 3
    assert sorted(patterns) == ["* - 17", "* - 18", "* - 19"]
    assert [r.outcome for r in full.verify(range(17, 21))] == ["passed"] * 4
    assert sorted(patterns) == ["* - 17", "* - 18", "* - 19", "* - 20"]


def test_a_number_of_ranks_that_failed_is_run_again(monkeypatch):
    patterns = runs_of(monkeypatch, "failed")
    full.verify((5,))
    full.verify((5,))
    assert patterns == ["* - 5", "* - 5"]


def test_a_suite_that_passed_under_a_sanitizer_is_not_run_again_because_another_failed(monkeypatch):
    ran = []

    def run_programs(suite, folder, settings):
        ran.append((folder, suite))
        outcome = "failed" if (folder, suite) == ("tsan", "sim") else "passed"
        return [Result(suite, suite, outcome)]

    monkeypatch.setattr(full, "build_with", lambda sanitizer: (sanitizer, []))
    monkeypatch.setattr(full, "run_programs", run_programs)
    assert [r.name for r in full.san() if r.outcome == "failed"] == ["sim"]
    ran.clear()
    full.san()
    assert ran == [("tsan", "sim")]


def test_nothing_is_remembered_of_a_changed_tree(monkeypatch):
    monkeypatch.setattr(full, "commit", lambda: "")
    patterns = runs_of(monkeypatch, "passed")
    full.verify((5,))
    full.verify((5,))
    assert patterns == ["* - 5", "* - 5"]


def test_programs_of_another_machine_are_run_by_what_the_cross_file_names():
    assert full.emulator_of(full.NEON_CROSS_FILE)[0] == "qemu-aarch64"


def test_every_number_of_ranks_up_to_64_is_in_one_part():
    counts = sorted(count for of_part in full.RANK_COUNTS.values() for count in of_part)
    assert counts[:64] == list(range(1, 65))
    assert len(set(counts)) == len(counts)
