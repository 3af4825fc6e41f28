"""Tests of guests run again if they met the known race of their kernel, and for no other reason."""

from pathlib import Path

import pytest

from gcproto.results.schema import InvalidRound
from gcproto.results.store import save
from tests.kernels.test_arm64 import arm64
from tests.support.races import met_the_race

HERE = "255 destination pages were there already"


@pytest.mark.parametrize(
    ("release", "reasons", "met"),
    [
        ("6.18.15+deb13-cloud-arm64", [HERE], True),
        ("6.18.15+deb13-cloud-arm64", [HERE, HERE], True),
        ("6.18.15+deb13-cloud-arm64", [HERE, "page 3 is elsewhere"], False),
        ("6.18.15+deb13-cloud-arm64", [], False),
        ("7.3.4+deb13-cloud-arm64", [HERE], False),
        ("6.17.13+deb13-cloud-arm64", [HERE], False),
    ],
)
def test_only_the_race_of_an_affected_kernel_is_one(
    release: str, reasons: list[str], met: bool, tmp_path: Path
) -> None:
    result = arm64(release)
    result.measurements[1].invalid_rounds = [InvalidRound(number, 1.0, why) for number, why in enumerate(reasons)]
    save(result, tmp_path)
    assert met_the_race(tmp_path) == met


def test_without_results_there_was_no_race(tmp_path: Path) -> None:
    assert not met_the_race(tmp_path)
