"""What a result says of itself, also where it says little."""

import pytest

from gcproto.results.facts import (
    branch_of,
    cell_of,
    cpu_of,
    of_heap,
    page_size_of,
    pmd_size_of,
    release_of,
    version_key,
)
from tests.support.kernel_results import STOCK, guest_result
from tests.support.result_maker import noisy_run


def test_an_environment_that_says_nothing() -> None:
    run = noisy_run(1)
    run.environment = {}
    assert (release_of(run), cpu_of(run), page_size_of(run), pmd_size_of(run)) == ("unknown", "unknown", 4096, 2 << 20)
    run.environment = {"kernel": {}, "cpu": None, "page_size": 65536}
    assert (release_of(run), cpu_of(run), pmd_size_of(run)) == ("unknown", "unknown", 512 << 20)


def test_a_cell_of_the_matrix() -> None:
    kernel = "6.18.15+deb13-cloud-amd64"
    heap = guest_result(kernel, STOCK[kernel], options={"set": "heap"})
    assert of_heap(heap)
    assert not of_heap(guest_result(kernel, STOCK[kernel]))
    assert cell_of(noisy_run(1)) is None


@pytest.mark.parametrize(
    ("release", "branch"),
    [("6.18.44", (6, 18)), ("7.3~rc7", (7, 3)), ("unknown", None), ("7", None), ("", None), ("9" * 5000, None)],
)
def test_branches(release: str, branch: tuple[int, int] | None) -> None:
    assert branch_of(release) == branch
    assert version_key(release)
