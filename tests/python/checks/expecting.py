"""Errors that a check expects."""

from __future__ import annotations


def raises(error: type, call, *words: str) -> Exception:
    """The call must raise this error, and its text must hold these words."""
    try:
        result = call()
    except error as caught:
        for word in words:
            assert word.lower() in str(caught).lower(), f"'{word}' is missing in: {caught}"
        return caught
    raise AssertionError(f"{error.__name__} expected, got {result!r}")
