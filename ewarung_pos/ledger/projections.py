"""What each kind of entry does to balances, stock and the business day, in the entry's own transaction.

This is the hot path of every redemption, hence the driver's own SQL: no expression is built, and each statement is
prepared once for each connection. `fold` says the same a second time, in memory, and `verify` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from ewarung_pos.domain.business_day import Day, DayState
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import (
    CityAcknowledged,
    ClosingBegun,
    ClosingCancelled,
    DayClosed,
    DayOpened,
    Entry,
    HardshipAllowed,
    PeriodClosed,
    PriceChanged,
    ReceiptPrinted,
    Redeemed,
    Reversed,
    RightsGranted,
    StateReceived,
    StockAdjusted,
    StockCounted,
    StockReceived,
    Surrendered,
    decode,
)
from ewarung_pos.domain.redemption import RedemptionLine, RightDebit
from ewarung_pos.domain.rights import HARDSHIP, holder_of
from ewarung_pos.domain.stock import CountLine
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.errors import (
    AllotmentExhausted,
    DayNotOpen,
    NotAuthorised,
    OutOfStock,
    PeriodNotCurrent,
    ProtocolMismatch,
    RuleViolation,
)
from ewarung_pos.ledger.engine import Connection
from ewarung_pos.ledger.tip import Tip, count_unsent

__all__ = ["CLOSED_PERIOD", "apply"]

CLOSED_PERIOD = "period_closed"
"""The setting that holds the latest month that was closed here."""

_MOVE = "INSERT INTO goods_movement VALUES (?, ?, ?, ?)"
_SPEND = (
    "UPDATE lease SET spent = spent + ?1 WHERE family = ?2 AND period = ?3 AND programme = ?4 AND commodity = ?5 "
    "AND unit = ?6 AND spent - returned + surrendered + ?1 <= granted"
)
_RETURN = (
    "UPDATE lease SET returned = returned + ?1 WHERE family = ?2 AND period = ?3 AND programme = ?4 "
    "AND commodity = ?5 AND unit = ?6 AND returned + ?1 <= spent"
)
_TAKE = "UPDATE stock SET packs = packs - ?1 WHERE product = ?2 AND packs >= ?1"
_PUT = (
    "INSERT INTO stock (product, packs) VALUES (?, ?) "
    "ON CONFLICT (product) DO UPDATE SET packs = packs + excluded.packs"
)
_SET = "INSERT INTO stock (product, packs) VALUES (?, ?) ON CONFLICT (product) DO UPDATE SET packs = excluded.packs"
_PURSE_SPENT = (
    "INSERT INTO purse_spent (family, spent) VALUES (?, ?) "
    "ON CONFLICT (family) DO UPDATE SET spent = spent + excluded.spent"
)
_PURSE_RETURNED = "UPDATE purse_spent SET returned = returned + ? WHERE family = ?"
_GRANT = (
    "INSERT INTO lease (family, period, programme, commodity, unit, granted) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (family, period, programme, commodity) "
    "DO UPDATE SET granted = max(granted, excluded.granted) WHERE unit = excluded.unit"
)
_SURRENDER = (
    "UPDATE lease SET surrendered = ?1 WHERE family = ?2 AND period = ?3 AND programme = ?4 AND commodity = ?5 "
    "AND unit = ?6 AND ?1 >= surrendered AND spent - returned + ?1 <= granted"
)
_CLOSE = "UPDATE lease SET surrendered = granted - spent + returned WHERE period <= ?"
_PUT_SETTING = "INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_CREDIT = (
    "INSERT INTO purse_credit (family, programme, period, amount) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (family, programme, period) DO UPDATE SET amount = excluded.amount"
)
_CATALOGUE = msgspec.json.Decoder(Catalogue)
_JSON = msgspec.json.Encoder()

F = TypeVar("F")
Cursor = Any
"""One of the connection's: the statements of an entry share it, as each new one costs as much as a small look-up."""

_HANDLERS: dict[type[Any], Callable[[Connection, Entry, Any, Tip], Tip]] = {}


def apply(connection: Connection, entry: Entry, tip: Tip) -> Tip:
    """Write what the entry does; `tip` already ends with it. Returns the tip with the effect.

    Raises:
        RuleViolation: the entry would break a rule; the transaction must be rolled back.
    """
    handler = _HANDLERS.get(type(entry.fact))
    return tip if handler is None else handler(connection, entry, entry.fact, tip)


