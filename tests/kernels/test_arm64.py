"""Guests of another architecture: images, names, refusals, and one boot."""

import io
import re
import struct
from pathlib import Path

import pytest
from rich.console import Console

from gcproto.cli.kernels.platform import NAMES, PAGE_SIZES
from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.architecture import AMD64, ARM64, ROWS, named
from gcproto.kernels.build import kconfig
from gcproto.kernels.build.build import need_tools
from gcproto.kernels.get.catalog import Catalog, group, locked
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.get.image_file import read_image
from gcproto.kernels.guest import machine, programs
from gcproto.kernels.guest.script import SETS, Measure
from gcproto.kernels.guest.sizes import Sizes
from gcproto.kernels.run.cell import STRESS, Cell, run_cell
from gcproto.report.terminal.contpte import print_blocks
from gcproto.report.terminal.functions import print_events
from gcproto.report.terminal.platforms import print_beside, print_between
from gcproto.report.terminal.proposal import print_proposal, rows
from gcproto.results.exports.kcidb import document
from gcproto.results.facts import brief, platform_of, release_of, short, version_key
from gcproto.results.platforms import beside, between, series_of
from gcproto.results.profiles.events import events
from gcproto.results.profiles.explain import profiled
from gcproto.results.schema import (
    Blocks,
    FunctionProfile,
    Measurement,
    PathFigures,
    PathScenario,
    Profile,
    Result,
    Scenario,
)
from gcproto.results.series import build
from gcproto.results.statistics import midmean
from gcproto.results.store import load
from gcproto.sizes import size_text
from tests.kernels.test_catalog import package
from tests.kernels.test_run import run
from tests.support.kernel_results import CANARY, COPY, MOVE, MOVE_SINGLE, SPLIT, guest_result, stock
from tests.support.processes import run_gcproto
from tests.support.result_maker import scenario

N1 = ARM64.cpu().model
PMD = 2 << 20
FOUR, SIXTEEN = 4096, 16384


def image(page: int = 1, *, big: bool = False, banner: bytes = b"Linux version 7.3.4+deb13-arm64-16k (d) #1") -> bytes:
    """The beginning of an Image of arm64; `page` as in bits 1 and 2 of its flags."""
    head = bytearray(64)
    head[:2] = b"MZ"
    struct.pack_into("<QQ", head, 0x10, 1 << 30, int(big) | page << 1)
    head[0x38:0x3C] = b"ARM\x64"
    return bytes(head) + bytes(5000) + banner + b"\n"


@pytest.mark.parametrize(("page", "size"), [(1, 4096), (2, 16384), (3, 65536)])
def test_an_image_says_release_and_page_size(tmp_path: Path, page: int, size: int) -> None:
    path = tmp_path / "vmlinuz"
    path.write_bytes(image(page))
    found = read_image(path)
    assert found.architecture is ARM64
    assert (found.image.release, found.image.page_size) == ("7.3.4+deb13-arm64-16k", size)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (image(0), "names no page size"),
        (image(big=True), "big-endian"),
        (image()[:2000], "truncated"),
        (image(banner=b"Linux version "), "truncated"),
    ],
)
def test_bad_images_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "vmlinuz"
    path.write_bytes(data)
    with pytest.raises(GcprotoError, match=message) as caught:
        read_image(path)
    assert caught.value.code == ExitCode.USAGE


def test_the_options_name_all_rows() -> None:
    assert tuple(one.name for one in ROWS) == NAMES
    assert tuple(size_text(one) for one in ARM64.page_sizes) == PAGE_SIZES
    assert all(named(one.name) is one for one in ROWS)
    with pytest.raises(GcprotoError, match="amd64, arm64"):
        named("mips")


def test_a_processor_without_the_page_size_is_refused_as_it_would_hang(tmp_path: Path) -> None:
    ARM64.see_that_it_translates("cortex-a72", FOUR)
    with pytest.raises(GcprotoError, match="never end") as caught:
        ARM64.see_that_it_translates("cortex-a72", SIXTEEN)
    assert "neoverse-n1" in caught.value.remedy
    assert caught.value.code == ExitCode.USAGE
    with pytest.raises(GcprotoError, match="cortex-a57"):
        ARM64.cpu("cortex-a57")
    words = ("kernels", "run", "7.3", "--arch", "arm64", "--page-size", "16k", "--cpu", "cortex-a72")
    done = run_gcproto(*words, "--out", str(tmp_path / "r"))
    assert (done.returncode, "no pages of 16K" in done.stderr) == (2, True)


