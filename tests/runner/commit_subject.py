"""commit-msg hook: the subject reads `area: imperative what`, and fits in 72 columns."""

import pathlib
import re
import sys

SUBJECT = re.compile(r"[a-z][\w/.-]*: [a-z0-9`'\"./_-].*[^.]")
LENGTH_MAX = 72


def complaint(message):
    """What is wrong with the message; empty if nothing."""
    subject, *rest = message.splitlines() or [""]
    if len(subject) > LENGTH_MAX:
        return f"the subject has {len(subject)} characters; at most {LENGTH_MAX}"
    if not SUBJECT.fullmatch(subject):
        return "the subject should read 'area: imperative what', lower case, without a full stop"
    if rest and rest[0].strip():
        return "the second line should be empty"
    return ""


def main(path):
    found = complaint(pathlib.Path(path).read_text())
    if found:
        print(f"commit message: {found}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
