"""Makes pytest-benchmark tell kernels apart: what it stores is keyed by kernel release and says the state of THP.

Its own key is the Python version, so that runs on two kernels of one machine would be one series.  With this one

    pytest benchmarks --benchmark-autosave                          adds to the series of the running kernel
    pytest benchmarks --benchmark-compare                           compares with the last run on this kernel
    pytest benchmarks --benchmark-compare='6.12.*/0001' --benchmark-compare-fail=median:10%
                                                                    compares with another kernel's
"""

import platform
from collections.abc import Iterator
from typing import Any

import pytest

from gcproto.host import environment
from gcproto.host.settings import Settings
from gcproto.paths.lab import Lab
from gcproto.paths.runner import choose_cpus

MACHINE_INFO = ("kernel", "page_size", "pmd_size", "thp", "uffd", "memory", "swap", "build", "steal")


def series() -> str:
    """The key of this kernel's series: release and architecture."""
    return f"{platform.release()}-{platform.machine()}"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Key the storage by kernel."""
    session: Any = getattr(config, "_benchmarksession", None)
    if session is None:
        raise pytest.UsageError("these benchmarks need pytest-benchmark: pip install 'gcproto[bench]'")
    session.machine_id = series()
    session.storage.default_machine_id = series()


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """What decides over the figures besides the processor."""
    found = environment.capture()
    machine_info["gcproto"] = {name: found[name] for name in MACHINE_INFO}
    machine_info["gcproto"]["cpus"] = choose_cpus()


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings | None]:
    """Settings for as long as the benchmarks run; None without the privilege to change any."""
    with Settings() as found:
        if found.may_change():
            found.quiet_khugepaged()
            found.mthp_only(None)
        yield found if found.may_change() else None


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The process that measures."""
    with Lab() as found:
        yield found
