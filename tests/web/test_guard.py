import pytest

from bot.web.guard import Guard, cookie_name, trusted_hosts

LOCAL = Guard(None, trusted_hosts("127.0.0.1"))
LOCKED = Guard("geheim-ü", None)


@pytest.mark.parametrize("host", [
    "127.0.0.1", "127.0.0.1:3001", "localhost", "LOCALHOST:1", "[::1]", "[::1]:3001"])
def test_knows_the_names_of_loopback_with_any_port(host: str) -> None:
    assert LOCAL.knows_host(host)


@pytest.mark.parametrize("host", [
    None, "", "evil.example", "evil.example:3001", "localhost.evil.example", "localhost:x",
    "localhost:", "127.0.0.1, evil.example", "[::2]:3001", "user@localhost", "::1"])
def test_refuses_any_other_host_on_loopback(host: str | None) -> None:
    assert not LOCAL.knows_host(host)


def test_any_host_will_do_when_the_address_is_public() -> None:
    assert trusted_hosts("0.0.0.0") is None
    assert trusted_hosts("bot.example") is None
    assert Guard(None, None).knows_host("whatever")


@pytest.mark.parametrize("address, own", [
    ("127.0.0.2", "127.0.0.2"), ("::1", "[::1]"), ("[::1]", "[::1]"), ("localhost", "localhost")])
def test_a_loopback_address_is_one_of_its_own_hosts(address: str, own: str) -> None:
    assert own in (trusted_hosts(address) or ())


def test_knows_only_the_exact_bearer() -> None:
    as_wsgi_has_it = "geheim-ü".encode().decode("latin-1")
    assert LOCKED.knows_bearer(f"Bearer {as_wsgi_has_it}")
    assert LOCKED.knows_bearer(f"bearer  {as_wsgi_has_it}")
    for wrong in (None, "", "Bearer", "Bearer geheim", f"Basic {as_wsgi_has_it}", as_wsgi_has_it):
        assert not LOCKED.knows_bearer(wrong)


def test_without_a_token_nothing_need_be_shown() -> None:
    assert LOCAL.knows_bearer(None)


@pytest.mark.parametrize("origin, known", [
    (None, True), ("http://localhost:3001", True), ("https://LOCALHOST:3001", True),
    ("http://localhost", False), ("http://evil.example", False), ("null", False),
    ("file://", False), ("localhost:3001", False), ("", False)])
def test_knows_the_origin_that_the_page_itself_came_from(origin: str | None, known: bool) -> None:
    assert LOCAL.knows_origin(origin, "localhost:3001") is known


def cookie(guard: Guard = LOCKED, host: str = "localhost:3001") -> str:
    return f"{cookie_name(host)}={guard.ticket()}"


@pytest.mark.parametrize("cookies", [
    cookie(), f"a=b; {cookie()}", f"{cookie()};c=d", f"x=y;  {cookie()} "])
def test_knows_its_cookie_among_others(cookies: str) -> None:
    assert LOCKED.knows_cookie(cookies, "localhost:3001")
    assert LOCKED.admits(None, cookies, "localhost:3001")


@pytest.mark.parametrize("cookies", [
    None, "", ";", "=", "autonomous-bot-3001", "autonomous-bot-3001=", f"{cookie()}0",
    cookie(host="localhost:9"), cookie(Guard("other", None)), cookie().upper(),
    "autonomous-bot-3001=\udcff", "autonomous-bot-3001=geheim-ü"])
def test_no_other_cookie_opens_anything(cookies: str | None) -> None:
    assert not LOCKED.knows_cookie(cookies, "localhost:3001")


def test_without_a_token_no_cookie_is_needed_and_none_means_anything() -> None:
    assert LOCAL.admits(None, None, "localhost:3001")
    assert not LOCAL.knows_cookie(cookie(LOCAL), "localhost:3001")


@pytest.mark.parametrize("host, name", [
    ("localhost:3001", "autonomous-bot-3001"), ("[::1]:9", "autonomous-bot-9"),
    ("bot.example", "autonomous-bot-session"), (None, "autonomous-bot-session"),
    ("x:1;evil", "autonomous-bot-session")])
def test_the_cookie_is_named_after_the_port(host: str | None, name: str) -> None:
    assert cookie_name(host) == name
