"""The tree holds the rules. What each rule says and why: tests/tidy/checks/."""

import pathlib

import pytest

from checks import arrows, compiles, homes, house, mirror, sizes
from tree import Tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "tidy"
CHECKS = {
    "includes go one way": arrows.check,
    "includes are written from the root": arrows.check_paths,
    "functions and files are short": sizes.check,
    "getenv, threads, sleep and throw stay in their homes": homes.check,
    "nothing is left unfinished": homes.check_unfinished,
    "every header has its test": mirror.check,
    "every source is built": mirror.check_built,
    "the top level is fixed": house.check_top,
    "every room has a README": house.check_readmes,
    "every header opens with its four lines": house.check_openings,
    "links lead somewhere": house.check_links,
    "no large files": house.check_blobs,
}
COMPILED = {
    "every header compiles alone": compiles.check_headers,
    "the public headers are C": compiles.check_c_header,
    "clang finds no fault with the annotations": compiles.check_annotations,
}


@pytest.fixture(scope="module")
def tree():
    return Tree(ROOT)


def fail_on(violations):
    found = [str(violation) for violation in violations]
    if found:
        pytest.fail(f"{len(found)} found\n" + "\n".join(found), pytrace=False)


@pytest.mark.parametrize("rule", CHECKS)
def test_the_tree_holds(rule, tree):
    fail_on(CHECKS[rule](tree))


@pytest.mark.parametrize("rule", COMPILED)
def test_the_compilers_agree(rule, tree):
    fail_on(COMPILED[rule](tree, CACHE))
