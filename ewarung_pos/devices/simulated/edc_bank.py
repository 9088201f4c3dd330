"""The bank behind the simulated EDC: invented cards and purses, and a journal of what it did.

The journal is the truth that tests compare the till with. It is written before an answer leaves, and read again at the
next start, so that a simulator that was killed still knows what it approved.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.errors import ConfigError

__all__ = [
    "APPROVED",
    "MERCHANT",
    "TERMINAL",
    "Bank",
    "Card",
    "Slip",
    "in_turn",
    "now_stamp",
    "read_cards",
    "sample_cards",
    "usual_expiry",
]

APPROVED = "00"
TERMINAL = "SANDBOX1"
MERCHANT = "SANDBOXEWARUNG1"
_WIB = dt.timezone(dt.timedelta(hours=7))


def usual_expiry() -> str:
    """Of a card that says nothing else, YYMM: December, in four years. None expires while somebody practises."""
    return f"{(dt.datetime.now(tz=_WIB).year + 4) % 100:02}12"


class Card(msgspec.Struct, frozen=True):
    """An invented card. `row` is its line in the families file; `balance` rupiah; `expiry` YYMM."""

    row: str
    number: str
    name: str
    status: str
    balance: int
    expiry: str = msgspec.field(default_factory=usual_expiry)

    def __repr__(self) -> str:
        return f"Card(row={self.row!r}, last4={self.number[-4:]!r})"

    @property
    def label(self) -> str:
        """As it lies on the tray; KKS on a card with a purse."""
        return f"{self.name} · **** {self.number[-4:]}{' · KKS' if self.balance else ''}"


class Slip(msgspec.Struct, frozen=True):
    """One line of the journal. `kind` is sale, void or settle; `amount` rupiah; `code` as answered.

    `moved` is whether the purse was debited (sale) or credited (void): a host timeout may hide it.
    `of` is the invoice that a void undid.
    """

    kind: str
    ref: str
    code: str
    amount: int
    moved: bool
    invoice: str
    rrn: str
    approval: str
    batch: str
    row: str
    last4: str
    stamp: str
    of: str = ""
    terminal: str = TERMINAL
    merchant: str = MERCHANT


def now_stamp() -> str:
    """YYYYMMDDHHMMSS in Semarang."""
    return dt.datetime.now(tz=_WIB).strftime("%Y%m%d%H%M%S")


def sample_cards() -> tuple[Card, ...]:
    """The invented families that come with the till.

    Raises:
        ConfigError: they are not there or not readable.
    """
    from importlib.resources import as_file, files

    with as_file(files("ewarung_pos") / "resources" / "sample" / "families.csv") as path:
        return read_cards(path)


def read_cards(path: Path) -> tuple[Card, ...]:
    """Cards of a families file; columns card_number, name, card_status, purse_balance and, if present, expiry.

    Raises:
        ConfigError: unreadable, or a row without a usable card number (named by line, not by number).
    """
    cards = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for place, row in enumerate(csv.DictReader(file), start=1):
                number = (row.get("card_number") or "").strip()
                if not number:
                    continue
                if not (number.isascii() and number.isdigit() and 14 <= len(number) <= 19):
                    raise ConfigError(
                        f"--families: {str(path)!r}, baris {place}: card_number, seharusnya 14 sampai 19 angka",
                        reason="families",
                    )
                cards.append(
                    Card(
                        row=str(place),
                        number=number,
                        name=(row.get("name") or "").strip(),
                        status=(row.get("card_status") or "active").strip(),
                        balance=int((row.get("purse_balance") or "0").strip() or 0),
                        expiry=(row.get("expiry") or usual_expiry()).strip(),
                    )
                )
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"--families: {str(path)!r}, {type(error).__name__}", reason="families") from error
    if not cards:
        raise ConfigError(f"--families: {str(path)!r}, tidak ada satu kartu pun", reason="families")
    return tuple(cards)


def in_turn(cards: Iterable[Card], seed: int) -> Iterator[Card]:
    """Cards as they present themselves, without end: the active ones (or all) in an order drawn from `seed`."""
    held = list(cards)
    order = [card for card in held if card.status == "active"] or held
    random.Random(seed).shuffle(order)
    return itertools.cycle(order)


class Bank:
    """Purses, invoices, batches.

    Attributes:
        cards: by row.
    """

    def __init__(self, cards: tuple[Card, ...], journal: Path | None = None) -> None:
        self.cards = {card.row: card for card in cards}
        self._purse = {card.row: card.balance for card in cards}
        self._slips: list[Slip] = []
        self._path = journal
        self._batch = 1
        if journal is not None and journal.exists():
            for slip in _read_journal(journal):
                self._take(slip)

    def sale(self, card: Card, amount: int, ref: str, code: str, *, moved: bool) -> Slip:
        """Note a sale with the answer `code`; `moved` debits the purse."""
        return self._write("sale", ref, code, amount, card.row, card.number[-4:], moved=moved)

    def verdict(self, card: Card, amount: int) -> str:
        """What the host says to a debit, PIN apart."""
        if not amount:
            return "13"
        if card.status == "expired" or card.expiry < dt.datetime.now(tz=_WIB).strftime("%y%m"):
            return "54"
        return APPROVED if self._purse[card.row] >= amount else "51"

    def void(self, invoice: str, ref: str) -> Slip:
        """Undo an approved sale of the open batch. Code 25 when there is none, 12 when it was undone before."""
        sale = next((s for s in self._of_batch("sale") if s.invoice == invoice and s.moved), None)
        if sale is None:
            return self._write("void", ref, "25", 0, "", "", moved=False, of=invoice)
        done = any(s.of == invoice and s.moved for s in self._of_batch("void"))
        code = "12" if done else APPROVED
        return self._write("void", ref, code, sale.amount, sale.row, sale.last4, moved=not done, of=invoice)

    def settle(self, ref: str) -> Slip:
        """Close the batch; under the reference of the last settlement the same answer again."""
        last = next((s for s in reversed(self._slips) if s.kind == "settle"), None)
        if last is not None and ref and last.ref == ref:
            return last
        return self._write("settle", ref, APPROVED, self.batch_total(), "", "", moved=False)

    def find(self, ref: str) -> Slip | None:
        """The sale or void with this reference."""
        return next((s for s in reversed(self._slips) if ref and s.ref == ref and s.kind != "settle"), None)

    def another(self, card: Card, amount: int) -> Card:
        """Another card that can pay this; the same one where there is none."""
        rest = (one for one in self.cards.values() if one.row != card.row and one.status == "active")
        return next((one for one in rest if self.verdict(one, amount) == APPROVED), card)

    def slip(self, amount: int | None = None) -> dict[str, Any] | None:
        """The newest printed slip (of this amount), as a person reads it; only what was approved is printed."""
        printed = (s for s in reversed(self._slips) if s.code == APPROVED and s.kind != "settle")
        slip = next((s for s in printed if amount in {None, s.amount}), None)
        if slip is None:
            return None
        shown = ("kind", "amount", "approval", "invoice", "rrn", "terminal", "merchant", "batch", "last4", "stamp")
        return {name: getattr(slip, name) for name in shown}

    def batch_total(self) -> int:
        """Approved minus voided since the last settlement, rupiah."""
        return sum(s.amount for s in self._of_batch("sale") if s.moved) - sum(
            s.amount for s in self._of_batch("void") if s.moved
        )

    def totals(self) -> dict[str, int]:
        """Approved and voided, rupiah, of everything in the journal."""
        return {
            "approved": sum(s.amount for s in self._slips if s.kind == "sale" and s.moved),
            "voided": sum(s.amount for s in self._slips if s.kind == "void" and s.moved),
        }

    def _of_batch(self, kind: str) -> Iterator[Slip]:
        batch = f"{self._batch:06d}"
        return (s for s in self._slips if s.kind == kind and s.batch == batch)

    def _write(
        self, kind: str, ref: str, code: str, amount: int, row: str, last4: str, *, moved: bool, of: str = ""
    ) -> Slip:
        trace = len(self._slips) + 1
        approved = code == APPROVED
        slip = Slip(
            kind=kind,
            ref=ref,
            code=code,
            amount=amount,
            moved=moved,
            invoice=of or f"{trace % 1_000_000:06d}",
            rrn=f"{trace:012d}",
            approval=f"{(trace * 7919 + 104_729) % 1_000_000:06d}" if approved else "",
            batch=f"{self._batch:06d}",
            row=row,
            last4=last4,
            stamp=now_stamp(),
            of=of,
        )
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(slip) + b"\n")
        self._take(slip)
        return slip

    def _take(self, slip: Slip) -> None:
        self._slips.append(slip)
        if slip.kind == "settle":
            self._batch = int(slip.batch) + 1
        elif slip.moved and slip.row in self._purse:
            self._purse[slip.row] += slip.amount if slip.kind == "void" else -slip.amount


def _read_journal(path: Path) -> Iterator[Slip]:
    lines = path.read_bytes().split(b"\n")
    whole, torn = lines[:-1], lines[-1]
    try:
        for line in whole:
            yield msgspec.json.decode(line, type=Slip)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"--journal: {str(path)!r}, {type(error).__name__}", reason="journal") from error
    if torn:  # killed while writing: nothing was answered, so it did not happen
        path.write_bytes(b"".join(line + b"\n" for line in whole))