def test_a_kernel_that_checks_by_memory_tags_has_a_processor_with_them() -> None:
    tagged = next(one.model for one in ARM64.cpus if one.tags)
    ARM64.see_that_it_has_tags("", "fast+debug+kasan")
    ARM64.see_that_it_has_tags(tagged, "fast+debug+kasan-hw")
    with pytest.raises(GcprotoError, match="check nothing") as caught:
        ARM64.see_that_it_has_tags("", "fast+debug+kasan-hw")
    assert (caught.value.code, tagged in caught.value.remedy) == (ExitCode.USAGE, True)
    words = machine.Machine(architecture="arm64", cpu=tagged).command("k", "i", "c")
    assert "mte=on" in words
    assert "mte=on" not in machine.Machine(architecture="arm64").command("k", "i", "c")
    asked = kconfig.chosen(["kasan-hw"], ARM64, SIXTEEN).asked
    assert {asked[f"CONFIG_{one}"] for one in ("ARM64_MTE", "KASAN_HW_TAGS", "DEBUG_VM", "ARM64_16K_PAGES")} == {"y"}
    assert "CONFIG_KASAN_GENERIC" not in asked
    with pytest.raises(GcprotoError, match="amd64 have no configuration kasan-hw") as other:
        kconfig.chosen(["kasan-hw"])
    assert "--arch arm64" in other.value.remedy
    kernel = LocalKernel("7.3.4-x-arm64", "k", (), "here", architecture="arm64", configuration="fast+debug+kasan-hw")
    guest = run_cell(Cell(kernel, STRESS, machine.Machine(architecture="arm64"))).guest
    assert guest
    assert (guest.outcome, "no memory tags" in guest.why) == ("unbootable", True)


def test_a_kernel_that_checks_by_memory_tags_has_a_qemu_that_keeps_them() -> None:
    for qemu in ("8.0.0", "10.0.2", "unknown"):
        ARM64.see_that_tags_are_kept("fast+debug+kasan-hw", qemu)
    ARM64.see_that_tags_are_kept("fast+debug+kasan", "7.2.22")
    with pytest.raises(GcprotoError, match=r"QEMU 7\.2\.22 mixes up memory tags") as caught:
        ARM64.see_that_tags_are_kept("fast+debug+kasan-hw", "7.2.22")
    assert "bookworm-backports qemu-system-arm" in caught.value.remedy


def test_the_machine_is_virt_with_one_processor_model_and_its_own_port_for_results() -> None:
    words = machine.Machine(architecture="arm64").command("k", "i", "c")
    assert words[0] == "qemu-system-aarch64"
    assert words[words.index("-cpu") + 1] == N1
    assert "pci-serial,chardev=results" in words
    assert words[words.index("-append") + 1].endswith("GCPROTO_PORT=/dev/ttyS0")
    x86 = machine.Machine().command("k", "i", "c")
    assert x86[:3] == ["qemu-system-x86_64", "-accel", "tcg"]
    assert x86[x86.index("-append") + 1] == "console=ttyS0 panic=-1 oops=panic quiet nokaslr"


def test_without_its_packages_the_commands_that_install_them_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GcprotoError, match="apt-get install --no-install-recommends qemu-system-arm") as qemu:
        machine.need(ARM64)
    with pytest.raises(GcprotoError, match="apt-get install --no-install-recommends gcc-aarch64-linux-gnu") as compiler:
        programs.build(ARM64)
    with pytest.raises(GcprotoError, match="gcc-aarch64-linux-gnu") as tools:
        need_tools(ARM64)
    assert {one.value.code for one in (qemu, compiler, tools)} == {ExitCode.UNABLE}


def test_the_lock_names_the_architecture_of_every_kernel_and_both_page_sizes_have_a_matrix() -> None:
    known = Catalog(locked())
    assert {one.architecture for one in known.kernels} == {"amd64", "arm64"}
    assert all(one.flavour for one in known.kernels)
    matrix = known.default(ARM64)
    assert {one.page_size for one in matrix} == {FOUR, SIXTEEN}
    for pages in ARM64.page_sizes:
        moving = [one for one in known.default(ARM64, pages) if one.upstream >= "6.12" and one.upstream < "8"]
        assert len([one for one in moving if one.version.branch >= (6, 12)]) >= 10
    assert known.find("7.3", ARM64).release.endswith("-cloud-arm64")
    assert known.find("7.3", ARM64, SIXTEEN).release.endswith("-arm64-16k")
    assert known.find("7.3").release.endswith("-cloud-amd64")
    with pytest.raises(GcprotoError, match="of arm64 with pages of 16K"):
        known.find("6.1", ARM64, SIXTEEN)


