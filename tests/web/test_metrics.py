"""/metrics as a scraper meets it."""

import pytest
from prometheus_client import Gauge
from prometheus_client.parser import text_string_to_metric_families

from bot.web.app import create_app
from tests.web.fakes import FakeView


def test_the_registry_is_told_in_the_text_format(view: FakeView) -> None:
    Gauge("some_seconds", "Some.", registry=view.registry).set(1.5)
    answer = create_app(view, token=None, trusted_hosts=None).test_client().get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    (family,) = text_string_to_metric_families(answer.text)
    assert (family.name, family.documentation, family.samples[0].value) == (
        "some_seconds", "Some.", 1.5)


def test_who_asks_for_openmetrics_gets_it(view: FakeView) -> None:
    client = create_app(view, token=None, trusted_hosts=None).test_client()
    answer = client.get("/metrics", headers={
        "Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2"})
    assert answer.mimetype == "application/openmetrics-text"
    assert answer.text.endswith("# EOF\n")


def test_a_scraper_needs_the_token_too(view: FakeView) -> None:
    client = create_app(view, token="t0k3n", trusted_hosts=None).test_client()
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer t0k3n"}).status_code == 200


def test_what_it_does_not_know_is_refused(view: FakeView) -> None:
    client = create_app(view, token=None, trusted_hosts=None).test_client()
    assert client.get("/metrics?name[]=up").status_code == 400
    assert client.post("/metrics").status_code == 405


@pytest.mark.parametrize("accept", [
    "application/openmetrics-text; version=abc", "text/plain; version=x.y", ";;,", "x" * 5000])
def test_who_asks_for_what_cannot_be_gets_the_text_format(view: FakeView, accept: str) -> None:
    client = create_app(view, token=None, trusted_hosts=None).test_client()
    answer = client.get("/metrics", headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
