"""What an installed hvd holds besides Python: launcher, library, headers, their finders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hvd

PACKAGE = Path(hvd.__file__).parent
IS_WHEEL = (PACKAGE / "lib" / "libhvd.so.0").exists()
installed = pytest.mark.skipif(not IS_WHEEL, reason="hvd runs from a build folder here")
PROGRAM = r"""
#include <stdio.h>
#include <hvd.h>
int main(void) {
  float x[2] = {1, 2};
  const int64_t shape[1] = {2};
  const hvd_tensor_t tensor = {x, shape, 1, HVD_FLOAT32, HVD_CPU};
  if (hvd_init(NULL) != HVD_OK || hvd_allreduce("x", &tensor, &tensor, NULL) != HVD_OK) return 1;
  printf("%s %d %g\n", hvd_version(), hvd_size(), x[1]);
  return hvd_shutdown();
}
"""


def output_of(*command: str, **env: str) -> str:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=120, env={**os.environ, **env}
    )
    return done.stdout.strip()


@installed
def test_the_console_script_is_the_native_launcher() -> None:
    script = Path(sys.executable).parent / "hvdrun"
    said = output_of(str(script), "-np", "2", sys.executable, "-c", "print('here')")
    assert said.count("here") == 2
    assert (PACKAGE / "bin" / "hvdrun").read_bytes()[:4] == b"\x7fELF"


@installed
def test_hvd_explain_is_native_and_refuses_bad_input_with_status_2() -> None:
    script = Path(sys.executable).parent / "hvd-explain"
    said = output_of(str(script), "allreduce", "--ranks", "6", "--bytes", "1MiB", "--hosts", "2")
    assert "proven for these 6 schedules" in said
    assert (PACKAGE / "bin" / "hvd-explain").read_bytes()[:4] == b"\x7fELF"
    bad = subprocess.run([script, "gossip"], capture_output=True, text=True, timeout=120)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("hvd-explain: 'gossip' is no collective")


def build_and_run(tmp_path: Path, flags: str) -> None:
    (tmp_path / "main.c").write_text(PROGRAM)
    subprocess.run(f"cc main.c {flags} -o main", shell=True, check=True, cwd=tmp_path, timeout=120)
    assert output_of(str(tmp_path / "main")) == f"{hvd.__version__} 1 2"


@installed
def test_a_c_program_builds_with_hvd_config(tmp_path: Path) -> None:
    script = Path(sys.executable).parent / "hvd-config"
    build_and_run(tmp_path, output_of(str(script), "--cflags", "--libs"))


@installed
def test_a_c_program_builds_with_pkg_config(tmp_path: Path) -> None:
    if shutil.which("pkg-config") is None:
        pytest.skip("pkg-config is not here")
    script = Path(sys.executable).parent / "hvd-config"
    place = output_of(str(script), "--pkgconfigdir")
    flags = output_of("pkg-config", "--cflags", "--libs", "hvd", PKG_CONFIG_PATH=place)
    build_and_run(tmp_path, flags)


@installed
def test_an_unknown_option_of_hvd_config_is_named() -> None:
    script = Path(sys.executable).parent / "hvd-config"
    done = subprocess.run([script, "--nope"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "--nope" in done.stderr


def test_nothing_links_a_framework() -> None:
    if shutil.which("ldd") is None:
        pytest.skip("ldd is not here")
    (module,) = PACKAGE.glob("_core*.so")
    libraries = output_of("ldd", str(module)).lower()
    assert "libhvd.so.0" in libraries
    assert "torch" not in libraries and "not found" not in libraries
