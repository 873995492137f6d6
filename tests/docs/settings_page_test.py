"""docs/settings.md is what the code's own table prints."""

import ctypes
import pathlib

import hvd

ROOT = pathlib.Path(__file__).resolve().parents[2]


def printed_table() -> str:
    library = ctypes.CDLL(str(pathlib.Path(hvd.__file__).parent / "lib" / "libhvd.so.0"))
    settings_text = library.hvd_settings_text
    settings_text.restype = ctypes.c_size_t
    settings_text.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
    size = settings_text(b"markdown", None, 0)
    buffer = ctypes.create_string_buffer(size + 1)
    settings_text(b"markdown", buffer, size + 1)
    return buffer.value.decode()


def test_the_settings_page_is_printed_from_the_table():
    page = (ROOT / "docs" / "settings.md").read_text()
    assert page.endswith(printed_table()), (
        "docs/settings.md differs from core/config/settings_table.cc; replace its table by what "
        "hvd_settings_text('markdown') prints"
    )