def test_packages_of_an_architecture_become_its_kernels() -> None:
    (made,) = group([(package("linux-image-6.18.15+deb13-arm64-16k", "6.18.15-1"), "trixie-backports")], ARM64)
    assert (made.architecture, made.page_size, made.upstream) == ("arm64", SIXTEEN, "6.18.15")


def test_configurations_have_the_fragments_of_architecture_and_page_size() -> None:
    x86, four, sixteen = kconfig.chosen([]), kconfig.chosen([], ARM64), kconfig.chosen(["debug"], ARM64, SIXTEEN)
    assert (x86.key, four.key, sixteen.key) == ("fast", "fast-arm64", "debug-arm64-16k")
    assert (x86.names, four.names, sixteen.label) == (("fast",), ("fast",), "debug")
    assert x86.asked["CONFIG_KVM_GUEST"] == "y"
    assert "CONFIG_KVM_GUEST" not in four.asked
    assert four.asked["CONFIG_ARM64_4K_PAGES"] == sixteen.asked["CONFIG_ARM64_16K_PAGES"] == "y"
    assert "CONFIG_ARM64_16K_PAGES" not in four.asked
    assert (AMD64.suffix(FOUR), ARM64.suffix(FOUR), ARM64.suffix(SIXTEEN)) == ("", "-arm64", "-arm64-16k")


def arm64(release: str, page_size: int = FOUR, factor: float = 1.0, cpu: str = N1) -> Result:
    """One boot of an arm64 guest; `factor`: of MOVE."""
    values: dict[Scenario, float] = {
        CANARY: 4673.0,
        COPY: 4127.0,
        MOVE_SINGLE: 2957.0,
        MOVE: 219.6 * factor,
        SPLIT: 2888.0,
    }
    if page_size != FOUR:
        single = scenario("move", page_size, pages=512)
        values = {CANARY: 5431.0, COPY: 8356.0, single: 2928.0, MOVE: 245.7 * factor}
    made = guest_result(release, values, noise=2e-5, options={"cpu": cpu})
    made.environment |= {"arch": "aarch64", "page_size": page_size}
    return made


def test_names_say_architecture_page_size_and_processor_and_those_of_x86_are_as_they_were() -> None:
    old, new = stock(1)[0], arm64("7.3.4+deb13-arm64-16k", SIXTEEN)
    assert release_of(old) == "6.16.12+deb13-cloud-amd64"
    assert short(release_of(old)) == "6.16.12+deb13"
    name = release_of(new)
    assert name == "7.3.4+deb13-arm64-16k [arm64 16K neoverse-n1]"
    assert short(name) == "7.3.4+deb13 [arm64 16K neoverse-n1]"
    assert brief(name) == "7.3.4 arm64 16K"
    assert short("7.3.4-stock-arm64 [arm64 4K neoverse-n1]") == "7.3.4-stock [arm64 4K neoverse-n1]"
    assert version_key(name) > version_key("7.2.12+deb13-cloud-arm64 [arm64 4K neoverse-n1]")
    assert platform_of(new) == "arm64 16K neoverse-n1"


def test_kcidb_has_the_architecture() -> None:
    pytest.importorskip("kcidb_io")
    made = document([arm64("7.3.4+deb13-cloud-arm64"), arm64("7.3.4+deb13-arm64-16k", SIXTEEN)], "gcproto")
    assert [one["architecture"] for one in made["builds"]] == ["arm64", "arm64"]
    assert len({one["id"] for one in made["builds"]}) == 2
    assert "neoverse-n1" in made["builds"][0]["id"]


@pytest.mark.parametrize(
    "other",
    [arm64("7.3.4+deb13-arm64-16k", SIXTEEN), arm64("7.3.4+deb13-cloud-arm64", cpu="cortex-a72"), stock(1)[0]],
    ids=["page size", "processor", "architecture"],
)
def test_platforms_do_not_form_one_series(other: Result) -> None:
    with pytest.raises(GcprotoError, match="architecture, page size or processor") as caught:
        build([arm64("7.3.4+deb13-cloud-arm64"), other])
    assert "--across-architectures" in caught.value.remedy


