"""A tree of planted files, to see that each check catches what it is for."""

import pytest

from tree import Tree


@pytest.fixture
def plant(tmp_path):
    def _plant(files):
        for path, text in files.items():
            place = tmp_path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return Tree(tmp_path, files)

    return _plant
