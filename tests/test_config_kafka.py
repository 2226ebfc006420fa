"""The settings of Kafka: what goes together, what does not, and that secrets stay secret."""

from argparse import Namespace
from pathlib import Path

import pytest

from bot.broker.access import Access, access
from bot.config import SETTINGS, effective
from bot.setting import MASK
from bot.verbs.check import EX_OK, run
from tests.test_config import NO_FILE, SECRET, faults, loaded
from tests.test_readers import CERTIFICATE

SASL = {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-512", "KAFKA_SASL_USERNAME": "bot",
        "KAFKA_SASL_PASSWORD": SECRET}


@pytest.fixture
def cafile(tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    file.write_bytes(CERTIFICATE.read_bytes())
    return file


@pytest.mark.parametrize("name, text, field, value", [
    ("KAFKA_BROKERS", "a:1, b:2,[::1]:9092", "kafka_brokers", ("a:1", "b:2", "[::1]:9092")),
    ("KAFKA_TOPIC", "Prices.v1_x-y", "kafka_topic", "Prices.v1_x-y"),
    ("KAFKA_PUBLISH_TOPIC", "x" * 242, "kafka_publish_topic", "x" * 242),
    ("KAFKA_SECURITY_PROTOCOL", "ssl", "kafka_security_protocol", "SSL"),
    ("KAFKA_SECURITY_PROTOCOL", "Plaintext", "kafka_security_protocol", "PLAINTEXT"),
    ("ENABLE_KAFKA", "True", "enable_kafka", True),
    ("KAFKA_SASL_PASSWORD", " zwei W\u00f6rter ", "kafka_sasl_password", "zwei W\u00f6rter"),
])
def test_setting_is_read(name: str, text: str, field: str, value: object) -> None:
    others = SASL | {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"} if "SASL" in name else {}
    assert getattr(loaded(others | {name: text}), field) == value


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT", "sasl_ssl"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "scram-sha-256", "SCRAM-SHA-512"])
def test_everything_comes_through_to_the_clients(protocol: str, mechanism: str) -> None:
    config = loaded(SASL | {"KAFKA_SECURITY_PROTOCOL": protocol, "KAFKA_SASL_MECHANISM": mechanism,
                            "KAFKA_BROKERS": "a:1,b:2", "INSTANCE_ID": "eins"})
    assert access(config) == Access(
        brokers=("a:1", "b:2"), instance="eins", protocol=protocol.upper(),
        mechanism=mechanism.upper(), username="bot", password=SECRET, cafile=None)


@pytest.mark.parametrize("lacking", SASL)
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_a_sasl_protocol_lacks_what_is_not_set(protocol: str, lacking: str) -> None:
    rest = {name: text for name, text in SASL.items() if name != lacking}
    assert faults(NO_FILE, KAFKA_SECURITY_PROTOCOL=protocol, **rest) == (
        f"{lacking}: must be set with KAFKA_SECURITY_PROTOCOL={protocol}, got nothing",)


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
@pytest.mark.parametrize("name", SASL)
def test_credentials_that_no_protocol_would_use_are_a_fault(protocol: str, name: str) -> None:
    """Else a password would be believed to protect what is open to all."""
    (line,) = faults(NO_FILE, KAFKA_SECURITY_PROTOCOL=protocol, **{name: SASL[name]})
    assert line == (f"{name}: is not used with KAFKA_SECURITY_PROTOCOL={protocol}; "
                    f"write SASL_SSL or SASL_PLAINTEXT there, or unset it")


def test_all_that_is_wrong_together_is_told_at_once(cafile: Path) -> None:
    lines = faults(NO_FILE, KAFKA_SSL_CAFILE=str(cafile), KAFKA_TOPIC="a b", **SASL)
    assert [line.split(":")[0] for line in lines] == [
        "KAFKA_TOPIC", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD",
        "KAFKA_SSL_CAFILE"]


@pytest.mark.parametrize("protocol, allowed", [
    ("PLAINTEXT", False), ("SASL_PLAINTEXT", False), ("SSL", True), ("SASL_SSL", True)])
def test_a_cafile_goes_with_tls_only(cafile: Path, protocol: str, allowed: bool) -> None:
    names = {"KAFKA_SECURITY_PROTOCOL": protocol, "KAFKA_SSL_CAFILE": str(cafile)}
    names |= SASL if protocol.startswith("SASL") else {}
    if allowed:
        assert loaded(names).kafka_ssl_cafile == cafile
    else:
        (line,) = faults(NO_FILE, **names)
        assert line == (f"KAFKA_SSL_CAFILE: is not used with KAFKA_SECURITY_PROTOCOL={protocol}; "
                        f"write SSL or SASL_SSL there, or unset it")


def test_a_cafile_that_cannot_be_read_is_a_fault_before_the_start(tmp_path: Path) -> None:
    (line,) = faults(NO_FILE, KAFKA_SECURITY_PROTOCOL="SSL", KAFKA_SSL_CAFILE=str(tmp_path))
    assert line.startswith("KAFKA_SSL_CAFILE: must be a file that can be read (Is a directory)")


@pytest.mark.parametrize("name, text, fault", [
    ("KAFKA_BROKERS", "kafka", "must be host:port"),
    ("KAFKA_BROKERS", "http://kafka:9092/x", "must be host:port"),
    ("KAFKA_TOPIC", "..", "must be a topic's name"),
    ("KAFKA_TOPIC", "a b", "must be a topic's name"),
    ("KAFKA_PUBLISH_TOPIC", "x" * 243, "must be a topic's name"),
    ("KAFKA_SECURITY_PROTOCOL", "TLS", "must be one of plaintext, ssl, sasl_plaintext, sasl_ssl"),
    ("KAFKA_SASL_MECHANISM", "GSSAPI", "must be one of plain, scram-sha-256, scram-sha-512"),
    ("KAFKA_SASL_MECHANISM", "SCRAM-SHA-1", "did you mean"),
    ("KAFKA_SASL_USERNAME", "x" * 65, "at most 64 printable"),
    ("KAFKA_SASL_PASSWORD", "x" * 1025, "must be at most 1024 printable characters, got ****"),
    ("KAFKA_SSL_CAFILE", __file__, "holds no certificate that can be read"),
])
def test_bad_value_is_named_with_what_would_be_right(name: str, text: str, fault: str) -> None:
    (line,) = faults(NO_FILE, **{name: text})
    assert line.startswith(f"{name}: ") and fault in line


def test_the_password_is_masked_by_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, text in (SASL | {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}).items():
        monkeypatch.setenv(name, text)
    assert run(Namespace()) == EX_OK
    out, err = capsys.readouterr()
    assert f"KAFKA_SASL_PASSWORD={MASK}\n" in out and "KAFKA_SASL_USERNAME=bot\n" in out
    assert SECRET not in out + err


@pytest.mark.parametrize("names", [
    {"KAFKA_SASL_PASSWORD": SECRET * 90}, {"KAFKA_SASL_PASSWORD": f"{SECRET}\n{SECRET}"},
    {"KAFKA_SASL_PASSWORD": SECRET}, SASL, SASL | {"KAFKA_SECURITY_PROTOCOL": "SASL_TLS"},
], ids=range(5))
def test_the_password_is_in_no_fault(names: dict[str, str]) -> None:
    assert SECRET not in "\n".join(faults(NO_FILE, **names))


def test_the_password_is_in_no_repr() -> None:
    config = loaded(SASL | {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_BROKERS": "a:1,b:2"})
    way = access(config)
    assert way.password == SECRET == config.kafka_sasl_password
    assert repr(way) == str(way) == f"{way}" == "Access(a:1,b:2)"
    assert SECRET not in repr(config) + repr([way]) + repr(effective(config)) + way.words


def test_a_misspelt_protocol_makes_no_false_faults_of_what_depends_on_it(cafile: Path) -> None:
    (line,) = faults(NO_FILE, KAFKA_SECURITY_PROTOCOL="SASL", KAFKA_SSL_CAFILE=str(cafile), **SASL)
    assert line.startswith("KAFKA_SECURITY_PROTOCOL: must be one of plaintext, ssl")


def test_prices_served_are_not_to_be_read_as_evidence() -> None:
    (line,) = faults(NO_FILE, ENABLE_KAFKA="true", KAFKA_PUBLISH_TOPIC="prices",
                     KAFKA_TOPIC="prices.served")
    assert line.startswith("KAFKA_TOPIC: is where KAFKA_PUBLISH_TOPIC=prices puts prices served")


def test_a_password_in_front_of_a_broker_is_refused_and_not_shown() -> None:
    (line,) = faults(NO_FILE, KAFKA_BROKERS=f"bot:{SECRET}@kafka:9092")
    assert line.startswith("KAFKA_BROKERS: must be") and line.endswith(f"got {MASK}")
