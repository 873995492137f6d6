"""200 runs of a script that never calls shutdown, its ranks ending up to 2 s apart."""

import pathlib
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import _job

RUNS, AT_ONCE = 200, 3
SEED = 1


def run(delays: tuple[str, str]) -> str:
    """What went wrong; empty if nothing did."""
    rank_program = str(pathlib.Path(__file__).with_name("_careless_rank.py"))
    done = _job.hvdrun(2, sys.executable, rank_program, *delays)
    if done.returncode != 0 or done.stderr.strip() or done.stdout.strip():
        return f"delays {delays}: exit {done.returncode}: {done.stdout}{done.stderr}"
    return ""


generator = random.Random(SEED)
delays = []
for _ in range(RUNS):
    apart = generator.uniform(0, 2)
    delays.append((f"{apart:.3f}", "0") if generator.random() < 0.5 else ("0", f"{apart:.3f}"))
with ThreadPoolExecutor(AT_ONCE) as pool:
    complaints = [text for text in pool.map(run, delays) if text]
for text in complaints[:5]:
    print(text)
_job.verdict(
    f"{RUNS - len(complaints)} of {RUNS} runs ended with 0 and no text",
    f"{RUNS}",
    not complaints,
)
