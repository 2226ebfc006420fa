"""What a browser is given: the page, its files, a way in and a way out."""

from bot.web import login
from bot.web.openapi.answers import (
    CHALLENGE, COMMON, ETAG, FOREIGN, SAME, header, in_path, operation, refusal, reply,
)
from bot.web.openapi.shapes import TEXT, Json, strict
from bot.web.pages import TYPES

TAG = "dashboard"
HTML = TYPES[".html"]
FORM = "application/x-www-form-urlencoded"
TO_PAGE = {"Location": header("The page: `/`.", TEXT, True)}
COOKIE = {"Set-Cookie": header("Until the browser is closed; it is void with another API_TOKEN.",
                               TEXT, True)}
ALLOWED = {"Content-Security-Policy": header("Nothing of elsewhere is let in.", TEXT, True)}
NAME: Json = {"type": "string", "pattern": r"^[a-zA-Z][a-zA-Z./]*$", "examples": ["dashboard.css"]}

SCHEMAS: dict[str, Json] = {}


def paths() -> Json:
    given = {mimetype: TEXT for mimetype in TYPES.values() if mimetype != HTML}
    return {
        "/": {"get": _page("page", "The dashboard")},
        "/dashboard": {"get": _page("dashboard", "The same page")},
        "/static/{name}": {"get": operation(
            "file", "A file of the page", {
                "200": reply("As it is installed.", given, ETAG), "304": SAME, **COMMON,
                "404": refusal("There is none of this name.")},
            parameters=[in_path("name", NAME, "Its path below bot/web/static.")], tag=TAG)},
        "/login": {
            "get": operation("loginPage", "Where a browser is after a wrong token", {
                "303": reply("To the page.", {HTML: TEXT}, TO_PAGE), "400": COMMON["400"]},
                tag=TAG, open_to_all=True),
            "post": operation("login", "Get the cookie that stands for the bearer token", {
                "303": reply("It was the token. To the page.", {HTML: TEXT}, TO_PAGE | COOKIE),
                "400": COMMON["400"],
                "401": reply("It was not: the form again.", {HTML: TEXT}, CHALLENGE | ALLOWED),
                "403": refusal(f"{FOREIGN}."),
                "413": refusal(f"The body has more than {login.MOST_BYTES} bytes."),
                "415": refusal("The body is no form."),
            }, body=strict({"token": TEXT | {"description": "API_TOKEN"}}), sent_as=FORM, tag=TAG,
                open_to_all=True)},
        "/logout": {"post": operation(
            "logout", "Give the cookie back", {
                "303": reply("To the page.", {HTML: TEXT}, TO_PAGE | COOKIE),
                "400": COMMON["400"], "403": refusal(f"{FOREIGN}.")}, tag=TAG, open_to_all=True)},
    }


def _page(name: str, summary: str) -> Json:
    return operation(name, summary, {
        "200": reply("The page.", {HTML: TEXT}, ETAG | ALLOWED), "304": SAME,
        "400": COMMON["400"],
        "401": reply("A form to log in with.", {HTML: TEXT}, CHALLENGE | ALLOWED)}, tag=TAG)
