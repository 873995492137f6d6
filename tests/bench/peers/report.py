"""Turns the rows of a session into one entry per cell and into Markdown tables."""

from collections import defaultdict
from statistics import median

CALM = 0.06  # share of CPU time for others above which a launch counts as disturbed
FLOORS = ("floor", "floor-arena", "stream")
# What stands between these lines of a document is the last session's tables.
BEGIN = "<!-- rewritten by ./dev bench: begin -->"
END = "<!-- rewritten by ./dev bench: end -->"


def size_name(size):
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << shift:
            return f"{size / (1 << shift):.4g} {unit}"
    return f"{size} B"


def time_name(us):
    for limit, scale, unit in ((1e3, 1, "us"), (1e6, 1e3, "ms")):
        if us < limit:
            return f"{us / scale:.3g} {unit}"
    return f"{us / 1e6:.3g} s"


def line_rate_share(entry):
    """What an allreduce between two hosts has to move each way, as a share of the link's rate."""
    return entry["bytes"] * 8 / entry["p50_us"] / entry["mbit"]


def summary(rows):
    """One entry per cell: medians over the undisturbed rounds, or over the calmest one."""
    cells = defaultdict(list)
    for row in rows:
        cells[row["net"], row["np"], row["op"], row["bytes"], row["peer"]].append(row)
    entries = []
    for (net, ranks, op, size, peer), found in cells.items():
        calm = [r for r in found if r["foreign"] <= CALM or r["mbit"]]
        calm = calm or [min(found, key=lambda r: r["foreign"])]
        p50 = median(r["p50_us"] for r in calm)
        entry = {
            "net": net,
            "mbit": found[0]["mbit"],
            "np": ranks,
            "op": op,
            "bytes": size,
            "peer": peer,
            "min_us": min(r["min_us"] for r in calm),
            "p50_us": p50,
            "p99_us": median(r["p99_us"] for r in calm),
            "spread": (max(r["p50_us"] for r in calm) - min(r["p50_us"] for r in calm)) / p50,
            "rounds": len(calm),
            "disturbed": len(found) - len(calm),
            "foreign": median(r["foreign"] for r in found),
            "checked": all(r.get("checked") is True for r in found),
        }
        for key in ("alone_p50_us", "big_p50_us", "big_alone_p50_us", "big_bytes"):
            if key in calm[0]:
                entry[key] = median(r[key] for r in calm)
        entries.append(entry)
    return entries


def _table(header, lines):
    return (
        "\n".join(
            ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
            + ["| " + " | ".join(words) + " |" for words in lines]
        )
        + "\n"
    )


def _cell(entry, floor):
    text = f"{time_name(entry['p50_us'])} [{time_name(entry['min_us'])}]"
    if entry["mbit"]:
        text += f" {line_rate_share(entry):.0%}"
    elif floor and entry["peer"] not in FLOORS:
        text += f" x{entry['p50_us'] / floor['p50_us']:.1f}"
    return text + ("" if entry["checked"] else " **WRONG**")


OVERLAP_HEADER = (
    *("peer", "small", "big", "small alone", "small p50 beside", "small p99 beside"),
    *("big alone", "big beside"),
)
OVERLAP_TIMES = ("alone_p50_us", "p50_us", "p99_us", "big_alone_p50_us", "big_p50_us")


def overlap_table(lines):
    table = []
    for label, cells in lines.items():
        for entry in cells.values():
            times = [time_name(entry[key]) for key in OVERLAP_TIMES]
            table.append([entry["peer"], label, size_name(int(entry["big_bytes"])), *times])
    return _table(OVERLAP_HEADER, table)


def cell_table(lines, names):
    present = [n for n in names if any(n in cells for cells in lines.values())]
    table = []
    for label, cells in lines.items():
        floor = cells.get("floor")
        table.append([label, *(_cell(cells[n], floor) if n in cells else "-" for n in present)])
    return _table(["", *present], table)


def head(document):
    machine = document["machine"]
    limits = [[row["limit"], f"{row['value']} {row['unit']}"] for row in document["limits"]]
    return [
        f"{machine['cpus']} x {machine['cpu']}, {machine['memory']}, Linux {machine['kernel']}, "
        f"TCP {machine['tcp']}; {', '.join(machine['packages']) or 'no peers of other projects'}; "
        f"{document['started'][:10]}.\n",
        "Cells: median over rounds of a round's p50 [lowest sample] and the ratio to `floor`, "
        "or, on a link, the share of the line rate.\n",
        _table(["limit", "value"], limits),
    ]


def noise(rows, entries):
    spreads = sorted(e["spread"] for e in entries)
    # Between hosts MPI's daemons escape the accounting of "others".
    foreign = sorted(r["foreign"] for r in rows if not r["mbit"]) or [0]
    return (
        f"Noise: others took {median(foreign):.1%} of the CPUs in the median launch, "
        f"{foreign[int(0.9 * (len(foreign) - 1))]:.1%} in the tenth worst; p50 differed "
        f"between a cell's rounds by {median(spreads):.0%} (median cell), "
        f"{spreads[int(0.9 * (len(spreads) - 1))]:.0%} (tenth worst).\n"
    )


def tables(document, names, level="##"):
    """The Markdown of a session without its title; `level` is that of its headings."""
    groups = defaultdict(lambda: defaultdict(dict))
    for entry in document["summary"]:
        op = entry["op"]
        label = op if ":" in op else f"{op} {size_name(entry['bytes'])}"
        groups[entry["net"], entry["np"], op == "overlap"][label][entry["peer"]] = entry
    parts = head(document)
    for (net, ranks, overlap), lines in groups.items():
        if overlap:
            parts.append(f"{level} Small allreduce beside a big one, np={ranks}\n")
            parts.append(overlap_table(lines))
        else:
            parts.append(f"{level} {net}, np={ranks}\n")
            parts.append(cell_table(lines, names))
    if document["rows"]:
        parts.append(noise(document["rows"], document["summary"]))
    parts += [f"- {error}" for error in document["errors"]]
    return "\n".join(parts) + "\n"


def with_marked(text, part):
    """`text` with `part` between its marks. ValueError if it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n\n{part.strip()}\n\n{END}{after}"


def markdown(document, names):
    return f"# Peers, {document['started']}\n\n" + tables(document, names)
