import base64
import hashlib
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.web.pages import PAGES
from tests.web.fakes import FakeView
from tests.web.test_app import ask, problem

TOKEN = "geheim-ü"
OURS = {"Origin": "http://localhost"}


@pytest.fixture
def client(view: FakeView) -> FlaskClient:
    return ask(view, token=TOKEN)


def log_in(client: FlaskClient, token: str = TOKEN, **headers: str) -> Any:
    return client.post("/login", data={"token": token}, headers=OURS | headers)


@pytest.mark.parametrize("path", PAGES)
def test_who_is_not_known_gets_a_form_instead_of_the_page(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")
    assert answer.headers["Cache-Control"] == "no-store"
    assert b"<form" in answer.data and b"<script" not in answer.data


def test_the_policy_of_the_form_allows_its_own_style_and_nothing_else(client: FlaskClient) -> None:
    answer = client.get("/")
    style = re.search(rb"<style>(.*?)</style>", answer.data, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy and "form-action 'self'" in policy
    assert policy.startswith("default-src 'none'")
    # or browsers would send the form with `Origin: null`, which is refused
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_the_right_token_opens_everything_that_the_header_does(client: FlaskClient) -> None:
    answer = log_in(client)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert TOKEN not in cookie
    for path in ("/", "/api/v1/board", "/static/dashboard.css", "/api/websocket/health"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("proto, is_secure", [("https", True), ("http", False), (None, False)])
def test_behind_a_proxy_with_tls_the_cookie_is_for_tls_only(
    client: FlaskClient, proto: str | None, is_secure: bool
) -> None:
    headers = {} if proto is None else {"X-Forwarded-Proto": proto}
    cookie = log_in(client, **headers).headers["Set-Cookie"]
    assert ("Secure" in cookie) is is_secure


def test_a_wrong_token_gets_the_form_again_with_a_word(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = log_in(client, "falsch")
    assert "A log-in with a wrong token" in caplog.text and "falsch" not in caplog.text
    assert answer.status_code == 401 and b"not the token" in answer.data
    assert "Set-Cookie" not in answer.headers and b"falsch" not in answer.data
    assert client.get("/api/v1/board").status_code == 401


@pytest.mark.parametrize("token", ["", " ", "geheim", "geheim-u", "x" * 3000, "\udcff\x00"])
def test_nothing_but_the_token_is_the_token(client: FlaskClient, token: str) -> None:
    answer = client.post("/login", data={"token": token.encode("utf-8", "surrogateescape")},
                         headers=OURS)
    assert answer.status_code == 401


def test_logging_out_ends_it(client: FlaskClient) -> None:
    log_in(client)
    answer = client.post("/logout", headers=OURS)
    assert answer.status_code == 303
    assert client.get("/api/v1/board").status_code == 401


def test_with_another_token_the_cookie_is_void(view: FakeView, client: FlaskClient) -> None:
    name, _, value = log_in(client).headers["Set-Cookie"].split(";")[0].partition("=")
    for token, status in ((TOKEN, 200), ("neu", 401)):
        other = ask(view, token=token)
        other.set_cookie(name, value)
        assert other.get("/api").status_code == status


def test_each_port_has_a_cookie_of_its_own(view: FakeView) -> None:
    """A browser sends a cookie to every port of its host: two bots must not log each other out."""
    names = [ask(view, token=TOKEN).post(
        "/login", data={"token": TOKEN}, headers={"Host": host, "Origin": f"http://{host}"}
    ).headers["Set-Cookie"].split("=")[0] for host in ("127.0.0.1:3001", "127.0.0.1:3101")]
    assert names == ["autonomous-bot-3001", "autonomous-bot-3101"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9"])
@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_a_form_of_another_site_is_refused(client: FlaskClient, path: str, origin: str) -> None:
    problem(client.post(path, data={"token": TOKEN}, headers={"Origin": origin}), 403)


def test_with_the_cookie_a_change_must_come_from_our_own_page(client: FlaskClient) -> None:
    log_in(client)
    wish = {"source": "binance", "fault": "cut"}
    assert client.post("/api/v1/drill", json=wish, headers=OURS).status_code == 202
    problem(client.post("/api/v1/drill", json=wish, headers={"Origin": "http://evil.example"}), 403)


def test_only_a_form_of_some_size_is_read(client: FlaskClient) -> None:
    problem(client.post("/login", json={"token": TOKEN}, headers=OURS), 415)
    problem(log_in(client, "x" * 5000), 413)


def test_a_reload_after_a_wrong_token_shows_the_page_or_the_form(client: FlaskClient) -> None:
    answer = client.get("/login")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_without_a_token_there_is_nothing_to_log_in_to(view: FakeView) -> None:
    answer = ask(view).post("/login", data={"token": "x"}, headers=OURS)
    assert answer.status_code == 303 and ask(view).get("/").status_code == 200


def test_the_name_of_the_instance_is_text_and_no_markup(view: FakeView) -> None:
    view.instance = "<b>x</b>"
    assert b"<b>x" not in ask(view, token=TOKEN).get("/").data
