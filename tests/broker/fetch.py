"""Gets Apache Kafka for the tests: `python -m tests.broker.fetch` prints the folder of its jars.

Maven resolves pom.xml beside this file into a cache outside the project, once per version of Kafka.
The standard library is enough to run it. `--check` only says, in a line, what is not here.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

POM = Path(__file__).with_name("pom.xml")
JAVA_NEEDED = 17
TIMEOUT_S = 600.0  # of one attempt
ATTEMPTS = 2
HOW_TO = ("run `make kafka` (needs Java 17 or newer and Maven; on Debian and Ubuntu: "
          "sudo apt install default-jre-headless maven)")


class FetchError(Exception):
    """Why Kafka could not be fetched, for the person who asked for it."""


def version() -> str:
    """The version of Kafka that pom.xml names."""
    return ElementTree.parse(POM).findtext(".//{*}kafka.version") or ""


def folder() -> Path:
    """Where the jars are or will be. If it exists, it is whole."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "autonomous-bot" / f"kafka-{version()}"


def java_version() -> int:
    """Returns: 17 for Java 17, or 0 without any."""
    if not shutil.which("java"):
        return 0
    told = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def missing() -> str | None:
    """What a test with Kafka lacks here, or None."""
    java = java_version()
    if java < JAVA_NEEDED:
        return f"Java {java or 'itself'} is too old" if java else "there is no Java"
    return None if folder().is_dir() else f"{folder()} does not exist"


def fetch() -> Path:
    """Returns: the folder with the jars, fetched now unless it was there. Raises: FetchError."""
    target = folder()
    if target.is_dir():
        return target
    if not shutil.which("mvn") or java_version() < JAVA_NEEDED:
        raise FetchError("Maven (mvn) and Java 17 or newer are needed. On Debian and Ubuntu: "
                         "sudo apt install default-jre-headless maven")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".kafka-") as scratch:
        jars = Path(scratch) / "jars"
        _resolve(jars)
        try:
            jars.rename(target)  # what is there under its final name is whole
        except OSError:
            if not target.is_dir():  # else another process was quicker
                raise
    return target


def _resolve(jars: Path) -> None:
    """Tries again once, for networks are what they are. Raises: FetchError."""
    for _ in range(ATTEMPTS):
        shutil.rmtree(jars, ignore_errors=True)
        fault = _maven(jars)
        if fault is None:
            return
    raise FetchError(f"Maven did not get Kafka {version()}:\n{fault}")


def _maven(jars: Path) -> str | None:
    """Run it. Returns: what went wrong."""
    run = subprocess.Popen(
        ["mvn", "-B", "-q", "-f", str(POM), "dependency:copy-dependencies",
         "-DincludeScope=runtime", f"-DoutputDirectory={jars}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True)  # it is a script, and what it starts is to end with it
    late = ""
    try:
        told, _ = run.communicate(timeout=TIMEOUT_S)
    except BaseException as error:
        os.killpg(run.pid, signal.SIGKILL)
        told, _ = run.communicate()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise  # such as Ctrl-C, which does not reach another session
        late = f"\nnot done after {TIMEOUT_S:g} s"
    if run.returncode == 0 and list(jars.glob("kafka_*.jar")):
        return None
    return f"{told[-3000:].strip()}{late}"


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        if lack := missing():
            print(f"The tests with Apache Kafka will be skipped, {lack}: {HOW_TO}")
        return 0
    try:
        print(fetch())
    except FetchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
