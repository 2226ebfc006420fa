import hashlib
import json
import re

import pytest

from bot.web.pages import FOLDER, PAGES, assets
from tests.web.fakes import FakeView
from tests.web.test_app import ask, problem

FILES = sorted(assets())
VENDOR = FOLDER / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())


@pytest.mark.parametrize("path", PAGES)
def test_the_page_comes_with_a_policy_that_lets_in_nothing_foreign(
    view: FakeView, path: str
) -> None:
    answer = ask(view).get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", [name for name in FILES if not name.endswith(".html")])
def test_every_file_is_given_with_its_type(view: FakeView, path: str) -> None:
    answer = ask(view).get(f"/static/{path}")
    assert answer.status_code == 200 and answer.data == (FOLDER / path).read_bytes()
    if path.endswith(".js"):
        assert answer.mimetype == "text/javascript", "a browser runs no module of another type"


def test_a_browser_that_has_a_file_is_not_sent_it_again(view: FakeView) -> None:
    first = ask(view).get("/static/dashboard.css")
    again = ask(view).get("/static/dashboard.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "no-cache"
    other = ask(view).get("/static/dashboard.css", headers={"If-None-Match": '"old"'})
    assert other.status_code == 200


@pytest.mark.parametrize("path", [
    "/static/nope.js", "/static/../app.py", "/static/%2e%2e/app.py", "/static/index.html",
    "/static/", "/static//etc/passwd"])
def test_there_is_nothing_else_below_static(view: FakeView, path: str) -> None:
    problem(ask(view).get(path), 404)


def test_the_page_names_only_files_that_there_are() -> None:
    named = re.findall(r'(?:src|href)="/static/([^"]+)"', (FOLDER / "index.html").read_text())
    assert named and not set(named) - set(FILES)


def test_every_module_is_imported_from_one_that_the_page_loads() -> None:
    found, further = set[str](), {"js/main.js"}
    while further:
        found |= further
        further = {(FOLDER / one).parent.joinpath(name).resolve().relative_to(FOLDER).as_posix()
                   for one in further
                   for name in re.findall(r'from "(\.[^"]+)"', (FOLDER / one).read_text())} - found
    assert {name for name in FILES if name.startswith("js/")} <= found


@pytest.mark.parametrize("path", [
    name for name in FILES if name.endswith((".html", ".js", ".css")) and "vendor" not in name])
def test_nothing_in_the_page_needs_a_laxer_policy_or_writes_html(path: str) -> None:
    text = (FOLDER / path).read_text()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                 "new Function", "style=", "onclick=\"", "http://", "https://"):
        assert word not in text.replace("http://www.w3.org/2000/svg", ""), word
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100 and (len(lines) <= 250 or path.endswith(".css"))


# ---- what is vendored

@pytest.mark.parametrize("library", MANIFEST, ids=lambda library: str(library["name"]))
def test_a_vendored_library_is_what_its_manifest_says(library: dict[str, object]) -> None:
    files = library["files"]
    assert isinstance(files, dict) and set(library) == {
        "name", "version", "licence", "source", "files"}
    for name, digest in files.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name
    folder = VENDOR / next(iter(files)).split("/")[0]
    assert {path.relative_to(VENDOR).as_posix() for path in folder.iterdir()} == set(files)
    assert f"{folder.name}/LICENSE" in files
    assert str(library["version"]) in str(library["source"])


def test_nothing_is_vendored_that_is_not_in_the_manifest() -> None:
    named = {name for library in MANIFEST for name in library["files"]} | {"manifest.json"}
    assert {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()
            } == named
