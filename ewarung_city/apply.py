"""What each entry of a batch does to the city's figures, and which of them a person should look at.

Rights, stock and days are kept as totals per kiosk, so that the result depends on the entries alone and not on how they
were cut into batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from ewarung_city import feed, hardship
from ewarung_city.balances import Balances
from ewarung_city.counterparts import Counterparts, lines_fit
from ewarung_city.days import Days
from ewarung_city.exactness import Beyond, bear_each, weight
from ewarung_city.settle import look_again, settle
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.catalogue import Catalogue, Product
from ewarung_pos.domain.family import CardStatus
from ewarung_pos.domain.journal import (
    OTHER_DEBIT,
    OTHER_DEBIT_VOIDED,
    AttemptSettled,
    DayClosed,
    DayOpened,
    Entry,
    Fact,
    HardshipAllowed,
    PeriodClosed,
    PriceChanged,
    Redeemed,
    Reversed,
    RightsGranted,
    StateReceived,
    StockAdjusted,
    StockReceived,
    Surrendered,
    decode,
)
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.rights import HARDSHIP
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import Rupiah, Unit
from ewarung_pos.sync.protocol import CLOCK_TOLERANCE_S, Flag

__all__ = ["Applier", "Item"]

_OUTCOMES = {
    "slip_disputed": Flag.SLIP_DISPUTED,
    OTHER_DEBIT: Flag.OTHER_DEBIT,
    OTHER_DEBIT_VOIDED: Flag.OTHER_DEBIT_VOIDED,
}
"""Ends of an attempt at the terminal that a person of the city has to look at."""
_REDEMPTION = tuple(column.name for column in schema.redemption.columns)
_LINE = tuple(column.name for column in schema.redemption_line.columns)
_RATION, _CASH = Tender.RATION, Tender.CASH
_TEXT: dict[str, str] = {word: word.value for words in (Tender, Unit) for word in words}
"""Plain text of what lines are marked with: drivers look at every other kind of text by itself."""


class Item(Protocol):
    """An entry as the batch brought it; `entry` is None when this version cannot read it."""

    @property
    def seq(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def instant(self) -> int: ...
    @property
    def hash(self) -> bytes: ...
    @property
    def entry(self) -> Entry | None: ...


class _Held:
    """Entries of one journal, from the store and from this batch.

    It knows nothing of who asks: in a circle with that, a batch would stay in memory until it is looked for.
    """

    def __init__(self, tx: Tx, whose: dict[str, Any], uncounted: set[int]) -> None:
        self._tx = tx
        self._whose = whose
        self._uncounted = uncounted
        self.items: Sequence[Item] = ()

    def between(self, first: int, last: int) -> tuple[list[Entry], bytes]:
        """Entries of that span by which something is counted, and the hash of the last one."""
        entries: list[Entry] = []
        head = b""
        for row in self._tx.between(schema.entry, "seq", first, last, **self._whose):
            head = bytes(row["hash"])
            if row["kind"]:  # else it was flagged when it came, and nothing is counted by it
                entries.append(decode(bytes(row["body"])))
        for item in self.items:
            if first <= item.seq <= last:
                head = item.hash
                if item.entry is not None and item.seq not in self._uncounted:
                    entries.append(item.entry)
        return entries, head


class Applier:
    """Applies one batch within its transaction: reads what it needs at once, folds in memory, writes totals back."""

    def __init__(self, tx: Tx, device: str, epoch: int, now_ms: int, last_id: str) -> None:
        """`last_id` is the greatest id that any entry of this kiosk had before."""
        self._tx = tx
        self._device = device
        self._epoch = epoch
        self._last_id = last_id
        self._whose: dict[str, Any] = {"device": device, "epoch": epoch}
        self._now_ms = now_ms
        self._flags: list[tuple[int, str]] = []
        self._families: dict[str, tuple[str, int]] = {}
        self._rights = Balances(tx, device, epoch)
        self._pool_uses: list[tuple[int, Redeemed | Reversed]] = []
        self._returned: set[tuple[str, str]] = set()
        self._stock: dict[str, int] = {}
        self._stock_before: dict[str, int] = {}
        self._prices: set[tuple[str, int]] = set()
        self._old_prices: set[tuple[str, int]] | None = None
        self._redemptions: list[tuple[Any, ...]] = []
        self._lines: list[tuple[Any, ...]] = []
        self._originals: set[str] = set()
        self._most = 0
        self.uncounted: set[int] = set()
        """Places of entries by which nothing was counted."""
        self._held = _Held(tx, self._whose, self.uncounted)
        self._days = Days(tx, device, epoch, self._held.between)
        self._catalogue = Catalogue()
        self._products: dict[str, Product] = {}
        self._counterparts = Counterparts()
        self._new_prices: list[dict[str, Any]] = []
        self._receipt = 0

    def apply(self, items: Sequence[Item]) -> list[tuple[int, str]]:
        """Apply the entries in order; returns (seq, flag) of those that open a case."""
        self._held.items = items
        self._fetch(items)
        seen: set[str] = set()
        known = self._known_before(items)
        for item in items:
            if item.id and (item.id in seen or item.id in known):
                self._flag(item.seq, Flag.DUPLICATE_UID)
            seen.add(item.id)
            if item.instant > self._now_ms + CLOCK_TOLERANCE_S * 1000:
                self._flag(item.seq, Flag.CLOCK_SKEW)
            try:
                if item.entry is None:
                    raise Beyond
                self._bear(item.entry.fact)
                self._one(item.entry, item.seq)
            except Beyond:
                self.uncounted.add(item.seq)
                self._flag(item.seq, Flag.UNREADABLE)
        self._write()
        self._follow_up()
        return self._flags

    def _known_before(self, items: Sequence[Item]) -> set[str]:
        """Ids of these entries that entries of this kiosk had before.

        Ids are minted in order (UUIDv7), so an honest batch lies above the greatest one and nothing is looked up.
        """
        doubtful = [item.id for item in items if item.id and item.id <= self._last_id]
        return {str(row["id"]) for row in self._tx.within(schema.entry, "id", doubtful, device=self._device)}

    def _flag(self, seq: int, flag: Flag) -> None:
        self._flags.append((seq, flag.value))

    def _fetch(self, items: Sequence[Item]) -> None:
        tx = self._tx
        facts = [item.entry.fact for item in items if item.entry is not None]
        served = [fact for fact in facts if isinstance(fact, Redeemed | Reversed)]
        touched = {fact.family for fact in served}
        held = tx.bare(schema.family, ("key", "card_status", "status_since"), "key", sorted(touched))
        self._families = {key: (status, since) for key, status, since in held}
        self._rights.fetch(facts)
        self._days.fetch(item.entry for item in items if item.entry is not None)
        self._stock = {row["product"]: int(row["packs"]) for row in tx.all(schema.stock, **self._whose)}
        self._stock_before = dict(self._stock)
        self._catalogue = feed.catalogue(tx)
        self._products = {product.code: product for product in self._catalogue.products}
        self._prices = {(product.code, product.price.amount) for product in self._catalogue.products}
        if served:
            newest = tx.last(schema.redemption, "seq", **self._whose)
            self._receipt = int(newest["receipt"]) if newest is not None else 0
            self._originals = {fact.original for fact in served if isinstance(fact, Reversed)}
            self._fetch_originals(self._originals)
        self._most = max((self._rights.largest(), *map(abs, self._stock.values())))

    def _fetch_originals(self, originals: set[str]) -> None:
        """What the counter-entries of this batch undo, as far as it came in earlier ones."""
        rows = self._tx.within(schema.entry, "id", sorted(originals), **self._whose)
        for row in sorted(rows, key=lambda row: int(row["seq"])):
            if row["kind"]:
                self._counterparts.redeemed(decode(bytes(row["body"])))
        for row in self._tx.within(schema.redemption, "original", sorted(originals), **self._whose):
            self._counterparts.undone(row["original"])

    def _bear(self, fact: Fact) -> None:
        """Look before anything is moved, whether every total that this fact moves stays one that can be kept.

        No total can be beyond the largest that was held and everything that was moved since; only where that is too
        much, each is looked at by itself.

        Raises:
            Beyond: one does not.
        """
        self._most += weight(fact)
        if self._most > EXACT:
            bear_each(fact, self._stock, self._rights)

    def _one(self, entry: Entry, seq: int) -> None:
        match entry.fact:
            case Redeemed() as fact:
                self._served(entry, fact, 1)
            case Reversed() as fact:
                self._served(entry, fact, -1)
            case StateReceived() | RightsGranted() as fact:
                if not self._rights.received(fact.leases):
                    self._flag(seq, Flag.UNKNOWN_GRANT)  # our database is older than the device
            case Surrendered() as fact:
                if not self._rights.gave_back(fact):
                    self._flag(seq, Flag.OVER_LEASE)
            case PeriodClosed() as fact:
                self._rights.close(fact.period)
            case AttemptSettled() as fact if fact.outcome in _OUTCOMES:
                self._flag(seq, _OUTCOMES[fact.outcome])
            case _:
                self._shelf_and_day(entry, seq)

    def _shelf_and_day(self, entry: Entry, seq: int) -> None:
        match entry.fact:
            case StockReceived() as fact:
                for line in fact.lines:
                    self._stock[line.product] = self._stock.get(line.product, 0) + line.packs
            case StockAdjusted() as fact:
                for count in fact.lines:
                    self._stock[count.product] = count.counted
            case PriceChanged() as fact:
                self._price(entry, fact)
            case DayOpened():
                if not self._days.open(entry.date, seq):
                    self._flag(seq, Flag.DAY_DIFFERS)
            case DayClosed() as fact:
                if not self._days.seal(entry, fact):
                    self._flag(seq, Flag.DAY_DIFFERS)
                if (fact.edc.amount if fact.edc is not None else 0) != fact.totals.purse:
                    self._flag(seq, Flag.EDC_DIFFERS)
            case _:
                pass

    # -- goods and rights --------------------------------------------------------------------------------------------

    def _served(self, entry: Entry, fact: Redeemed | Reversed, sign: int) -> None:
        seq = entry.seq
        self._in_order(entry, fact)
        if isinstance(fact, Redeemed):
            if entry.id in self._originals:
                self._counterparts.redeemed(entry)
            self._card(entry, fact)
            for line in fact.lines:
                if (line.product, line.price) not in self._prices and not self._was_listed(line.product, line.price):
                    self._flag(seq, Flag.PRICE_MISMATCH)
                    break
            if not lines_fit(entry, fact, self._products):
                self._flag(seq, Flag.LINES_DIFFER)
            self._moved(seq, fact, "spent")
        elif self._counterparts.undoes(entry, fact):
            self._moved(seq, fact, "returned")
            self._returned.update((fact.family, debit.period) for debit in fact.debits)
        else:
            self._flag(seq, Flag.BAD_REVERSAL)
        device, epoch, date, stock = self._device, self._epoch, entry.date, self._stock
        ration = cash = 0
        for place, line in enumerate(fact.lines):
            packs, tender = sign * line.packs, line.tender
            if tender is _RATION:
                ration += packs * line.price
            elif tender is _CASH:
                cash += packs * line.price
            product = line.product
            stock[product] = stock.get(product, 0) - packs
            amount = sign * line.amount
            unit, price = line.unit, line.price
            self._lines.append(
                (device, epoch, seq, place, date, product, line.commodity, _TEXT[unit], packs, amount, price,
                 _TEXT[tender], line.programme)
            )  # fmt: skip
        if isinstance(fact, Redeemed):
            original, presence, purse = "", fact.presence.value, fact.purse
        else:
            original, presence, purse = fact.original, "", fact.void
        paid = sign * purse.amount if purse is not None else 0
        self._redemptions.append(
            (device, epoch, seq, entry.id, original, fact.family, date, presence, fact.receipt, entry.instant, ration,
             paid, cash)
        )  # fmt: skip

    def _in_order(self, entry: Entry, fact: Redeemed | Reversed) -> None:
        if fact.receipt != self._receipt + 1:
            self._flag(entry.seq, Flag.RECEIPT_GAP)
        self._receipt = fact.receipt
        if self._days.over(entry.date):
            self._flag(entry.seq, Flag.DAY_DIFFERS)

    def _moved(self, seq: int, fact: Redeemed | Reversed, total: str) -> None:
        for debit in fact.debits:
            if not self._rights.move(fact.family, debit, total):
                self._flag(seq, Flag.OVER_LEASE)
        if any(debit.programme == HARDSHIP for debit in fact.debits):
            self._pool_uses.append((seq, fact))
            if isinstance(fact, Redeemed):  # nobody was sent home; now somebody looks at it
                self._flag(seq, Flag.HARDSHIP)
                word = self._word_before(seq)
                if word is None or (word.receipt, word.family) != (fact.receipt, fact.family):
                    self._flag(seq, Flag.NO_LEADER_WORD)

    def _word_before(self, seq: int) -> HardshipAllowed | None:
        """The leader's word that a redemption from the pool follows."""
        entries, _ = self._held.between(seq - 1, seq - 1)
        said = entries[0].fact if entries else None
        return said if isinstance(said, HardshipAllowed) else None

    def _was_listed(self, product: str, price: int) -> bool:
        """Whether that was a price before today's catalogue, or one of this kiosk's own; looked up once, if at all."""
        if self._old_prices is None:
            rows = (*self._tx.all(schema.list_price), *self._tx.all(schema.price, device=self._device))
            self._old_prices = {(row["product"], int(row["price"])) for row in rows}
        return (product, price) in self._old_prices

    def _card(self, entry: Entry, fact: Redeemed) -> None:
        held = self._families.get(fact.family)
        if held is None and (row := hardship.family_of(self._tx, fact.family)) is not None:
            held = row["card_status"], int(row["status_since"])
        if held is None:
            self._flag(entry.seq, Flag.UNKNOWN_CARD)
        elif held[0] != CardStatus.ACTIVE and held[1] <= entry.instant:
            self._flag(entry.seq, Flag.REVOKED_LATER)

    def _price(self, entry: Entry, fact: PriceChanged) -> None:
        self._prices.add((fact.product, fact.after))
        self._new_prices.append({"device": self._device, "product": fact.product, "price": fact.after})
        try:
            product = msgspec.structs.replace(self._catalogue.product(fact.product), price=Rupiah(fact.after))
            over = self._catalogue.over_ceiling(product, BusinessDate(entry.date))
        except (KeyError, ValueError):  # a product we do not list, or no business day to look the ceiling up for
            over = entry.date != ""
        if over:
            self._flag(entry.seq, Flag.PRICE_MISMATCH)

    def _write(self) -> None:
        tx = self._tx
        self._rights.write()
        moved = {name: packs for name, packs in self._stock.items() if self._stock_before.get(name) != packs}
        tx.put(schema.stock, [{**self._whose, "product": name, "packs": packs} for name, packs in moved.items()])
        tx.load(schema.redemption, _REDEMPTION, self._redemptions)
        tx.load(schema.redemption_line, _LINE, self._lines)
        self._days.write()
        tx.put(schema.price, self._new_prices)

    def _follow_up(self) -> None:
        """What the city does when every total is written: pools are charged to families, and rights go on."""
        for seq, fact in self._pool_uses:
            if isinstance(fact, Redeemed):
                family = hardship.family_of(self._tx, fact.family)
                hardship.charge(self._tx, self._device, self._epoch, seq, fact, self._word_before(seq), family)
            else:
                undone = self._tx.one(schema.redemption, **self._whose, entry=fact.original)
                hardship.give_back(self._tx, self._device, self._epoch, int(undone["seq"]) if undone else 0)
        for whose, period in sorted(self._returned):
            hardship.came_back(self._tx, whose, period)
        look_again(self._tx, self._device, self._epoch, self._rights.unknown)
        if self._rights.freed:
            settle(self._tx, self._device, self._epoch, self._rights.freed, self._now_ms)
