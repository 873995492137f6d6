"""`./dev bench [NAME]`: the benchmarks: meson's benchmark() programs and tests/bench/*_bench.py.

They print figures and judge nothing; `./dev show` judges.
"""

import json
import subprocess
import sys

import suites


def meson_benchmarks():
    command = [sys.executable, "-m", "mesonbuild.mesonmain", "introspect", "--benchmarks"]
    listed = subprocess.run(
        [*command, str(suites.BUILD)], check=True, capture_output=True, text=True
    )
    return [(b["name"], b["cmd"]) for b in json.loads(listed.stdout)]


def python_benchmarks():
    programs = sorted((suites.ROOT / "tests" / "bench").glob("*_bench.py"))
    return [(p.stem, [sys.executable, str(p)]) for p in programs]


def main(arguments):
    chosen = [
        (name, command)
        for name, command in [*meson_benchmarks(), *python_benchmarks()]
        if not arguments or any(part in name for part in arguments)
    ]
    if not chosen:
        print(f"dev: no benchmark {' '.join(arguments)}".rstrip(), file=sys.stderr)
        return 2
    failed = False
    for name, command in chosen:
        print(f"--- {name}", flush=True)
        status = subprocess.run(command, cwd=suites.ROOT, env=suites.environment()).returncode
        failed = failed or status != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
