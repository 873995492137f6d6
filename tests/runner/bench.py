"""`./dev bench [--full]`: hvd beside its peers, in turns; rewrites docs/performance.md's table.

`./dev bench NAME...`: only programs whose name has one of these parts: meson's benchmark() programs
and tests/bench/*_bench.py. They print figures and judge nothing; `./dev show` judges.
"""

import json
import subprocess
import sys

import suites

HARNESS = suites.ROOT / "tests" / "bench" / "peers" / "run_peers.py"
OUT = suites.BUILD / "bench"
PAGE = suites.ROOT / "docs" / "performance.md"


def meson_benchmarks():
    command = [sys.executable, "-m", "mesonbuild.mesonmain", "introspect", "--benchmarks"]
    listed = subprocess.run(
        [*command, str(suites.BUILD)], check=True, capture_output=True, text=True
    )
    return [(b["name"], b["cmd"]) for b in json.loads(listed.stdout)]


def python_benchmarks():
    programs = sorted((suites.ROOT / "tests" / "bench").glob("*_bench.py"))
    return [(p.stem, [sys.executable, str(p)]) for p in programs]


def harness(full):
    """The command that times hvd beside its peers."""
    kind = "--full" if full else "--quick"
    results = ["--out", str(OUT), "--rewrite", str(PAGE)]
    return ("peers", [sys.executable, str(HARNESS), kind, *results])


def chosen(arguments):
    """(name, command) pairs; [] if a name is unknown."""
    names = [a for a in arguments if a != "--full"]
    if not names:
        return [harness("--full" in arguments)]
    known = [*meson_benchmarks(), *python_benchmarks()]
    return [(name, command) for name, command in known if any(part in name for part in names)]


def main(arguments):
    programs = chosen(arguments)
    if not programs:
        print(f"dev: no benchmark {' '.join(arguments)}".rstrip(), file=sys.stderr)
        return 2
    # The peers' own programs need another Python than Debian's only for torch.
    settings = {"HVD_BENCH_PYTHON": sys.executable, "HVD_BENCH_BUILD": str(OUT / "programs")}
    failed = False
    for name, command in programs:
        print(f"--- {name}", flush=True)
        env = {**suites.environment(), **settings}
        status = subprocess.run(command, cwd=suites.ROOT, env=env).returncode
        failed = failed or status != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
