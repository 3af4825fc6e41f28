"""The model of caches: against a plain one, in its words, and of a guest's moves."""

import subprocess
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.guest import programs
from gcproto.kernels.profile import caches
from gcproto.results.profiles.events import events
from gcproto.results.profiles.explain import profiled
from gcproto.results.profiles.misses import missing
from gcproto.results.schema import Cache, FunctionProfile, Profile
from tests.kernels.test_run import KERNEL, results, run

HARNESS = """
#include "profile/caches.h"
int main(int argc, char **argv)
{
    struct gcp_cache levels[GCP_CACHE_LEVELS];
    unsigned long long line;
    for (int i = 0; i < GCP_CACHE_LEVELS; i++)
        if (argc < 4 || !gcp_cache_init(&levels[i], argv[i + 1]))
            return 2;
    while (scanf("%llu", &line) == 1)
        printf("%u\\n", gcp_caches_use(levels, line));
    return 0;
}
"""
SMALL = (Cache("L1D", 256, 2), Cache("L2", 1024, 4), Cache("LLC", 4096, 4))


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that says for each line on its input how many levels missed it."""
    folder = tmp_path_factory.mktemp("caches")
    (folder / "harness.c").write_text(HARNESS)
    warnings = ("-std=gnu11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror")
    command: list[str | Path] = [
        *("cc", *warnings, f"-I{programs.sources()}", "-o"),
        *(folder / "harness", folder / "harness.c"),
    ]
    subprocess.run(command, check=True)
    return folder / "harness"


class Model:
    """A cache as sets of lines in the order of their last use."""

    def __init__(self, cache: Cache) -> None:
        self.ways = cache.ways
        self.sets: list[OrderedDict[int, None]] = [OrderedDict() for _ in range(cache.size // 64 // cache.ways)]

    def use(self, line: int) -> bool:
        """Whether it was there."""
        lines = self.sets[line % len(self.sets)]
        hit = line in lines
        lines[line] = None
        lines.move_to_end(line)
        if len(lines) > self.ways:
            lines.popitem(last=False)
        return hit


def expected(levels: Sequence[Cache], lines: Sequence[int]) -> list[int]:
    """For each line, how many levels missed it."""
    models = [Model(cache) for cache in levels]
    found = []
    for line in lines:
        missed = 0
        while missed < len(models) and not models[missed].use(line):
            missed += 1
        found.append(missed)
    return found


@pytest.mark.needs("cc")
@settings(max_examples=60)
@given(lines=st.lists(st.one_of(st.integers(0, 40), st.integers(0, 1 << 46)), max_size=400))
def test_it_misses_what_a_plain_model_misses(harness: Path, lines: list[int]) -> None:
    sizes = [f"{one.size}:{one.ways}" for one in SMALL]
    done = subprocess.run(
        [harness, *sizes], input="\n".join(map(str, lines)), capture_output=True, text=True, check=True
    )
    assert list(map(int, done.stdout.split())) == expected(SMALL, lines)


@pytest.mark.needs("cc")
@pytest.mark.parametrize("text", ["", "32768", "32768:0", "100:1", "192:1", "32768:8x", ":8", "2199023255552:8"])
def test_the_plugin_refuses_what_is_no_cache(harness: Path, text: str) -> None:
    assert subprocess.run([harness, text, "64:1", "64:1"], input="", text=True, check=False).returncode == 2


def test_a_geometry_is_read_and_given_to_the_plugin() -> None:
    assert caches.parse("32k:8,1m:8,32m:16") == caches.DEFAULT
    assert caches.words(caches.DEFAULT) == ["l1d=32768:8", "l2=1048576:8", "llc=33554432:16"]
    assert caches.words(()) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("32k:8,1m:8", "2 levels instead of 3"),
        ("32k:8,1m:8,x:4", "LLC: 'x' is not a size"),
        ("32k:8,1m,32m:16", "L2 of '1m'"),
        ("32k:-8,1m:8,32m:16", "L1D of '32k:-8'"),
        ("48k:8,1m:8,32m:16", "L1D of '48k:8': lines of 64 bytes must fill a power of two of sets"),
        ("32k:8,1m:8,8g:16", "4 GiB at most"),
        ("32k:8,1m:\u0668,32m:16", "L2 of"),
    ],
)
def test_what_is_no_geometry_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(GcprotoError) as raised:
        caches.parse(text)
    assert why in str(raised.value)
    assert raised.value.code == ExitCode.USAGE


def test_functions_with_most_misses_of_any_level_are_listed() -> None:
    functions = [
        FunctionProfile("many", instructions=9.0, l1d=100.0, l2=0.0),
        FunctionProfile("far", instructions=1.0, l1d=1.0, l2=1.0, llc=1.0),
        FunctionProfile("few", instructions=5.0, l1d=0.01),
        FunctionProfile("none", instructions=5.0),
    ]
    profile = Profile(1, functions, caches=list(caches.DEFAULT))
    assert [one.name for one in missing(profile, every=False)] == ["far", "many"]
    assert [one.name for one in missing(profile, every=True)] == ["far", "many", "few"]


@pytest.mark.needs("qemu", "guest_kernel", "static")
@pytest.mark.timeout(600)
def test_a_move_of_many_pages_misses_one_line_a_page_the_page_structure(tmp_path: Path) -> None:
    """The nearest cache has one set: lines of the same set, which push each other out, depend on where pages lie."""
    done = run(
        *("profile", KERNEL, "small move 2m", "--cache", "--cache-geometry", "4k:64,64k:8,32m:16"),
        *("--rounds", "3", "--timeout", "300", "--out", tmp_path / "r"),
        timeout=500,
    )
    said = " ".join(done.stdout.split())
    assert "a model, not your machine" in said
    assert "L1D 4K in 64 ways" in said
    (one,) = results(tmp_path / "r")
    ((_, profile),) = profiled(one)
    found = {function.name: function for function in profile.functions}
    assert found["vm_normal_folio"].l1d == pytest.approx(1.0, abs=0.001)
    assert [cache.size for cache in profile.caches] == [4096, 65536, 32 << 20]
    sums = events(profile)
    assert 1 < sums.l1d < 4
    assert sums.l1d > sums.l2 >= sums.llc >= 0


@pytest.mark.parametrize(
    "words",
    [("--cache-geometry", "32k:8,1m:8,32m:16"), ("--cache", "--touch"), ("--size", "64k1"), ("--size", "66000")],
)
def test_options_that_do_not_go_together_are_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run("profile", KERNEL, "small move 2m", *words, "--out", tmp_path / "r", code=ExitCode.USAGE)
    assert "Traceback" not in done.stderr
