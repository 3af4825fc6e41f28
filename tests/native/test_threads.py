"""The heap's C code under ThreadSanitizer: pages, world, window and compaction, with the threads of their tests."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import ROOT

EVERY = "7"
"""Of the combinations, one in so many; ``make check-tsan`` runs all of them, which takes a minute."""


@pytest.mark.needs("move", "tsan")
@pytest.mark.timeout(180)
def test_no_data_race() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("TSAN_OPTIONS", "MAKEFLAGS")}
    done = subprocess.run(
        ["make", "-C", str(ROOT), "-s", "check-tsan", f"ARGS={EVERY}"],
        env=environment, capture_output=True, text=True, check=False, timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert done.stdout.count("\nok ") > 60
    assert "FAILED" not in done.stdout
    assert "ThreadSanitizer" not in done.stderr


@pytest.mark.needs("tsan")
def test_a_data_race_is_found(tmp_path: Path) -> None:
    """The check can fail: the reason of an error, read without waiting for the thread that writes it."""
    source = tmp_path / "race.c"
    source.write_text(
        "#include <pthread.h>\n"
        "static int told, reason;\n"
        "static void *fail(void *unused)\n"
        "{\n    reason = 1;\n    __atomic_store_n(&told, 1, __ATOMIC_RELAXED);\n    return unused;\n}\n"
        "int main(void)\n"
        "{\n    pthread_t thread;\n    pthread_create(&thread, 0, fail, 0);\n"
        "    while (!__atomic_load_n(&told, __ATOMIC_ACQUIRE))\n        ;\n"
        "    int found = reason;\n    pthread_join(thread, 0);\n    return found - 1;\n}\n",
        encoding="utf-8",
    )
    subprocess.run(
        ["cc", "-g", "-O1", "-fsanitize=thread", "-pthread", str(source), "-o", str(tmp_path / "race")], check=True
    )
    done = subprocess.run(["setarch", "-R", str(tmp_path / "race")], capture_output=True, text=True, check=False)
    assert "data race" in done.stderr
