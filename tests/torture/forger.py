"""A forger who holds every key of the till and knows all of its code: writes a whole ledger anew, without a seam.

Only what the city signed or holds can tell such a ledger from a real one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.journal import (
    OTHER_DEBIT,
    OTHER_DEBIT_VOIDED,
    AttemptOpened,
    AttemptSettled,
    CityAcknowledged,
    DayClosed,
    Entry,
    OperatorChanged,
    PeriodClosed,
    PriceChanged,
    ReceiptPrinted,
    Redeemed,
    RegisterPurged,
    Reversed,
    RightsGranted,
    SettingsChanged,
    StateReceived,
    canonical,
    decode,
    genesis,
    link,
)
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.domain.state import LOCK_AFTER
from ewarung_pos.domain.timeline import BACKWARD_TOLERANCE_MS, ClockMemory
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.ledger.fold import MOVED, TABLES, Fold
from ewarung_pos.ledger.history import COPIES
from ewarung_pos.ledger.projections import CLOSED_PERIOD
from ewarung_pos.ledger.register import FAMILIES, digest_of
from ewarung_pos.ledger.tip import CLOCK
from ewarung_pos.ports import Approved, Attempt
from ewarung_pos.sync.attesting import DUE
from ewarung_pos.sync.signing import sign

__all__ = [
    "Kept",
    "broken",
    "entries_of",
    "kept_of",
    "rechain",
    "renumbered",
    "rewrite",
    "without_acknowledgements",
]

Connection = Any


class Kept(NamedTuple):
    """What the forger kept of older images: rows of families and their cards by key and digest, and debits by id."""

    people: dict[tuple[str, str], tuple[tuple[Any, ...], tuple[Any, ...]]]
    debits: dict[str, bytes]


_STATES = {
    "declined": AttemptState.DECLINED,
    "void_declined": AttemptState.DECLINED,
    OTHER_DEBIT: AttemptState.DECLINED,
    OTHER_DEBIT_VOIDED: AttemptState.DECLINED,
    "cancelled": AttemptState.CANCELLED,
    "in_doubt": AttemptState.IN_DOUBT,
}


def entries_of(connection: Connection) -> list[Entry]:
    """Every entry, in order."""
    return [decode(payload) for (payload,) in connection.execute("SELECT payload FROM ledger_entry ORDER BY seq")]


def rechain(connection: Connection, bodies: Sequence[bytes], device: str, epoch: int = 1) -> None:
    """Give the rows of the journal these payloads, and hashes that hold; nothing else is touched."""
    head = genesis(device, epoch)
    for seq, body in enumerate(bodies, start=1):
        digest = link(head, body)
        row = (body, head, digest, seq)
        connection.execute("UPDATE ledger_entry SET payload = ?, prev_hash = ?, hash = ? WHERE seq = ?", row)
        head = digest


def without_acknowledgements(entries: Sequence[Entry]) -> list[Entry]:
    """Without the city's word, which cannot be forged."""
    return renumbered([entry for entry in entries if not isinstance(entry.fact, CityAcknowledged)])


def renumbered(entries: Sequence[Entry]) -> list[Entry]:
    """One after another from 1; places inside of seals follow."""
    places = {entry.seq: place for place, entry in enumerate(entries, start=1)}

    def moved(fact: Any, place: int) -> Any:
        if not isinstance(fact, DayClosed):
            return fact
        totals = msgspec.structs.replace(fact.totals, first_seq=places[fact.totals.first_seq], last_seq=place - 1)
        return msgspec.structs.replace(fact, totals=totals)

    return [
        msgspec.structs.replace(entry, seq=place, fact=moved(entry.fact, place))
        for place, entry in enumerate(entries, start=1)
    ]


def broken(entries: Sequence[Entry]) -> list[str]:
    """Rules that these entries break by what they say."""
    fold = Fold()
    return [what for entry in entries for what in fold.add(entry)[1]]


def kept_of(connections: Iterable[Connection]) -> Kept:
    """All of these files, the older ones first."""
    kept = Kept({}, {})
    for connection in connections:
        kept.people.update(_people(connection))
        for name, body in connection.execute("SELECT id, body FROM attempt").fetchall():
            if msgspec.json.decode(body, type=Attempt).card.token:
                kept.debits[name] = body
    return kept


