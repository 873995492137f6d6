import pytest

import blocks


def found(text):
    return list(blocks.blocks("page.md", text))


def test_only_marked_blocks_are_found():
    page = "```bash\nfalse\n```\n<!-- test -->\n```bash\ntrue\necho 1\n```\nmore\n"
    (block,) = found(page)
    assert (block.line, block.language, block.text) == (5, "bash", "true\necho 1\n")


@pytest.mark.parametrize(
    "page",
    [
        "<!-- test -->\ntext\n",
        "<!-- test -->\n```cpp\n```\n",
        "<!-- test -->\n```bash\ntrue\n",
        "<!-- test -->",
    ],
)
def test_a_mark_without_a_block_that_can_be_run_is_refused(page):
    with pytest.raises(ValueError, match=r"page\.md"):
        found(page)
