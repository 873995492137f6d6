import os

import style
import suites

MISSING = "a.cc:4:10: error: 'mpi.h' file not found [clang-diagnostic-error]\n"


def test_what_the_build_compiles_is_checked_with_its_flags():
    built = {os.path.realpath(suites.ROOT / "core/a.cc")}
    assert "-p" in style.tidy_command("core/a.cc", built)
    assert "-std=c++20" in style.tidy_command("examples/a.cc", built)


def test_only_a_source_of_elsewhere_may_lack_a_header():
    built = {os.path.realpath(suites.ROOT / "core/a.cc")}
    assert style.header_not_here("core/a.cc", built, MISSING) is None
    assert style.header_not_here("examples/a.cc", built, MISSING) == "mpi.h"
    assert style.header_not_here("examples/a.cc", built, "") is None
