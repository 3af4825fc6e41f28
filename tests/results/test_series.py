"""Series over kernels: order, steps that are there and none that are not, canary, unlike results, the commands."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcproto.errors import GcprotoError
from gcproto.results.facts import compiler_of
from gcproto.results.schema import ContractRow, Hazard, Result, Skip, Verdict
from gcproto.results.series import build, version_key
from gcproto.results.statistics import midmean
from gcproto.results.steps import changes, steps, void
from gcproto.results.store import save
from tests.support.kernel_results import CANARY, COPY, MOVE, SPLIT, STOCK, guest_result, stock

COMMAND = [sys.executable, "-m", "gcproto.cli.main", "kernels"]
K617, K618, K72, K73 = (f"{name}+deb13-cloud-amd64" for name in ("6.17.13", "6.18.15", "7.2.12", "7.3.4"))


def run(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for one in stock():
        save(one, tmp_path / "r")
    return tmp_path / "r"


def of_qemu(version: str, release: str = K618) -> Result:
    made = guest_result(release, {MOVE: 226.2})
    assert made.guest
    made.guest.host["qemu"] = version
    return made


def test_counts_of_two_branches_of_qemu_are_no_series() -> None:
    """COPY takes 3,147 instructions a page in QEMU 7.2 and 3,337 in 10.0, with one kernel and one processor model."""
    with pytest.raises(GcprotoError, match="QEMU") as raised:
        build([of_qemu("7.2.22"), of_qemu("10.0.2", K73)])
    assert "QEMU 10.0, QEMU 7.2" in str(raised.value)
    build([of_qemu("7.2.22"), of_qemu("7.2.9", K73), guest_result(K72, {MOVE: 1.0})])


@pytest.mark.parametrize(
    ("version", "compiler"),
    [
        (
            "Linux version 6.18.15 (a@b) (x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0, GNU ld (GNU) 2.44) #1",
            "gcc 14.2",
        ),
        ("Linux version 7.3.4 (me@here) (gcc (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld 2.40) #1 SMP", "gcc 12.2"),
        ("Linux version 7.3.4 (me@here) (Debian clang version 19.1.7 (3), Debian LLD 19.1.7) #1 SMP", "clang 19.1"),
        ("Linux version 7.3.4", ""),
    ],
)
def test_the_compiler_is_read_from_the_version(version: str, compiler: str) -> None:
    made = guest_result(K618, {MOVE: 1.0})
    made.environment["kernel"]["version"] = version
    assert compiler_of(made) == compiler


def test_kernels_of_two_compilers_are_compared_with_a_word_on_it(tmp_path: Path) -> None:
    for release, gcc in ((K72, "14.2.0"), (K73, "15.1.0")):
        made = guest_result(release, {MOVE: 226.2, CANARY: 4000.0})
        made.environment["kernel"]["version"] = f"Linux version {release} (a@b) (gcc (Debian) {gcc}, GNU ld 2.44) #1"
        save(made, tmp_path / "r")
    said = " ".join(run("compare", "7.2", "7.3", "--results", tmp_path / "r").stdout.split())
    assert "different compilers: 7.2.12+deb13 by gcc 14.2, 7.3.4+deb13 by gcc 15.1" in said


def test_releases_sort_by_version() -> None:
    releases = ["6.1.0-56-cloud-amd64", "6.12.43+deb12", "6.12.117+deb13", "6.16.3", "7.3~rc7", "7.3-cloud", "7.3.4"]
    assert sorted(set(releases), key=version_key) == releases


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40), st.integers(0, 300)), min_size=2, max_size=2))
def test_versions_sort_as_numbers(pair: list[tuple[int, int, int]]) -> None:
    keys = [version_key(".".join(map(str, version)) + "+deb13-cloud-amd64") for version in pair]
    assert (keys[0] < keys[1]) == (pair[0] < pair[1])


def test_the_two_steps_of_stock_kernels_are_found_and_named() -> None:
    found = {(one.scenario, one.before, one.after): one for one in steps(build(stock()))}
    batching = found[MOVE, K617, K618]
    assert batching.change == pytest.approx(-0.815, abs=0.005)
    assert "TLB-flush batching" in batching.cause
    assert found[SPLIT, K617, K618].change == pytest.approx(-0.253, abs=0.005)
    checks = found[MOVE, K72, K73]
    assert checks.change == pytest.approx(0.0796, abs=0.003)
    assert "inferred" in checks.cause
    assert checks.canary == pytest.approx(0.034, abs=0.002)
    assert (COPY, K617, K618) not in found


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.floats(0, 0.004))
def test_a_flat_series_has_no_steps(seed: int, noise: float) -> None:
    results = [guest_result(name, STOCK[K618], boot=boot, noise=noise, seed=seed) for name in STOCK for boot in (1, 2)]
    assert steps(build(results)) == []


def test_values_that_alternate_do_not_jump_between_boots() -> None:
    """As a THP's split does, by 1 % from round to round: one boot has one more of the upper value."""
    low, high = 2569.0, 2596.0
    samples = [[high, low] * 10 + [high], [low, high] * 10 + [low]]
    assert statistics.median(samples[0]) / statistics.median(samples[1]) > 1.01
    assert midmean(samples[0]) == pytest.approx(midmean(samples[1]), rel=0.001)
    assert midmean([1.0, 2.0, 2.0, 900.0]) == 2.0


