"""The dashboard's page and its files: part of the program, read once, given from memory."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from flask import Flask, Response, abort, request

FOLDER = Path(__file__).parent / "static"
PAGES = ("/", "/dashboard")
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css",
         ".svg": "image/svg+xml", ".json": "application/json", "": "text/plain"}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
          "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
          "frame-ancestors 'none'")


class Asset(NamedTuple):
    body: bytes
    mimetype: str
    etag: str


def assets(folder: Path = FOLDER) -> dict[str, Asset]:
    """Every file below `folder` by its path there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            body = path.read_bytes()
            found[path.relative_to(folder).as_posix()] = Asset(
                body, TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:32])
    return found


def add_pages(app: Flask) -> None:
    files = assets()

    @app.get("/")
    @app.get("/dashboard")
    def page() -> Response:
        response = _given(files["index.html"])
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @app.get("/static/<path:name>")
    def file(name: str) -> Response:
        found = files.get(name)
        if found is None or found.mimetype == TYPES[".html"]:
            abort(404)
        return _given(found)


def _given(asset: Asset) -> Response:
    """The whole of it, or 304 for a browser that has it; which it asks each time."""
    response = Response(asset.body, mimetype=asset.mimetype)
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(asset.etag)
    response.make_conditional(request)
    return response