def _of(
    kind: type[F],
) -> Callable[[Callable[[Connection, Entry, F, Tip], Tip]], Callable[[Connection, Entry, F, Tip], Tip]]:
    def register(handler: Callable[[Connection, Entry, F, Tip], Tip]) -> Callable[[Connection, Entry, F, Tip], Tip]:
        _HANDLERS[kind] = handler
        return handler

    return register


# --- handing out ----------------------------------------------------------------------------------------------------


@_of(Redeemed)
def _redeemed(connection: Connection, entry: Entry, fact: Redeemed, tip: Tip) -> Tip:
    cursor = connection.cursor()
    execute = cursor.execute
    seq = entry.seq
    _in_a_day(tip)
    for debit in fact.debits:
        _positive(debit.amount)
        if debit.programme == HARDSHIP:
            _allowed(connection, entry, fact)
        execute(_SPEND, _lease_of(entry, fact.family, debit))
        if cursor.rowcount != 1:
            raise AllotmentExhausted(f"{debit.programme} {debit.period} {debit.commodity}", reason="lease")
    for line in fact.lines:
        _positive(line.packs)
        execute(_TAKE, (line.packs, line.product))
        if cursor.rowcount != 1:
            raise OutOfStock(line.product, reason="stock")
    _goods(cursor, seq, "redeemed", fact.lines, 1)
    if fact.purse is not None:
        _positive(fact.purse.amount)
        execute(_PURSE_SPENT, (fact.family, fact.purse.amount))
    return msgspec.structs.replace(tip, receipts=fact.receipt)


@_of(Reversed)
def _reversed(connection: Connection, entry: Entry, fact: Reversed, tip: Tip) -> Tip:
    cursor = connection.cursor()
    execute = cursor.execute
    seq = entry.seq
    _in_a_day(tip)
    for debit in fact.debits:
        execute(_RETURN, _lease_of(entry, fact.family, debit))
        if cursor.rowcount != 1:
            raise RuleViolation(f"{debit.programme} {debit.commodity} was not spent", reason="not_spent")
    for line in fact.lines:
        execute(_PUT, (line.product, line.packs))
    _goods(cursor, seq, "reversed", fact.lines, -1)
    if fact.void is not None:
        execute(_PURSE_RETURNED, (fact.void.amount, fact.family))
    return msgspec.structs.replace(tip, receipts=fact.receipt)


def _goods(cursor: Cursor, seq: int, kind: str, lines: tuple[RedemptionLine, ...], sign: int) -> None:
    """What was issued and what left the shelf, in one row: two accounts of the day's control, kept apart."""
    issued = [(line.commodity, line.unit, sign * line.amount) for line in lines]
    moved = [(line.product, -sign * line.packs, line.commodity, -sign * line.amount) for line in lines]
    cursor.execute(_MOVE, (seq, kind, _JSON.encode(issued).decode(), _JSON.encode(moved).decode()))


def _lease_of(entry: Entry, family: str, debit: RightDebit) -> tuple[int, str, str, str, str, str]:
    holder = holder_of(family, debit.programme, entry.device)
    return (debit.amount, holder, debit.period, debit.programme, debit.commodity, debit.unit.value)


def _allowed(connection: Connection, entry: Entry, fact: Redeemed) -> None:
    """What is taken from the pool follows the leader's word for just this redemption.

    Raises:
        NotAuthorised: it does not (`no_leader_word`).
    """
    row = connection.execute("SELECT payload FROM ledger_entry WHERE seq = ?", (entry.seq - 1,)).fetchone()
    said = decode(row[0]).fact if row else None
    told = (said.receipt, said.family) if isinstance(said, HardshipAllowed) else None
    if told != (fact.receipt, fact.family):
        raise NotAuthorised("nobody allowed this from the pool", reason="no_leader_word")


def _positive(amount: int) -> None:
    if amount <= 0:
        msg = f"{amount} is not a quantity that can be handed out"
        raise ValueError(msg)


def _in_a_day(tip: Tip) -> None:
    if tip.day.state is DayState.CLOSED:
        raise DayNotOpen(reason="day_not_open")


# --- rights ---------------------------------------------------------------------------------------------------------