def test_steps_beside_each_other_say_where_they_are() -> None:
    x86 = [one for one in stock(1) if "6.17" in release_of(one) or "6.18" in release_of(one)]
    four = [arm64("6.17.13+deb13-cloud-arm64", factor=6), arm64("6.18.15+deb13-cloud-arm64")]
    sixteen = [arm64("6.17.13+deb13-arm64-16k", SIXTEEN), arm64("6.18.15+deb13-arm64-16k", SIXTEEN)]
    platforms = series_of([*x86, *four, *sixteen])
    found = {(one.name, one.before, one.after): one for one in beside(platforms, 0.02)}
    move = next(one for (name, *_), one in found.items() if "2M" in name and "move" in name and "mTHP" not in name)
    assert move.stepping == ["arm64 4K neoverse-n1", "x86_64 4K max"]
    assert move.changes["arm64 16K neoverse-n1"].step is False
    (split,) = [one for (name, *_), one in found.items() if "mTHP" in name]
    assert split.stepping == ["x86_64 4K max"]
    assert "arm64 16K neoverse-n1" not in split.changes  # not measured there
    out = io.StringIO()
    print_beside(list(found.values()), platforms, Console(file=out, width=200))
    assert "x86_64 4K only" in out.getvalue()
    assert "6.17 -> 6.18" in out.getvalue()


def test_two_kernels_across_page_sizes_show_the_same_work_only() -> None:
    platforms = series_of([arm64("7.3.4+deb13-cloud-arm64"), arm64("7.3.4+deb13-arm64-16k", SIXTEEN)])
    sixteen, four = (platforms[f"arm64 {size} neoverse-n1"] for size in ("16K", "4K"))
    found = between(four, four.kernels[0], sixteen, sixteen.kernels[0])
    assert len(found) == 4  # a page, 2 MiB, copy, the canary; no 64 KiB folios in the other
    assert any(one.name.endswith("(a page)") for one in found)
    out = io.StringIO()
    print_between(found, four.kernels[0], sixteen.kernels[0], Console(file=out, width=200))
    assert "ACROSS ARCHITECTURES" in out.getvalue()


@pytest.mark.needs("qemu-aarch64", "gcc-aarch64", "arm64_kernel")
def test_a_kernel_boots_moves_and_is_counted(tmp_path: Path) -> None:
    words = ("run", "6.18", "--arch", "arm64", "--set", "contpte", "--rounds", "3", "--profile")
    done = run(*words, "--out", tmp_path / "r", timeout=400)
    assert "Blocks of contpte that a round folded and unfolded" in done.stdout
    (path,) = (tmp_path / "r").glob("*.json")
    one = load(path)
    assert one.guest
    assert one.guest.outcome == "done"
    assert one.environment["arch"] == "aarch64"
    assert one.environment["notes"] == []
    assert release_of(one).endswith("-cloud-arm64 [arm64 4K neoverse-n1]")
    assert all(measured.valid for measured in one.measurements)
    values = {measured.scenario: measured.median for measured in one.measurements}
    batched, copied = values[MOVE], values[COPY]
    assert batched
    assert copied
    assert batched < copied / 5
    split = next(measured for measured in one.measurements if measured.scenario == SPLIT)
    assert split.proof.folios_split == split.proof.folios == 32 * 3
    blocks = {measured.scenario: blocks_of(measured) for measured in one.measurements if measured.scenario != CANARY}
    assert blocks[MOVE] == Blocks([0] * 3, [0] * 3)
    # Each folio of 64 KiB was a block until it was split. Of its pages none can form one again.
    assert blocks[SPLIT] == Blocks([0] * 3, [32] * 3)
    thp = {path_of(at).granule_bytes: seen for at, seen in blocks.items() if path_of(at).source == "thp"}
    assert thp == {64 << 10: Blocks([32] * 3, [32] * 3), PMD: Blocks([0] * 3, [0] * 3)}
    see_its_profiles(one)


