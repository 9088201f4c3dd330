"""Frozen snapshots for screens, papers and reports: every reading method of the ledger."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from ewarung_pos.domain.business_day import Day, DayTotals
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import Lease
from ewarung_pos.domain.family import CardRef, CardStatus, Family
from ewarung_pos.domain.journal import AttemptSettled, CityAcknowledged, Sealed, decode
from ewarung_pos.domain.retention import Presence
from ewarung_pos.domain.state import KioskIdentity, OperatorRecord
from ewarung_pos.domain.timeline import BusinessDate, ClockMemory, Instant, Period
from ewarung_pos.domain.units import Rupiah, Unit
from ewarung_pos.ledger import history
from ewarung_pos.ledger.attempts import ATTEMPT, open_attempts, settlements, slip_used
from ewarung_pos.ledger.catalogue_cache import CatalogueCache
from ewarung_pos.ledger.tip import Tip
from ewarung_pos.ports import Attempt, HistoryRow, LedgerHead, PrintJob, Tally, Visit

__all__ = ["Execute", "Queries", "leases_of"]

Execute = Callable[..., Any]
"""`connection.execute`."""

_FAMILY = (
    "SELECT f.key, f.name, f.nik_masked, f.kelurahan_code, f.kelurahan, f.kecamatan, f.members, f.programmes, f.home, "
    "c.token, c.last4, c.status FROM register_family AS f JOIN register_card AS c ON c.family = f.key "
)
_LEASES = (
    "SELECT family, programme, period, commodity, unit, granted, surrendered, spent, returned FROM lease "
    "WHERE family = ? AND period = ? ORDER BY programme, commodity"
)
_LEFT_OVER = "SELECT 1 FROM lease WHERE period <= ? AND granted - surrendered - spent + returned > 0 LIMIT 1"
_VISITORS = (
    "SELECT l.family, programme, period, commodity, unit, granted, surrendered, spent, returned FROM lease AS l "
    "JOIN register_family AS f ON f.key = l.family WHERE f.home <> ? AND period = ? "
    "AND granted - surrendered - spent + returned > 0 ORDER BY l.family, programme, commodity"
)
_SHADOW = (
    "SELECT (SELECT sum(amount) FROM purse_credit WHERE family = ?1), "
    "(SELECT spent - returned FROM purse_spent WHERE family = ?1)"
)
_LAST_VISIT = (
    "SELECT date FROM business_day WHERE opened_seq < (SELECT seq FROM ledger_entry AS e WHERE family = ? "
    "AND reverses IS NULL AND NOT EXISTS (SELECT 1 FROM ledger_entry AS u WHERE u.reverses = e.seq) "
    "ORDER BY seq DESC LIMIT 1) ORDER BY opened_seq DESC LIMIT 1"
)
_VISIT = (
    "SELECT f.key, f.name, f.nik_masked, f.kelurahan_code, f.kelurahan, f.kecamatan, f.members, f.programmes, f.home, "
    "c.token, c.last4, c.status, "
    "(SELECT json_group_array(json_array(programme, commodity, unit, granted, surrendered, spent, returned)) FROM "
    "(SELECT * FROM lease WHERE family = f.key AND period = ?2 ORDER BY programme, commodity)), "
    "(SELECT sum(amount) FROM purse_credit WHERE family = f.key), "
    "(SELECT spent - returned FROM purse_spent WHERE family = f.key), "
    "(SELECT date FROM business_day WHERE opened_seq < (SELECT seq FROM ledger_entry AS e WHERE family = f.key "
    "AND reverses IS NULL AND NOT EXISTS (SELECT 1 FROM ledger_entry AS u WHERE u.reverses = e.seq) "
    "ORDER BY seq DESC LIMIT 1) ORDER BY opened_seq DESC LIMIT 1), "
    "(SELECT json_group_object(product, packs) FROM stock), "
    "EXISTS (SELECT 1 FROM attempt WHERE state IN ('pending', 'in_doubt')) "
    "FROM (SELECT 1) LEFT JOIN register_card AS c ON c.token = ?1 LEFT JOIN register_family AS f ON f.key = c.family"
)
"""One row whatever the card is: a step of a statement costs more than what is looked up in it."""
_PRESENCE = (
    "SELECT f.key, f.home, coalesce(c.status, 'active'), f.since_ms, "
    "coalesce((SELECT max(period) FROM lease WHERE family = f.key), ''), "
    "coalesce((SELECT max(period) FROM purse_credit WHERE family = f.key), ''), "
    "coalesce((SELECT substr(max(business_date), 1, 7) FROM ledger_entry WHERE family = f.key), '') "
    "FROM register_family AS f LEFT JOIN register_card AS c ON c.family = f.key ORDER BY f.key"
)
"""A family whose card went to another one is held as well, and goes by its months like one whose card is good."""
_JOBS = "SELECT id, kind, entry, receipt, copy, tries FROM print_job WHERE done = 0 ORDER BY id"
_SEALED = "SELECT seq, payload, prev_hash, hash FROM ledger_entry "

_PROGRAMMES = msgspec.json.Decoder(tuple[str, ...])
_LEASE_ROWS = msgspec.json.Decoder(tuple[tuple[str, str, Unit, int, int, int, int], ...])
_STOCK = msgspec.json.Decoder(dict[str, int])


class Queries(ABC):
    """The reading half of the ledger (`ports.LedgerReader`) over whatever `_snapshot` gives.

    Each method is one consistent view of the file and holds nothing when it returns.
    """

    def __init__(self, catalogue: CatalogueCache) -> None:
        self._catalogue = catalogue

    @abstractmethod
    def _snapshot(self) -> AbstractContextManager[Execute]:
        """`execute` of a connection, inside a transaction."""

    @abstractmethod
    def _tip(self) -> Tip:
        """The end of the journal as this view sees it."""

    # -- the end of the journal --------------------------------------------------------------------------------------

    def identity(self) -> KioskIdentity | None:
        """Who this till is; None before enrolment."""
        return self._tip().identity

    def head(self) -> LedgerHead:
        """End of the chain."""
        return self._tip().head()

    def day(self) -> Day:
        """Where the business day stands; after the seal it keeps the date of the day that was sealed."""
        return self._tip().day

    def cursor(self) -> int:
        """Of the last accepted page of the city's state."""
        return self._tip().cursor

    def clock(self) -> ClockMemory:
        """What is remembered of time over a restart."""
        return self._tip().clock

    def has_day(self, date: BusinessDate) -> bool:
        """Whether there was a business day of that date."""
        with self._snapshot() as execute:
            return execute("SELECT 1 FROM business_day WHERE date = ?", (date.iso,)).fetchone() is not None

    def last_seal(self) -> int:
        """Place of the newest seal of a day; 0 before the first."""
        with self._snapshot() as execute:
            (seq,) = execute("SELECT max(closed_seq) FROM business_day").fetchone()
        return seq or 0

    # -- the counter -------------------------------------------------------------------------------------------------

    def catalogue(self) -> Catalogue:
        """Goods and programmes; empty before the city sent any."""
        set_by = self._tip().catalogue
        if not set_by:
            return Catalogue()
        held = self._catalogue.held(set_by)
        if held is not None:
            return held
        with self._snapshot() as execute:
            return self._catalogue.load(execute)

    def visit(self, token: str, period: Period) -> Visit:
        """Everything that is asked of the ledger about a card, in one look."""
        with self._snapshot() as execute:
            row = execute(_VISIT, (token, period.iso)).fetchone()
            *known, leases, credited, spent, last, stock, doubt = row
            attempts = open_attempts(execute) if doubt else ()
        family = None if known[0] is None else _family(known)
        return Visit(
            family,
            tuple(
                [
                    Lease(known[0], programme, period.iso, commodity, unit, granted, surrendered, spent_, returned)
                    for programme, commodity, unit, granted, surrendered, spent_, returned in _LEASE_ROWS.decode(leases)
                ]
            ),
            None if credited is None else Rupiah(credited - (spent or 0)),
            None if last is None else BusinessDate(last),
            _STOCK.decode(stock),
            attempts,
        )

    def family_by_card(self, token: str) -> Family | None:
        """The family whose card this is."""
        with self._snapshot() as execute:
            return _family(execute(_FAMILY + "WHERE c.token = ?", (token,)).fetchone())

    def family(self, key: str) -> Family | None:
        """The family of that key."""
        with self._snapshot() as execute:
            return _family(execute(_FAMILY + "WHERE f.key = ?", (key,)).fetchone())

    def families(self) -> tuple[Family, ...]:
        """The whole register of this kiosk, by name."""
        with self._snapshot() as execute:
            rows = execute(_FAMILY + "ORDER BY f.name, f.key").fetchall()
        return tuple(family for row in rows if (family := _family(row)) is not None)

    def leases(self, family: str, period: Period) -> tuple[Lease, ...]:
        """Of one family and month, by programme and commodity."""
        with self._snapshot() as execute:
            return leases_of(execute, family, period.iso)

    def other_periods(self, family: str, period: Period) -> bool:
        """Whether the family holds a lease of any other period."""
        with self._snapshot() as execute:
            row = execute(
                "SELECT 1 FROM lease WHERE family = ? AND period <> ? LIMIT 1", (family, period.iso)
            ).fetchone()
        return row is not None

    def left_over(self, until: Period) -> bool:
        """Whether anything is left of a lease of that month or of one before."""
        with self._snapshot() as execute:
            return execute(_LEFT_OVER, (until.iso,)).fetchone() is not None

    def visitors(self, period: Period) -> tuple[Lease, ...]:
        """What is left here of a month for families whose home is another kiosk."""
        identity = self.identity()
        with self._snapshot() as execute:
            rows = execute(_VISITORS, (identity.device if identity is not None else "", period.iso)).fetchall()
        return tuple(map(_lease, rows))

    def shadow(self, family: str) -> Rupiah | None:
        """Credits the city sent minus purse debits recorded here; None when the family has no purse credit."""
        with self._snapshot() as execute:
            credited, spent = execute(_SHADOW, (family,)).fetchone()
        return None if credited is None else Rupiah(credited - (spent or 0))

    def stock(self) -> dict[str, int]:
        """Packs on hand for each product that was ever here."""
        with self._snapshot() as execute:
            return dict(execute("SELECT product, packs FROM stock").fetchall())

    def last_visit(self, family: str) -> BusinessDate | None:
        """Date of the family's last redemption that stands."""
        with self._snapshot() as execute:
            row = execute(_LAST_VISIT, (family,)).fetchone()
        return None if row is None else BusinessDate(row[0])

    def open_attempts(self) -> tuple[Attempt, ...]:
        """Purse debits whose outcome is not proven, oldest first."""
        with self._snapshot() as execute:
            return open_attempts(execute)

    def attempt(self, attempt_id: str) -> Attempt | None:
        """The attempt of that id, whatever its state."""
        with self._snapshot() as execute:
            row = execute("SELECT body FROM attempt WHERE id = ?", (attempt_id,)).fetchone()
        return None if row is None else ATTEMPT.decode(row[0])

    def settlements(self, attempt_id: str) -> tuple[AttemptSettled, ...]:
        """What the journal says became of an attempt, newest first."""
        with self._snapshot() as execute:
            return settlements(execute, attempt_id)

    # -- people, papers, settings ------------------------------------------------------------------------------------

    def slip_used(self, approval: str, invoice: str, kinds: tuple[str, ...], *, by_people: bool = False) -> str | None:
        """Id of a settled attempt of one of these kinds that stands on this approval and invoice already.

        Capitals and leading zeros do not make another slip: people type what they read. `by_people` looks only among
        those that two people decided.
        """
        with self._snapshot() as execute:
            return slip_used(execute, approval, invoice, kinds, by_people=by_people)

    def operators(self) -> tuple[OperatorRecord, ...]:
        """Everybody who ever worked here, by name."""
        with self._snapshot() as execute:
            rows = execute("SELECT code, name, role, pin_hash, active FROM operator ORDER BY name, code").fetchall()
        return tuple(OperatorRecord(code, name, role, pin, bool(active)) for code, name, role, pin, active in rows)

    def pin_failures(self, code: str) -> int:
        """Wrong PINs in a row."""
        with self._snapshot() as execute:
            row = execute("SELECT failures FROM pin_failure WHERE code = ?", (code,)).fetchone()
        return row[0] if row else 0

    def print_jobs(self) -> tuple[PrintJob, ...]:
        """Owed, oldest first."""
        with self._snapshot() as execute:
            rows = execute(_JOBS).fetchall()
        return tuple(PrintJob(*row) for row in rows)

    def copies(self, entry: str) -> int:
        """How many papers of this entry left the printer, the original included."""
        with self._snapshot() as execute:
            (count,) = execute("SELECT count(*) FROM receipt_paper WHERE entry = ?", (entry,)).fetchone()
        return int(count)

    def register_info(self) -> tuple[str, str, int]:
        """(snapshot date, source, number of families) of the register."""
        with self._snapshot() as execute:
            date, source = execute("SELECT register_date, register_source FROM city_state").fetchone()
            (families,) = execute("SELECT count(*) FROM register_family").fetchone()
        return date, source, families

    def presence(self) -> tuple[Presence, ...]:
        """When each family of the register was last known to have anything to do with this kiosk, by key."""
        with self._snapshot() as execute:
            rows = execute(_PRESENCE).fetchall()
            doubtful = {attempt.family for attempt in open_attempts(execute)}
        return tuple(
            Presence(key, home, CardStatus(status), max(periods), Instant(since).date().period().iso, key in doubtful)
            for key, home, status, since, *periods in rows
        )

    def settings(self) -> Mapping[str, str]:
        """All settings."""
        with self._snapshot() as execute:
            return dict(execute("SELECT key, value FROM setting").fetchall())

    def secret(self, name: str) -> bytes | None:
        """A key kept in the encrypted file."""
        with self._snapshot() as execute:
            row = execute("SELECT value FROM secret WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    # -- the journal -------------------------------------------------------------------------------------------------

    def entry(self, entry_id: str) -> Sealed | None:
        """The entry of that id."""
        with self._snapshot() as execute:
            return _sealed(execute(_SEALED + "WHERE id = ?", (entry_id,)).fetchone())

    def entry_by_receipt(self, receipt: int) -> Sealed | None:
        """The redemption or reversal with that receipt number."""
        with self._snapshot() as execute:
            return _sealed(execute(_SEALED + "WHERE receipt = ?", (receipt,)).fetchone())

    def sealed(self, after_seq: int, limit: int, max_bytes: int) -> tuple[Sealed, ...]:
        """Entries above `after_seq`, at most `limit` and `max_bytes` of payload, but one if there is any."""
        with self._snapshot() as execute:
            rows = execute(_SEALED + "WHERE seq > ? ORDER BY seq LIMIT ?", (after_seq, limit))
            return tuple(_up_to(rows, max_bytes))

    def acknowledgement(self) -> CityAcknowledged | None:
        """The city's newest, with its signature; None before the first."""
        with self._snapshot() as execute:
            row = execute(_SEALED + "WHERE kind = 'CityAcknowledged' ORDER BY seq DESC LIMIT 1").fetchone()
        fact = decode(row[1]).fact if row is not None else None
        return fact if isinstance(fact, CityAcknowledged) else None

    def history(self, date: BusinessDate | None, text: str = "", limit: int = 200) -> tuple[HistoryRow, ...]:
        """Receipts, newest first. `text` matches name, last four digits, or receipt number; None searches all days."""
        catalogue = self.catalogue()
        with self._snapshot() as execute:
            return history.rows(execute, self._tip(), catalogue, date, text, limit)

    def tally(self, date: BusinessDate) -> Tally:
        """Families served and goods handed out so far."""
        with self._snapshot() as execute:
            return history.tally(execute, date)

    def totals(self, date: BusinessDate) -> DayTotals:
        """Folded from the day's entries, each control figure from its own table."""
        with self._snapshot() as execute:
            return history.totals(execute, date)


def leases_of(execute: Execute, family: str, period: str) -> tuple[Lease, ...]:
    """Of one holder and month, by programme and commodity; none of what is no month."""
    return tuple(map(_lease, execute(_LEASES, (family, period)).fetchall()))


def _lease(row: tuple[Any, ...]) -> Lease:
    return Lease(row[0], row[1], row[2], row[3], Unit(row[4]), *row[5:])


def _family(row: Sequence[Any] | None) -> Family | None:
    if row is None:
        return None
    key, name, nik, code, kelurahan, kecamatan, members, programmes, home, token, last4, status = row
    return Family(
        key,
        name,
        nik,
        code,
        kelurahan,
        kecamatan,
        members,
        _PROGRAMMES.decode(programmes),
        home,
        CardRef(token, last4),
        CardStatus(status),
    )


def _sealed(row: tuple[Any, ...] | None) -> Sealed | None:
    return None if row is None else Sealed(*row)


def _up_to(rows: Iterable[tuple[Any, ...]], max_bytes: int) -> Iterable[Sealed]:
    size = 0
    for row in rows:
        size += len(row[1])
        if size > max_bytes and size > len(row[1]):
            return
        yield Sealed(*row)
