"""The kiosk's configuration: every key known, every mistake named with its key, its value and what was expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ewarung_pos.config import ConfigFile, KioskConfig, PrinterConfig, load_config, write_config
from ewarung_pos.errors import ConfigError
from ewarung_pos.ports import Setting

# Section -> keys that a kiosk's administrator may rely on (docs: Configuration).
KEYS: dict[str, set[str]] = {
    "kiosk": {"id", "name", "kelurahan_code", "language", "text_scale", "theme", "voice"},
    "city": {"url", "ca"},
    "card_reader": {"driver", "port", "baudrate", "parity", "card_info_type"},
    "payment_terminal": {
        "driver",
        "port",
        "baudrate",
        "parity",
        "inquiry_type",
        "fence",
        "quiet_seconds",
        "version",
        "check_last4",
        "merchant",
        "terminal",
        "ack_seconds",
        "gap_ms",
        "echo_seconds",
        "query_seconds",
        "repeat_seconds",
        "url",
        "certificate",
        "key_file",
        "not_found",
        "response_seconds",
    },
    "receipt_printer": {
        "driver",
        "port",
        "profile",
        "columns",
        "baudrate",
        "flow",
        "chunk",
        "pause_ms",
        "settle_ms",
        "code_page",
        "cut",
        "drawer",
        "logo",
        "raw",
    },
    "paths": {"data", "backup", "stick"},
    "policy": {"idle_lock_minutes", "retention_months"},
}

FULL = """
[kiosk]
id = "EW-0001"
name = "e-Warung Mawar"
kelurahan_code = "33.74.01.1010"
language = "id"
text_scale = 125
theme = "dark"
voice = "espeak-ng"

[city]
url = "https://kota.example"
ca = "/etc/ewarung/ca.pem"

[card_reader]
driver = "ecr"
port = "/dev/ttyACM0"
baudrate = 115200
parity = "E"
card_info_type = "41"

[payment_terminal]
driver = "ecr"
port = "/dev/ttyACM0"
baudrate = 38400
parity = "O"
inquiry_type = "33"
fence = "quiet"
quiet_seconds = 2
version = 3
check_last4 = false
merchant = "MERCHANT0000001"
terminal = "TERM0001"
ack_seconds = 5
gap_ms = 800
echo_seconds = 8
query_seconds = 45
repeat_seconds = 15
url = "wss://192.0.2.9:6746"
certificate = "00:11"
key_file = "/etc/ewarung/poselink.key"
not_found = "Transaction not found"
response_seconds = 90

[receipt_printer]
driver = "escpos-network"
port = "192.0.2.7:9100"
profile = "TM-T20II"
columns = 48
baudrate = 19200
flow = "rtscts"
chunk = 128
pause_ms = 20
settle_ms = 1500
code_page = "cp858"
cut = "full"
drawer = 5
logo = "/etc/ewarung/logo.png"
raw = true

[paths]
data = "/var/lib/ewarung"
backup = "/media/usb"
stick = "/srv/kiriman"

