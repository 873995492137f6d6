"""A model's gradients submitted one by one, against the best way of the best peer."""

import _rows
from _rows import Job, Ratios, time_name

WAYS = ("each", "fused", "list")
OURS, TARGET = "hvd-api", 1.7
# After the pilot rounds only those go on that could still be the best.
CLOSE = 1.3


def drop_the_slow(session):
    """Of every (peer, way) of others, keeps those near the best; they cost most of the time."""
    lowest = {}
    for row in session.rows:
        key = row["peer"], row["op"]
        lowest[key] = min(row["p50_us"], lowest.get(key, row["p50_us"]))
    others = {key: us for key, us in lowest.items() if key[0] in _rows.OTHERS}
    best = min(others.values(), default=0)
    for (peer, op), us in sorted(others.items(), key=lambda item: item[1]):
        print(f"pilot: {peer} {op}: {time_name(us)}", flush=True)
        if us > CLOSE * best:
            session.dropped.add((peer, op))


def show(model):
    jobs = [Job(f"step-{how}", model=model) for how in WAYS]
    measured = _rows.measure(
        jobs, [OURS, "hvd-engine", "floor", *_rows.OTHERS], pilot=drop_the_slow
    )
    best = {}
    for how in WAYS:
        for number, figure in measured.best(_rows.OTHERS, op=f"step-{how}:{model}").items():
            best[number] = min(figure, best.get(number, figure))
    ours = {"op": f"step-list:{model}"}
    ahead = Ratios(best, measured.figures(OURS, **ours))
    if not ahead:
        absent = _rows.OTHERS[0] if measured.figures(OURS, **ours) else OURS
        reason = measured.why_not(absent, ours["op"])
        _rows.verdict(f"no figure: {reason}", f">= {TARGET}x", False)
    for peer in ("hvd-engine", "floor"):
        ratios = measured.ratios(OURS, peer, **ours)
        if ratios:
            print(f"beside {peer}'s step-list: {ratios} times")
    print(f"by name {time_name(measured.median(OURS, **ours))}; the best peer takes {ahead} times")
    hit = ahead.median >= TARGET and not measured.wrong(OURS)
    _rows.verdict(f"best way of the best peer / hvd {ahead}", f">= {TARGET}x", hit)
