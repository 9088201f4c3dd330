"""The city's word on a sealed day: which days wait for one, asked of the city, and its answer written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from ewarung_pos.domain.journal import DayClosed, Sealed, decode
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.errors import ProtocolMismatch, Unauthorised
from ewarung_pos.ports import Ledger, UnitOfWork
from ewarung_pos.sync.outgoing import CityServer, is_signed
from ewarung_pos.sync.protocol import BATCH_BYTES, BATCH_ENTRIES, Attest, attest_text

__all__ = ["DUE", "Word", "ask_of_day", "days_closed", "days_due", "owe_attests"]

DUE = "attest_due"
"""Setting with the dates that `days_due` tells, kept so that a restart does not forget."""

_ATTESTED = "attested:"


class Word(msgspec.Struct, frozen=True):
    """What the city said of a day: `differs` names the figures in which it holds something else than our seal.

    `more` tells that other days wait for a word.
    """

    date: str
    differs: tuple[str, ...]
    more: bool


def days_closed(rows: Iterable[Sealed]) -> list[str]:
    """Dates of the days whose seal is among these entries."""
    return [decode(row.body).date for row in rows if b'"kind":"DayClosed"' in row.body]


def days_due(settings: Mapping[str, str]) -> list[str]:
    """Dates of the days whose seal has arrived at the city, which has not spoken on them."""
    return [date for date in settings.get(DUE, "").split(",") if date]


def owe_attests(uow: UnitOfWork, after: int, until: int) -> None:
    """Remember the days whose seal has just arrived; kept in the ledger, so that a restart does not forget.

    An acknowledgement may cover more than the batch that it answers: those of earlier ones may have been lost.
    """
    closed: list[str] = []
    while after < until:
        rows = uow.sealed(after, BATCH_ENTRIES, BATCH_BYTES)
        closed += days_closed(row for row in rows if row.seq <= until)
        after = rows[-1].seq
    if closed:
        uow.put_setting(DUE, ",".join(dict.fromkeys([*days_due(uow.settings()), *closed])))


def ask_of_day(city: CityServer, city_key: bytes, who: KioskIdentity, ledger: Ledger) -> Word | None:
    """Ask for one day whose seal has arrived and that the city has not spoken on; its word is committed then.

    None when no day waits, or when the city has no word on this one yet.

    Raises:
        SyncError: no answer that can be believed; nothing happened here.
    """
    due = days_due(ledger.read().settings())
    if not due:
        return None
    date = due[0]
    said = city.attest(date)
    if said is None:
        return None
    differs = _compare(city_key, who, ledger, said, date)
    with ledger.write() as uow:
        rest = [other for other in days_due(uow.settings()) if other != date]
        uow.put_setting(DUE, ",".join(rest))
        uow.put_setting(_ATTESTED + date, f"{'differs' if differs else 'agrees'} {said.head} {said.signature}")
    return Word(date, differs, more=bool(rest))


def _compare(city_key: bytes, who: KioskIdentity, ledger: Ledger, said: Attest, date: str) -> tuple[str, ...]:
    """Figures in which the city's account of the day differs from the seal in our journal."""
    if (said.device, said.epoch, said.date) != (who.device, who.epoch, date):
        raise ProtocolMismatch("an attest of another day", reason="body")
    if not is_signed(city_key, attest_text(said), said.signature):
        raise Unauthorised("the attest is not signed", reason="signature")
    rows = ledger.read().sealed(said.last_seq, 1, 1)
    fact = decode(rows[0].body).fact if rows else None
    if not isinstance(fact, DayClosed):
        return ("seal",)
    differs = list(said.differs)
    if fact.head != said.head:
        differs.append("head")
    if fact.totals != said.totals and not differs:
        differs.append("totals")
    return tuple(differs)
