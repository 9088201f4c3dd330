"""The fault script of every simulated device: which request goes wrong, and how.

A script is a list of rules, in JSON, or in TOML as `[[fault]]` tables. The rules have one form for all; what may be
asked of a device, and what it may do wrong, is its `Vocabulary`. `docs/simulators.md` has them as tables.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.devices.simulated import edc_frames, poselink_messages
from ewarung_pos.errors import ConfigError

__all__ = ["CHIP", "EDC", "POSELINK", "PRINTER", "STRIPE", "Deed", "Fault", "FaultScript", "Vocabulary"]


class Form(msgspec.Struct, frozen=True):
    """How a setting must be written, as a pattern and in words."""

    pattern: str
    words: str


_COUNTS = frozenset({"do", "on", "nth", "every"})


class Deed(msgspec.Struct, frozen=True):
    """What a device can do wrong.

    Attributes:
        settings: fields of a rule that say more of it.
        kinds: requests at which it can be done; none named: at all.
    """

    settings: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()


class Vocabulary(msgspec.Struct, frozen=True):
    """What a script may say of one device.

    Attributes:
        device: its name in an error.
        kinds: what `on` may name beside `any`.
        deeds: what `do` may name.
        only_on: settings that mean something at one kind of request.
        forms: how a setting must be written.
        types: requests by what the wire calls them: answered with its own `type`, a request is answered rightly.
    """

    device: str
    kinds: frozenset[str]
    deeds: Mapping[str, Deed]
    only_on: Mapping[str, str] = {}
    forms: Mapping[str, Form] = {}
    types: Mapping[str, str] = {}


def _deed(*settings: str, at: str = "") -> Deed:
    return Deed(frozenset(settings), frozenset({at} if at else ()))


_AN_EDC_ASKS = frozenset({"sale", "void", "card", "inquiry", "settle", "echo"})
_BOTH_EDCS = {
    **dict.fromkeys(("drop_response", "wrong_amount", "short", "garbage_before", "hangup_after_ack"), _deed()),
    **dict.fromkeys(("late_response", "duplicate_response"), _deed("ms")),
    "silence": _deed("processed"),
    "wrong_type": _deed("type"),
    **dict.fromkeys(("other_card", "reject_pin"), _deed(at="sale")),
    "decline": _deed("code", at="sale"),
    "host_timeout": _deed("approved", at="sale"),
}
EDC = Vocabulary(
    "EDC",
    _AN_EDC_ASKS,
    {
        **_BOTH_EDCS,
        "split": _deed("ms"),
        "nak": _deed("count"),
        **dict.fromkeys(("glue_ack", "bad_lrc", "bad_lrc_once", "long"), _deed()),
    },
    forms={
        "code": Form("(?!00)[0-9A-Z]{2}", "dua angka atau huruf besar, bukan 00"),
        "type": Form("[0-9]{2}", "dua angka"),
    },
    types=edc_frames.KINDS,
)
POSELINK = Vocabulary(
    "EDC POSe Link",
    _AN_EDC_ASKS,
    {
        **_BOTH_EDCS,
        "split": _deed(),
        "hangup_before_ack": _deed("processed"),
        **dict.fromkeys(("no_ack", "busy", "old_timestamp", "wrong_trx_id"), _deed()),
        "not_found": _deed(at="inquiry"),
    },
    forms={"code": Form("(?!00$).+", "sebuah kode, bukan 00")},
    types=poselink_messages.KINDS,
)
PRINTER = Vocabulary(
    "printer",
    frozenset({"job", "status"}),
    dict.fromkeys(
        ("paper_low", "paper_out", "cover_open", "cutter", "fault", "hot", "offline", "mute", "dead"),
        _deed("after", "stays"),
    ),
    {"after": "job"},
)
CHIP = Vocabulary(
    "kartu chip",
    frozenset({"insert", "command"}),
    {
        "removed": _deed("at"),
        "slow": _deed("ms"),
        "status": _deed("status", "at"),
        "blocked": _deed("status", at="insert"),
        "no_directory": _deed(at="insert"),
        "odd_number": _deed(at="insert"),
    },
    {"at": "insert"},
    {"status": Form("[0-9A-Fa-f]{4}", "empat angka heksa")},
)
STRIPE = Vocabulary(
    "pembaca gesek",
    frozenset({"swipe"}),
    {
        "split": _deed("ms"),
        "garbage_before": _deed(),
        "bad_parity": _deed(),
        "bad_lrc": _deed(),
        "no_start": _deed(),
        "no_end": _deed(),
        "twice": _deed("ms"),
        "unplugged": _deed("after", "ms"),
    },
)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: at the `nth` request of a kind (from 1), or at `every` so many of them, `do` something.

    Attributes:
        ms: pause of split (between bytes), late_response, duplicate_response and twice (before the copy), slow (before
            each answer) and unplugged (until the cable is back).
        count: how many times nak is sent.
        code: of decline.
        type: of wrong_type.
        processed: whether a request met with silence or hangup_before_ack is carried out all the same.
        approved: whether the money moved at a host_timeout.
        after: bytes of the printer's job, or characters of the swipe, before it happens.
        stays: connections of a till after the one it struck, until the printer is well again; for good without it.
        at: the command of the card that was put in (from 1) at which it happens.
        status: the chip's two status bytes, in hexadecimal digits.
    """

    do: str
    on: str = "any"
    nth: int = 0
    every: int = 0
    ms: int | None = None
    count: int = 1
    code: str = "05"
    type: str = "06"
    processed: bool = False
    approved: bool = False
    after: int | None = None
    stays: int | None = None
    at: int = 1
    status: str = ""

    def wants(self, kind: str, number: int, overall: int) -> bool:
        """Whether it strikes at request `number` of its kind, which is the `overall`th of all."""
        if self.on not in {kind, "any"}:
            return False
        at = overall if self.on == "any" else number
        return at == self.nth if self.nth else at % (self.every or 1) == 0

    def said(self) -> frozenset[str]:
        """Settings that are not as they are by themselves."""
        plain = Fault(self.do)
        return frozenset(name for name in self.__struct_fields__ if getattr(self, name) != getattr(plain, name))


