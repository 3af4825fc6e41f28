"""What a guest shows of its kernel's configuration."""

from gcproto.kernels.guest.configuration import NODES, SLABS, VULNERABILITIES, closing, seen

V = f"{VULNERABILITIES}/"


def test_a_kernel_of_a_distribution_shows_mitigations_numa_and_slabs() -> None:
    files = {NODES: "0\n", SLABS: "64\n", f"{V}spectre_v1": "Mitigation: usercopy\n", f"{V}meltdown": "Not affected\n"}
    found = seen(files, "Debian's cloud-amd64")
    assert found is not None
    assert (found.mitigations, found.numa, found.slub_tiny) == (("spectre_v1",), True, False)


def test_a_tiny_kernel_shows_none_of_them() -> None:
    found = seen({f"{V}spectre_v1": "Vulnerable\n"}, "fast")
    assert found is not None
    assert (found.name, found.mitigations, found.numa, found.slub_tiny) == ("fast", (), False, True)


def test_of_a_guest_that_ended_before_nothing_is_said() -> None:
    """Missing files would otherwise say that there is no NUMA."""
    assert seen({}, "fast") is None
    assert seen({NODES: "0\n"}, "fast") is None


def test_all_that_is_read_is_shown() -> None:
    assert {line.removeprefix("show ") for line in closing()} >= {NODES, SLABS, f"{V}spectre_v1"}