def test_the_heap_in_guests_is_a_series_of_its_own() -> None:
    paths = [guest_result(name, STOCK[K618]) for name in (K617, K618)]
    heap = [guest_result(name, STOCK[K618], options={"set": "heap", "cpus": 2}) for name in (K617, K618)]
    heap[0].measurements[0].unit = "instructions/operation"
    assert build([*paths, *heap]).kernels == [K617, K618]
    assert "instructions/operation" in build([*paths, *heap], heap=True).unit
    with pytest.raises(GcprotoError, match="no result of the heap in guests"):
        build(paths, heap=True)


def test_what_scatters_is_no_step() -> None:
    values = dict(STOCK[K618])
    results = [guest_result(K617, values | {MOVE: value}, boot=boot) for boot, value in enumerate((220.0, 240.0), 1)]
    results += [guest_result(K618, values | {MOVE: value}, boot=boot) for boot, value in enumerate((236.0, 256.0), 1)]
    assert changes(build(results), K617, K618) == []


def test_the_canary_voids() -> None:
    values = dict(STOCK[K618])
    series = build([guest_result(K617, values), guest_result(K618, values | {CANARY: values[CANARY] * 1.2})])
    assert "canary" in void(series, K617, K618)
    series = build([guest_result(K617, values), guest_result(K618, values | {CANARY: values[CANARY] * 1.01})])
    assert void(series, K617, K618) == ""
    assert "0.5%" in void(series, K617, K618, same_kernel=True)
    del values[CANARY]
    assert "no canary" in void(build([guest_result(K617, values)]), K617, K617)


def test_invalid_measurements_make_no_values() -> None:
    bad = guest_result(K618, STOCK[K618], boot=2)
    for one in bad.measurements:
        one.valid = False
        one.median = 1e9
    series = build([guest_result(K618, STOCK[K618]), bad])
    assert series.cells[MOVE][K618].boots == series.cells[MOVE][K618].invalid == 1
    assert series.value(MOVE, K618) == pytest.approx(226.2, rel=0.01)


def test_unlike_guests_and_programs_are_no_series_but_unlike_hosts_are() -> None:
    values = STOCK[K618]
    build([guest_result(K617, values, host="a"), guest_result(K618, values, host="b")])
    with pytest.raises(GcprotoError, match="they differ in guests"):
        build([guest_result(K617, values), guest_result(K618, values, options={"memory_mib": 2048})])
    with pytest.raises(GcprotoError, match="they differ in architecture, page size or processor"):
        build([guest_result(K617, values), guest_result(K618, values, options={"cpu": "other"})])
    other = guest_result(K618, values)
    other.producer.benchmark = "another"
    with pytest.raises(GcprotoError, match="starts a new series"):
        build([guest_result(K617, values), other])
    timed = [guest_result(K617, values, host="a"), guest_result(K618, values, host="b")]
    for result in timed:
        for one in result.measurements:
            one.unit = "ns/page"
    with pytest.raises(GcprotoError, match="times depend on them"):
        build(timed)
    with pytest.raises(GcprotoError, match="no result of paths in guests"):
        build([])


def test_history_says_the_steps_and_draws_them(folder: Path, tmp_path: Path) -> None:
    save(guest_result("6.19.14+deb13-cloud-amd64", {}, outcome="panic", why="Kernel panic [/bold]"), folder)
    (folder / "broken.json").write_text("{")
    done = run("history", folder, "--plot", tmp_path / "a.svg", "--plot", tmp_path / "a.png")
    said = " ".join(done.stdout.split())
    assert "-81.5% small move 2M: 1220 -> 226; userfaultfd: opportunistic TLB-flush batching" in said
    assert "+8.0%  small move 2M: 215 -> 232" in done.stdout
    assert "6.19.14+deb13, boot 1: panic: Kernel panic [/bold]" in done.stdout
    assert "passed over" in done.stderr
    svg = (tmp_path / "a.svg").read_text()
    assert "UFFDIO_MOVE and UFFDIO_COPY by kernel" in svg
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    run("history", folder, "--plot", tmp_path / "b.svg")
    assert (tmp_path / "b.svg").read_text() == svg


def test_history_for_programs(folder: Path) -> None:
    document = json.loads(run("history", folder, "--json").stdout)
    assert document["unit"] == "instructions/page"
    assert len(document["kernels"]) == 5
    assert len(document["cells"]) == 5
    run("history", folder, "--fail-on-step", code=1)
    run("history", folder, "--fail-on-step", "--threshold", "2000")


