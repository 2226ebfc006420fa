"""Every verb explains itself: examples that its own parser takes, and exit codes."""

import re
import shlex
import subprocess
import sys

import pytest

from bot.__main__ import OF_THEIR_OWN, _parser, main
from tests.processes import ROOT

VERBS = ("run", *OF_THEIR_OWN)
EXAMPLE = re.compile(r"^  (?:[A-Z_]+=\S+ )*python -m bot(.*)$", re.MULTILINE)


def told(verb: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples_and_exit_codes(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(verb, capsys)
    assert re.search(r"^examples?:\n  \S", text, re.MULTILINE), text
    codes = text[text.index("\nexit codes: 0 "):]
    assert "78" in codes and max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_is_taken_by_its_parser(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = EXAMPLE.findall(told(verb, capsys))
    assert examples
    for example in examples:
        words = shlex.split(re.split(r"\s(?:[|<]|>>?)\s", example)[0])
        parsed = _parser(words[:1]).parse_args(words)
        assert callable(parsed.run)
        assert (words or ["run"])[0] == verb


def test_the_list_of_verbs_is_whole() -> None:
    text = subprocess.run([sys.executable, "-m", "bot", "--help"], cwd=ROOT, capture_output=True,
                          text=True, check=True).stdout
    assert " | ".join(VERBS) in " ".join(text.split())
    for verb in VERBS:
        assert re.search(rf"^    {verb}\s", text, re.MULTILINE), verb
