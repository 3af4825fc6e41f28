"""measure.sh: boots of two kernels in turns, on a machine that is a folder here."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from gcproto.kernels.build import boots, built, package


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for the script, and for the programs that it calls."""
    return tmp_path


def two_kernels(home: Path) -> list[package.Packed]:
    """As if they were packed."""
    (home / "out").mkdir()
    made = []
    for name in ("stock", "patched"):
        release = f"7.3.4-{name}"
        kernel = built.Built(name, release, "7.3.4", "a tree", ("machine",), (), "", "gcc 1", "", 1.0, (), ())
        made.append(package.Packed(kernel, home / f"out/linux-image-{release}_7.3.4-1_amd64.deb"))
    return made


def test_the_script_and_the_commands_name_both_kernels(home: Path) -> None:
    made = two_kernels(home)
    text = boots.steps(made, home / "out")
    for word in ("7.3.4-stock", "7.3.4-patched", "apt-get install ./linux-image-", "kexec -l", "gcproto compare"):
        assert word in text
    script = home / "out/measure.sh"
    assert "BASE=7.3.4-stock\nNEW=7.3.4-patched\n" in script.read_text()
    assert "@" not in "".join(line for line in script.read_text().splitlines() if line.startswith(("BASE", "NEW")))
    for words, code in (
        ([], 2),
        (["root@x", "no"], 2),
        (["root@x", "0"], 2),
        (["root@x", "1"], 2),
        (["root@x", "9" * 20], 2),
    ):
        assert subprocess.run(["sh", script, *words], capture_output=True, check=False).returncode == code


@dataclass
class Boots:
    """A machine that is a folder: ssh runs words in it, kexec notes the kernel that would run."""

    home: Path

    def __post_init__(self) -> None:
        home = self.folder = self.home
        boots.steps(two_kernels(home), home / "out")
        self.script = home / "out/measure.sh"
        text = self.script.read_text()
        self.script.write_text(text.replace("SETTLE_SECONDS=60", "SETTLE_SECONDS=0").replace("sleep 5", "sleep 0.1"))
        (home / "bin").mkdir()
        # The last word is the command; what is before it are options and the machine.
        self.program(
            "ssh",
            f"""\
case "$*" in
*"cat /proc/sys"*) cat {home}/boot ;;
*kexec\\ -l*) echo "$*" | grep -o '7[.]3[.]4-[a-z]*' | head -1 > {home}/next ;;
*"systemctl kexec"*) cp {home}/next {home}/running; echo x >> {home}/boot ;;
*"uname -r"*) cat {home}/running ;;
*"gcproto bench"*)
    echo "$(cat {home}/running) $*" >> {home}/measured
    rm -rf {home}/there; mkdir {home}/there; head -c 9000 /dev/zero > {home}/there/paths-x.json
    . {home}/bench ;;
esac""",
        )
        self.program("scp", f'cp -r {home}/there "$4" || exit; . {home}/copy')
        self.program("gcproto", f'echo "$*" > {home}/compared')
        (home / "boot").write_text("first\n")
        self.after(bench="", copy="")

    def program(self, name: str, text: str) -> None:
        (self.home / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.home / "bin" / name).chmod(0o755)

    def after(self, bench: str, copy: str) -> None:
        """What else happens in a measurement there, and in a copy to here."""
        (self.home / "bench").write_text(bench)
        (self.home / "copy").write_text(copy)

    def run(self, *words: str, code: int = 0) -> str:
        """What the script says on standard error."""
        done = subprocess.run(
            ["sh", str(self.script), "root@x", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={"PATH": f"{self.home}/bin:/usr/bin:/bin"},
            timeout=30,
        )
        assert done.returncode == code, done.stderr
        return done.stderr

    def measured(self) -> list[str]:
        """The kernels that were measured since the last call."""
        file = self.home / "measured"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line.split()[0].removeprefix("7.3.4-") for line in lines]

    def results(self) -> list[str]:
        """Boots and kernels of which there is a result here."""
        found = sorted((self.folder / "gcproto-boots").glob("*/*.json"))
        assert all(one.stat().st_size > 8000 for one in found), "all are whole"
        return [f"{one.parent.name.removeprefix('7.3.4-')} {one.name.split('-')[1]}" for one in found]


def test_the_script_boots_in_turns_and_measures_in_each_boot(home: Path) -> None:
    machine = Boots(home)
    machine.run("2", "--quick", "it's two  words")
    lines = (home / "measured").read_text().splitlines()
    assert all("--quick" in line for line in lines)
    assert all("""'it'\\''s two  words'""" in line for line in lines), "quoted for the shell of the machine"
    assert machine.measured() == ["stock", "patched", "patched", "stock"]
    assert machine.results() == ["patched 1", "patched 2", "stock 1", "stock 2"]
    assert (home / "compared").read_text() == "compare gcproto-boots/7.3.4-stock gcproto-boots/7.3.4-patched\n"
    assert machine.run("3", "--quick", "it's two  words").count("measure.sh: boot 3 of 3") == 2
    assert machine.measured() == ["stock", "patched"], "more boots are added"
    assert "of another machine, other kernels or other options" in machine.run("3", code=3)
    assert machine.measured() == []


