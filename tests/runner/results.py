"""One Result per test, read from what pytest and Catch2 write.

Catch2's XML is read, not its JUnit output: that one leaves out tests without assertions of their
own (property tests) and splits others by section, so that counts would not be counts of tests.
"""

import dataclasses
import io
import xml.etree.ElementTree as ElementTree


@dataclasses.dataclass(frozen=True)
class Result:
    suite: str
    name: str  # tests/python/test_x.py::test_y, or core_tests: a tensor arrives
    outcome: str  # passed, failed, skipped
    seconds: float = 0.0
    detail: str = ""  # why it failed or was skipped


def from_pytest(suite, text):
    """Results in a JUnit file of pytest (-o junit_family=xunit1)."""
    return [_from_testcase(suite, case) for case in ElementTree.fromstring(text).iter("testcase")]


def _from_testcase(suite, case):
    name = f"{case.get('file') or case.get('classname')}::{case.get('name')}"
    seconds = float(case.get("time") or 0)
    broken = [part for part in case if part.tag in ("failure", "error")]
    if broken:
        detail = "\n".join(part.text or part.get("message") or "" for part in broken)
        return Result(suite, name, "failed", seconds, detail)
    skipped = case.find("skipped")
    if skipped is not None:
        return Result(suite, name, "skipped", seconds, skipped.get("message") or "")
    return Result(suite, name, "passed", seconds)


def from_catch(suite, program, text):
    """Results in Catch2's XML, and the test that was running where the text ends early."""
    results = []
    running = None
    events = ElementTree.iterparse(io.BytesIO(text), events=("start", "end"))
    try:
        for event, element in events:
            if element.tag != "TestCase":
                continue
            running = f"{program}: {element.get('name')}" if event == "start" else None
            if event == "end":
                results.append(_from_catch_case(suite, program, element))
    except ElementTree.ParseError:
        pass  # the program died; `running` says where
    return results, running


def _from_catch_case(suite, program, case):
    overall = case.find("OverallResult")
    seconds = float(overall.get("durationInSeconds") or 0) if overall is not None else 0.0
    name = f"{program}: {case.get('name')}"
    if overall is not None and overall.get("skips", "0") != "0":
        return Result(suite, name, "skipped", seconds, (overall.findtext(".") or "").strip())
    if overall is not None and overall.get("success") == "true":
        return Result(suite, name, "passed", seconds)
    place = f"{case.get('filename', '').removeprefix('../')}:{case.get('line')}"
    lines = [place, *_catch_failures(case)]
    return Result(suite, name, "failed", seconds, "\n".join(lines))


def _catch_failures(case):
    for element in case.iter():
        text = " ".join((element.text or "").split())
        line = element.get("line")
        if element.tag == "Expression" and element.get("success") != "true":
            original = " ".join((element.findtext("Original") or "").split())
            expanded = " ".join((element.findtext("Expanded") or "").split())
            yield f"  line {line}: {element.get('type')}( {original} ), which was: {expanded}"
        elif element.tag in ("Exception", "FatalErrorCondition", "Failure"):
            yield f"  line {line}: {element.tag}: {(element.text or '').strip()}"
        elif element.tag in ("Info", "Warning") and text:
            yield f"  {text}"
