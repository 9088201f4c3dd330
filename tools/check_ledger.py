#!/usr/bin/env python3
"""Check an exported ledger of an e-warung till, without the till's program.

    python3 tools/check_ledger.py FILE [--json]

Exit: 0 the file is sound, 1 something is wrong (each finding has a place, a stable word and a sentence),
2 it cannot be read, or is not such a file. The format and every rule: docs/ledger-format.md.

One file, the standard library and the package `cryptography` (for Ed25519); nothing of the till.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, NoReturn

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.stderr.write("check_ledger: needs the package `cryptography` (apt install python3-cryptography)\n")
    sys.exit(2)

FORMAT, VERSION = "ewarung-ledger", 2
BACK_TOLERANCE_MS, STEP_TOLERANCE_MS = 2_000, 120_000
LINE_BYTES = 8 * 1024 * 1024
MOST_FINDINGS = 200
BEGIN, BETWEEN, END = b'{"entry":', b',"hash":"', b'"}\n'
HEX = "0123456789abcdef"
HARDSHIP = "DARURAT"

# --- what is in an entry (docs/ledger-format.md, "Entries" and "Facts") --------------------------------------------
# A dict: exactly these fields. [x]: a list of x. (x, y): a list of these. {a, b}: one of these words. Maybe: or null.
# int: a whole number. NUM: one that is not below 0. str: a text. CODE: one of at most 80 characters.


class Maybe:
    """Null, or of this shape."""

    def __init__(self, shape: object) -> None:
        self.shape = shape


NUM, CODE = range(2**53), 80
UNITS, TENDERS = frozenset({"g", "ml", "pc"}), frozenset({"ration", "purse", "cash"})
REASONS = frozenset({"bocor", "tumpah", "salah_hitung_terima", "rusak", "retur", "lain"})
REFUSALS = frozenset({
    "unknown_card", "card_blocked", "holder_deceased", "family_moved", "home_elsewhere", "exhausted", "no_ration",
    "period_over", "out_of_stock", "day_not_open", "day_over", "clock_suspect", "in_doubt", "purse_offline",
})  # fmt: skip
LEASE, SURRENDER = (CODE, CODE, CODE, CODE, UNITS, int), (CODE, CODE, CODE, CODE, UNITS, NUM)
LINE = {
    "product": CODE, "name": str, "commodity": CODE, "packs": NUM, "pack_word": str, "amount": NUM, "unit": UNITS,
    "price": NUM, "tender": TENDERS, "programme": CODE,
}  # fmt: skip
DEBIT = {"programme": CODE, "period": CODE, "commodity": CODE, "unit": UNITS, "amount": NUM}
REMAINING = {"programme": CODE, "commodity": CODE, "name": str, "unit": UNITS, "before": int, "after": int}
PURSE = {
    "attempt": str, "amount": NUM, "approval": str, "invoice": str, "rrn": str, "terminal": str, "merchant": str,
    "batch": str, "evidence": str, "programme": str,
}  # fmt: skip
COUNT = {"product": CODE, "booked": int, "counted": NUM, "reason": Maybe(REASONS), "note": str}
CONTROL = {"commodity": CODE, "unit": UNITS, "debited": int, "issued": int, "receipted": int, "moved": int}
TOTALS = {
    "first_seq": NUM, "last_seq": NUM, "redemptions": NUM, "reversals": NUM, "refused": NUM, "families": NUM,
    "receipts": NUM, "first_receipt": NUM, "last_receipt": NUM, "copies": NUM, "ration_value": int, "purse": int,
    "cash": int, "in_doubt": NUM, "control": [CONTROL],
}  # fmt: skip
FACTS: dict[str, dict[str, Any]] = {
    "KioskEnrolled": {
        "name": str, "kelurahan_code": str, "kelurahan": str, "practice": bool, "device_key": str, "city_key": str,
        "app_version": str, "reason": str,
    },
    "StateReceived": {
        "cursor": NUM, "digest": str, "leases": [LEASE], "credits": [(CODE, CODE, CODE, int)],
        "items": [(str, str, str)],
    },
    "RightsGranted": {
        "request": CODE, "serial": NUM, "family": CODE, "leases": [LEASE], "items": [(str, str, str)], "signature": str,
        "home": bool,
    },
    "Surrendered": {"leases": [SURRENDER], "reason": str},
    "PeriodClosed": {"period": CODE},
    "HardshipAllowed": {
        "receipt": NUM, "family": CODE, "last4": str, "reason": str, "approved_by": str, "named": str,
    },
    "DayOpened": {"cash_float": NUM},
    "Redeemed": {
        "receipt": NUM, "family": CODE, "last4": str, "presence": frozenset({"sendiri", "anggota_kk", "kuasa"}),
        "lines": [LINE], "debits": [DEBIT], "remaining": [REMAINING], "purse": Maybe(PURSE),
        "purse_before": Maybe(int), "purse_after": Maybe(int), "proxy_reason": str,
    },
    "Reversed": {
        "receipt": NUM, "original": CODE, "original_receipt": NUM, "family": CODE, "last4": str, "reason": str,
        "approved_by": str, "lines": [LINE], "debits": [DEBIT], "remaining": [REMAINING], "void": Maybe(PURSE),
    },
    "RedemptionRefused": {"last4": str, "family": CODE, "reasons": [REFUSALS], "code": str},
    "CardTyped": {"last4": str, "family": CODE, "reason": str, "approved_by": str},
    "AttemptOpened": {"attempt": str, "family": CODE, "last4": str, "amount": int, "intent": str},
    "AttemptSettled": {"attempt": str, "outcome": str, "code": str, "evidence": str, "decided_by": [str]},
    "StockReceived": {
        "supplier": str, "note_number": str, "lines": [{"product": CODE, "packs": NUM, "price": NUM}],
    },
    "StockCounted": {"lines": [COUNT], "closing": bool},
    "StockAdjusted": {"lines": [COUNT], "approved_by": str, "closing": bool},
    "PriceChanged": {"product": CODE, "before": NUM, "after": NUM, "reason": str},
    "ReceiptPrinted": {"receipt": NUM, "entry": CODE, "copy": NUM, "paper": str},
    "OperatorChanged": {"code": str, "change": str},
    "ComplaintRecorded": {"number": str, "category": str, "commitment": str, "anonymous": bool},
    "RegisterPurged": {"expired": [CODE], "moved": [CODE], "months": NUM, "server_ms": int},
    "SettingsChanged": {"key": str, "before": str, "after": str},
    "ClockStepped": {"delta_ms": int, "confirmed": bool},
    "CityAcknowledged": {
        "acked_seq": NUM, "acked_hash": str, "server_ms": int, "signature": str, "flagged": [(NUM, str)],
    },
    "ClosingBegun": {},
    "ClosingCancelled": {},
    "DayClosed": {
        "totals": TOTALS, "count": [COUNT], "edc": Maybe({"amount": int, "batch": str, "explanation": str}),
        "head": str, "signature": str, "report": NUM,
    },
}  # fmt: skip
ENTRY = {
    "seq": NUM, "id": CODE, "device": CODE, "epoch": NUM, "date": CODE, "instant": int, "monotonic": int, "boot": str,
    "operator": str, "fact": dict,
}  # fmt: skip
HEADER = {
    "app_version": str, "city_key": str, "device": str, "device_key": str, "epoch": NUM, "first_seq": NUM,
    "format": str, "prev_hash": str, "version": int,
}  # fmt: skip
TRAILER = ("commodities", "counts", "digest", "entries", "head", "last_seq", "products", "rupiah", "signature")


def fits(value: object, shape: Any) -> bool:  # noqa: ANN401 - shapes are written in Python's own words
    """Whether a value has this shape. Whole numbers only, none beyond 2**53 - 1."""
    if isinstance(shape, Maybe):
        return value is None or fits(value, shape.shape)
    if isinstance(shape, dict):
        return isinstance(value, dict) and value.keys() == shape.keys() and all(fits(value[k], shape[k]) for k in shape)
    if isinstance(shape, frozenset):
        return isinstance(value, str) and value in shape
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    if isinstance(shape, tuple):
        return isinstance(value, list) and len(value) == len(shape) and all(map(fits, value, shape))
    if isinstance(shape, range):
        return type(value) is int and value in shape
    if isinstance(shape, int):
        return isinstance(value, str) and len(value) <= shape
    if shape is int:
        return type(value) is int and -(2**53) < value < 2**53
    return type(value) is shape


# --- bytes, hashes, signatures ------------------------------------------------------------------------------------


class NotALedger(Exception):
    """The file is not an export, or of a version that this program does not know."""


def no_number(text: str) -> NoReturn:
    """RFC 8785 would allow fractions; a ledger has none."""
    raise ValueError(text)


def parsed(line: bytes) -> Any:  # noqa: ANN401 - JSON
    """The value of a line of JSON.

    Raises:
        ValueError: not JSON, not UTF-8, nested without end, or a number that is not whole.
    """
    try:
        return json.loads(line.decode("utf-8"), parse_float=no_number, parse_constant=no_number)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def canonical(value: object) -> bytes:
    """RFC 8785: keys sorted, no spaces, nothing escaped that need not be. Field names are ASCII, so any order is one.

    Raises:
        ValueError: half a surrogate pair, which is no text.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def is_hex(text: object, size: int) -> bool:
    """Whether it is so many bytes in lower-case hexadecimal."""
    return isinstance(text, str) and re.fullmatch(f"[{HEX}]{{{2 * size}}}", text) is not None


