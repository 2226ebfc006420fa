"""Logging in with a browser, which cannot send the bearer's header: a form, and a cookie for it."""

import base64
import hashlib
import logging
from html import escape
from http import HTTPStatus

from flask import Flask, Response, abort, redirect, request
from werkzeug.datastructures import WWWAuthenticate

from bot.logs.facts import facts
from bot.web.guard import Guard, cookie_name

log = logging.getLogger(__name__)

MOST_BYTES = 4_000
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 15vh auto 0; max-width: 22rem; padding: 0 1rem;
  background: #fbfbfa; color: #1c1f23; }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
label { display: block; font-weight: 600; }
input, button { font: inherit; box-sizing: border-box; width: 100%; padding: .5rem .75rem;
  margin: .25rem 0 .75rem; border: 1px solid #6b7280; border-radius: 4px; background: #fff;
  color: inherit; }
button { background: #1d4ed8; border-color: #1d4ed8; color: #fff; font-weight: 600; }
p { margin: .5rem 0; } a { color: #1d4ed8; }
.wrong { color: #a3171b; font-weight: 600; }
@media (prefers-color-scheme: dark) {
  body { background: #0f1216; color: #e6e8eb; } input { background: #1a1f26; }
  a { color: #8ab4ff; } .wrong { color: #ff9a94; } }
"""
# One hash for the style, so that nothing else in the answer can bring its own.
POLICY = ("default-src 'none'; img-src data:; style-src 'sha256-{}'; form-action 'self'; "
          "base-uri 'none'; frame-ancestors 'none'").format(
              base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode())
FORM = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in - autonomous-bot</title>
<link rel="icon" href="data:,">
<style>{style}</style>
<main>
<h1>autonomous-bot <small>{instance}</small></h1>
<form method="post" action="/login">
{word}<label for="token">API_TOKEN of this bot</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button>
</form>
<p>Logged in before, and came here by a link? <a href="/">Show the dashboard</a></p>
</main>
</html>
"""


def add_login(app: Flask, guard: Guard, instance: str) -> None:
    @app.get("/login")
    def again() -> Response:
        """Where a browser is after a wrong token."""
        return _to_page()

    @app.post("/login")
    def login() -> Response:
        if request.mimetype != "application/x-www-form-urlencoded":
            abort(415, "send the form of /, or use `Authorization: Bearer <API_TOKEN>`")
        if (request.content_length or 0) > MOST_BYTES:
            abort(413, f"send at most {MOST_BYTES} bytes")
        if not guard.knows_token(request.form.get("token", "")):
            log.warning("🔑 [API] A log-in with a wrong token", extra=facts("login_refused"))
            return form(instance, "That is not the token of this bot.")
        response = _to_page()
        response.set_cookie(cookie_name(request.headers.get("Host")), guard.ticket(),
                            httponly=True, samesite="Strict", secure=_over_tls())
        return response

    @app.post("/logout")
    def logout() -> Response:
        response = _to_page()
        response.delete_cookie(cookie_name(request.headers.get("Host")), httponly=True,
                               samesite="Strict", secure=_over_tls())
        return response


def form(instance: str, word: str = "") -> Response:
    """The answer to whoever asks for a page and is not known. word: about the last attempt."""
    told = f'<p class="wrong" role="alert">{escape(word)}</p>\n' if word else ""
    response = Response(FORM.format(style=STYLE, instance=escape(instance), word=told),
                        HTTPStatus.UNAUTHORIZED, mimetype="text/html")
    response.headers["WWW-Authenticate"] = str(WWWAuthenticate("bearer", {"realm": "api"}))
    response.headers["Content-Security-Policy"] = POLICY
    # with no-referrer a browser would send the form with `Origin: null`
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _over_tls() -> bool:
    """Whether the browser's side is TLS, as the proxy in front says. Who says so falsely only makes
    the own cookie stricter.
    """
    return request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"


def _to_page() -> Response:
    response = redirect("/", HTTPStatus.SEE_OTHER)
    assert isinstance(response, Response)
    return response