def see_its_profiles(one: Result) -> None:
    """Functions add up to the count, and a move of small pages flushes once a call."""
    assert one.skips == []
    counts = {measured.scenario: midmean(measured.samples) for measured in one.measurements}
    profiles = dict(profiled(one))
    assert {*profiles} == {*counts}
    for at, profile in profiles.items():
        assert profile.by_clock
        # A round of 512 pages that move by one PMD has 4,700 instructions; boots differ by some ten of them.
        assert profile.instructions == pytest.approx(counts[at], rel=1e-3, abs=0.03)
    move = profiles[MOVE]
    assert move.functions[0].name == "move_pages", "move_pages_ptes is inlined"
    found = events(move)
    assert found.syscalls * 512 == pytest.approx(1, abs=0.1)
    assert found.rep == 0
    assert 0 < found.invlpg + found.invpcid < 0.1


def test_flushes_have_their_name_on_arm64() -> None:
    one = arm64("7.3.4+deb13-cloud-arm64")
    figures = PathFigures(profile=Profile(1, [FunctionProfile("move_pages", 100.0, invlpg=1.0, invpcid=0.5)]))
    next(found for found in one.measurements if found.scenario == MOVE).figures = figures
    out = io.StringIO()
    print_events([one], Console(file=out, width=200))
    assert "TLBI by" in out.getvalue()
    assert "INVLPG" not in out.getvalue()


def path_of(one: Scenario) -> PathScenario:
    assert isinstance(one, PathScenario)
    return one


def blocks_of(one: Measurement) -> Blocks | None:
    assert isinstance(one.figures, PathFigures)
    return one.figures.blocks


def test_blocks_of_contpte_are_for_arm64() -> None:
    done = run_gcproto("kernels", "run", "7.3", "--set", "contpte")
    assert (done.returncode, "give --arch arm64" in done.stderr) == (2, True)


def test_the_tables_have_blocks_where_they_were_watched() -> None:
    stock, patched = (arm64(f"7.3.4-{name}-arm64") for name in ("stock", "patched"))
    out = io.StringIO()
    for result, (folded, unfolded) in ((stock, (0, 32)), (patched, (32, 0))):
        found = next(one for one in result.measurements if one.scenario == SPLIT)
        found.figures = PathFigures(blocks=Blocks([folded] * 3, [unfolded] * 3))
    print_blocks([stock, patched], FOUR, Console(file=out, width=200))
    assert re.search(r"7.3.4-stock .* 0 +32 ", out.getvalue())
    assert re.search(r"7.3.4-patched .* 32 +0 ", out.getvalue())
    pair = (release_of(stock), release_of(patched))
    print_proposal(rows([stock, patched], *pair), pair, "", FOUR, "", Console(file=out, width=200))
    assert re.search(r"mTHP .* 0 -> 32 +32 -> 0", out.getvalue())
    plain = rows([stock, patched], *pair)[0]
    assert (plain.stock.folded, plain.stock.unfolded) == (None, None)


@pytest.mark.parametrize(
    ("page", "thp", "near", "shown"),
    [
        (FOUR, 2048, 64, (16, 64, 1024)),
        (SIXTEEN, 32768, 2048, (64, 2048, 8192)),
        (65536, 524288, 2048, (256, 2048, 8192)),
    ],
)
def test_sizes_of_folios_follow_from_the_page_size(page: int, thp: int, near: int, shown: tuple[int, ...]) -> None:
    sizes = Sizes(page)
    assert (sizes.thp_kib, sizes.kib(sizes.near_order)) == (thp, near)
    assert tuple(map(sizes.kib, sizes.shown_orders)) == shown
    assert sizes.order(thp) == sizes.thp_order == max(sizes.mthp_orders) + 1


@pytest.mark.parametrize("page", [FOUR, SIXTEEN, 65536])
@pytest.mark.parametrize("name", list(SETS))
def test_scripts_ask_for_whole_pages_and_folios_that_a_round_holds(page: int, name: str) -> None:
    sizes = Sizes(page)
    script = SETS[name](Measure(5, 2, 512, "instructions/page", 1, sizes), swap=True)
    assert len({job.name for job in script.jobs}) == len(script.jobs)
    for job in script.jobs:
        words = dict(zip(job.command[2::2], job.command[3::2], strict=True))
        for granule in words.get("--granule", str(page)).split(","):
            assert int(granule) % page == 0
        order = int(words.get("--order", sizes.thp_order if words.get("--source") == "thp" else 0))
        assert int(words.get("--pages", "512")) >= 1 << order
    known = {str(sizes.kib(order)) for order in (*sizes.mthp_orders, sizes.thp_order)}
    assert set(re.findall(r"hugepages-(\d+)kB/enabled madvise", script.text())) <= known