def signed_by(key: str, text: str, signature: str) -> bool:
    """Ed25519 (RFC 8032); False for anything malformed."""
    if not is_hex(signature, 64):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), text.encode())
    except (ValueError, InvalidSignature):
        return False
    return True


# --- the day ------------------------------------------------------------------------------------------------------

OPEN, COUNTING, EXPLAINED, CLOSED = "open", "counting", "explained", "closed"


class Day:
    """The business day as its entries tell it, and what its seal must state."""

    def __init__(self, *, whole: bool) -> None:
        self.state = CLOSED if whole else ""  # empty: not known before the first day that begins in the file
        self.date = ""
        self.began: set[str] = set()
        self.first_seq = 0
        self.count: dict[str, Any] = {}
        self.attempts: set[str] = set()
        self._clear()

    def _clear(self) -> None:
        self.numbers = dict.fromkeys(("Redeemed", "Reversed", "RedemptionRefused", "copies"), 0)
        self.receipts: list[int] = []
        self.families: dict[str, str] = {}
        self.rupiah = dict.fromkeys(TENDERS, 0)
        self.units: dict[str, str] = {}
        self.debited: dict[str, int] = {}
        self.issued: dict[str, int] = {}

    def move(self, entry: dict[str, Any], kind: str) -> str:
        """Bring the day on; returns what does not fit, or nothing."""
        fact, before = entry["fact"], self.state
        counted = before in {COUNTING, EXPLAINED}
        if kind == "DayOpened":
            fits_in = before in {"", CLOSED} and entry["date"] not in {"", *self.began}
            self.state, self.date, self.first_seq, self.count = OPEN, entry["date"], entry["seq"], {}
            self.began.add(entry["date"])
            self._clear()
        elif not before:
            return ""
        elif kind == "ClosingBegun":
            fits_in, self.state, self.count = before == OPEN, COUNTING, {}
        elif kind == "ClosingCancelled":
            fits_in, self.state, self.count = counted, OPEN, {}
        elif kind == "StockCounted" and fact["closing"]:
            fits_in, self.state, self.count = counted, COUNTING, {line["product"]: line for line in fact["lines"]}
        elif kind == "StockAdjusted" and fact["closing"]:
            fits_in, self.state = counted, EXPLAINED
            self.count = self.count | {line["product"]: line for line in fact["lines"]}
        elif kind == "DayClosed":
            fits_in, self.state = before == EXPLAINED, CLOSED
        else:
            fits_in = kind not in {"Redeemed", "Reversed"} or before != CLOSED
        if not fits_in:
            return f"{kind} does not fit a day that is {before}"
        if entry["date"] != self.date:
            return f"its date is {entry['date']!r}, the business day's is {self.date!r}"
        if kind == "DayClosed":
            self.date = ""
        return ""

    def attempt(self, fact: dict[str, Any], kind: str) -> None:
        """Debits whose outcome is open."""
        if kind == "AttemptOpened":
            self.attempts.add(fact["attempt"])
        elif kind == "AttemptSettled" and fact["outcome"] != "in_doubt":
            self.attempts.discard(fact["attempt"])
        paid = fact.get("purse") or fact.get("void")
        if paid and kind in {"Redeemed", "Reversed"}:
            self.attempts.discard(paid["attempt"])

    def add(self, entry: dict[str, Any], kind: str) -> None:
        """Add an entry to the totals."""
        fact = entry["fact"]
        if kind == "RedemptionRefused":
            self.numbers[kind] += 1
        elif kind == "ReceiptPrinted":
            self.numbers["copies"] += fact["copy"] > 0
        elif kind == "Redeemed":
            self._goods(fact, kind, 1)
            self.families[entry["id"]] = fact["family"]
            self.rupiah["purse"] += fact["purse"]["amount"] if fact["purse"] else 0
        elif kind == "Reversed":
            self._goods(fact, kind, -1)
            self.families.pop(fact["original"], None)
            self.rupiah["purse"] -= fact["void"]["amount"] if fact["void"] else 0

    def _goods(self, fact: dict[str, Any], kind: str, sign: int) -> None:
        self.numbers[kind] += 1
        self.receipts.append(fact["receipt"])
        for debit in fact["debits"]:
            self.units[debit["commodity"]] = debit["unit"]
            add(self.debited, debit["commodity"], sign * debit["amount"])
        for line in fact["lines"]:
            self.units.setdefault(line["commodity"], line["unit"])
            add(self.issued, line["commodity"], sign * line["amount"])
            if line["tender"] != "ration":
                add(self.debited, line["commodity"], sign * line["amount"])
            if line["tender"] != "purse":
                self.rupiah[line["tender"]] += sign * line["packs"] * line["price"]

    def totals(self, last_seq: int) -> dict[str, Any]:
        """What the seal must state."""
        return {
            "first_seq": self.first_seq,
            "last_seq": last_seq,
            "redemptions": self.numbers["Redeemed"],
            "reversals": self.numbers["Reversed"],
            "refused": self.numbers["RedemptionRefused"],
            "families": len(set(self.families.values())),
            "receipts": len(self.receipts),
            "first_receipt": min(self.receipts, default=0),
            "last_receipt": max(self.receipts, default=0),
            "copies": self.numbers["copies"],
            "ration_value": self.rupiah["ration"],
            "purse": self.rupiah["purse"],
            "cash": self.rupiah["cash"],
            "in_doubt": len(self.attempts),
            "control": [
                {
                    "commodity": commodity,
                    "unit": self.units[commodity],
                    "debited": self.debited.get(commodity, 0),
                    **dict.fromkeys(("issued", "receipted", "moved"), self.issued.get(commodity, 0)),
                }
                for commodity in sorted(self.units)
            ],
        }


