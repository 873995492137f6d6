"""Two emulated hosts with a rank each: allreduce by name against one way of the same link."""

import os
import sys

import _rows
from _rows import MIB, Job, Ratios, size_name, time_name

SIZES = (16 * MIB, 64 * MIB)
OURS, WIRE_TARGET = "hvd-api", 1.8


def one_size(measured, size, share_min):
    """(text, hit)"""
    where = {"op": "allreduce", "bytes": size}
    share = measured.ratios("stream", OURS, **where)
    name = size_name(size)
    if not share:
        print(f"{name}: no figure: {measured.why_not(OURS, 'allreduce')}")
        return f"{name} none", False
    ahead = Ratios(measured.best(_rows.OTHERS, **where), measured.figures(OURS, **where))
    wire = measured.ratios(OURS, "hvd-bf16", **where)
    print(
        f"{name}: by name {time_name(measured.median(OURS, **where))}, {share} of the stream; "
        f"the best peer takes {ahead if ahead else '(none here)'} times"
    )
    if wire:
        print(f"{name}: fp32 takes {wire} times what bf16 on the wire takes")
    else:
        print(f"{name}: bf16 on the wire: {measured.why_not('hvd-bf16', 'allreduce')}")
    hit = share.median >= share_min and bool(ahead) and ahead.median >= 1
    hit = hit and bool(wire) and wire.median >= WIRE_TARGET
    shown = f"{wire.median:.2f}x" if wire else "none"
    return f"{name} {share.median:.3f}, bf16 {shown}", hit


def show(mbit, share_min):
    target = f">= {share_min} of a stream; no peer ahead; bf16 >= {WIRE_TARGET}x"
    if os.geteuid() != 0:
        _rows.verdict("emulated hosts need root", target, False)
    jobs = [Job("allreduce", 2, SIZES, mbit=mbit)]
    measured = _rows.measure(jobs, [OURS, "hvd-bf16", "stream", *_rows.OTHERS])
    rows = [one_size(measured, size, share_min) for size in SIZES]
    hit = all(good for _, good in rows) and not measured.wrong(OURS)
    _rows.verdict("; ".join(text for text, _ in rows), target, hit)


if __name__ == "__main__":
    sys.exit("not a row: 09_link_1_gbit.py and 10_link_10_gbit.py are")