@_of(StateReceived)
def _state_received(connection: Connection, entry: Entry, fact: StateReceived, tip: Tip) -> Tip:
    _granted(connection, fact.leases)
    for credit in fact.credits:
        connection.execute(_CREDIT, credit)
    connection.execute("UPDATE city_state SET cursor = ?", (fact.cursor,))
    return msgspec.structs.replace(tip, cursor=fact.cursor)


@_of(RightsGranted)
def _rights_granted(connection: Connection, entry: Entry, fact: RightsGranted, tip: Tip) -> Tip:
    _granted(connection, fact.leases)
    return tip


def _granted(connection: Connection, leases: tuple[LeaseGrant, ...]) -> None:
    for grant in leases:
        row = (grant.family, grant.period, grant.programme, grant.commodity, grant.unit.value, grant.granted)
        if connection.execute(_GRANT, row).rowcount != 1:
            raise ProtocolMismatch(f"{grant.commodity} changed its unit", reason="unit")


@_of(Surrendered)
def _surrendered(connection: Connection, entry: Entry, fact: Surrendered, tip: Tip) -> Tip:
    for given in fact.leases:
        row = (
            given.surrendered, given.family, given.period, given.programme, given.commodity, given.unit.value
        )  # fmt: skip
        if connection.execute(_SURRENDER, row).rowcount != 1:
            raise AllotmentExhausted(f"{given.programme} {given.period} {given.commodity}", reason="lease")
    return tip


@_of(PeriodClosed)
def _period_closed(connection: Connection, entry: Entry, fact: PeriodClosed, tip: Tip) -> Tip:
    if tip.day.state is not DayState.CLOSED and tip.day.date is not None and tip.day.date.period().iso <= fact.period:
        raise DayNotOpen("a day of that month is not sealed", reason="day_not_sealed")
    held = connection.execute("SELECT value FROM setting WHERE key = ?", (CLOSED_PERIOD,)).fetchone()
    if held is not None and fact.period <= held[0]:
        raise PeriodNotCurrent(fact.period, reason="period_closed")
    connection.execute(_CLOSE, (fact.period,))
    connection.execute(_PUT_SETTING, (CLOSED_PERIOD, fact.period))
    return tip


@_of(CityAcknowledged)
def _city_acknowledged(connection: Connection, entry: Entry, fact: CityAcknowledged, tip: Tip) -> Tip:
    if fact.acked_seq < tip.acked_seq:  # a late answer to an earlier batch: what is acknowledged stays so
        return msgspec.structs.replace(tip, unsent=count_unsent(connection, entry.seq, tip.acked_seq))
    connection.execute("UPDATE city_state SET acked_seq = ?, acked_hash = ?", (fact.acked_seq, fact.acked_hash))
    return msgspec.structs.replace(
        tip,
        acked_seq=fact.acked_seq,
        acked_hash=fact.acked_hash,
        unsent=count_unsent(connection, entry.seq, fact.acked_seq),
    )


# --- stock and prices -----------------------------------------------------------------------------------------------


@_of(StockReceived)
def _stock_received(connection: Connection, entry: Entry, fact: StockReceived, tip: Tip) -> Tip:
    for line in fact.lines:
        _positive(line.packs)
        connection.execute(_PUT, (line.product, line.packs))
    _moved(connection, entry, "received", [(line.product, line.packs) for line in fact.lines])
    return tip


@_of(StockAdjusted)
def _stock_adjusted(connection: Connection, entry: Entry, fact: StockAdjusted, tip: Tip) -> Tip:
    moved = []
    for line in fact.lines:
        row = connection.execute("SELECT packs FROM stock WHERE product = ?", (line.product,)).fetchone()
        if line.counted < 0:
            raise OutOfStock(line.product, reason="stock")
        connection.execute(_SET, (line.product, line.counted))
        moved.append((line.product, line.counted - (row[0] if row else 0)))
    _moved(connection, entry, "adjusted", moved)
    if not fact.closing:
        return tip
    return _day(connection, entry, tip, DayState.EXPLAINED, _merged(tip.day.count, fact.lines))


@_of(StockCounted)
def _stock_counted(connection: Connection, entry: Entry, fact: StockCounted, tip: Tip) -> Tip:
    return _day(connection, entry, tip, DayState.COUNTING, fact.lines) if fact.closing else tip


