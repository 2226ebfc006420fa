"""Fetching Kafka without fetching it: a Maven and a Java of straw."""

import time
from pathlib import Path

import pytest

from tests.broker import fetch

JAVA = """echo 'openjdk version "17.0.1" 2025-04-15' >&2"""
MVN = """for part; do case $part in -DoutputDirectory=*) out=${part#*=} ;; esac; done
/bin/mkdir "$out"; : >"$out/kafka_2.13-4.jar"; """


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH; the cache is a fresh one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    (tmp_path / "programs").mkdir()
    return tmp_path / "programs"


def program(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_says_what_to_install_where_java_or_maven_is_missing(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch.main([]) == 1
    assert "sudo apt install default-jre-headless maven" in capsys.readouterr().err
    assert fetch.main(["--check"]) == 0
    assert "there is no Java: run `make kafka`" in capsys.readouterr().out


def test_an_old_java_is_not_enough(programs: Path) -> None:
    program(programs / "java", JAVA.replace("17.", "11."))
    assert fetch.missing() == "Java 11 is too old"


def test_fetches_once(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(programs / "java", JAVA)
    program(programs / "mvn", MVN)
    assert fetch.main([]) == 0
    (programs / "mvn").unlink()
    assert fetch.main([]) == 0
    assert capsys.readouterr().out.splitlines() == [str(fetch.folder())] * 2
    assert fetch.missing() is None
    assert [file.name for file in fetch.folder().parent.iterdir()] == [fetch.folder().name]


def test_half_of_a_download_is_not_taken_for_the_whole(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(programs / "java", JAVA)
    program(programs / "mvn", MVN + "echo no network; exit 1")
    assert fetch.main([]) == 1
    assert "no network" in capsys.readouterr().err
    assert list(fetch.folder().parent.iterdir()) == []
    assert fetch.missing() == f"{fetch.folder()} does not exist"


def test_a_download_that_fails_once_is_tried_again(programs: Path) -> None:
    program(programs / "java", JAVA)
    once = programs / "once"
    program(programs / "mvn", f'[ -e {once} ] || {{ : >{once}; echo reset; exit 1; }}\n{MVN}')
    assert fetch.fetch().is_dir()


def test_a_download_that_hangs_is_given_up(
    programs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.2)
    program(programs / "java", JAVA)
    # as Maven's own script does, so that what it starts must end with it
    program(programs / "mvn", f"echo >>{programs / 'runs'}; echo halfway; /bin/sleep 30; exit 1")
    began = time.monotonic()
    assert fetch.main([]) == 1
    assert time.monotonic() - began < 10.0
    err = capsys.readouterr().err
    assert "not done after 0.2 s" in err and "halfway" in err
    assert (programs / "runs").read_text() == "\n" * 2