def test_compare_by_version(folder: Path) -> None:
    done = run("compare", "7.2", "7.3.4", "--results", folder)
    assert "+8.0%" in done.stdout
    assert "  more" in done.stdout
    run("compare", "7.2", "7.3", "--results", folder, "--fail-above", "5", code=1)
    run("compare", "7.2", "7.3", "--results", folder, "--fail-above", "10")
    assert "several kernels" in run("compare", "6", "7.3", "--results", folder, code=2).stderr
    assert "not a kernel" in run("compare", "5.4", "7.3", "--results", folder, code=2).stderr
    assert json.loads(run("compare", "7.2", "7.3", "--results", folder, "--json").stdout)["void"] == ""


def test_compare_two_runs_of_one_kernel(tmp_path: Path) -> None:
    base, new = tmp_path / "base", tmp_path / "new"
    save(guest_result(K618, STOCK[K618]), base)
    save(guest_result(K618, {**STOCK[K618], CANARY: 4060.0 * 1.01}), new)
    assert "VOID" in run("compare", base, new, code=1).stdout
    run("compare", base, base)


def test_what_is_not_found_is_named_with_what_there_is(folder: Path, tmp_path: Path) -> None:
    said = run("compare", "7.2", "nosuch", "--results", folder, code=2).stderr
    assert "'nosuch' is not a kernel of these results" in said
    assert "there are: 6.16.12+deb13" in said
    said = run("compare", folder, tmp_path / "nosuch", "--results", folder, code=2).stderr
    assert f"'{tmp_path}/nosuch' was not found" in said
    assert f"{folder} is a file or folder" in said
    done = subprocess.run(
        [*COMMAND, "compare", "7.2", "nosuch"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, "there is no such folder" in done.stderr, "nosuch" in done.stderr) == (2, True, True)


def test_an_option_that_the_results_can_not_answer_is_wrong_usage(folder: Path) -> None:
    """It was exit code 3: that this machine can't do it."""
    assert "no result of the heap in guests" in run("history", folder, "--heap", code=2).stderr
    run("compare", "7.2", "7.3", "--results", folder, "--heap", code=2)


def test_a_picture_that_can_not_be_drawn_is_refused_before_anything_is_printed(folder: Path, tmp_path: Path) -> None:
    for name, code in (("a.jpg", 2), ("no/a.svg", 4)):
        assert run("history", folder, "--plot", tmp_path / name, code=code).stdout == ""
    read = next(folder.glob("*.json"))
    (tmp_path / "b.svg").symlink_to(read)
    done = run("history", folder, "--plot", tmp_path / "b.svg", code=2)
    assert (done.stdout, "results that are read" in done.stderr) == ("", True)


def test_nothing_to_show(tmp_path: Path) -> None:
    assert "kernels run --default" in run("history", tmp_path, code=2).stderr


def exported(folder: Path, *results: Result) -> dict[str, list[dict[str, object]]]:
    for one in results:
        save(one, folder)
    document: dict[str, list[dict[str, object]]] = json.loads(run("export", folder, "--kcidb").stdout)
    return document


def test_export_for_kernelci(tmp_path: Path) -> None:
    import kcidb_io

    verdicts = [Verdict(Hazard("ksm"), "ebusy", "512 pages"), Verdict(ContractRow("result-moved"), "differs", "x")]
    panicked = guest_result(K617, {}, outcome="panic", why="Kernel panic")
    panicked.skips = [Skip("job small", "never reached: panic")]
    document = exported(tmp_path, guest_result(K618, STOCK[K618], verdicts=verdicts), panicked)
    kcidb_io.schema.V5_3.validate_exactly(document)
    by_path = {str(test["path"]): test for test in document["tests"] if K618 in str(test["build_id"])}
    move = by_path["gcproto.paths.small.move.2M"]
    assert move["status"] == "DONE"
    assert isinstance(move["number"], dict)
    assert move["number"]["unit"] == "instructions/page"
    assert move["number"]["value"] == pytest.approx(226.2, rel=0.01)
    assert by_path["gcproto.hazard.ksm"]["status"] == "PASS"
    assert by_path["gcproto.contract.result-moved"]["status"] == "FAIL"
    failed = [test for test in document["tests"] if K617 in str(test["build_id"])]
    assert [test["status"] for test in failed] == ["FAIL", "SKIP"]
    assert "Linux version" in str(failed[0]["log_excerpt"])
    ids = [test["id"] for test in document["tests"]]
    assert len(set(ids)) == len(ids)
    run("export", tmp_path, "--kcidb", "--origin", "No Name", code=2)
    run("export", tmp_path, "--kcidb", "-o", tmp_path / "nowhere" / "x.json", code=4)
