"""The verb `price`: its arguments. What it prints of a whole bot: tests/test_daemon.py."""

import pytest

from bot.__main__ import main


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "1_000", "1" * 13])
def test_a_limit_that_is_none_is_a_wrong_argument(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["price", "BTCUSDT", f"--max-age-ms={text}"])
    assert ended.value.code == 2
    assert f"must be a whole number of ms, 0 or more, got '{text}'" in capsys.readouterr().err
