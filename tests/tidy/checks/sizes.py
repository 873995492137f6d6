"""Short functions, short files. tests/tidy/exceptions.txt may only shrink."""

import ast
import re

import cpp_text
from tree import Violation

FUNCTION_LINES_MAX = 70
HEADER_LINES_MAX = 300
SOURCE_LINES_MAX = 600
EXCEPTIONS = "tests/tidy/exceptions.txt"


def python_functions(text):
    """Docstrings do not count: a good manual makes no function hard to read."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            manual = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno + 1
            yield cpp_text.Function(node.name, node.lineno, length - len(manual.splitlines()))


def shell_functions(text):
    for found in re.finditer(r"^(\w+)\(\) \{\n.*?^\}", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, found.start()) + 1
        yield cpp_text.Function(found.group(1), line, found.group().count("\n") + 1)


def functions_of(path, text):
    if path.endswith((".h", ".cc")):
        return cpp_text.functions(text)
    if path.endswith(".py"):
        return python_functions(text)
    return shell_functions(text)


def oversizes(tree):
    """(kind, place, line, size, limit) of everything above its limit."""
    for path in [*tree.ending(".h", ".cc", ".py", ".sh"), *(["dev"] if "dev" in tree else [])]:
        text = tree.read(path)
        size = len(text.splitlines())
        limit = HEADER_LINES_MAX if path.endswith(".h") else SOURCE_LINES_MAX
        if size > limit:
            yield "file", path, 1, size, limit
        for function in functions_of(path, text):
            if function.length > FUNCTION_LINES_MAX:
                place = f"{path}:{function.name}"
                yield "function", place, function.line, function.length, FUNCTION_LINES_MAX


def exceptions(tree):
    """{(kind, place): (line, lines allowed, reason)}"""
    rows = {}
    for number, line in tree.lines(EXCEPTIONS) if EXCEPTIONS in tree else ():
        if line.strip() and not line.startswith("#"):
            kind, place, lines, *reason = line.split(maxsplit=3)
            rows[kind, place] = (number, int(lines), " ".join(reason))
    return rows


def check(tree):
    allowed = exceptions(tree)
    for kind, place, line, size, limit in oversizes(tree):
        row = allowed.pop((kind, place), None)
        path = place.split(":")[0]
        if row is None:
            yield Violation(path, line, f"{kind} {place} has {size} lines; at most {limit}")
        elif size > row[1]:
            yield Violation(path, line, f"{place} grew to {size} lines; its exception: {row[1]}")
        elif size < row[1]:
            yield Violation(EXCEPTIONS, row[0], f"{place} shrank to {size} lines; lower the row")
        elif not row[2]:
            yield Violation(EXCEPTIONS, row[0], f"{place}: no reason")
    for (_, place), row in allowed.items():
        yield Violation(EXCEPTIONS, row[0], f"{place} needs no exception any more; remove the line")