def _people(connection: Connection) -> dict[tuple[str, str], tuple[tuple[Any, ...], tuple[Any, ...]]]:
    (key,) = connection.execute("SELECT value FROM secret WHERE name = 'card_key'").fetchone()
    told = {row[0]: digest_of(key, "family", *row) for row in connection.execute(FAMILIES).fetchall()}
    cards = {row[1]: row for row in connection.execute("SELECT * FROM register_card").fetchall()}
    rows = connection.execute("SELECT * FROM register_family").fetchall()
    return {(row[0], told[row[0]]): (row, cards[row[0]]) for row in rows}


def rewrite(connection: Connection, entries: Sequence[Entry], device_key: bytes, kept: Kept) -> None:
    """Make the ledger one that holds exactly these entries: chain, seals, columns, and every table beside them.

    What was removed since is taken from `kept`.
    """
    real = entries_of(connection)
    old = {entry.id: entry.seq for entry in real}
    found = {fact.product: fact.before for entry in reversed(real) if isinstance(fact := entry.fact, PriceChanged)}
    _journal(connection, entries, device_key)
    fold = Fold()
    for table in (*MOVED, *TABLES):
        if table != "city_state":
            connection.execute(f"DELETE FROM {table}")
    for entry in entries:
        rows, broken, undone = fold.add(entry)
        assert not broken, (entry.seq, broken)
        connection.execute("UPDATE ledger_entry SET reverses = ? WHERE seq = ?", (undone, entry.seq))
        for table, row in rows:
            _insert(connection, table, row)
    for table in TABLES:
        for row in fold.totals(table):
            if table == "city_state":
                connection.execute("UPDATE city_state SET acked_seq = ?, acked_hash = ?, cursor = ?", row)
            else:
                _insert(connection, table, row, _columns(TABLES[table]))
    _papers(connection, entries, old)
    _attempts(connection, entries, kept)
    _kept(connection, entries, fold, found)
    _register(connection, entries, kept)


def _journal(connection: Connection, entries: Sequence[Entry], device_key: bytes) -> None:
    connection.execute("DELETE FROM ledger_entry")
    head = genesis(entries[0].device, entries[0].epoch)
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, DayClosed):
            text = f"{entry.device}|{entry.epoch}|{fact.totals.first_seq}|{entry.seq - 1}|{head.hex()}"
            signature = sign(device_key, text.encode()).hex()
            entry = msgspec.structs.replace(  # noqa: PLW2901 - the same entry, sealed
                entry, fact=msgspec.structs.replace(fact, head=head.hex(), signature=signature)
            )
        body = canonical(entry)
        digest = link(head, body)
        named = (fact.family, fact.receipt) if isinstance(fact, Redeemed | Reversed) else (None, None)
        row = (entry.seq, entry.id, type(fact).__name__, entry.date, entry.instant, *named, None, body, head, digest)
        _insert(connection, "ledger_entry", row)
        head = digest


def _insert(connection: Connection, table: str, row: Sequence[Any], columns: str = "") -> None:
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} {columns} VALUES ({marks})", tuple(row))


def _columns(query: str) -> str:
    return f"({query.removeprefix('SELECT ').partition(' FROM ')[0]})"


def _papers(connection: Connection, entries: Sequence[Entry], old: dict[str, int]) -> None:
    places = {entry.id: entry.seq for entry in entries}
    done = {(entry.fact.entry, entry.fact.copy) for entry in entries if isinstance(entry.fact, ReceiptPrinted)}
    rows = connection.execute("SELECT * FROM print_job ORDER BY id").fetchall()
    connection.execute("DELETE FROM print_job")
    for job, kind, entry, receipt, copy, goods, tries, _ in rows:
        if entry in places:
            place = job - (old[entry] - places[entry]) * COPIES
            printed = (entry, copy) in done
            _insert(connection, "print_job", (place, kind, entry, receipt, copy, goods, tries or printed, printed))


