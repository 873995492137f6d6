"""Each check catches the violation that is planted for it, and leaves good code alone."""

import json
import shutil
import subprocess

import pytest

from checks import arrows, compiles, homes, house, mirror, sizes
from tree import Tree

OPENING = "// {}: what it is.\n// Not here: x.\n// Threads: any.  Limits: none.\n// Read next: y.\n"


def said(violations):
    return [v.text for v in violations]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("core/x.h", '#include "collectives/y.h"'),
        ("core/base/x.h", '#include "core/ports/idle.h"'),
        ("core/x.cc", "#include <sodium.h>"),
        ("collectives/x.cc", '#include "backends/net/y.h"'),
        ("backends/x.cc", '#include "bindings/c/hvd.h"'),
        ("backends/x.cc", '#include "tests/catch.h"'),
        ("launcher/x.cc", '#include "collectives/schedule.h"'),
        ("bindings/python/x.cc", '#include "core/base/status.h"'),
    ],
)
def test_an_arrow_that_points_up_is_caught(plant, path, line):
    assert len(said(arrows.check(plant({path: line + "\n"})))) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("core/x.h", '#include "core/base/y.h"'),
        ("core/x.h", "#include <vector>"),
        ("backends/x.cc", "#include <sodium.h>"),
        ("bindings/python/x.cc", '#include "bindings/c/hvd.h"'),
        ("bindings/c/x.cc", '#include "backends/net/y.h"'),
        ("tests/core/x_test.cc", '#include "tests/catch.h"'),
    ],
)
def test_an_arrow_that_points_down_is_fine(plant, path, line):
    assert said(arrows.check(plant({path: line + "\n"}))) == []


def test_an_include_by_bare_name_is_caught(plant):
    tree = plant({"core/x.cc": '#include "y.h"\n', "core/y.h": ""})
    assert len(said(arrows.check_paths(tree))) == 1


def long_function(lines):
    return "int f(int a) {\n" + "  a += 1;\n" * (lines - 2) + "}\n"


def test_a_function_of_71_lines_is_caught_and_one_of_70_is_not(plant):
    assert said(sizes.check(plant({"core/x.cc": long_function(70)}))) == []
    assert said(sizes.check(plant({"core/x.cc": long_function(71)}))) == [
        "function core/x.cc:f has 71 lines; at most 70"
    ]


def test_braces_in_literals_and_comments_do_not_count(plant):
    start = "int f() {\n  // }\n  const char* a = \"}\"; char b = '}'; /* } */\n"
    body = start + "  g();\n" * 70 + "}\n"
    assert len(said(sizes.check(plant({"core/x.cc": body})))) == 1


def test_functions_are_found_inside_namespaces_and_classes(plant):
    start = "namespace hvd {\nclass A {\n public:\n  A() : a_{1}, b_(2) {}\n"
    inside = start + long_function(71) + "};\n}\n"
    assert len(said(sizes.check(plant({"core/x.h": inside})))) == 1


def test_a_long_namespace_or_class_is_no_long_function(plant):
    start = 'namespace hvd {\nclass HVD_CAPABILITY("x") A {\n'
    many = start + "  int f() const { return 1; }\n" * 90 + "};\n}\n"
    assert said(sizes.check(plant({"core/x.h": many}))) == []


def test_long_python_and_shell_functions_are_caught(plant):
    python = "def f():\n" + "    a = 1\n" * 70
    shell = "f() {\n" + "  true\n" * 69 + "}\n"
    assert len(said(sizes.check(plant({"tests/x.py": python, "dev": shell})))) == 2


def test_long_files_are_caught(plant):
    tree = plant({"core/x.h": "\n" * 301, "core/x.cc": "\n" * 601, "core/y.h": "\n" * 300})
    assert len(said(sizes.check(tree))) == 2


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("function core/x.cc:f 75 a state table\n", None),
        ("function core/x.cc:f 74 a state table\n", "grew"),
        ("function core/x.cc:f 80 a state table\n", "lower"),
        ("function core/x.cc:f 75\n", "no reason"),
        ("function core/y.cc:f 75 gone\nfunction core/x.cc:f 75 a state table\n", "remove"),
    ],
)
def test_exceptions_only_shrink(plant, row, complaint):
    found = said(sizes.check(plant({"core/x.cc": long_function(75), sizes.EXCEPTIONS: row})))
    assert found == [] if complaint is None else complaint in found[0]


