"""/openapi.json as it is served."""

from bot import __version__
from tests.web.fakes import FakeView
from tests.web.test_app import ask


def test_it_tells_of_this_bot(view: FakeView) -> None:
    body = ask(view).get("/openapi.json").json
    assert body is not None and (body["openapi"], body["info"]["version"]) == ("3.1.0", __version__)
    parameters = {one["name"]: one["schema"] for one in
                  body["paths"]["/api/v1/incidents"]["get"]["parameters"]}
    assert parameters["symbol"]["enum"] == ["BTCUSDT", "ETHUSDT"]
    assert parameters["source"]["enum"] == ["binance", "okx"]
    view.statuses = view.statuses[:1]
    body = ask(view).get("/openapi.json").json
    assert body is not None
    wish = body["paths"]["/api/v1/drill"]["post"]["requestBody"]
    assert wish["content"]["application/json"]["schema"]["properties"]["source"]["enum"] == [
        "binance"]


def test_with_the_feeds_off_it_names_every_exchange(view: FakeView) -> None:
    view.statuses = []
    body = ask(view).get("/openapi.json").json
    assert body is not None
    source = body["paths"]["/api/v1/incidents"]["get"]["parameters"][2]
    assert source["schema"]["enum"] == ["binance", "okx"]


def test_it_is_sent_once(view: FakeView) -> None:
    client = ask(view)
    first = client.get("/openapi.json")
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    view.symbols = ("BTCUSDT",)
    other = ask(view).get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200 and other.headers["ETag"] != first.headers["ETag"]


def test_it_names_the_cookie_as_a_browser_gets_it(view: FakeView) -> None:
    body = ask(view).get("/openapi.json", headers={"Host": "localhost:4001"}).json
    assert body is not None and body["security"] == [{"bearer": []}, {"cookie": []}]
    assert body["components"]["securitySchemes"]["cookie"]["name"] == "autonomous-bot-4001"


def test_it_wants_the_token(view: FakeView) -> None:
    assert ask(view, token="x" * 20).get("/openapi.json").status_code == 401
