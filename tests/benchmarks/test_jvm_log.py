"""HotSpot's log is read strictly; the logs in tests/data/jvm were written by OpenJDK 17.0.15 for runs of Trees.java.

Those of ZGC and Shenandoah are cut after some collections.
"""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.jvm.log import Log, parse
from gcproto.errors import GcprotoError
from tests.support.processes import ROOT

LOGS = {path.stem: path.read_text() for path in sorted((ROOT / "tests" / "data" / "jvm").glob("*.log"))}


def names(log: Log) -> Counter[str]:
    return Counter(name for stop in log.stops for name in stop.pauses)


def test_every_collector_has_a_log() -> None:
    assert set(LOGS) == {"serial", "g1", "z", "shenandoah"}


def test_serial() -> None:
    log = parse(LOGS["serial"])
    assert names(log) == {"Young (Allocation Failure)": 2, "Full (System.gc())": 1}
    first = log.stops[0]
    assert (first.stop_ns, first.held_ns) == (3_405, 39_199 + 27_642_629)
    # The pause's own time is a part of the time at the safepoint.
    assert first.pause.name == "Young (Allocation Failure)"
    assert len(log.collections) == 3


def test_g1() -> None:
    log = parse(LOGS["g1"])
    found = names(log)
    assert found["Full (System.gc())"] == 1
    assert found["Young (Normal) (G1 Evacuation Pause)"] == 4
    assert len(log.collections) == 5


def test_zgc_has_three_pauses_a_cycle_and_stalls_that_are_none() -> None:
    log = parse(LOGS["z"])
    assert names(log) == {"Mark Start": 4, "Mark End": 4, "Relocate Start": 4}
    assert Counter(one.kind for one in log.stalls) == {"allocation": 3, "relocation": 1}
    assert log.stalls[0].length_ns == 14_896_000
    # Most of what a ZGC pause costs a mutator can be the way to the safepoint, which "Pause" lines don't count.
    assert max(one.stop_ns for one in log.stops) > max(one.held_ns for one in log.stops)


def test_shenandoah() -> None:
    log = parse(LOGS["shenandoah"])
    assert names(log)["Init Mark (unload classes)"] == 3
    assert len(log.collections) == 3


def test_spans_are_of_when_a_stop_was_asked_for() -> None:
    log = parse(LOGS["serial"])
    first, second, *_ = log.stops
    assert log.between(first.ns, second.ns) == [first, second]
    assert log.between(first.ns + 1, second.ns) == [second]
    assert log.collections_between(0, first.ns - 1) == 0


@pytest.mark.parametrize("name", LOGS)
def test_a_line_in_another_form_is_an_error(name: str) -> None:
    lines = LOGS[name].splitlines()
    at = next(number for number, line in enumerate(lines) if "[safepoint" in line)
    for changed in (
        lines[at].replace("Cleanup: ", "Leaving: "),
        lines[at].replace("Total: ", "Total: 1"),
        lines[at].replace(" ns,", " us,"),
        lines[at].split("ns]", 1)[1],
    ):
        with pytest.raises(GcprotoError, match=f"line {at + 1} of the JVM's log"):
            parse("\n".join([*lines[:at], changed, *lines[at + 1 :]]))


@pytest.mark.parametrize("name", LOGS)
def test_a_pause_in_another_form_is_an_error(name: str) -> None:
    text = LOGS[name]
    at = text.index(" Pause ", text.index("ms\n") - 200)
    pause = next(line for line in text[at - 60 :].splitlines() if " Pause " in line and line.endswith("ms"))
    with pytest.raises(GcprotoError, match="not understood"):
        parse(text.replace(pause, pause.removesuffix("ms") + "us"))


def test_a_log_that_ends_within_a_pause_is_an_error() -> None:
    lines = LOGS["serial"].splitlines()
    at = next(number for number, line in enumerate(lines) if "[safepoint" in line)
    with pytest.raises(GcprotoError, match="ends within a pause"):
        parse("\n".join(lines[:at]))


def test_a_pause_longer_than_its_safepoint_is_an_error() -> None:
    lines = LOGS["serial"].splitlines()
    at = next(number for number, line in enumerate(lines) if " Pause Young" in line and line.endswith("ms"))
    words = lines[at].split(" ")
    with pytest.raises(GcprotoError, match="took longer than it did"):
        parse("\n".join([*lines[:at], " ".join([*words[:-1], "99999.000ms"]), *lines[at + 1 :]]))


@given(st.text())
def test_other_text_is_an_error_or_says_nothing(text: str) -> None:
    try:
        found = parse(text)
    except GcprotoError:
        return
    assert not found.stops