def _attempts(connection: Connection, entries: Sequence[Entry], kept: Kept) -> None:
    purged: set[str] = set()
    states: dict[str, tuple[AttemptState, Approved | None]] = {}
    for entry in entries:
        match entry.fact:
            case AttemptOpened() as fact:
                states[fact.attempt] = (AttemptState.PENDING, None)
            case AttemptSettled() as fact if fact.outcome in _STATES:
                states[fact.attempt] = (_STATES[fact.outcome], None)
            case Redeemed() | Reversed() as fact:
                debit = fact.purse if isinstance(fact, Redeemed) else fact.void
                if debit is not None:
                    given = msgspec.convert(debit, Approved, from_attributes=True)
                    states[debit.attempt] = (AttemptState.DONE, given)
            case RegisterPurged() as fact:
                purged.update(fact.expired, fact.moved)
            case _:
                pass
    for name, body in connection.execute("SELECT id, body FROM attempt").fetchall():
        if name not in states:
            connection.execute("DELETE FROM attempt WHERE id = ?", (name,))
            continue
        state, approval = states[name]
        attempt = msgspec.json.decode(body, type=Attempt)
        if attempt.family not in purged and name in kept.debits:
            attempt = msgspec.json.decode(kept.debits[name], type=Attempt)
        held = msgspec.structs.replace(attempt, state=state, approval=approval)
        row = (state.value, held.opened_ms, msgspec.json.encode(held), name)
        connection.execute("UPDATE attempt SET state = ?, opened_ms = ?, body = ? WHERE id = ?", row)


def _kept(connection: Connection, entries: Sequence[Entry], fold: Fold, found: dict[str, int]) -> None:
    """Settings, the catalogue's prices, locks: what entries say of them."""
    settings: dict[str, str] = {}
    locked: set[str] = set()
    prices = dict(found)
    by = ""
    for entry in entries:
        match entry.fact:
            case SettingsChanged() as fact:
                settings[fact.key] = fact.after
            case DayClosed() as fact:
                settings["z_report"] = str(fact.report)
            case StateReceived() as fact if any(kind == "catalogue" for kind, _, _ in fact.items):
                by = entry.id
            case PeriodClosed() as fact:
                settings[CLOSED_PERIOD] = fact.period
            case PriceChanged() as fact:
                prices[fact.product], by = fact.after, entry.id
            case OperatorChanged(change="locked") as fact:
                locked.add(fact.code)
            case _:
                pass
    latest = highest = 0
    for entry in entries:
        if entry.instant >= latest - BACKWARD_TOLERANCE_MS:
            latest = entry.instant
        else:
            highest = max(highest, latest)
    if highest:
        settings[CLOCK] = msgspec.json.encode(ClockMemory(highest_ms=highest)).decode()
    (acked, _, _) = next(fold.totals("city_state"))
    sealed = [entry.date for entry in entries if isinstance(entry.fact, DayClosed) and entry.seq <= acked]
    _settings(connection, settings, sealed)
    _prices(connection, prices, by)
    connection.execute("DELETE FROM pin_failure")
    for code in locked:
        _insert(connection, "pin_failure", (code, LOCK_AFTER))


def _register(connection: Connection, entries: Sequence[Entry], kept: Kept) -> None:
    """Everybody whom these entries say to be here, as they say, and since when."""
    told: dict[str, tuple[str, int]] = {}
    for entry in entries:
        match entry.fact:
            case StateReceived() | RightsGranted() as fact:
                for kind, key, digest in fact.items:
                    if kind == "family":
                        told[key] = (digest, told.get(key, ("", entry.instant))[1])
            case RegisterPurged() as fact:
                for key in (*fact.expired, *fact.moved):
                    told.pop(key, None)
            case _:
                pass
    for table in ("register_card", "register_family"):
        connection.execute(f"DELETE FROM {table}")
    for key, (digest, since_ms) in told.items():
        if (key, digest) in kept.people:
            family, card = kept.people[key, digest]
            _insert(connection, "register_family", (*family[:-1], since_ms))
            _insert(connection, "register_card", card)


def _settings(connection: Connection, settings: dict[str, str], sealed: list[str]) -> None:
    words = dict(connection.execute("SELECT key, value FROM setting WHERE key LIKE 'attested:%'").fetchall())
    connection.execute("DELETE FROM setting")
    for key, value in settings.items():
        _insert(connection, "setting", (key, value))
    for date in sealed:
        _insert(connection, "setting", (f"attested:{date}", words[f"attested:{date}"]))
    if sealed:
        _insert(connection, "setting", (DUE, ""))


def _prices(connection: Connection, prices: dict[str, int], by: str) -> None:
    (body,) = connection.execute("SELECT body FROM reference").fetchone()
    catalogue = msgspec.json.decode(body, type=Catalogue)
    products = tuple(
        msgspec.structs.replace(product, price=Rupiah(prices.get(product.code, product.price.amount)))
        for product in catalogue.products
    )
    body = msgspec.json.encode(msgspec.structs.replace(catalogue, products=products))
    connection.execute("UPDATE reference SET set_by = ?, body = ?", (by, body))
