"""A torch is borrowed only if it can be imported here."""

import sys

import torch_source


def test_a_recent_torch_of_the_same_cpython_fits():
    assert torch_source.fits("2.13.0+cpu", (3, 11), (3, 11))
    assert torch_source.fits("2.1.0", (3, 9), (3, 9))


def test_an_old_torch_or_another_cpython_does_not():
    assert not torch_source.fits("2.0.1", (3, 11), (3, 11))
    assert not torch_source.fits("1.13.1", (3, 11), (3, 11))
    assert not torch_source.fits("2.13.0", (3, 10), (3, 11))


def test_a_python_without_torch_lends_none():
    assert torch_source.borrow("/bin/false") == 1


def test_a_missing_python_lends_none():
    assert torch_source.borrow("/no/such/python3") == 1


def test_sizes_of_files_on_this_disk_cost_no_download(tmp_path):
    wheel = tmp_path / "a+cpu.whl"
    wheel.write_bytes(b"x" * 10)
    assert torch_source.bytes_at(wheel.as_uri()) == (10, 0)


def test_the_requirement_is_pinned():
    assert "==" in torch_source.requirement()
    assert (torch_source.requirement() == "torch==2.8.0") == (sys.version_info < (3, 10))
