"""The kiosk's configuration: one frozen value from `config.toml` and `EWARUNG_SECTION_KEY` variables, validated once.

Unknown keys are refused; every error names the key, the value and what was expected.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

from ewarung_pos.domain.retention import RETENTION_MONTHS
from ewarung_pos.errors import ConfigError
from ewarung_pos.ports import Setting

__all__ = [
    "CardReaderConfig",
    "CityConfig",
    "ConfigFile",
    "KioskConfig",
    "Paths",
    "PrinterConfig",
    "TerminalConfig",
    "load_config",
    "printer_address",
    "write_config",
]

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]*)`")
_USB = re.compile(r"/.+|[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}(:[^\s:]{1,64})?")
_USB_SERIAL = re.compile(r"usb:[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}(:[^\s:]{1,64})?")
_QUEUE = re.compile(r"[^\s/?#'\"\\]{1,127}|ipp://[^\s/?#]+/[^\s?#]*")
_WORDS = (("`int`", "bilangan bulat"), ("`str`", "teks"), (", got ", ", bukan "), ("matching regex", "berpola"))
"""The validator's words, for who reads the message at the kiosk."""
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")


class KioskSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the kiosk is called and how its screen speaks. `text_scale` is percent.

    `voice` says goods and amounts aloud to the family, through the program of that name; the whole queue hears it.
    """

    id: str = ""
    name: str = ""
    kelurahan_code: str = ""
    language: Literal["id"] = "id"
    text_scale: Annotated[int, msgspec.Meta(ge=100, le=200)] = 100
    theme: Literal["light", "dark"] = "light"
    voice: Literal["off", "espeak-ng"] = "off"


class CityConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the city's server is; `ca` is a PEM file that replaces the system's authorities."""

    url: str = ""
    ca: str = ""


class CardReaderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which reader says whose card it is.

    `port`: for `ecr` and `stripe-serial` a serial port, or usb:VENDOR:PRODUCT[:SERIAL], which is looked for anew at
    each opening; for `pcsc` part of the reader's name, empty for every reader; for `stripe-keyboard` a keyboard of
    Linux to be grabbed (/dev/input/by-id/...), empty for a reader that types in the till's window. `card_info_type` is
    the EDC's two-digit code, the bank's to tell.
    """

    driver: Literal["ecr", "pcsc", "stripe-serial", "stripe-keyboard", "none"] = "none"
    port: str = ""
    baudrate: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    parity: Literal["N", "E", "O"] = "N"
    card_info_type: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}$")] = "40"


class TerminalConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which terminal moves money.

    For `ecr`: an empty `port`, a `baudrate` of 0 and an empty `parity` are those of an EDC that reads the cards too, or
    9600 and N where another reader does; `inquiry_type` is its code for "what became of it", empty where it has none.
    `fence` is how the till makes sure that the EDC has said all it had to say: by an echo test, or, at an EDC that has
    none, by `quiet_seconds` of silence.
    `version` is the version byte of its requests; without `check_last4` an answer may show another card than the one
    that was read. `ack_seconds` is for its ACK, `gap_ms` for a silence inside an answer, and `echo_seconds`,
    `query_seconds` and `repeat_seconds` for the answers to an echo test, an inquiry or settlement, and a NAK.
    `merchant` and `terminal` are the MID and TID that its approvals must name; empty for any.

    For `poselink`: `url` is wss://HOST[:PORT], `certificate` the SHA-256 fingerprint of what answers there, `key_file`
    holds what the bank's vendor issued (empty: poselink.key in the data folder), and `not_found` is the text or code by
    which the EDC says that it knows no such transaction; empty where nobody has seen it, and nothing means that then.
    """

    driver: Literal["none", "ecr", "poselink"] = "none"
    port: str = ""
    baudrate: Literal[0, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 0
    parity: Literal["", "N", "E", "O"] = ""
    inquiry_type: Annotated[str, msgspec.Meta(pattern=r"^([0-9]{2})?$")] = ""
    fence: Literal["echo", "quiet"] = "echo"
    quiet_seconds: Annotated[int, msgspec.Meta(ge=1, le=30)] = 1
    version: Literal[1, 2, 3] = 1
    check_last4: bool = True
    merchant: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{0,15}$")] = ""
    terminal: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{0,8}$")] = ""
    ack_seconds: Annotated[int, msgspec.Meta(ge=1, le=30)] = 3
    gap_ms: Annotated[int, msgspec.Meta(ge=100, le=5000)] = 500
    echo_seconds: Annotated[int, msgspec.Meta(ge=1, le=60)] = 5
    query_seconds: Annotated[int, msgspec.Meta(ge=1, le=300)] = 60
    repeat_seconds: Annotated[int, msgspec.Meta(ge=1, le=60)] = 10
    url: str = ""
    certificate: str = ""
    key_file: str = ""
    not_found: str = ""
    response_seconds: Annotated[int, msgspec.Meta(ge=1, le=300)] = 120


class PrinterConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where receipts come out.

    `port` is a serial port, HOST:PORT of a network printer, or for USB the kernel's printer file (/dev/usb/lp0) or
    VENDOR:PRODUCT[:SERIAL] in hexadecimal; for `cups` a queue's name or ipp://HOST/PATH. `raw` sends ESC/POS to a queue
    that changes nothing (`lpadmin -m raw`), else it gets PDF. `columns` 32 is paper of 58 mm, 48 of 80 mm.

    `baudrate` and `flow` are of a serial port. `chunk` bytes are written at a time with `pause_ms` between: 64 to 256
    and 5 to 50 for cheap units with small buffers, 0 for as fast as it takes them. `settle_ms`: how long paper may
    still run out after the last byte. The rest is what the printer has: letters beside ASCII, a knife, a drawer on
    pin 2 or 5 that opens when cash moves, and a picture above every paper.
    """

    driver: Literal["escpos-serial", "escpos-usb", "escpos-network", "cups", "pdf"] = "pdf"
    port: str = ""
    profile: str = ""
    columns: Literal[32, 48] = 32
    baudrate: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    flow: Literal["none", "rtscts", "dsrdtr", "xonxoff"] = "none"
    chunk: Annotated[int, msgspec.Meta(ge=0, le=4096)] = 0
    pause_ms: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    settle_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    code_page: Literal["ascii", "cp437", "cp850", "cp858", "cp1252"] = "ascii"
    cut: Literal["auto", "partial", "full", "none"] = "auto"
    drawer: Literal[0, 2, 5] = 0
    logo: str = ""
    raw: bool = False


class Paths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where data and its copies live; empty is the platform's own place.

    `stick`: a folder that takes the place of USB sticks on Sinkron; empty looks for sticks under /media and /run/media.
    """

    data: str = ""
    backup: str = ""
    stick: str = ""


class PolicySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits that a kiosk may tighten. `idle_lock_minutes` 0 never locks the screen.

    `retention_months`: how long the names of a family are kept after its last right or visit here.
    """

    idle_lock_minutes: Annotated[int, msgspec.Meta(ge=0, le=240)] = 0
    retention_months: Annotated[int, msgspec.Meta(ge=1, le=120)] = RETENTION_MONTHS


class KioskConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration."""

    kiosk: KioskSection = KioskSection()
    city: CityConfig = CityConfig()
    card_reader: CardReaderConfig = CardReaderConfig()
    payment_terminal: TerminalConfig = TerminalConfig()
    receipt_printer: PrinterConfig = PrinterConfig()
    paths: Paths = Paths()
    policy: PolicySection = PolicySection()


def load_config(file: Path | None, environment: Mapping[str, str] = os.environ) -> KioskConfig:
    """Read and validate.

    Args:
        file: `config.toml`; a missing file is an empty one.
        environment: `EWARUNG_SECTION_KEY` overrides a key.

    Raises:
        ConfigError: names the key, its value and what was expected.
    """
    data = _overridden(_read(file), environment)
    try:
        config = msgspec.convert(data, KioskConfig, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file or 'environment'}: {_explained(str(error), data)}", reason="invalid") from error
    _consistent(config)
    return config


class ConfigFile:
    """`config.toml` as the `SettingsFile` of a kiosk."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def set_up(self) -> frozenset[str]:
        """Sections of devices that are not as they are without a file.

        Raises:
            ConfigError: the file cannot be used.
        """
        config, bare = load_config(self._file), KioskConfig()
        devices = ("card_reader", "payment_terminal", "receipt_printer")
        return frozenset(name for name in devices if getattr(config, name) != getattr(bare, name))

    def written(self) -> frozenset[str]:
        """Sections that stand in the file, whatever they hold: TOML takes none a second time. Raises as `set_up`."""
        return frozenset(_read(self._file))

    def apply(self, settings: tuple[Setting, ...]) -> None:
        """Write them into the file; the file of before stays beside it as `config.toml.lama`.

        Raises:
            ConfigError: together with the rest they make no sense; nothing was written.
            OSError: the file cannot be written.
        """
        data: dict[str, dict[str, Any]] = msgspec.to_builtins(load_config(self._file, {}))
        for setting in settings:
            data[setting.section][setting.key] = setting.value
        try:
            config = msgspec.convert(data, KioskConfig)
        except msgspec.ValidationError as error:
            raise ConfigError(_explained(str(error), data), reason="invalid") from error
        _consistent(config)
        if self._file.exists():
            self._file.with_suffix(".toml.lama").write_bytes(self._file.read_bytes())
        write_config(config, self._file)


def write_config(config: KioskConfig, file: Path) -> None:
    """Write a configuration (set-up, sandbox), durable and whole or not at all."""
    lines = []
    for section, values in msgspec.to_builtins(config).items():
        lines.append(f"[{section}]")
        lines.extend(f"{key} = {msgspec.json.encode(value).decode()}" for key, value in values.items())
        lines.append("")
    temporary = file.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as out:
        out.write("\n".join(lines))
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(file)


def _read(file: Path | None) -> dict[str, Any]:
    if file is None or not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file}: {error}", reason="unreadable") from error


def _overridden(data: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    result = {section: dict(values) if isinstance(values, dict) else values for section, values in data.items()}
    for field in msgspec.structs.fields(KioskConfig):
        for key in msgspec.structs.fields(field.type):
            name = f"EWARUNG_{field.name}_{key.name}".upper()
            if name in environment:
                section = result.setdefault(field.name, {})
                if isinstance(section, dict):
                    section[key.name] = environment[name]
    return result


def _explained(message: str, data: Mapping[str, Any]) -> str:
    """`section.key: value, expected ...` out of the validator's message, which tells no value."""
    found = _PLACE.search(message)
    place = found["place"] if found is not None else ""
    unknown = _UNKNOWN.search(message)
    if unknown is not None:
        section = data.get(place)
        held = section if isinstance(section, Mapping) else data
        known = KioskConfig if not place else get_type_hints(KioskConfig)[place]
        key = f"{place}.{unknown['field']}".lstrip(".")
        return f"{key}: {held.get(unknown['field'])!r}, seharusnya salah satu dari {', '.join(known.__struct_fields__)}"
    section, _, key = place.partition(".")
    value = data.get(section)
    if not key:
        return f"{section}: {value!r}, seharusnya tabel [{section}]"
    hint = get_type_hints(get_type_hints(KioskConfig)[section], include_extras=True)[key]
    wanted = message.removesuffix(found[0] if found is not None else "").removeprefix("Expected ")
    for theirs, ours in _WORDS:
        wanted = wanted.replace(theirs, ours)
    if get_origin(hint) is Literal:
        wanted = "salah satu dari " + ", ".join(repr(choice) for choice in get_args(hint))
    told: Any = value.get(key) if isinstance(value, Mapping) else value
    return f"{place}: {told!r}, seharusnya {wanted}"


def _consistent(config: KioskConfig) -> None:
    reader = config.card_reader
    if reader.driver in {"ecr", "stripe-serial"} and not reader.port:
        raise ConfigError("card_reader.port: kosong, seharusnya port serial seperti /dev/ttyACM0", reason="invalid")
    if reader.driver == "stripe-keyboard" and reader.port and not reader.port.startswith("/dev/input/"):
        raise ConfigError(
            f"card_reader.port: {reader.port!r}, seharusnya kosong atau /dev/input/by-id/...", reason="invalid"
        )
    if config.payment_terminal.driver == "poselink":
        _poselink(config.payment_terminal)
    _serial_ports(config)
    printer = config.receipt_printer
    for key, port in (
        ("card_reader.port", reader.port),
        ("payment_terminal.port", config.payment_terminal.port),
        ("receipt_printer.port", printer.port),
    ):
        if port.startswith("usb:") and not _USB_SERIAL.fullmatch(port):
            raise ConfigError(f"{key}: {port!r}, seharusnya usb:VENDOR:PRODUCT[:NOMOR]", reason="invalid")
    if printer.driver != "pdf" and not printer.port:
        raise ConfigError("receipt_printer.port: kosong, seharusnya sebuah port atau HOST:PORT", reason="invalid")
    if printer.driver == "escpos-network":
        printer_address(printer.port)
    if printer.driver == "escpos-usb" and not _USB.fullmatch(printer.port):
        raise ConfigError(
            f"receipt_printer.port: {printer.port!r}, seharusnya /dev/usb/lp0 atau VENDOR:PRODUCT[:NOMOR]",
            reason="invalid",
        )
    if printer.driver == "cups" and not _queue(printer.port):
        raise ConfigError(
            f"receipt_printer.port: {printer.port!r}, seharusnya nama antrean CUPS atau ipp://HOST/JALUR",
            reason="invalid",
        )
    url = config.city.url
    if url and not _private(url):
        raise ConfigError(
            f"city.url: {url!r}, seharusnya https:// (http:// hanya untuk komputer ini)", reason="invalid"
        )


def _poselink(terminal: TerminalConfig) -> None:
    from ewarung_pos.devices.wss import fingerprint_of, host_of

    for key, value, check in (
        ("url", terminal.url, host_of),
        ("certificate", terminal.certificate, fingerprint_of),
    ):
        try:
            check(value)
        except ConfigError as error:
            raise ConfigError(f"payment_terminal.{key}: {value!r}, {error.detail}", reason="invalid") from error


def _serial_ports(config: KioskConfig) -> None:
    """Each device has a port of its own; only an EDC that reads the cards too is on one line with itself."""
    reader, terminal, printer = config.card_reader, config.payment_terminal, config.receipt_printer
    taken: dict[str, str] = {}
    if reader.driver in {"ecr", "stripe-serial"}:
        taken[reader.port] = "card_reader"
    if terminal.driver == "ecr":
        if not terminal.port and reader.driver != "ecr":
            raise ConfigError("payment_terminal.port: kosong, seharusnya port EDC", reason="invalid")
        if terminal.port in taken and reader.driver != "ecr":
            raise _shared("payment_terminal", terminal.port, "card_reader")
        taken.setdefault(terminal.port, "payment_terminal")
    if printer.driver == "escpos-serial" and printer.port and printer.port in taken:
        raise _shared("receipt_printer", printer.port, taken[printer.port])


def _shared(section: str, port: str, other: str) -> ConfigError:
    return ConfigError(f"{section}.port: {port!r}, seharusnya bukan port {other}", reason="invalid")


def _queue(place: str) -> bool:
    """A queue's name, or ipp://HOST[:PORT]/PATH."""
    try:
        port = urlsplit(place).port if place.startswith("ipp://") else None
    except ValueError:
        return False
    return _QUEUE.fullmatch(place) is not None and port != 0


def printer_address(place: str) -> tuple[str, int]:
    """Host and port of a network printer: HOST:PORT, or socket://HOST:PORT as an EDC's port is written.

    Raises:
        ConfigError: it is neither; `tcp://printer` would be looked for as a host of that name.
    """
    host, _, port = place.removeprefix("socket://").rpartition(":")
    if not (host and "/" not in host and port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ConfigError(
            f"receipt_printer.port: {place!r}, seharusnya HOST:PORT atau socket://HOST:PORT", reason="invalid"
        )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _private(url: str) -> bool:
    """Whether nobody on the way can read along: TLS, or a server on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        sound = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return bool(host) and sound and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))