class FaultScript:
    """All rules of a device, and how many requests of each kind there were."""

    def __init__(self, rules: tuple[Fault, ...] = (), words: Vocabulary = EDC) -> None:
        """Raises `ConfigError` when a rule says what this device does not know."""
        self._rules = tuple((rule, _kinds(rule, rule.said(), words)) for rule in rules)
        self._counts: dict[str, int] = {}

    @classmethod
    def of(cls, rows: list[dict[str, Any]], words: Vocabulary = EDC) -> FaultScript:
        """From plain rows.

        Raises:
            ConfigError: a rule is not understood, or says what this device does not know.
        """
        rules = []
        for number, row in enumerate(rows, start=1):
            try:
                rules.append(msgspec.convert(row, Fault))
                _kinds(rules[-1], frozenset(row), words)
            except msgspec.ValidationError as error:
                raise ConfigError(f"aturan {number} tidak dimengerti: {error}", reason="faults") from error
            except ConfigError as error:
                raise ConfigError(f"aturan {number}: {error.detail}", reason="faults") from error
        return cls(tuple(rules), words)

    @classmethod
    def read(cls, path: Path, words: Vocabulary = EDC) -> FaultScript:
        """From a `.json` or `.toml` file.

        Raises:
            ConfigError: unreadable, a rule is not understood, or says what this device does not know.
        """
        try:
            raw = path.read_bytes()
            if path.suffix == ".toml":
                tables = tomllib.loads(raw.decode("utf-8"))
                rows = tables.pop("fault", [])
                if tables:
                    raise _unknown(f"{min(tables)!r} tidak dikenal, seharusnya [[fault]]")
            else:
                rows = msgspec.json.decode(raw)
            return cls.of(msgspec.convert(rows, list[dict[str, Any]]), words)
        except ConfigError as error:
            raise ConfigError(f"--faults: {str(path)!r}, {error.detail}", reason="faults") from error
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise ConfigError(
                f"--faults: {str(path)!r} bukan daftar aturan dalam JSON atau TOML ({type(error).__name__})",
                reason="faults",
            ) from error

    def strike(self, kind: str) -> dict[str, Fault]:
        """Count one request of this kind; the rules that strike it, by what they do."""
        overall = self._counts["any"] = self._counts.get("any", 0) + 1
        number = self._counts[kind] = self._counts.get(kind, 0) + 1
        return {
            rule.do: rule
            for rule, kinds in self._rules
            if (not kinds or kind in kinds) and rule.wants(kind, number, overall)
        }


def _kinds(rule: Fault, written: frozenset[str], words: Vocabulary) -> frozenset[str]:
    """At which requests the rule can act; none named: at all. `written` are the words that it says.

    Raises:
        ConfigError: the device does not know the deed, the request, the setting or its value.
    """
    deed = words.deeds.get(rule.do)
    if deed is None or rule.on not in words.kinds | {"any"}:
        raise _unknown(f"gangguan {rule.do!r} pada {rule.on!r} tidak dikenal {words.device}")
    what = f"gangguan {rule.do!r} {words.device}"
    said = written - _COUNTS
    for name in sorted(said - deed.settings):
        raise _unknown(f"{name!r} tidak dikenal pada {what}")
    if min(rule.nth, rule.every, rule.ms or 0, rule.after or 0, rule.stays or 0, rule.at - 1, rule.count - 1) < 0:
        raise _unknown(f"{what}: angkanya terlalu kecil")
    if rule.nth and rule.every:
        raise _unknown(f"{what}: nth dan every, seharusnya salah satu")
    for name in sorted(said & words.forms.keys()):
        if not re.fullmatch(words.forms[name].pattern, getattr(rule, name)):
            raise _unknown(f"{what}: {name} {getattr(rule, name)!r}, seharusnya {words.forms[name].words}")
    kinds = deed.kinds or words.kinds
    for name in said & words.only_on.keys():
        kinds &= {words.only_on[name]}
    own = words.types.get(rule.type) if "type" in deed.settings else None
    if own is not None and own == rule.on:
        raise _unknown(f"{what}: type {rule.type!r} adalah milik {own!r} sendiri, seharusnya yang lain")
    kinds -= {own}
    if rule.on != "any" and rule.on not in kinds:
        raise _unknown(f"gangguan {rule.do!r} pada {rule.on!r} tidak dikenal {words.device}")
    return frozenset() if kinds == words.kinds else kinds


def _unknown(what: str) -> ConfigError:
    return ConfigError(what, reason="faults")
