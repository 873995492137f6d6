"""What a session's rows become: tables, and the marked part of a document."""

import report


def entry(peer, p50_us, **more):
    base = {"net": "local", "mbit": 0, "np": 2, "op": "allreduce", "bytes": 1024, "round": 1}
    times = {"min_us": p50_us, "p50_us": p50_us, "p99_us": p50_us, "foreign": 0, "checked": True}
    return {**base, **times, "peer": peer, **more}


def document(*rows):
    machine = {"cpus": 2, "cpu": "x", "memory": "1 kB", "kernel": "6", "tcp": "y", "packages": []}
    return {
        **{"started": "2024-01-01T00:00", "machine": machine, "limits": [], "errors": []},
        **{"rows": list(rows), "summary": report.summary(rows)},
    }


def test_a_cell_has_its_ratio_to_the_floor_and_says_wrong():
    made = document(entry("floor", 2.0), entry("a", 5.0), entry("b", 5.0, checked=False))
    text = report.tables(made, ["floor", "a", "b"])
    assert "5 us [5 us] x2.5 |" in text
    assert "**WRONG**" in text


def test_on_a_link_a_cell_has_its_share_of_the_line():
    on_link = {"net": "1000 Mbit/s", "mbit": 1000, "np": 4, "bytes": 1_000_000}
    text = report.tables(document(entry("a", 16000.0, **on_link)), ["a"])
    assert "16 ms [16 ms] 50%" in text


def test_only_the_marked_part_of_a_document_is_rewritten():
    before = f"a\n{report.BEGIN}\nold\n{report.END}\nb\n"
    after = report.with_marked(before, "new\n")
    assert after == f"a\n{report.BEGIN}\n\nnew\n\n{report.END}\nb\n"
    assert report.with_marked(after, "new\n") == after
