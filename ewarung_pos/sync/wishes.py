"""What was asked of the city for families by a till without a line: kept in the journal until a reply has answered it.

A wish goes with every file for the city until then, under the same name, so a stick that is lost loses none. The
setting says where each stands, and an entry how it came there: a restart forgets nothing, and nobody slips one in.
"""

from __future__ import annotations

import msgspec

from ewarung_pos.domain.family import CardRef
from ewarung_pos.domain.journal import SettingsChanged
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.domain.timeline import Period
from ewarung_pos.errors import ClockSuspect, SyncError
from ewarung_pos.ports import CarriedWish, Ledger, LedgerReader, RightsAnswer, RightsWish, UnitOfWork
from ewarung_pos.sync.carried import CarriedCity
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.outgoing import life_of
from ewarung_pos.sync.protocol import GrantRequest

__all__ = ["WISHES", "answered", "keep_wish", "requests", "wishes_in"]

WISHES = "carried_wishes"
"""Setting: the wishes, JSON, in the order in which they were made."""

_MOST = 20
"""So many are kept; the oldest that was answered makes room, and then the oldest."""


def wishes_in(reader: LedgerReader) -> tuple[CarriedWish, ...]:
    """What was asked, and what was answered."""
    kept = reader.settings().get(WISHES, "")
    return msgspec.json.decode(kept, type=tuple[CarriedWish, ...]) if kept else ()


def keep_wish(ledger: Ledger, wish: RightsWish, family: str, asked_ms: int) -> CarriedWish:
    """Remember what is to be asked with the next file; the same family's open wish of that month stays the one it is.

    Months that are over are forgotten on this occasion.
    """
    new = CarriedWish(wish.request, wish.card.token, wish.card.last4, family, wish.period.iso, asked_ms)
    with ledger.write() as uow:
        held = [each for each in wishes_in(uow) if each.period >= new.period]
        for each in held:
            if each.open and (each.token, each.period) == (new.token, new.period):
                return each
        while len(held) >= _MOST:
            held.remove(next((each for each in held if not each.open), held[0]))
        _keep(uow, (*held, new))
    return new


def requests(reader: LedgerReader, who: KioskIdentity, seq: int, digest: str) -> list[GrantRequest]:
    """What goes into a file whose last entry is `seq`, of that hash: every wish without a last word."""
    return [
        GrantRequest(who.device, who.epoch, each.request, each.token, each.period, acked_seq=seq, acked_hash=digest)
        for each in wishes_in(reader)
        if each.open
    ]


def answered(ledger: Ledger, engine: SyncEngine, city: CarriedCity) -> int:
    """Take what a file says of open wishes, each by the rules of the line; how many were granted.

    Nothing of a city's life that is over: what it gave may have been granted again since.
    """
    told = [each for each in wishes_in(ledger.read()) if each.open and each.request in city.answers]
    if not told or city.life != life_of(ledger.read()):
        return 0
    granted = 0
    for wish in told:
        asked = RightsWish(wish.request, CardRef(wish.token, wish.last4), Period(wish.period))
        try:
            said = engine.ask(asked)
        except (SyncError, ClockSuspect):
            continue  # not to be believed, or not now: it is asked again with the next file
        granted += said.outcome == "granted"
        _note(ledger, wish, said)
    return granted


def _note(ledger: Ledger, wish: CarriedWish, said: RightsAnswer) -> None:
    family = said.family.key if said.family is not None else wish.family
    now = msgspec.structs.replace(
        wish, outcome=said.outcome, reason=said.reason, kiosk=said.kiosk, family=family or wish.family
    )
    with ledger.write() as uow:
        held = wishes_in(uow)
        if now not in held:
            _keep(uow, tuple(now if each.request == wish.request else each for each in held))


def _keep(uow: UnitOfWork, wishes: tuple[CarriedWish, ...]) -> None:
    before = uow.settings().get(WISHES, "")
    after = msgspec.json.encode(wishes).decode()
    uow.append(SettingsChanged(WISHES, before, after))
    uow.put_setting(WISHES, after)
