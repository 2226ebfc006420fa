"""The practice exchanges as a process of their own, for bots that outlive one test."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.processes import ROOT, free_port


class Practice:
    """environment: the settings that lead a bot there."""

    def __init__(self, rate: float) -> None:
        control = free_port()
        self._url = f"http://127.0.0.1:{control}/faults"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "sandbox", "--rate", str(rate), "--binance-port", "0",
             "--okx-port", "0", "--binance-rest-port", "0", "--okx-rest-port", "0",
             "--control-port", str(control)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.environment: dict[str, str] = {}
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.match(r"(\w+_URL)=(\S+)", line):
                self.environment[found[1]] = found[2]
            if len(self.environment) == 4:
                break
        assert len(self.environment) == 4, "the practice exchanges did not come up"

    def fault(self, exchange: str, fault: str, value: object = None) -> None:
        asked = {"exchange": exchange, "fault": fault, "value": value}
        with requests.Session() as session:
            session.trust_env = False
            session.post(self._url, json=asked, timeout=5).raise_for_status()

    def heal(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.delete(self._url, timeout=5).raise_for_status()


@contextmanager
def practice(rate: float = 50.0) -> Iterator[Practice]:
    running = Practice(rate)
    try:
        yield running
    finally:
        running.process.terminate()
        running.process.wait(10)
        assert running.process.stdout is not None
        running.process.stdout.close()
