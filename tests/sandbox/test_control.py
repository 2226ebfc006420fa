import json
from collections.abc import Iterator

import pytest
import requests

from bot.sandbox.faults import FAULTS
from bot.sandbox.server import Sandbox


@pytest.fixture
def controlled() -> Iterator[Sandbox]:
    with Sandbox(rate=0, control_port=0) as sandbox:
        yield sandbox


def test_the_state_names_every_fault(controlled: Sandbox) -> None:
    state = requests.get(controlled.control_url + "/faults", timeout=5).json()
    assert state["on"] == {"binance": {}, "okx": {}}
    assert list(state["known"]) == list(FAULTS)
    assert "ms, default 3000" in state["known"]["delay"]


def test_a_fault_is_thrown_and_healed(controlled: Sandbox) -> None:
    url = controlled.control_url + "/faults"
    asked = {"exchange": "okx", "fault": "delay", "value": 50, "seconds": 60}
    assert requests.post(url, json=asked, timeout=5).json()["on"]["okx"]["delay"]["value"] == 50.0
    requests.post(url, json={"exchange": "binance", "fault": "silence"}, timeout=5)
    assert set(controlled.faults()["okx"]) == {"delay"}
    requests.delete(url, params={"exchange": "okx"}, timeout=5)
    assert controlled.faults()["okx"] == {}
    assert set(controlled.faults()["binance"]) == {"silence"}
    assert requests.delete(url, timeout=5).json()["on"] == {"binance": {}, "okx": {}}


def test_a_plain_get_throws_and_heals_too(controlled: Sandbox) -> None:
    url = controlled.control_url
    assert requests.get(url + "/throw?exchange=okx&fault=wrong&value=2", timeout=5).ok
    assert controlled.faults()["okx"]["wrong"]["value"] == 2.0
    assert requests.get(url + "/heal", timeout=5).ok
    assert controlled.faults()["okx"] == {}
    assert requests.get(url + "/nowhere", timeout=5).status_code == 404


@pytest.mark.parametrize(("body", "message"), [
    ({"exchange": "okx", "fault": "nope"}, "unknown fault 'nope'; there are cut"),
    ({"exchange": "kraken", "fault": "cut"}, "unknown exchange 'kraken'; there are binance, okx"),
    ({}, "unknown exchange 'None'"),
    ([1], "expected a JSON object"),
    ({"exchange": "okx", "fault": "delay", "value": [1]}, "must be a number"),
])
def test_a_bad_request_is_explained(controlled: Sandbox, body: object, message: str) -> None:
    answer = requests.post(controlled.control_url + "/faults", data=json.dumps(body), timeout=5)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