def _merged(held: tuple[CountLine, ...], explained: tuple[CountLine, ...]) -> tuple[CountLine, ...]:
    """The count with the reasons that were given afterwards, line by line; products keep their place."""
    lines = {line.product: line for line in held} | {line.product: line for line in explained}
    return tuple(lines.values())


def _moved(connection: Connection, entry: Entry, kind: str, packs: list[tuple[str, int]]) -> None:
    """Packs of each product, whatever is in them."""
    if packs:
        connection.execute(_MOVE, (entry.seq, kind, "[]", _JSON.encode(packs).decode()))


@_of(PriceChanged)
def _price_changed(connection: Connection, entry: Entry, fact: PriceChanged, tip: Tip) -> Tip:
    row = connection.execute("SELECT body FROM reference WHERE name = 'catalogue'").fetchone()
    catalogue = _CATALOGUE.decode(row[0]) if row else Catalogue()
    catalogue.product(fact.product)  # a price of nothing is a bug
    products = tuple(
        msgspec.structs.replace(product, price=type(product.price)(fact.after))
        if product.code == fact.product
        else product
        for product in catalogue.products
    )
    body = msgspec.json.encode(msgspec.structs.replace(catalogue, products=products))
    connection.execute("UPDATE reference SET set_by = ?, body = ? WHERE name = 'catalogue'", (entry.id, body))
    return msgspec.structs.replace(tip, catalogue=entry.id)


@_of(ReceiptPrinted)
def _receipt_printed(connection: Connection, entry: Entry, fact: ReceiptPrinted, tip: Tip) -> Tip:
    connection.execute("INSERT INTO receipt_paper VALUES (?, ?, ?, ?)", (entry.seq, fact.entry, fact.copy, fact.paper))
    return tip


# --- the business day -----------------------------------------------------------------------------------------------


@_of(DayOpened)
def _day_opened(connection: Connection, entry: Entry, fact: DayOpened, tip: Tip) -> Tip:
    day = tip.day
    if day.state is not DayState.CLOSED:
        raise DayNotOpen(reason="already_open")
    # Not "later than the last one": a day that a wrong clock opened in the future must not close the kiosk until then.
    if connection.execute("SELECT 1 FROM business_day WHERE date = ?", (entry.date,)).fetchone() is not None:
        raise DayNotOpen(reason="already_closed")
    connection.execute(
        "INSERT INTO business_day (opened_seq, date, opened_at, state, count) VALUES (?, ?, ?, 'open', ?)",
        (entry.seq, entry.date, entry.instant, b"[]"),
    )
    return msgspec.structs.replace(tip, day=Day(DayState.OPEN, BusinessDate(entry.date), entry.seq, entry.instant))


@_of(ClosingBegun)
def _closing_begun(connection: Connection, entry: Entry, fact: ClosingBegun, tip: Tip) -> Tip:
    return _day(connection, entry, tip, DayState.COUNTING, (), DayState.OPEN)


@_of(ClosingCancelled)
def _closing_cancelled(connection: Connection, entry: Entry, fact: ClosingCancelled, tip: Tip) -> Tip:
    return _day(connection, entry, tip, DayState.OPEN, ())


@_of(DayClosed)
def _day_closed(connection: Connection, entry: Entry, fact: DayClosed, tip: Tip) -> Tip:
    return _day(connection, entry, tip, DayState.CLOSED, tip.day.count, DayState.EXPLAINED)


def _day(
    connection: Connection,
    entry: Entry,
    tip: Tip,
    state: DayState,
    count: tuple[CountLine, ...],
    *allowed: DayState,
) -> Tip:
    """Move the day on; from COUNTING or EXPLAINED unless said otherwise.

    Raises:
        DayNotOpen: not from the state it is in.
    """
    day = tip.day
    if day.state not in (allowed or (DayState.COUNTING, DayState.EXPLAINED)):
        raise DayNotOpen(f"{day.state.value} cannot become {state.value}", reason="day_not_open")
    connection.execute(
        "UPDATE business_day SET state = ?, count = ?, closed_seq = ? WHERE opened_seq = ?",
        (state.value, _JSON.encode(count), entry.seq if state is DayState.CLOSED else None, day.opened_seq),
    )
    return msgspec.structs.replace(tip, day=msgspec.structs.replace(day, state=state, count=count))
