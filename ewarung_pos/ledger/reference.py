"""Is the reference data what the journal says the city sent? Register, people, goods, settings, keys, identity.

These tables are replaced in place, so no row of theirs is an entry. What an entry holds of them is a keyed digest of
each row as the last page left it (`register.digest_of`), or the value itself; here both are held against the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from ewarung_pos.domain.catalogue import Catalogue, Product
from ewarung_pos.domain.journal import (
    CityAcknowledged,
    ClockStepped,
    DayClosed,
    Entry,
    KioskEnrolled,
    OperatorChanged,
    PeriodClosed,
    PriceChanged,
    RegisterPurged,
    RightsGranted,
    SettingsChanged,
    StateReceived,
)
from ewarung_pos.domain.state import LOCK_AFTER
from ewarung_pos.domain.timeline import BACKWARD_TOLERANCE_MS, ClockMemory
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.ledger.engine import COPY_MARK
from ewarung_pos.ledger.projections import CLOSED_PERIOD
from ewarung_pos.ledger.register import FAMILIES, OPERATORS, digest_of, sent_operator
from ewarung_pos.ledger.tip import CLOCK, clock_memory

__all__ = ["ATTESTED", "Reference"]

Execute = Callable[..., Any]
Found = tuple[int, str]
"""(seq of the entry that is contradicted, what is wrong)."""

ATTESTED = "attested:"
"""Settings that keep the city's word on a day; its signature covers figures that only the city holds."""

_DUE = "attest_due"
_REPORT = "z_report"
_CATALOGUE = msgspec.json.Decoder(Catalogue)


