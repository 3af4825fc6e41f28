"""gcproto as it is installed from a release: built from a source archive, run from any folder."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.support.processes import ROOT

BUILD = "import setuptools.build_meta as build, sys; print(build.build_sdist(sys.argv[1]))"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.so", "*.o", "*.egg-info")
SOURCES = ("gcproto", "native", "pyproject.toml", "setup.py", "README.md", "LICENSE", "LICENSE.GPL-2")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which nothing was built."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def installed(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, made from the source archive as pip makes it from PyPI's."""
    made = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-c", BUILD, str(made)], cwd=sources, check=True, capture_output=True)
    (archive,) = made.glob("*.tar.gz")
    target = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(target),
    ]
    subprocess.run([*command, str(archive)], check=True, cwd="/")
    return target


def gcproto(installed: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The installed command, in a folder."""
    env = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [str(installed / "bin" / "gcproto"), *words],
        capture_output=True, text=True, check=False, cwd=cwd, env=env, timeout=100,
    )  # fmt: skip


@pytest.mark.needs("cc")
def test_the_source_archive_has_all_sources(sources: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", BUILD, str(tmp_path)], cwd=sources, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {name.split("/", 1)[-1] for name in packed.getnames()}
    for folder in ("gcproto", "native"):
        for path in (sources / folder).rglob("*"):
            wanted = path.is_file() and not {"__pycache__", "tests"} & set(path.parts) and path.suffix != ".pyc"
            assert not wanted or str(path.relative_to(sources)) in names, path


@pytest.mark.needs("cc", "move")
@pytest.mark.timeout(300)
class TestInstalled:
    @pytest.mark.parametrize("place", ["the checkout", "elsewhere"])
    def test_workers_find_the_native_library(self, sources: Path, installed: Path, tmp_path: Path, place: str) -> None:
        cwd = sources if place == "the checkout" else tmp_path
        words = ("bench", "--sources", "small", "--granules", "64k", "--rounds", "3", "--size", "2m", "--json")
        done = gcproto(installed, cwd, *words, "--out", str(tmp_path))
        assert done.returncode == 0, done.stderr
        assert all(one["valid"] for one in json.loads(done.stdout)["measurements"])

    def test_commands_find_their_data(self, installed: Path, tmp_path: Path) -> None:
        for words in (("kernels", "list"), ("contract", "--list"), ("doctor",)):
            done = gcproto(installed, tmp_path, *words)
            assert done.returncode == 0, done.stderr

    @pytest.mark.needs("static")
    def test_programs_of_guests_are_built_from_it(self, installed: Path, tmp_path: Path) -> None:
        code = "from gcproto.kernels.guest import programs; print(programs.build())"
        env = {**os.environ, "PYTHONPATH": str(installed), "GCPROTO_CACHE": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env=env
        )
        assert done.returncode == 0, done.stderr
        assert {"gcprobe", "init"} <= {path.name for path in Path(done.stdout.strip()).iterdir()}
