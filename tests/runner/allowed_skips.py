"""tests/allowed_skips.txt: the skips that are no failure under CI, each with its reason.

One a line: pattern of the test's name (as printed; * stands for anything), a bar, the reason.
"""

import fnmatch


def parse(text):
    """(pattern, reason) pairs. ValueError for a line without a reason."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pattern, bar, reason = (part.strip() for part in line.partition("|"))
        if not bar or not pattern or not reason:
            raise ValueError(f"tests/allowed_skips.txt:{number}: needs a pattern, a bar, a reason")
        rows.append((pattern, reason))
    return rows


def not_allowed(results, rows):
    skipped = [r for r in results if r.outcome == "skipped"]
    return [r for r in skipped if not any(fnmatch.fnmatchcase(r.name, p) for p, _ in rows)]