[policy]
idle_lock_minutes = 15
retention_months = 6
"""


POSELINK = '[payment_terminal]\ndriver = "poselink"\n'
PIN = "AB:" * 31 + "AB"


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refused(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(written(tmp_path, text), environment or {})
    assert caught.value.reason in {"invalid", "unreadable"}
    return str(caught.value)


def test_these_are_the_sections_and_keys() -> None:
    found = {
        field.name: {key.name for key in msgspec.structs.fields(field.type)}
        for field in msgspec.structs.fields(KioskConfig)
    }
    assert found == KEYS


def test_every_key_of_a_full_file_arrives(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, FULL), {})
    defaults = msgspec.to_builtins(KioskConfig())
    for section, values in msgspec.to_builtins(config).items():
        for key, value in values.items():
            assert value != defaults[section][key] or (section, key) == ("kiosk", "language")
    assert config.receipt_printer == PrinterConfig(
        "escpos-network",
        "192.0.2.7:9100",
        "TM-T20II",
        48,
        19_200,
        "rtscts",
        128,
        20,
        1500,
        "cp858",
        "full",
        5,
        "/etc/ewarung/logo.png",
        raw=True,
    )


def test_no_file_and_no_key_is_a_till_that_prints_pdf_and_has_no_devices(tmp_path: Path) -> None:
    assert load_config(None, {}) == load_config(tmp_path / "none.toml", {}) == KioskConfig()
    assert KioskConfig().receipt_printer.driver == "pdf"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, FULL), {})
    odd = msgspec.structs.replace(config, kiosk=msgspec.structs.replace(config.kiosk, name='Bu "Sri" \\ é\n•'))
    write_config(odd, tmp_path / "again.toml")
    assert load_config(tmp_path / "again.toml", {}) == odd
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ('[kiosk]\ntheme = "red"', "kiosk.theme", "'red'", "'light', 'dark'"),
        ('[kiosk]\nlanguage = "en"', "kiosk.language", "'en'", "'id'"),
        ("[kiosk]\ntext_scale = 90", "kiosk.text_scale", "90", ">= 100"),
        ("[kiosk]\ntext_scale = 300", "kiosk.text_scale", "300", "<= 200"),
        ("[kiosk]\nname = 7", "kiosk.name", "7", "teks"),
        ("[card_reader]\nbaudrate = 300", "card_reader.baudrate", "300", "9600"),
        ('[card_reader]\nparity = "M"', "card_reader.parity", "'M'", "'E'"),
        ('[card_reader]\ncard_info_type = "4"', "card_reader.card_info_type", "'4'", "[0-9]{2}"),
        ('[card_reader]\ndriver = "ecr"', "card_reader.port", "kosong", "/dev/ttyACM0"),
        ('[card_reader]\ndriver = "stripe-serial"', "card_reader.port", "kosong", "/dev/ttyACM0"),
        ('[card_reader]\ndriver = "stripe-keyboard"\nport = "COM3"', "card_reader.port", "'COM3'", "/dev/input/by-id"),
        ('[card_reader]\ndriver = "chip"', "card_reader.driver", "'chip'", "'pcsc', 'stripe-serial'"),
        ('[payment_terminal]\ndriver = "edc"', "payment_terminal.driver", "'edc'", "'ecr'"),
        ('[payment_terminal]\ninquiry_type = "333"', "payment_terminal.inquiry_type", "'333'", "[0-9]{2}"),
        ('[payment_terminal]\nfence = "none"', "payment_terminal.fence", "'none'", "'echo', 'quiet'"),
        ("[payment_terminal]\nquiet_seconds = 0", "payment_terminal.quiet_seconds", "0", ">= 1"),
        ("[payment_terminal]\nversion = 4", "payment_terminal.version", "4", "1, 2, 3"),
        ('[payment_terminal]\nterminal = "TERM00012"', "payment_terminal.terminal", "'TERM00012'", "{0,8}"),
        ("[payment_terminal]\nack_seconds = 31", "payment_terminal.ack_seconds", "31", "<= 30"),
        ("[payment_terminal]\ngap_ms = 20", "payment_terminal.gap_ms", "20", ">= 100"),
        ("[payment_terminal]\nresponse_seconds = 0", "payment_terminal.response_seconds", "0", ">= 1"),
        ('[card_reader]\ndriver = "ecr"\nport = "usb:b00"', "card_reader.port", "'usb:b00'", "usb:VENDOR:PRODUCT"),
        ('[payment_terminal]\ndriver = "ecr"\nport = "usb:"', "payment_terminal.port", "'usb:'", "usb:VENDOR:PRODUCT"),
        ('[payment_terminal]\ndriver = "ecr"', "payment_terminal.port", "kosong", "port EDC"),
        (
            '[card_reader]\ndriver = "pcsc"\nport = "ACR39"\n[payment_terminal]\ndriver = "ecr"',
            "payment_terminal.port",
            "kosong",
            "port EDC",
        ),
        (
            '[card_reader]\ndriver = "stripe-serial"\nport = "COM3"\n[payment_terminal]\ndriver = "ecr"\nport = "COM3"',
            "payment_terminal.port",
            "'COM3'",
            "bukan port card_reader",
        ),
        (
            '[card_reader]\ndriver = "ecr"\nport = "COM3"\n[receipt_printer]\ndriver = "escpos-serial"\nport = "COM3"',
            "receipt_printer.port",
            "'COM3'",
            "bukan port card_reader",
        ),
        (
            '[payment_terminal]\ndriver = "ecr"\nport = "C4"\n[receipt_printer]\ndriver = "escpos-serial"\nport = "C4"',
            "receipt_printer.port",
            "'C4'",
            "bukan port payment_terminal",
        ),
        ('[receipt_printer]\ndriver = "cups"', "receipt_printer.port", "kosong", "port atau HOST:PORT"),
        ('[receipt_printer]\ndriver = "cups"\nport = "a b"', "receipt_printer.port", "'a b'", "antrean CUPS"),
        ('[receipt_printer]\ndriver = "cups"\nport = "ipp://host"', "receipt_printer.port", "ipp://host", "ipp://HOST"),
        ('[receipt_printer]\ndriver = "cups"\nport = "ipp://h:99999/"', "receipt_printer.port", "99999", "ipp://HOST"),
        ('[receipt_printer]\ndriver = "cups"\nport = "ipp://[::1/ipp"', "receipt_printer.port", "[::1", "ipp://HOST"),
        (POSELINK + 'url = "ws://edc"', "payment_terminal.url", "'ws://edc'", "wss://HOST:PORT"),
        (POSELINK, "payment_terminal.url", "''", "wss://HOST:PORT"),
        (POSELINK + 'url = "wss://edc"\ncertificate = "ab"', "payment_terminal.certificate", "'ab'", "SHA-256"),
        ("[receipt_printer]\ndrawer = 3", "receipt_printer.drawer", "3", "0, 2, 5"),
        ("[receipt_printer]\npause_ms = -1", "receipt_printer.pause_ms", "-1", ">= 0"),
        ("[receipt_printer]\nchunk = 5000", "receipt_printer.chunk", "5000", "<= 4096"),
        ('[receipt_printer]\ncode_page = "utf8"', "receipt_printer.code_page", "'utf8'", "'cp858'"),
        ("[receipt_printer]\ncolumns = 40", "receipt_printer.columns", "40", "32, 48"),
        ('[receipt_printer]\ndriver = "escpos-serial"', "receipt_printer.port", "kosong", "port atau HOST:PORT"),
        (
            '[receipt_printer]\ndriver = "escpos-network"\nport = "printer"',
            "receipt_printer.port",
            "'printer'",
            "HOST:PORT",
        ),
        ('[receipt_printer]\ndriver = "escpos-usb"\nport = "4b8:202"', "receipt_printer.port", "4b8", "VENDOR:PRODUCT"),
        ('[receipt_printer]\ndriver = "escpos-usb"', "receipt_printer.port", "kosong", "port atau HOST:PORT"),
        (
            '[receipt_printer]\ndriver = "escpos-network"\nport = "printer:²"',
            "receipt_printer.port",
            "printer",
            "HOST:PORT",
        ),
        (
            '[receipt_printer]\ndriver = "escpos-network"\nport = "printer:99999"',
            "receipt_printer.port",
            "99999",
            "HOST:PORT",
        ),
        (
            '[receipt_printer]\ndriver = "escpos-network"\nport = "tcp://printer:9100"',
            "receipt_printer.port",
            "'tcp://printer:9100'",
            "HOST:PORT atau socket://HOST:PORT",
        ),
        ('[city]\nurl = "https://kota.test:99999999"', "city.url", "99999999", "https://"),
        ("[policy]\nretention_months = 0", "policy.retention_months", "0", ">= 1"),
        ("[policy]\nidle_lock_minutes = -1", "policy.idle_lock_minutes", "-1", ">= 0"),
        ("[kiosk]\nnama = 'Mawar'", "kiosk.nama", "'Mawar'", "kelurahan_code"),
        ("[printer]\ndriver = 'pdf'", "printer", "'pdf'", "receipt_printer"),
        ("kiosk = 3", "kiosk", "3", "tabel"),
    ],
)
def test_a_mistake_is_named_with_key_value_and_expectation(
    tmp_path: Path, text: str, key: str, value: str, expected: str
) -> None:
    message = refused(tmp_path, text)
    told, _, wanted = message.partition("seharusnya")
    assert f"{key}: " in told
    assert value in told
    assert expected in wanted


@pytest.mark.parametrize(
    "port", ["STRUK", "TM-T82_58mm", "ipp://192.0.2.7/ipp/print", "ipp://printer.local:8631/ipp/print"]
)
def test_a_queue_or_an_ipp_printer_may_be_named(tmp_path: Path, port: str) -> None:
    file = written(tmp_path, f'[receipt_printer]\ndriver = "cups"\nport = "{port}"\n')
    assert load_config(file, {}).receipt_printer == PrinterConfig("cups", port)


def test_an_edc_on_the_network_needs_address_and_certificate(tmp_path: Path) -> None:
    text = POSELINK + f'url = "wss://192.0.2.9"\ncertificate = "{PIN}"\n'
    terminal = load_config(written(tmp_path, text), {}).payment_terminal
    assert (terminal.driver, terminal.url, terminal.certificate) == ("poselink", "wss://192.0.2.9", PIN)


@pytest.mark.parametrize("port", ["/dev/usb/lp0", "04b8:0E15"])
def test_a_usb_printer_is_a_kernel_file_or_a_vendor_and_product(tmp_path: Path, port: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[receipt_printer]\ndriver = "escpos-usb"\nport = "{port}"\n')
    assert load_config(file, {}).receipt_printer == PrinterConfig("escpos-usb", port)


@pytest.mark.parametrize("broken", ["[kiosk\n", "id = \n", "\udcff"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, broken: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(broken.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    assert caught.value.reason == "unreadable"
    assert str(file) in str(caught.value)


# --- the environment --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", KEYS)
def test_the_environment_overrides_every_key(tmp_path: Path, section: str) -> None:
    full = msgspec.to_builtins(load_config(written(tmp_path, FULL), {}))
    environment = {f"EWARUNG_{section}_{key}".upper(): str(value) for key, value in full[section].items()}
    # a printer and a reader need each other's keys to be consistent; they come from the file
    base = "" if section != "payment_terminal" else '[card_reader]\ndriver = "ecr"\nport = "/dev/ttyACM0"'
    config = load_config(written(tmp_path, base), environment)
    assert msgspec.to_builtins(config)[section] == full[section]


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, FULL), {"EWARUNG_KIOSK_TEXT_SCALE": "150", "EWARUNG_CITY_CA": ""})
    assert (config.kiosk.text_scale, config.city.ca, config.kiosk.name) == (150, "", "e-Warung Mawar")


def test_a_mistake_in_the_environment_is_named_like_one_in_the_file(tmp_path: Path) -> None:
    message = refused(tmp_path, "", {"EWARUNG_KIOSK_TEXT_SCALE": "besar"})
    assert "kiosk.text_scale: 'besar', seharusnya bilangan bulat" in message
    with pytest.raises(ConfigError, match="environment: kiosk"):
        load_config(None, {"EWARUNG_KIOSK_THEME": "red"})


def test_a_section_that_is_no_table_stays_wrong_under_the_environment(tmp_path: Path) -> None:
    assert "kiosk: 3, seharusnya" in refused(tmp_path, "kiosk = 3", {"EWARUNG_KIOSK_NAME": "Mawar"})


# --- the city's address -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["", "https://kota.example", "https://kota.example:8443/v1", "http://127.0.0.1:8000", "http://localhost"]
)
def test_an_address_that_nobody_reads_along(tmp_path: Path, url: str) -> None:
    assert load_config(written(tmp_path, f'[city]\nurl = "{url}"'), {}).city.url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://kota.example",
        "http://127.0.0.1:8000@kota.example",
        "http://127.0.0.1.kota.example:8000",
        "ftp://kota.example",
        "kota.example",
        "https://",
        "http://[::1",
    ],
)
def test_an_address_that_others_could_read(tmp_path: Path, url: str) -> None:
    message = refused(tmp_path, f'[city]\nurl = "{url}"')
    assert f"city.url: {url!r}" in message


def test_a_sound_configuration_holds_no_secret() -> None:
    """Nothing in it needs hiding when an error repeats a value."""
    names: set[Any] = set().union(*KEYS.values())
    assert not {name for name in names if any(word in name for word in ("pin", "password", "secret", "token"))}


# --- settings that are written ------------------------------------------------------------------------------------


def test_settings_are_written_beside_what_stands_there_and_the_old_file_is_kept(tmp_path: Path) -> None:
    file = written(tmp_path, '[kiosk]\nname = "Mawar"\n')
    config = ConfigFile(file)
    assert config.set_up() == frozenset()
    config.apply((Setting("card_reader", "driver", "pcsc"), Setting("receipt_printer", "columns", 48)))
    read = load_config(file, {})
    assert (read.kiosk.name, read.card_reader.driver, read.receipt_printer.columns) == ("Mawar", "pcsc", 48)
    assert (tmp_path / "config.toml.lama").read_text() == '[kiosk]\nname = "Mawar"\n'
    assert config.set_up() == {"card_reader", "receipt_printer"}


@pytest.mark.parametrize(
    "settings",
    [
        (Setting("receipt_printer", "driver", "escpos-usb"),),
        (Setting("payment_terminal", "driver", "telepathy"),),
        (Setting("kiosk", "colour", "red"),),
    ],
)
def test_settings_that_make_no_sense_are_not_written(tmp_path: Path, settings: tuple[Setting, ...]) -> None:
    file = written(tmp_path, "[kiosk]\n")
    with pytest.raises(ConfigError):
        ConfigFile(file).apply(settings)
    assert file.read_text() == "[kiosk]\n"
    assert list(tmp_path.iterdir()) == [file]


def test_a_kiosk_without_a_file_gets_one(tmp_path: Path) -> None:
    ConfigFile(tmp_path / "config.toml").apply((Setting("card_reader", "driver", "pcsc"),))
    assert load_config(tmp_path / "config.toml", {}).card_reader.driver == "pcsc"
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]
