"""/api/v1/kafka: each use of Kafka as it is at this moment."""

import pytest

from bot.model import LinkStatus
from bot.web.app import create_app
from tests.web.fakes import FakeView

NOW = 1704067200.456


def asked(view: FakeView) -> bytes:
    client = create_app(view, token=None, trusted_hosts=None, clock=lambda: NOW).test_client()
    answer = client.get("/api/v1/kafka")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    body: bytes = answer.data
    return body


def test_says_that_kafka_is_switched_off(view: FakeView) -> None:
    assert asked(view) == (
        b'{"enabled":false,"links":[],"instance":"primary","timestamp":1704067200456}')


def test_each_link_is_told_word_by_word(view: FakeView) -> None:
    view.links = [
        LinkStatus("prices", "read", True, "", 61.2345, 7, {"taken": 5, "own": 0}),
        LinkStatus("out", "write", False, "no broker at kafka:9092", 0.0, 20_000, {"dropped": 3}),
    ]
    assert asked(view) == (
        b'{"enabled":true,"links":[{"topic":"prices","direction":"read","up":true,"reason":null,'
        b'"forMs":61234,"waiting":7,"counts":{"taken":5,"own":0}},{"topic":"out",'
        b'"direction":"write","up":false,"reason":"no broker at kafka:9092","forMs":0,'
        b'"waiting":20000,"counts":{"dropped":3}}],"instance":"primary",'
        b'"timestamp":1704067200456}')


@pytest.mark.parametrize("up, told", [(None, b'"up":null'), (True, b'"up":true')])
def test_not_known_yet_is_neither_up_nor_down(view: FakeView, up: bool | None, told: bytes) -> None:
    view.links = [LinkStatus("prices", "read", up, "", 0.5, 0, {})]
    assert told in asked(view)


def test_a_dead_broker_makes_the_daemon_neither_ill_nor_unready(view: FakeView) -> None:
    view.links = [LinkStatus("prices", "read", False, "gone", 600.0, 0, {})]
    client = create_app(view, token=None, trusted_hosts=None, clock=lambda: NOW).test_client()
    assert [client.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