@pytest.mark.parametrize(
    "line",
    [
        'const char* a = std::getenv("HVD_RANK");',
        "std::thread t(f);",
        "std::this_thread::sleep_for(1ms);",
        "usleep(10);",
        "  sleep(1);",
        'throw std::runtime_error("x");',
    ],
)
def test_what_left_its_home_is_caught(plant, line):
    assert len(said(homes.check(plant({"backends/x.cc": line + "\n"})))) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("core/config/environment.cc", 'getenv("HVD_RANK");'),
        ("core/base/thread.cc", "std::thread t;"),
        ("backends/x.cc", "idle.sleep(until);"),
        ("backends/x.cc", "// getenv( is not for here"),
        ("backends/x.cc", 'log("std::thread");'),
        ("bindings/python/x.py", "# os.environ is not for here"),
    ],
)
def test_what_is_at_home_is_fine(plant, path, line):
    assert said(homes.check(plant({path: line + "\n"}))) == []


def test_python_may_not_read_the_environment(plant):
    tree = plant({"bindings/python/hvd/x.py": 'os.environ["HVD_RANK"]\n'})
    assert len(said(homes.check(tree))) == 1


def test_an_exception_of_a_home_needs_a_use_and_a_reason(plant):
    used = {"tests/x.cc": "std::thread t;\n"}
    listed = {homes.EXCEPTIONS: "thread tests/x.cc it counts threads\n"}
    assert said(homes.check(plant({**used, **listed}))) == []
    assert len(said(homes.check(plant({**used, homes.EXCEPTIONS: "thread tests/x.cc\n"})))) == 1
    assert len(said(homes.check(plant({"tests/x.cc": "", **listed})))) == 1


def test_unfinished_work_is_caught(plant):
    tree = plant({"core/x.cc": f"// {homes.UNFINISHED}: all\n"})
    assert len(said(homes.check_unfinished(tree))) == 1


def test_a_header_without_its_test_is_caught(plant):
    header = {"core/base/x.h": ""}
    assert len(said(mirror.check(plant(header)))) == 1
    for excuse in (
        {"tests/core/base/x_test.cc": ""},
        {mirror.UNTESTED: "core/base/x.h | constants"},
    ):
        assert said(mirror.check(plant({**header, **excuse}))) == []


@pytest.mark.parametrize(
    "files",
    [
        {"core/x.h": "", "tests/core/x_test.cc": "", mirror.UNTESTED: "core/x.h | constants\n"},
        {mirror.UNTESTED: "core/x.h | constants\n"},
        {"core/x.h": "", mirror.UNTESTED: "core/x.h |\n"},
        {"core/x.h": "", mirror.UNTESTED: "core/x.h | tests/core/y_test.cc\n"},
    ],
)
def test_the_list_of_untested_headers_only_shrinks(plant, files):
    assert len(said(mirror.check(plant(files)))) == 1


def test_a_header_may_be_covered_by_a_test_that_includes_it(plant):
    files = {
        "core/x.h": "",
        "tests/core/y_test.cc": '#include "core/x.h"\n',
        mirror.UNTESTED: "core/x.h | tests/core/y_test.cc\n",
    }
    assert said(mirror.check(plant(files))) == []


def test_a_source_that_nobody_builds_is_caught(plant):
    def objections(build, text):
        return said(mirror.check_built(plant({"core/base/x.cc": "", build: text})))

    assert len(objections("core/meson.build", "files('y.cc')")) == 1
    assert objections("core/meson.build", "files('base/x.cc')") == []
    assert objections("core/base/meson.build", "files('x.cc')") == []


def test_a_stranger_at_the_top_level_is_caught(plant):
    found = list(house.check_top(plant({"Makefile": "", "core/x.h": "", ".editorconfig": ""})))
    assert [v.path for v in found] == ["Makefile"]


