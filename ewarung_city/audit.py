"""What officers did and looked at: one chain, signed by the city, that is only added to.

An act is written before it begins, and again with what became of it: nobody sees a name first and is written down
later. Nothing in it names a family, a card or a number; families and kiosks stand there by their keys.

Each row is chained to the one before by SHA-256 and signed with the city's key, which is not in the database: whoever
can write there alone can change nothing unseen. What such a hand can do is cut off the end; that shows against the
head that every machine keeps beside its keys, and against one that somebody wrote down.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from ewarung_city.keys import CityKeys
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Row, Tx
from ewarung_pos.errors import ConfigError
from ewarung_pos.sync.signing import sign, verify

__all__ = ["CUT", "Act", "Head", "acts", "begin", "check", "end", "head", "kept_head", "read_head"]

HEAD_FILE = "audit.head"
CUT = "audit-cut-off"
"""The act by which the program itself writes down that acts which a machine remembers are not in the database."""

_HEAD = re.compile(r"([0-9]{1,15}) ([0-9a-f]{64})")
_GENESIS = bytes(32)
_STEP = 5_000
_TURN = "audit"


class Head(NamedTuple):
    """The last row: its number (0 before the first) and hash (hex)."""

    seq: int
    hash: str


class Act(msgspec.Struct, frozen=True):
    """One row. `of` is 0 where an act begins, else the number of the row in which it did.

    `subject` is what it was about: `kiosk:CODE`, `family:KEY`, `period:YYYY-MM`, `file:SHA-256`, `officer:NAME`, or ''.
    `outcome` is empty at the beginning; then `done`, `exit N` (the command's exit code: it told of findings),
    `refused REASON` or `failed`.
    """

    seq: int
    at_ms: int
    officer: str
    role: str
    command: str
    subject: str
    reason: str = ""
    outcome: str = ""
    of: int = 0


def begin(store: CityStore, keys: CityKeys, folder: Path, act: Act) -> Act:
    """Write down what is about to be done (`seq` is given here); returns it as written."""
    kept = kept_head(folder)

    def write(tx: Tx) -> tuple[Act, Head]:
        if kept.seq and _hash_at(tx, kept.seq) != kept.hash:
            lost = Act(0, act.at_ms, "", "", CUT, f"{kept.seq} {kept.hash}", outcome="found")
            _append(tx, keys, lost)
        return _append(tx, keys, act), head(tx)

    written, now = store.turn(_TURN, write)
    _keep(folder, now)
    return written


def end(store: CityStore, keys: CityKeys, folder: Path, begun: Act, at_ms: int, subject: str, outcome: str) -> None:
    """Write down what became of it, and keep the head beside the keys."""
    act = msgspec.structs.replace(begun, at_ms=at_ms, subject=subject, reason="", outcome=outcome, of=begun.seq)

    def write(tx: Tx) -> Head:
        _append(tx, keys, act)
        return head(tx)

    _keep(folder, store.turn(_TURN, write))


def _append(tx: Tx, keys: CityKeys, act: Act) -> Act:
    last = tx.last(schema.audit, "seq")
    act = msgspec.structs.replace(act, seq=1 if last is None else int(last["seq"]) + 1)
    body = msgspec.json.encode(act, order="sorted")
    made = _link(_GENESIS if last is None else bytes(last["hash"]), body)
    signature = sign(keys.signing, _signed_text(made))
    columns = {"seq": act.seq, "officer": act.officer, "subject": act.subject}
    tx.add(schema.audit, [{**columns, "body": body, "hash": made, "signature": signature}])
    return act


def _link(before: bytes, body: bytes) -> bytes:
    return hashlib.sha256(before + body).digest()


def _signed_text(made: bytes) -> bytes:
    return b"audit|" + made.hex().encode()


def head(tx: Tx) -> Head:
    """Where the chain ends."""
    last = tx.last(schema.audit, "seq")
    return Head(0, "") if last is None else Head(int(last["seq"]), bytes(last["hash"]).hex())


def _hash_at(tx: Tx, seq: int) -> str:
    row = tx.one(schema.audit, seq=seq)
    return bytes(row["hash"]).hex() if row is not None else ""


# -- the head that is kept elsewhere -----------------------------------------------------------------------------------


def kept_head(folder: Path) -> Head:
    """The last row that this machine wrote; (0, '') if it wrote none.

    Raises:
        ConfigError: the file that says so cannot be read (`audit_head`).
    """
    path = folder / HEAD_FILE
    try:
        return read_head(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return Head(0, "")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not what this program wrote there", reason="audit_head") from error


def read_head(text: str) -> Head:
    """A head as `SEQ HASH`.

    Raises:
        ConfigError: not one (`audit_head`).
    """
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"{text.strip()[:80]!r}: expected the audit's SEQ HASH", reason="audit_head")
    return Head(int(found[1]), found[2])


def _keep(folder: Path, now: Head) -> None:
    path = folder / HEAD_FILE
    draft = folder / f"{HEAD_FILE}.{os.getpid()}"
    try:
        draft.write_text(f"{now.seq} {now.hash}\n", encoding="ascii")
        draft.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", reason="audit_head") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


# -- reading ---------------------------------------------------------------------------------------------------------


def acts(tx: Tx, *, officer: str = "", subjects: Iterable[str] = ()) -> list[Act]:
    """Acts in their order, each once, with its outcome (empty: the program ended before it could say).

    Args:
        tx: of a read.
        officer: of this one only.
        subjects: about one of these only; about anything if none.
    """
    wanted = set(subjects)
    found: dict[int, Act] = {}
    for row in tx.all(schema.audit, "seq", **({"officer": officer} if officer else {})):
        act = msgspec.json.decode(bytes(row["body"]), type=Act)
        if not act.of:
            found[act.seq] = act
        elif act.of in found:
            found[act.of] = msgspec.structs.replace(found[act.of], subject=act.subject, outcome=act.outcome)
    return [act for act in found.values() if not wanted or act.subject in wanted]


def check(tx: Tx, city_key: bytes, known: Iterable[Head] = ()) -> list[tuple[int, str]]:
    """(number, what) of everything wrong: `audit_gap`, `audit_hash`, `audit_signature`, `audit_row`, `audit_cut`.

    The first break of the chain ends the look. A cut that the program found itself is wrong too, unless the act after
    it says that the database was put back from a copy (`recover`).
    """
    wrong: list[tuple[int, str]] = []
    before, cut = _GENESIS, 0
    kept = {each.seq: each.hash for each in known if each.seq}
    for seq, row in enumerate(_rows(tx), 1):
        if int(row["seq"]) != seq:
            return [*wrong, (seq, "audit_gap")]
        before = _link(before, bytes(row["body"]))
        if before != bytes(row["hash"]):
            return [*wrong, (seq, "audit_hash")]
        if not verify(city_key, _signed_text(before), bytes(row["signature"])):
            return [*wrong, (seq, "audit_signature")]
        act = msgspec.json.decode(bytes(row["body"]), type=Act)
        if (act.seq, act.officer, act.subject) != (seq, row["officer"], row["subject"]):
            wrong.append((seq, "audit_row"))
        if cut and act.command != "recover":
            wrong.append((cut, "audit_cut"))
        cut = seq if act.command == CUT else 0
        if kept.pop(seq, before.hex()) != before.hex():
            wrong.append((seq, "audit_cut"))
    if cut:
        wrong.append((cut, "audit_cut"))
    return [*wrong, *((lost, "audit_cut") for lost in sorted(kept))]


def _rows(tx: Tx) -> Iterator[Row]:
    seq = -1
    while rows := tx.after(schema.audit, "seq", seq, _STEP):
        yield from rows
        seq = int(rows[-1]["seq"])
