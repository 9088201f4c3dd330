"""What the city sends down: register, rights, goods and people, as one page of state."""

from __future__ import annotations

import msgspec

from ewarung_pos.domain.bounds import Code, Count, Whole
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import Family
from ewarung_pos.domain.rights import Surrender

__all__ = ["LOCK_AFTER", "KioskIdentity", "OperatorRecord", "PurseCredit", "StatePage"]


LOCK_AFTER = 5
"""Wrong PINs in a row after which only the leader's PIN, or a new one from the city, opens the account again."""


class KioskIdentity(msgspec.Struct, frozen=True):
    """Who this till is: printed on each receipt, fixed at enrolment. `practice` marks every paper and screen."""

    device: str
    epoch: int
    name: str
    kelurahan_code: str
    kelurahan: str
    practice: bool = False


class OperatorRecord(msgspec.Struct, frozen=True):
    """A member of the kiosk. `role` is kasir, ketua or pendamping (domain rule R39); `pin_hash` as in `domain.pins`."""

    code: str
    name: str
    role: str
    pin_hash: str = ""
    active: bool = True


class PurseCredit(msgspec.Struct, frozen=True):
    """Rupiah credited to a family's purse at the bank for a period, as a total."""

    family: Code
    programme: Code
    period: Code
    amount: Whole


class StatePage(msgspec.Struct, frozen=True):
    """One page of the city's state; everything in it replaces what the till held under the same key.

    `cursor` only ever grows; `more` says that another page waits. `surrenders` are what the city asks to have back, as
    totals S; the till gives what it still has. `life` names the city's database since it was last restored from a copy.
    """

    cursor: Count
    families: tuple[Family, ...] = ()
    leases: tuple[LeaseGrant, ...] = ()
    credits: tuple[PurseCredit, ...] = ()
    operators: tuple[OperatorRecord, ...] = ()
    catalogue: Catalogue | None = None
    register_date: str = ""
    register_source: str = ""
    messages: tuple[str, ...] = ()
    more: bool = False
    surrenders: tuple[Surrender, ...] = ()
    life: str = ""