class Reference:
    """Takes entries in order, then tells what in the reference tables is not what they say.

    Memory grows with families and days, not with the length of the journal.
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._items: dict[tuple[str, str], tuple[int, str]] = {}
        self._enrolled: tuple[int, KioskEnrolled] | None = None
        self._catalogue_by = ""
        self._prices: dict[str, tuple[int, int]] = {}
        self._priced = 0
        self._settings: dict[str, tuple[int, str]] = {}
        self._locked: dict[str, tuple[int, bool]] = {}
        self._sealed: dict[str, tuple[int, str]] = {}
        self._acked = 0
        self._since: dict[str, int] = {}
        self._clock = _ClockTold()

    def add(self, entry: Entry) -> None:
        """What this entry says of the reference tables."""
        self._clock.add(entry)
        match entry.fact:
            case KioskEnrolled() as fact:
                self._enrolled = (entry.seq, fact)
            case StateReceived() | RightsGranted() as fact:
                self._received(entry, fact)
            case PeriodClosed() as fact:
                self._settings[CLOSED_PERIOD] = (entry.seq, fact.period)
            case RegisterPurged() as fact:
                for key in (*fact.expired, *fact.moved):
                    self._items.pop(("family", key), None)
                    self._since.pop(key, None)
            case PriceChanged() as fact:
                first = self._prices.get(fact.product, (fact.before, 0))[0]
                self._prices[fact.product] = (first, fact.after)
                self._catalogue_by, self._priced = entry.id, entry.seq
            case SettingsChanged() as fact:
                self._settings[fact.key] = (entry.seq, fact.after)
            case OperatorChanged() as fact if fact.change in {"locked", "unlocked"}:
                self._locked[fact.code] = (entry.seq, fact.change == "locked")
            case DayClosed() as fact:
                self._settings[_REPORT] = (entry.seq, str(fact.report))
                self._sealed[entry.date] = (entry.seq, fact.head)
            case CityAcknowledged() as fact:
                self._acked = max(self._acked, fact.acked_seq)
            case _:
                pass

    def _received(self, entry: Entry, fact: StateReceived | RightsGranted) -> None:
        for kind, key, digest in fact.items:
            self._items[kind, key] = (entry.seq, digest)
            if kind == "family":
                self._since.setdefault(key, entry.instant)
            if kind == "catalogue":
                self._catalogue_by, self._priced, self._prices = entry.id, entry.seq, {}

    def found(self) -> Iterator[tuple[str, Found]]:
        """(table, what is wrong there), when every entry was taken."""
        secrets: dict[str, bytes] = dict(self._execute("SELECT name, value FROM secret").fetchall())
        key = secrets.get("card_key", b"")
        for table, found in (
            ("identity", self._identity()),
            ("secret", self._secrets(secrets)),
            ("register_family", self._rows(key, "family", self._execute(FAMILIES))),
            ("register_family", self._arrivals()),
            ("register_card", self._cards()),
            ("operator", self._rows(key, "operator", map(sent_operator, self._execute(OPERATORS)))),
            ("city_state", self._register(key)),
            ("reference", self._goods(key)),
            ("pin_failure", self._failures()),
            ("setting", self._kept()),
        ):
            for each in found:
                yield table, each

    # -- who this is -------------------------------------------------------------------------------------------------

    def _identity(self) -> Iterator[Found]:
        held = self._execute("SELECT id, name, kelurahan_code, kelurahan, practice FROM identity").fetchall()
        if self._enrolled is None:
            return
        seq, fact = self._enrolled
        if held != [(1, fact.name, fact.kelurahan_code, fact.kelurahan, int(fact.practice))]:
            yield seq, "not the kiosk that was enrolled"

    def _secrets(self, held: dict[str, bytes]) -> Iterator[Found]:
        seq, fact = self._enrolled or (0, None)
        for name in sorted(held.keys() - {"device_key", "city_key", "card_key"}):
            yield 0, f"{name}: nothing explains it"
        if fact is None:
            return
        if fact.device_key and _public_of(held.get("device_key", b"")) != fact.device_key:
            yield seq, "device_key: not the one that was enrolled"
        if fact.city_key and held.get("city_key", b"").hex() != fact.city_key:
            yield seq, "city_key: not the one that was enrolled"
        if self._items and "card_key" not in held:
            yield seq, "card_key: missing"

    # -- register and people -----------------------------------------------------------------------------------------

    def _rows(self, key: bytes, kind: str, rows: Iterable[tuple[Any, ...]]) -> Iterator[Found]:
        told = {name: item for (what, name), item in self._items.items() if what == kind}
        for row in rows:
            seq, digest = told.pop(row[0], (0, ""))
            if digest_of(key, kind, *row) != digest:
                yield seq, f"{row[0]}: not as the city sent it"
        for name, (seq, _) in told.items():
            yield seq, f"{name}: missing"

    def _arrivals(self) -> Iterator[Found]:
        """Since when each family is here, which decides when it is removed."""
        for key, since_ms in self._execute("SELECT key, since_ms FROM register_family"):
            if since_ms != self._since.get(key, since_ms):
                yield self._items["family", key][0], f"{key}: here since another time"

    def _cards(self) -> Iterator[Found]:
        query = "SELECT count(*) FROM register_card WHERE family NOT IN (SELECT key FROM register_family)"
        if self._execute(query).fetchone() != (0,):
            yield 0, "a card of nobody"

    def _register(self, key: bytes) -> Iterator[Found]:
        seq, digest = self._items.get(("register", ""), (0, digest_of(key, "register", "", "")))
        held = self._execute("SELECT id, register_date, register_source FROM city_state").fetchall()
        if [(place, digest_of(key, "register", *row)) for place, *row in held] != [(1, digest)]:
            yield seq, "date or source of the register"

    # -- goods -------------------------------------------------------------------------------------------------------

    def _goods(self, key: bytes) -> Iterator[Found]:
        held = self._execute("SELECT name, set_by, body FROM reference").fetchall()
        seq, digest = self._items.get(("catalogue", ""), (0, ""))
        if [name for name, _, _ in held] != (["catalogue"] if digest else []):
            yield seq, "the catalogue is missing, or beside it stands what nothing explains"
            return
        for _, set_by, body in held:
            if set_by != self._catalogue_by:
                yield self._priced, "catalogue: set by another entry"
            try:
                now = _CATALOGUE.decode(body)
            except (msgspec.DecodeError, ValueError):
                yield seq, "catalogue: not readable"
                continue
            if msgspec.json.encode(now) != body:
                yield seq, "catalogue: written another way"
            sent = msgspec.structs.replace(now, products=tuple(self._as_sent(product) for product in now.products))
            prices = {product.code: product.price.amount for product in now.products}
            if any(prices.get(code) != after for code, (_, after) in self._prices.items()):
                yield self._priced, "catalogue: a price that nobody set"
            if digest_of(key, "catalogue", sent) != digest:
                yield seq, "catalogue: not as the city sent it"

    def _as_sent(self, product: Product) -> Product:
        """The product at the price that it had before this kiosk changed it."""
        if product.code not in self._prices:
            return product
        return msgspec.structs.replace(product, price=Rupiah(self._prices[product.code][0]))

    # -- what the till keeps for itself ------------------------------------------------------------------------------

    def _failures(self) -> Iterator[Found]:
        """Below the lock no entry tells how often a PIN was wrong; at the lock one does."""
        held: dict[str, int] = dict(self._execute("SELECT code, failures FROM pin_failure").fetchall())
        known = {code for (code,) in self._execute("SELECT code FROM operator")}
        for code in sorted(held.keys() | self._locked.keys()):
            seq, locked = self._locked.get(code, (0, False))
            failures = held.get(code, 0)
            if (failures >= LOCK_AFTER) is not locked or code not in known or failures < (code in held):
                yield seq, f"{code}: the count of wrong PINs"

    def _kept(self) -> Iterator[Found]:
        held: dict[str, str] = dict(self._execute("SELECT key, value FROM setting").fetchall())
        attested = {key.removeprefix(ATTESTED): held.pop(key) for key in sorted(held) if key.startswith(ATTESTED)}
        due = held.pop(_DUE, None)
        if not self._clock.explains(held.pop(CLOCK, None)):
            yield self._clock.seq, f"{CLOCK}: not what was latest, or not what a leader confirmed"
        if held.get(COPY_MARK[0]) == COPY_MARK[1]:  # no entry says so: a copy's journal is the original's
            del held[COPY_MARK[0]]
        for key in sorted(held.keys() | self._settings.keys()):
            seq, value = self._settings.get(key, (0, None))
            if held.get(key) != value:
                yield seq, f"{key}: not as it was set"
        asked = [date for date in (due or "").split(",") if date]
        if due != (",".join(dict.fromkeys(asked)) if asked or attested else None):
            yield 0, f"{_DUE}: not a list of days"
        for date in sorted({*asked, *attested, *self._sealed}):
            seq, head = self._sealed.get(date, (0, ""))
            arrived = 0 < seq <= self._acked
            if arrived is not (date in asked or date in attested) or (date in asked and date in attested):
                yield seq, f"{date}: the city's word is neither here nor awaited, or both"
            elif date in attested and not _is_word(attested[date], head):
                yield seq, f"{ATTESTED}{date}: not a word on this day"


def _public_of(secret: bytes) -> str:
    """Public half of a device key, hex; empty when it is no key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw().hex()
    except ValueError:
        return ""


