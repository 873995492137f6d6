"""Just enough of C++ to measure functions: comments are blanked, bodies found by braces."""

import dataclasses
import re

_TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)
_SCOPE = re.compile(r'\b(namespace|class|struct|union|enum)\b|extern\s*"')
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    line: int
    length: int


def _blank(match):
    text = match.group()
    blank = re.sub(r"[^\n]", " ", text)
    return blank if text[0] in "/'" else '"' + blank[1:-1] + '"'


def without_comments(text):
    """The same lines and columns, with comments and the insides of literals blanked."""
    text = re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "_", text)  # 1'000 is no literal
    return _TOKEN.sub(_blank, text)


def code_only(text):
    """without_comments, and without preprocessor lines."""
    return _DIRECTIVE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), without_comments(text))


def functions(text):
    """Function bodies outside any other function, from the first line of their signature."""
    code = code_only(text)
    found = []
    scopes = []  # of each open brace: its kind, and where the text before it starts
    start = carried = None
    position = 0
    for brace in re.finditer(r"[{};]", code):
        inside = any(kind == "function" for kind, _ in scopes)
        if brace.group() == "{":
            before = code[position : brace.start()]
            start = position + len(before) - len(before.lstrip())
            if before.lstrip().startswith(",") and carried is not None:
                start = carried  # the rest of a constructor's initializer list
            scopes.append((_kind(before, inside), start))
        elif brace.group() == "}" and scopes:
            kind, start = scopes.pop()
            if kind == "function":
                found.append(_function(code, start, brace.end()))
                carried = start
        if brace.group() == ";":
            carried = None
        position = brace.end()
    return _merged(found)


def _kind(before, inside):
    if inside:
        return "block"
    if _SCOPE.search(before) and not re.search(r"\)\s*(const|noexcept|override|\s)*$", before):
        return "scope"
    return "function" if "(" in before else "block"


def _function(code, start, end):
    signature = code[start : code.index("{", start)]
    names = re.findall(r"([\w:~]+)\s*\(", signature)
    line = code.count("\n", 0, start) + 1
    return Function(names[0] if names else "?", line, code.count("\n", start, end) + 1)


def _merged(found):
    """One a start line: an initializer list with braces gives several, the last is whole."""
    longest = {}
    for function in found:
        if function.line not in longest or longest[function.line].length < function.length:
            longest[function.line] = function
    return list(longest.values())
