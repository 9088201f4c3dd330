"""The fault script of the simulated EDC: which request goes wrong, and how.

A script is a list of rules, in JSON, or in TOML as `[[fault]]` tables. `docs/sandbox-edc.md` describes it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.errors import ConfigError

__all__ = ["ECR_DEEDS", "POSELINK_DEEDS", "Fault", "FaultScript"]

_KINDS = frozenset({"sale", "void", "card", "inquiry", "settle", "echo", "any"})
_ON_EVERY_WIRE = frozenset(
    {
        "split",
        "silence",
        "drop_response",
        "late_response",
        "duplicate_response",
        "wrong_amount",
        "wrong_type",
        "other_card",
        "short",
        "garbage_before",
        "hangup_after_ack",
        "decline",
        "host_timeout",
        "reject_pin",
    }
)
ECR_DEEDS = _ON_EVERY_WIRE | {"glue_ack", "bad_lrc", "bad_lrc_once", "nak", "long"}
POSELINK_DEEDS = _ON_EVERY_WIRE | {"no_ack", "hangup_before_ack", "busy", "old_timestamp", "wrong_trx_id", "not_found"}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: at the `nth` request of a kind (from 1), or at `every` so many of them, `do` something.

    Attributes:
        ms: pause of split (between bytes), late_response and duplicate_response (before the copy).
        count: how many times nak is sent.
        code: of decline.
        type: of wrong_type.
        processed: whether a request met with silence or hangup_before_ack is carried out all the same.
        approved: whether the money moved at a host_timeout.
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

    def wants(self, kind: str, number: int, overall: int) -> bool:
        """Whether it strikes at request `number` of its kind, which is the `overall`th of all."""
        if self.on not in {kind, "any"}:
            return False
        at = overall if self.on == "any" else number
        return at == self.nth if self.nth else at % (self.every or 1) == 0


class FaultScript:
    """All rules, and how many requests of each kind there were."""

    def __init__(self, rules: tuple[Fault, ...] = (), deeds: frozenset[str] = ECR_DEEDS) -> None:
        for rule in rules:
            if rule.do not in deeds or rule.on not in _KINDS or rule.nth < 0 or rule.every < 0:
                raise ConfigError(f"gangguan {rule.do!r} pada {rule.on!r} tidak dikenal", reason="faults")
        self._rules = rules
        self._counts: dict[str, int] = {}

    @classmethod
    def of(cls, rows: list[dict[str, Any]], deeds: frozenset[str] = ECR_DEEDS) -> FaultScript:
        """From plain rows; `deeds` are those of the wire.

        Raises:
            ConfigError: a rule is not understood.
        """
        try:
            return cls(tuple(msgspec.convert(row, Fault) for row in rows), deeds)
        except msgspec.ValidationError as error:
            raise ConfigError(f"aturan tidak dimengerti: {error}", reason="faults") from error

    @classmethod
    def read(cls, path: Path, deeds: frozenset[str] = ECR_DEEDS) -> FaultScript:
        """From a `.json` or `.toml` file; `deeds` are those of the wire.

        Raises:
            ConfigError: unreadable, or a rule is not understood.
        """
        try:
            raw = path.read_bytes()
            if path.suffix == ".toml":
                rows = tomllib.loads(raw.decode("utf-8")).get("fault", [])
            else:
                rows = msgspec.json.decode(raw)
            return cls.of(msgspec.convert(rows, list[dict[str, Any]]), deeds)
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
        return {rule.do: rule for rule in self._rules if rule.wants(kind, number, overall)}