def _is_word(value: str, head: str) -> bool:
    """Whether a kept attest has its form; one that agrees is about the head that the seal followed."""
    word, _, rest = value.partition(" ")
    said, _, signature = rest.partition(" ")
    return len(signature) == 128 and (word == "differs" or (word == "agrees" and said == head))


class _ClockTold:
    """What the till must remember of its clock, as far as entries tell; of the city's time they tell nothing."""

    def __init__(self) -> None:
        self.seq = 0
        self._latest = 0
        self._highest = 0
        self._confirmed = {0}

    def add(self, entry: Entry) -> None:
        """Goes the way of `SqlUnitOfWork.append`."""
        set_back = entry.instant < self._latest - BACKWARD_TOLERANCE_MS
        if isinstance(entry.fact, ClockStepped) and entry.fact.confirmed:
            self.seq, self._latest, self._highest = entry.seq, entry.instant, 0
            distance = -entry.fact.delta_ms
            # Behind the newest entry, and no word of the city: then there is no distance to the city's time.
            self._confirmed = {distance, 0} if distance > 0 else {distance}
        elif not set_back:
            self._latest = entry.instant
        elif self._highest < self._latest:
            self.seq, self._highest = entry.seq, self._latest

    def explains(self, kept: str | None) -> bool:
        """Whether the setting says the same."""
        memory = ClockMemory() if kept is None else clock_memory(kept)
        written = kept is None or msgspec.json.encode(memory).decode() == kept
        return written and memory.highest_ms == self._highest and memory.accepted_ms in self._confirmed