def test_a_room_without_readme_is_caught(plant):
    assert len(said(house.check_readmes(plant({"core/x.h": ""})))) == 1
    assert said(house.check_readmes(plant({"core/x.h": "", "core/README.md": ""}))) == []


def test_a_header_without_its_four_lines_is_caught(plant):
    assert said(house.check_openings(plant({"core/x.h": OPENING.format("core/x.h")}))) == []
    assert len(said(house.check_openings(plant({"core/x.h": OPENING.format("core/y.h")})))) == 1
    assert len(said(house.check_openings(plant({"core/x.h": "#pragma once\n"})))) == 5


def test_a_broken_link_is_caught(plant):
    good = "[a](docs/a.md) [b](https://example.org) [c](#here) [d](docs/a.md#part)\n"
    tree = plant({"README.md": good, "docs/a.md": "[up](../README.md)"})
    assert said(house.check_links(tree)) == []
    assert len(said(house.check_links(plant({"README.md": "[a](docs/b.md)"})))) == 1


def test_a_large_file_is_caught(plant):
    assert len(said(house.check_blobs(plant({"docs/a.txt": "x" * 300_001})))) == 1


def test_a_header_that_needs_another_before_it_is_caught(plant, tmp_path):
    alone = "#include <string>\nstruct Y { std::string a; };\n"
    tree = plant({"core/x.h": "inline std::string a;\n", "core/y.h": alone})
    found = list(compiles.check_headers(tree, tmp_path / "cache"))
    assert [v.path for v in found] == ["core/x.h"]


def test_definitions_and_instruction_sets_are_those_of_the_build(plant):
    tree = plant({"core/x.cc": "", "build/compile_commands.json": ""})
    entry = {"file": "../core/x.cc", "command": "c++ -DV='\"1\"' -D_F=1 -mavx2 -c"}
    entry["directory"] = str(tree.root / "build")
    (tree.root / "build" / "compile_commands.json").write_text(json.dumps([entry]))
    assert compiles.build_flags(tree) == {"core/x.cc": ['-DV="1"', "-mavx2"]}


def test_a_kept_answer_is_not_used_for_changed_text(plant, tmp_path):
    cache = tmp_path / "cache"
    files = {"core/x.h": '#include "core/y.h"\ninline Y x;\n', "core/y.h": "struct Y {};\n"}
    assert list(compiles.check_headers(plant(files), cache)) == []
    broken = list(compiles.check_headers(plant({**files, "core/y.h": "struct Z {};\n"}), cache))
    assert [v.path for v in broken] == ["core/x.h"]


@pytest.mark.parametrize("name", ["hvd.h", "hvd_types.h"])
def test_a_header_for_c_that_is_not_c_is_caught(name, plant, tmp_path):
    tree = plant({f"bindings/c/{name}": "class A {};\n"})
    assert len(list(compiles.check_c_header(tree, tmp_path / "cache"))) == 1


def test_public_headers_include_one_another_as_installed_and_are_read_whole(plant):
    files = {"bindings/c/hvd.h": '#include "hvd_types.h"\n', "bindings/c/hvd_types.h": ""}
    tree = plant({**files, "core/x.cc": ""})
    assert list(arrows.check_paths(tree)) == []
    assert arrows.project_includes(tree, "bindings/c/hvd.h") == set(files)


@pytest.mark.skipif(shutil.which("clang++") is None, reason="clang++ is not installed")
def test_a_guarded_member_that_is_touched_without_its_lock_is_caught(plant, tmp_path):
    code = """
struct __attribute__((capability("mutex"))) M {};
struct A { M m; int x __attribute__((guarded_by(m))); int f() { return x; } };
int g(A& a) { return a.f(); }
"""
    found = list(compiles.check_annotations(plant({"core/x.cc": code}), tmp_path / "cache"))
    assert "requires holding mutex" in found[0].text


def test_a_tree_is_what_git_tracks_or_would_track(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("ignored\n")
    (tmp_path / "ignored").write_text("")
    (tmp_path / "new").write_text("")
    assert Tree(tmp_path).paths == [".gitignore", "new"]
