"""Scenarios that a user names."""

import pytest

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.guest.asked import Asked, parse, script
from gcproto.kernels.guest.script import Measure

MEASURE = Measure(5, 2, 512, "instructions/page", 1)
PMD = 2 << 20


@pytest.mark.parametrize(
    ("text", "one", "order"),
    [
        ("small move 2M", Asked("small", 0, "move", PMD), 0),
        ("mthp-64k move 64k", Asked("mthp", 64, "move", 65536), 4),
        ("64K mTHP move 2M", Asked("mthp", 64, "move", PMD), 4),
        ("thp move 2m", Asked("thp", 2048, "move", PMD), 9),
        ("small copy 4k skewed", Asked("small", 0, "copy", 4096, skewed=True), 0),
        ("swapped-64k move 2m", Asked("swapped", 64, "move", PMD), 4),
        ("canary", Asked("none", 0, "canary", PMD), 0),
    ],
)
def test_names_as_tables_and_bench_have_them(text: str, one: Asked, order: int) -> None:
    found = parse(text)
    assert found == one
    assert found.order == order


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("small move", "no three words"),
        ("tiny move 2m", "no source 'tiny'"),
        ("small shift 2m", "no arm 'shift'"),
        ("small move 2x", "is not a size"),
        ("small move 5000", "not a multiple"),
        ("mthp move 2m", "needs the size"),
        ("mthp-48k move 2m", "no folios of 48k"),
        ("", "no three words"),
    ],
)
def test_what_is_none_is_said(text: str, why: str) -> None:
    with pytest.raises(GcprotoError, match="is not a scenario") as caught:
        parse(text)
    assert why in caught.value.why
    assert caught.value.code == ExitCode.USAGE


def test_each_is_a_job_with_its_folios_and_swap_comes_last() -> None:
    texts = ("swapcache-64k move 2m", "swapped move 2m", "mthp-64k move 2m", "small move 2m skewed")
    made = script(MEASURE, list(map(parse, texts)), swap=True, touch=True)
    assert [job.name for job in made.jobs] == [
        "info",
        "small-move-2m-skewed",
        "mthp-64k-move-2m",
        "swapcache-64k-move-2m",
        "swapped-move-2m",
    ]
    lines = made.text().splitlines()
    places = [
        next(at for at, line in enumerate(lines) if line.startswith(word)) for word in ("loop", "swapoff", "zram")
    ]
    assert places == sorted(places)
    skewed = next(line for line in lines if "small-move" in line)
    assert "--skew 1 --cpu 0 --touch-cpu 1" in skewed
    assert "--order 4" in next(line for line in lines if "mthp-64k-move" in line)


def test_without_modules_there_is_no_swap_device() -> None:
    text = script(MEASURE, [parse("swapped move 2m")], swap=False).text()
    assert "zram" not in text
    assert "job swapped-move-2m" in text