def add(sums: dict[Any, int], key: object, amount: int) -> None:
    """Add to one of many sums."""
    sums[key] = sums.get(key, 0) + amount


# --- the check ----------------------------------------------------------------------------------------------------


class Check:
    """One pass over one file. `findings` are (seq, word, sentence); seq 0 is no entry's."""

    def __init__(self, line: bytes) -> None:
        self.findings: list[tuple[int, str, str]] = []
        self.noted: set[tuple[int, str]] = set()
        self.header = self._header(line)
        self.usable = all(is_hex(self.header.get(name), 32) for name in ("device_key", "city_key", "prev_hash"))
        self.usable = self.usable and fits(self.header, HEADER) and self.header["first_seq"] >= 1
        self.usable = self.usable and self.header["version"] == VERSION
        if not self.usable:
            self.note(0, "header", "the header lacks a field, has one too many, or a value that cannot be")
            return
        self.first = self.expected = self.header["first_seq"]
        self.whole = self.first == 1
        self.digest = hashlib.sha256(line)
        self.before = bytes.fromhex(self.header["prev_hash"])
        self.head: bytes | None = self.before
        self.hashes: dict[int, bytes] = {self.first - 1: self.before}
        self.ids: set[str] = set()
        self.receipt: int | None = 0 if self.whole else None
        self.clock: tuple[int, int, str] | None = None
        self.leases: dict[tuple[str, ...], dict[str, Any]] = {}
        self.allowed: tuple[int, str] | None = None
        self.stock: dict[str, int] = {}
        self.redeemed: dict[str, dict[str, Any]] = {}
        self.undone: set[str] = set()
        self.day = Day(whole=self.whole)
        self.entries = self.seals = self.acknowledged = 0
        self.counts: dict[str, int] = {}
        self.products: dict[str, dict[str, int]] = {}
        self.commodities: dict[tuple[str, str], dict[str, int]] = {}
        self.rupiah = {"ration": 0, "purse": 0, "cash": 0}
        self.rules: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
            "KioskEnrolled": self._enrolled,
            "StateReceived": self._state,
            "RightsGranted": self._rights_granted,
            "Surrendered": self._surrendered,
            "PeriodClosed": self._period_closed,
            "Redeemed": self._redeemed,
            "Reversed": self._reversed,
            "StockReceived": self._received,
            "StockCounted": self._counted,
            "StockAdjusted": self._adjusted,
            "CityAcknowledged": self._acknowledged,
            "DayClosed": self._sealed,
        }

    def _header(self, line: bytes) -> dict[str, Any]:
        try:
            header = parsed(line)
            plain = canonical(header) + b"\n" == line
        except ValueError as error:
            raise NotALedger(f"the first line is not JSON ({error})") from error
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise NotALedger("the first line is not the header of a ledger export")
        if type(header.get("version")) is int and header["version"] > VERSION:
            raise NotALedger(f"format version {header['version']}; this program knows {VERSION}")
        if not plain:
            self.note(0, "header", "the header is not canonical JSON")
        return header

    def note(self, seq: int, word: str, sentence: str) -> None:
        """Note a finding; the same word once for each entry."""
        if not seq or (seq, word) not in self.noted:
            self.findings.append((seq, word, sentence))
        self.noted.add((seq, word))

    def run(self, file: BinaryIO) -> None:
        """Read the rest of the file."""
        if not self.usable:
            return
        if self.whole:
            seed = hashlib.sha256(f"ewarung-pos|{self.header['device']}|{self.header['epoch']}".encode()).digest()
            if seed != self.before:
                self.note(0, "header", "the first entry does not follow the seed of this device and epoch")
        held = b""
        while len(self.findings) < MOST_FINDINGS and (line := file.readline(LINE_BYTES)):
            if held:
                self._line(held)
                self.digest.update(held)
            held = line
        self._last(held)

    # -- one entry ---------------------------------------------------------------------------------------------------

    def _line(self, line: bytes) -> None:
        end = len(line) - len(END) - 64
        middle = end - len(BETWEEN)
        told = line[end : -len(END)].decode("latin-1")
        framed = line.startswith(BEGIN) and line.endswith(END) and line[middle:end] == BETWEEN and is_hex(told, 32)
        if not framed:
            self.note(self.expected, "payload", "this line is not an entry with its hash")
            self.head, self.expected = None, self.expected + 1
            return
        body, digest = line[len(BEGIN) : middle], bytes.fromhex(told)
        entry, kind, sound = self._entry(body)
        seq = entry["seq"] if entry is not None else self.expected
        if seq != self.expected:
            self.note(self.expected, "gap", f"entry {self.expected} is missing; the next is {seq}")
            self.head = None  # what is missing cannot be hashed
        if self.head is not None and hashlib.sha256(self.head + body).digest() != digest:
            self.note(seq, "hash", "the hash is not that of the one before and of these bytes")
        self.hashes.setdefault(seq, digest)
        if entry is not None:
            add(self.counts, kind, 1)
            self.entries += 1
        if entry is not None and sound:
            self._rules(entry, kind)
        self.head, self.expected = digest, seq + 1

    def _entry(self, body: bytes) -> tuple[dict[str, Any] | None, str, bool]:
        """The entry if it is one, its kind, and whether the fact is as that kind must be; what is wrong is noted."""
        try:
            entry = parsed(body)
            plain = canonical(entry) == body
            if not fits(entry, ENTRY):
                raise ValueError("a field is missing, too many, or of another type")
        except ValueError as error:
            self.note(self.expected, "payload", f"not an entry: {error}")
            return None, "", False
        fact = dict(entry["fact"])
        kind = str(fact.pop("kind", ""))
        if not plain:
            self.note(entry["seq"], "canonical", "the bytes are not canonical JSON (RFC 8785)")
        if kind not in FACTS:
            self.note(entry["seq"], "kind", f"unknown kind {kind!r}")
            return entry, kind, False
        if not fits(fact, FACTS[kind]):
            self.note(entry["seq"], "payload", f"{kind} lacks a field, has one too many, or one of another type")
            return entry, kind, False
        return entry, kind, True

    def _rules(self, entry: dict[str, Any], kind: str) -> None:
        seq, fact = entry["seq"], entry["fact"]
        if (entry["device"], entry["epoch"]) != (self.header["device"], self.header["epoch"]):
            self.note(seq, "identity", f"this entry is of {entry['device']} epoch {entry['epoch']}")
        if (kind == "KioskEnrolled") is not (seq == 1):
            self.note(seq, "not_first", "an epoch begins with its enrolment, once")
        if entry["id"] in self.ids:
            self.note(seq, "duplicate_id", "an earlier entry has this identifier")
        self.ids.add(entry["id"])
        self._clock(entry, kind)
        if kind in {"Redeemed", "Reversed"}:
            if self.receipt is not None and fact["receipt"] != self.receipt + 1:
                self.note(seq, "receipt_gap", f"receipt {fact['receipt']} after {self.receipt}")
            self.receipt = fact["receipt"]
            self._tally_goods(fact, 1 if kind == "Redeemed" else -1)
        wrong = self.day.move(entry, kind)
        if wrong:
            self.note(seq, "day", wrong)
        self.day.attempt(fact, kind)
        if kind in self.rules:
            self.rules[kind](entry, fact)
        self.allowed = (fact["receipt"], fact["family"]) if kind == "HardshipAllowed" else None
        self.day.add(entry, kind)

    def _clock(self, entry: dict[str, Any], kind: str) -> None:
        before, self.clock = self.clock, (entry["instant"], entry["monotonic"], entry["boot"])
        if before is None:
            return
        wall, ticked = entry["instant"] - before[0], entry["monotonic"] - before[1]
        stepped = kind == "ClockStepped"
        if entry["boot"] != before[2]:
            if not stepped and wall < -BACK_TOLERANCE_MS:
                self.note(entry["seq"], "clock", f"{-wall} ms before the entry before it, without a ClockStepped")
        elif ticked < 0:
            self.note(entry["seq"], "clock", f"the clock that never goes back went back {-ticked} ms in one boot")
        elif not stepped and abs(wall - ticked) > STEP_TOLERANCE_MS:
            self.note(entry["seq"], "clock", f"the wall clock moved {wall - ticked} ms, without a ClockStepped")

    # -- what each kind must keep ------------------------------------------------------------------------------------

    def _enrolled(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        if (fact["device_key"], fact["city_key"]) != (self.header["device_key"], self.header["city_key"]):
            self.note(0, "header", "the header names other keys than the first entry")

    def _state(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        for *key, unit, granted in fact["leases"]:
            lease = self._lease(tuple(key), unit)
            lease["G"] = max(lease["G"], granted)
            if granted < 0 or lease["unit"] != unit:
                self.note(entry["seq"], "amount", "a lease of less than nothing, or one that changes its unit")

    def _rights_granted(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        self._state(entry, fact)
        told = hashlib.sha256(canonical(fact["leases"])).hexdigest()
        who = f"{entry['device']}|{entry['epoch']}|{fact['request']}|{fact['serial']}|{fact['family']}"
        text = f"grant|{who}|{int(fact['home'])}|{told}"
        if not signed_by(self.header["city_key"], text, fact["signature"]):
            self.note(entry["seq"], "grant_signature", "the city's signature does not fit the rights")

    def _surrendered(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        for *key, unit, total in fact["leases"]:
            lease = self._lease(tuple(key), unit)
            less, lease["S"] = total < lease["S"], total
            over = lease["P"] - lease["R"] + lease["S"] > lease["G"]
            if self.whole and (less or over or lease["unit"] != unit):
                self.note(entry["seq"], "surrendered", f"{key[3]} of {key[1]} {key[2]}: more than was left, or less")

    def _period_closed(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        for key, lease in self.leases.items():
            if key[2] <= fact["period"]:
                lease["S"] = lease["G"] - lease["P"] + lease["R"]

    def _redeemed(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        seq = entry["seq"]
        self._something(seq, fact, fact["purse"])
        rights: dict[tuple[str, ...], int] = {}
        for line in fact["lines"]:
            if line["tender"] == "ration":
                add(rights, (line["programme"], line["commodity"], line["unit"]), line["amount"])
        for debit in fact["debits"]:
            add(rights, (debit["programme"], debit["commodity"], debit["unit"]), -debit["amount"])
        if any(rights.values()):
            self.note(seq, "debits", "the rights taken are not those of the goods handed out as ration")
        self.redeemed[entry["id"]] = fact
        for debit in fact["debits"]:
            if self.whole and debit["programme"] == HARDSHIP and self.allowed != (fact["receipt"], fact["family"]):
                self.note(seq, "not_allowed", "taken from the pool, and no leader allowed just this before it")
            lease = self._lease_of(fact["family"], debit)
            lease["P"] += debit["amount"]
            over = lease["P"] - lease["R"] + lease["S"] > lease["G"]
            if self.whole and (over or lease["unit"] != debit["unit"]):
                self.note(seq, "overdrawn", self._told(debit, lease))
        for line in fact["lines"]:
            self._move(seq, line["product"], -line["packs"])

    def _something(self, seq: int, fact: dict[str, Any], purse: dict[str, Any] | None) -> None:
        moved = [*(line["packs"] for line in fact["lines"]), *(line["amount"] for line in fact["lines"])]
        moved += [debit["amount"] for debit in fact["debits"]] + ([purse["amount"]] if purse else [])
        if 0 in moved:
            self.note(seq, "amount", "nothing cannot be handed out, or taken back")

    def _reversed(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        seq, original = entry["seq"], fact["original"]
        self._something(seq, fact, fact["void"])
        held = self.redeemed.pop(original, None)
        if self.whole and (original in self.undone or (held is None and original not in self.ids)):
            self.note(seq, "reversed_twice", "no redemption of this file, or one that was reversed before")
        else:
            self._undo(seq, fact, held)
        self.undone.add(original)
        for line in fact["lines"]:
            self._move(seq, line["product"], line["packs"])

    def _undo(self, seq: int, fact: dict[str, Any], held: dict[str, Any] | None) -> None:
        more = False
        for debit in fact["debits"]:
            lease = self._lease_of(fact["family"], debit)
            lease["R"] += debit["amount"]
            if self.whole and lease["R"] > lease["P"]:
                more = True
                self.note(seq, "returned_more", self._told(debit, lease))
        if not self.whole and held is None:
            return  # the redemption may be in the part that was not exported
        told = (fact["original_receipt"], fact["family"], fact["lines"], fact["debits"])
        same = held is not None and told == (held["receipt"], held["family"], held["lines"], held["debits"])
        paid = held["purse"]["amount"] if held and held["purse"] else 0
        if not more and (not same or (fact["void"] and fact["void"]["amount"] > paid)):
            self.note(seq, "reversal", "it does not repeat what it undoes, of the same business day")

    def _lease_of(self, family: str, debit: dict[str, Any]) -> dict[str, Any]:
        holder = f"POOL.{self.header['device']}" if debit["programme"] == HARDSHIP else family
        return self._lease((holder, debit["programme"], debit["period"], debit["commodity"]), debit["unit"])

    def _lease(self, key: tuple[str, ...], unit: str) -> dict[str, Any]:
        return self.leases.setdefault(key, {"G": 0, "S": 0, "P": 0, "R": 0, "unit": unit})

    @staticmethod
    def _told(debit: dict[str, Any], lease: dict[str, Any]) -> str:
        totals = f"G {lease['G']}, S {lease['S']}, P {lease['P']}, R {lease['R']} {lease['unit']}"
        return f"{debit['commodity']} of {debit['programme']} {debit['period']}: {totals}"

    def _received(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        for line in fact["lines"]:
            if line["packs"] == 0:
                self.note(entry["seq"], "amount", "a delivery of nothing")
            self._product(line["product"])["received"] += line["packs"]
            self._move(entry["seq"], line["product"], line["packs"])

    def _counted(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        for line in fact["lines"]:
            booked = self.stock.get(line["product"], 0)
            if self.whole and line["booked"] != booked:
                self.note(entry["seq"], "booked", f"{line['product']}: the book is {booked}, not {line['booked']}")

    def _adjusted(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        self._counted(entry, fact)
        for line in fact["lines"]:
            self._product(line["product"])["adjusted"] += line["counted"] - line["booked"]
            self.stock[line["product"]] = line["counted"]

    def _move(self, seq: int, product: str, packs: int) -> None:
        self.stock[product] = self.stock.get(product, 0) + packs
        if self.whole and self.stock[product] < 0:
            self.note(seq, "stock_below_zero", f"{product}: {self.stock[product]} packs")

    def _acknowledged(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        seq, acked = entry["seq"], fact["acked_seq"]
        self.acknowledged = max(self.acknowledged, acked)
        flags = ",".join(f"{place}:{flag}" for place, flag in fact["flagged"])
        text = f"ack|{entry['device']}|{entry['epoch']}|{acked}|{fact['acked_hash']}|{fact['server_ms']}|{flags}"
        if not signed_by(self.header["city_key"], text, fact["signature"]):
            self.note(seq, "ack_signature", "the city's signature does not fit the acknowledgement")
        held = self.hashes.get(acked)
        if acked >= seq or (held is not None and held.hex() != fact["acked_hash"]):
            self.note(min(acked, seq), "acknowledged", f"entry {seq} says that the city holds another entry {acked}")

    def _sealed(self, entry: dict[str, Any], fact: dict[str, Any]) -> None:
        seq, totals = entry["seq"], fact["totals"]
        self.seals += 1
        self.redeemed.clear()
        text = f"{entry['device']}|{entry['epoch']}|{totals['first_seq']}|{seq - 1}|{fact['head']}"
        if not signed_by(self.header["device_key"], text, fact["signature"]):
            self.note(seq, "seal", "the device's signature does not fit the seal")
        before = self.hashes.get(seq - 1)
        if before is not None and fact["head"] != before.hex():
            self.note(seq, "seal", "the seal names another head than the one it follows")
        if not self.day.state:
            return  # the day began before the first exported entry
        ours = self.day.totals(seq - 1)
        if totals != ours:
            differs = ", ".join(name for name in ours if totals[name] != ours[name])
            self.note(seq, "totals", f"the day's entries say otherwise: {differs}")
        if fact["count"] != list(self.day.count.values()):
            self.note(seq, "count", "the count is not that of the day's entries")
        edc = fact["edc"]
        if edc and edc["amount"] != totals["purse"] and not edc["explanation"].strip():
            self.note(seq, "edc", "the terminal's total differs and nobody explained it")

    # -- the last line -----------------------------------------------------------------------------------------------

    def _product(self, product: str) -> dict[str, int]:
        return self.products.setdefault(product, dict.fromkeys(("received", "redeemed", "reversed", "adjusted"), 0))

    def _tally_goods(self, fact: dict[str, Any], sign: int) -> None:
        for line in fact["lines"]:
            self._product(line["product"])["redeemed" if sign > 0 else "reversed"] += line["packs"]
            held = self.commodities.setdefault((line["commodity"], line["unit"]), dict.fromkeys(TENDERS, 0))
            held[line["tender"]] += sign * line["amount"]
            if line["tender"] != "purse":
                self.rupiah[line["tender"]] += sign * line["packs"] * line["price"]
        paid = fact.get("purse") or fact.get("void")
        self.rupiah["purse"] += sign * paid["amount"] if paid else 0

    def _last(self, line: bytes) -> None:
        try:
            told = parsed(line)
            if not isinstance(told, dict) or told.keys() != set(TRAILER) or canonical(told) + b"\n" != line:
                raise ValueError("not a trailer")
        except ValueError:
            if line.startswith(BEGIN):
                self._line(line)
            self.note(0, "trailer", "the file does not end with a trailer: it was cut off, or altered there")
            return
        ours = {
            "commodities": [
                {"commodity": commodity, "unit": unit, **held}
                for (commodity, unit), held in sorted(self.commodities.items())
            ],
            "counts": self.counts,
            "digest": self.digest.hexdigest(),
            "entries": self.entries,
            "head": self.head.hex() if self.head is not None else "",
            "last_seq": self.expected - 1,
            "products": [{"product": product, **held} for product, held in sorted(self.products.items())],
            "rupiah": self.rupiah,
        }
        for name, value in ours.items():
            if canonical(told[name]) != canonical(value):
                self.note(0, "trailer", f"{name}: the trailer says something else than the file")
        who = f"{self.header['device']}|{self.header['epoch']}"
        span = f"export|{who}|{self.first}|{told['last_seq']}|{told['head']}"
        if not signed_by(self.header["device_key"], span, told["signature"]):
            self.note(0, "trailer", "signature: not the device's over this file")

    def report(self) -> dict[str, Any]:
        """All that was found, ready for JSON."""
        findings = sorted(self.findings)
        told = {name: self.header.get(name) for name in ("device", "epoch", "device_key", "city_key", "first_seq")}
        seen = {"entries": 0, "sealed_days": 0, "acked_seq": 0, "last_seq": 0, "head": "", "whole": False}
        if self.usable:
            seen = {
                "entries": self.entries,
                "sealed_days": self.seals,
                "acked_seq": self.acknowledged,
                "last_seq": self.expected - 1,
                "head": self.head.hex() if self.head is not None else "",
                "whole": self.whole,
            }
        return {
            "ok": not findings,
            **told,
            **seen,
            "first_bad_seq": min((seq for seq, _, _ in findings if seq), default=None),
            "findings": [{"seq": seq, "word": word, "sentence": sentence} for seq, word, sentence in findings],
        }


def check(file: BinaryIO) -> dict[str, Any]:
    """Check an open file.

    Raises:
        NotALedger: not an export.
        OSError: it cannot be read.
    """
    found = Check(file.readline(LINE_BYTES))
    found.run(file)
    return found.report()


def main(arguments: list[str] | None = None) -> int:
    """Check the file of the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Check an exported ledger of an e-warung till, without its program.")
    parser.add_argument("file", metavar="FILE", help="written by `ewarung-pos export`")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    options = parser.parse_args(arguments)
    try:
        with open(options.file, "rb") as file:  # noqa: PTH123 - a path may be - or a device
            report = check(file)
    except (NotALedger, OSError) as error:
        sys.stderr.write(f"check_ledger: {options.file}: {error}\n")
        if options.json:
            sys.stdout.write(json.dumps({"ok": False, "error": str(error)}) + "\n")
        return 2
    if options.json:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    else:
        say(report)
    return 0 if report["ok"] else 1


def say(report: dict[str, Any]) -> None:
    """The report as sentences."""
    sys.stdout.write(f"Device {report['device']}, epoch {report['epoch']}, {report['entries']} entries from ")
    sys.stdout.write(f"{report['first_seq']} to {report['last_seq']}, head {report['head']}\n")
    sys.stdout.write(f"Device key {report['device_key']}, city key {report['city_key']}: compare with the city's.\n")
    sys.stdout.write(f"{report['sealed_days']} sealed days; the city acknowledged up to {report['acked_seq']}.\n")
    if not report["whole"]:
        sys.stdout.write("Not from the first entry on: balances, stock and earlier days cannot be checked.\n")
    for finding in report["findings"]:
        where = f"entry {finding['seq']}" if finding["seq"] else "the file"
        sys.stdout.write(f"WRONG {where} [{finding['word']}]: {finding['sentence']}\n")
    sys.stdout.write("Sound.\n" if report["ok"] else f"{len(report['findings'])} findings.\n")


if __name__ == "__main__":
    sys.exit(main())
