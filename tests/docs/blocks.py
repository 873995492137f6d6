"""Commands and programs in the pages that are marked to be run.

`<!-- test -->` on the line before a fenced block of bash or python marks it. A block stands alone.
"""

import dataclasses

MARK = "<!-- test -->"
LANGUAGES = ("bash", "python")


@dataclasses.dataclass(frozen=True)
class Block:
    path: str
    line: int
    language: str
    text: str


def blocks(path, text):
    """Marked blocks of a page. ValueError for a mark without a block that can be run."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.strip() != MARK:
            continue
        fence = lines[number + 1].strip() if number + 1 < len(lines) else ""
        language = fence[3:].strip()
        if not fence.startswith("```") or language not in LANGUAGES:
            raise ValueError(f"{path}:{number + 1}: {MARK} without a block of bash or python")
        body = lines[number + 2 :]
        end = next((i for i, text in enumerate(body) if text.strip() == "```"), None)
        if end is None:
            raise ValueError(f"{path}:{number + 2}: the block does not end")
        yield Block(path, number + 2, language, "\n".join(body[:end]) + "\n")