@pytest.mark.parametrize(
    ("bench", "copy", "code", "said"),
    [
        ("exit 4", "", 4, "gcproto bench can't write on root@x: is the disk full?  Free some space and run"),
        ("exit 255", "", 3, "gcproto bench failed on 7.3.4-patched (exit code 255); run the same command again"),
        ("", "exit 1", 4, "can't be copied from gcproto-boots.part on root@x: is the disk full?"),
        ("rm {home}/there/*", "", 3, "left no result on 7.3.4-patched"),
    ],
)
def test_the_script_goes_on_where_it_stopped(bench: str, copy: str, code: int, said: str, home: Path) -> None:
    """The third boot fails: no half result is left, and only that boot is repeated."""
    machine = Boots(home)
    third = f"[ $(wc -l < {home}/measured) -lt 3 ] || "
    machine.after(bench and third + bench.format(home=home), copy and third + copy)
    assert said in machine.run("2", code=code)
    assert machine.measured() == ["stock", "patched", "patched"]
    assert machine.results() == ["patched 1", "stock 1"]
    assert not (home / "compared").exists()
    machine.after("", "")
    machine.run("2")
    assert machine.measured() == ["patched", "stock"]
    assert machine.results() == ["patched 1", "patched 2", "stock 1", "stock 2"]
    here = {one.name for one in (home / "gcproto-boots").iterdir()}
    assert here == {"7.3.4-stock", "7.3.4-patched", "asked"}


@pytest.mark.needs("root")
@pytest.mark.parametrize(("kib", "done"), [(4, []), (36, ["patched 1", "stock 1"])])
def test_the_script_leaves_no_half_result_on_a_full_disk(kib: int, done: list[str], home: Path) -> None:
    machine = Boots(home)
    machine.folder = home / "small"
    machine.folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", machine.folder], check=True)
    try:
        assert "is the disk full?  Free some space and run the same command again" in machine.run("2", code=4)
        assert machine.results() == done
        subprocess.run(["mount", "-o", "remount,size=1m", machine.folder], check=True)
        machine.measured()
        machine.run("2")
        assert machine.measured() == ["stock", "patched", "patched", "stock"][len(done) :]
        assert machine.results() == ["patched 1", "patched 2", "stock 1", "stock 2"]
    finally:
        subprocess.run(["umount", machine.folder], check=True)


def test_the_script_goes_on_after_ctrl_c_and_never_runs_twice(home: Path) -> None:
    machine = Boots(home)
    machine.after(f"[ $(wc -l < {home}/measured) -lt 2 ] || kill -INT $(cat {home}/gcproto-boots/pid)", "")
    assert "run the same command again to go on" in machine.run("2", code=130)
    assert machine.measured() == ["stock", "patched"]
    (home / "gcproto-boots/pid").write_text(str(os.getpid()))
    assert f"process {os.getpid()} measures into the folder" in machine.run("2", code=3)
    (home / "gcproto-boots/pid").unlink()
    machine.after("", "")
    machine.run("2")
    assert machine.measured() == ["patched", "patched", "stock"]
    assert machine.results() == ["patched 1", "patched 2", "stock 1", "stock 2"]


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("vmlinuz-7.3.4-patched", "7.3.4-patched is not installed on root@x"),
        ("command -v kexec", "kexec is missing"),
        ("command -v gcproto", "gcproto is not installed on root@x"),
        ("boot_id", "does not answer"),
        ("", "the folder gcproto-boots here is of another machine"),
    ],
)
def test_the_script_says_what_is_missing_before_the_first_boot(
    missing: str, message: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boots.steps(two_kernels(home), home / "out")
    bin_ = home / "bin"
    bin_.mkdir()
    for name, text in (
        ("ssh", f'case "$*" in *"{missing}"*) exit 1 ;; *kexec\\ -l*) touch {home}/loaded ;; esac; echo x'),
        ("gcproto", ""),
    ):
        (bin_ / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_ / name).chmod(0o755)
    if not missing:
        (home / "gcproto-boots").mkdir()
    monkeypatch.setenv("PATH", f"{bin_}:/usr/bin:/bin")
    done = subprocess.run(
        ["sh", home / "out/measure.sh", "root@x"], capture_output=True, text=True, check=False, cwd=home, timeout=20
    )
    assert done.returncode == 3
    assert message in done.stderr
    assert not (home / "loaded").exists()
