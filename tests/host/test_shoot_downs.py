"""TLB shoot-downs, from the text of /proc/interrupts."""

from gcproto.host.shoot_downs import shoot_downs

TEXT = """           CPU0       CPU2
  0:         30          0   IO-APIC    2-edge      timer
TLB:         12        340   TLB shootdowns
"""


def test_all_processors_or_some() -> None:
    assert shoot_downs(text=TEXT) == 352
    assert shoot_downs([2], TEXT) == 340
    assert shoot_downs([0], TEXT) == 12


def test_a_processor_that_is_not_there_has_none() -> None:
    assert shoot_downs([1], TEXT) == 0


def test_a_machine_without_that_row_says_so() -> None:
    assert shoot_downs(text=TEXT.split("TLB:")[0]) is None
