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
import pytest_benchmark.session

from gcproto.experiments.paths.lab import Lab
from gcproto.host import environment
from gcproto.host.machine import choose_cpus
from gcproto.host.settings import Settings

MACHINE_INFO = ("kernel", "page_size", "pmd_size", "thp", "uffd", "memory", "swap", "build", "steal")


def series() -> str:
    """The key of this kernel's series: release and architecture."""
    return f"{platform.release()}-{platform.machine()}"


# pytest-benchmark offers no hook for the key of its storage; this function is the one place that it takes it from, when
# its session begins, which is after this file is imported.
pytest_benchmark.session.get_machine_id = series  # type: ignore[attr-defined]


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
