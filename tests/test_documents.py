"""The documents against what they name: sections, pictures, commands, settings, routes."""

import json
import re
import shlex
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from bot.__main__ import _parser
from bot.config import SETTINGS
from bot.exchanges.base import Exchange
from bot.web.openapi import document

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in (
    README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))}
PICTURES = ROOT / "docs" / "pictures"
PICTURE_BYTES = 120_000
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:)([^)]+)\)")
# other words that are written like settings do not begin like one
LIKE_A_SETTING = re.compile(
    rf"`((?:{'|'.join({name.partition('_')[0] for name in SETTINGS})})_[A-Z_]+)(?:=[^`]*)?`")


def anchors(text: str) -> set[str]:
    """Those of a page's headings, as GitHub makes them. A heading that comes again has a number."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", prose, re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        times = sum(re.fullmatch(rf"{plain}(-\d+)?", one) is not None for one in found)
        found.append(f"{plain}-{times}" if times else plain)
    return set(found)


def links(page: str) -> Iterator[tuple[Path, str]]:
    """The file that each relative link leads to, and the section in it, which may be empty."""
    for _, _, target in LINK.findall(PAGES[page]):
        name, _, section = target.partition("#")
        yield (ROOT / page).parent / name if name else ROOT / page, section


def commands() -> Iterator[tuple[str, str]]:
    """Every `python -m bot ...` that is not only a verb in a sentence, with the page it is on."""
    for page, text in PAGES.items():
        for quoted, line in re.findall(
                r"`[^`\n]*python -m bot ?([^`\n]*)`|^[ $]*[\w./-]*python -m bot (.+)$", text,
                re.MULTILINE):
            yield page, quoted or line


def leads_to(address: str, route: str) -> bool:
    """<name> and {name} stand for whatever may be there."""
    pairs = zip_longest(address.split("/"), route.split("/"), fillvalue="")
    return all(one == other or one[:1] == "<" or other[:1] == "{" for one, other in pairs)


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_to_a_file_and_a_section(page: str) -> None:
    lost = [f"{path}#{section}" for path, section in links(page)
            if not path.exists() or section and section not in anchors(path.read_text("utf-8"))]
    assert lost == []


def test_anchors_are_made_as_github_makes_them() -> None:
    text = "# A `b` c, d\n## What is lost, and when\n```\n# no heading\n```\n## JSON\n## JSON\n"
    assert anchors(text) == {"a-b-c-d", "what-is-lost-and-when", "json", "json-1"}


def test_every_page_is_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [README]
    while ahead:
        path = ahead.pop()
        reached.add(path)
        ahead += [found.resolve() for found, _ in links(str(path.relative_to(ROOT)))
                  if found.suffix == ".md" and found.resolve() not in reached]
    assert {str(path.relative_to(ROOT)) for path in reached} >= PAGES.keys() - {"CHANGELOG.md"}


def test_every_picture_is_shown_in_words_too_and_none_lies_about() -> None:
    shown = {path.resolve(): words for page in PAGES for (path, _), (is_picture, words, _) in zip(
        links(page), LINK.findall(PAGES[page]), strict=True) if is_picture}
    assert shown.keys() == {*PICTURES.iterdir()}
    assert [path for path, words in shown.items() if len(words) < 40] == []


@pytest.mark.parametrize("picture", sorted(PICTURES.iterdir()), ids=lambda path: str(path.name))
def test_pictures_are_small(picture: Path) -> None:
    assert picture.stat().st_size < PICTURE_BYTES


@pytest.mark.parametrize("page, words", list(commands()))
def test_every_command_is_one_that_the_program_understands(page: str, words: str) -> None:
    given = shlex.split(words.partition("  #")[0].rstrip("\\'"))
    _parser(given[:1]).parse_args(given)


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_is_named_exists(page: str) -> None:
    assert set(LIKE_A_SETTING.findall(PAGES[page])) - SETTINGS.keys() == set()


@pytest.mark.parametrize("page", [page for page in PAGES if "exchanges/" not in page])
def test_every_address_that_is_named_is_a_route(page: str) -> None:
    named = re.findall(r"(?<![\w/.])(/api(?:/[\w<>{}-]+)+)(?![\w/])", PAGES[page])
    routes = document(["BTCUSDT"])["paths"]
    assert [one for one in named if not any(leads_to(one, route) for route in routes)] == []


def test_the_guide_to_a_new_exchange_tells_all_that_is_wanted_of_it() -> None:
    wanted = {name for name in vars(Exchange) if not name.startswith("_")}
    rows = re.findall(r"^ +\| (`.*?) \| ", PAGES["docs/adding-an-exchange.md"], re.MULTILINE)
    assert set(re.findall(r"`(\w+)", " ".join(rows))) == wanted


def test_the_runbook_names_panels_that_are_on_the_dashboard_of_grafana() -> None:
    dashboard = json.loads((ROOT / "docs/grafana/dashboard.json").read_text(encoding="utf-8"))
    titles = [panel["title"] for panel in dashboard["panels"]]
    named = re.findall(r'"([A-Z][a-z][^"$]+)"', PAGES["docs/runbook.md"].replace("\n", " "))
    assert named
    assert [one for one in named if not any(title.startswith(one) for title in titles)] == []


def test_the_readme_tells_where_every_package_is() -> None:
    table = PAGES["README.md"].partition("## Where things are")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w.]+)/?`", "".join(re.findall(r"^\| (.+?) \| ", table, re.M))))
    packages = {path.parent.name for path in (ROOT / "bot").glob("*/__init__.py")}
    assert packages <= named
    assert [name for name in named if not (ROOT / "bot" / name).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_that_is_named_exists(page: str) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    named = re.findall(r"(?:`|^ {4}|\w=\S+ )make ([a-z]+(?: [a-z]+)*)(?=`| [A-Z#]| {2}|$)",
                       PAGES[page], re.MULTILINE)
    assert {word for words in named for word in words.split()} <= {*targets}
