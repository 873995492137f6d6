"""allreduce through hvd.numpy and torch.distributed gloo, 2 ranks, in the same run, in turns."""

import json
import pathlib
import tempfile

import _job

TARGET = 0.5

with tempfile.TemporaryDirectory() as folder:
    rank_program = str(pathlib.Path(__file__).with_name("_gloo_rank.py"))
    done = _job.python_job(2, rank_program, str(pathlib.Path(folder) / "store"))
text = next(line for line in done.stdout.splitlines() if "REPORT " in line)
rows = json.loads(text.split("REPORT ", 1)[1])
for row in rows:
    low, high = row["interval"]
    print(
        f"{row['bytes']:>9} B: hvd {row['hvd_us']:.1f} us, gloo {row['gloo_us']:.1f} us, "
        f"ratio {row['ratio']:.3f} [{low:.3f} .. {high:.3f}]"
    )
figure = ", ".join(f"{row['bytes']} B {row['ratio']:.2f}x" for row in rows)
_job.verdict(figure, f"<= {TARGET}x at every size", all(r["ratio"] <= TARGET for r in rows))
