import pytest

from bot.sandbox.faults import FAULTS, Switches, checked
from bot.sandbox.server import Sandbox


@pytest.mark.parametrize(("fault", "value", "message"), [
    ("silent", None, "unknown fault 'silent'; there are cut, close"),
    ("delay", "soon", "delay: ms must be a number from 0"),
    ("delay", -1, "delay: ms must be a number from 0"),
    ("delay", True, "delay: ms must be a number from 0"),
    ("reject", 200, "reject: HTTP status must be a number from 400 to 599"),
    ("silence", 3, "silence takes no value, got 3"),
    ("unit", "min", "unit: must be s, us or ns, got 'min'"),
    ("slow", 0, "slow: n must be a number from 1"),
    ("symbol", None, "symbol: name the symbol"),
    ("symbol", "LTCUSDT", "LTCUSDT is not here; there are BTCUSDT, ETHUSDT"),
])
def test_a_bad_fault_is_explained(
    sandbox: Sandbox, fault: str, value: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sandbox.fault("okx", fault, value)


def test_only_known_faults_are_healed(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="unknown fault 'x'"):
        sandbox.heal("okx", "x")


def test_every_default_is_a_possible_value() -> None:
    for name, fault in FAULTS.items():
        if fault.unit != "symbol":
            assert checked(name, None, None) == (fault.default, None)


def test_switches_end_when_their_time_is_over() -> None:
    now = 0.0
    switches = Switches(clock=lambda: now)
    switches.throw("delay", 5.0, 10.0)
    switches.throw("silence", None, None)
    assert switches.state() == {"delay": {"value": 5.0, "seconds_left": 10.0},
                                "silence": {"value": None, "seconds_left": None}}
    assert not switches.expire()
    now = 10.0
    assert switches.expire()
    assert not switches.on("delay")
    assert switches.on("silence")
