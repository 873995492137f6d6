import pytest

from commit_subject import complaint


@pytest.mark.parametrize(
    "message",
    ["core: keep cached plans across a membership change\n\nwhy\n", "bindings/c: add hvd_info"],
)
def test_a_good_message_passes(message):
    assert complaint(message) == ""


@pytest.mark.parametrize(
    "message",
    ["", "wip", "Core: shout", "core: end with a stop.", "core: " + "x" * 70, "core: a\nno gap"],
)
def test_a_bad_message_is_refused(message):
    assert complaint(message) != ""
