"""Looking somebody up, and looking up who did: one family's card and rights, and the acts that concerned it."""

from __future__ import annotations

import msgspec

from ewarung_city import audit
from ewarung_city.keys import CityKeys
from ewarung_city.register import family_key
from ewarung_city.rights import before
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.timeline import BusinessDate, Instant
from ewarung_pos.errors import ConfigError, NotEntitled

__all__ = ["AuditRow", "FamilyCard", "RightRow", "audit_rows", "family_of_nik", "look_up"]


class RightRow(msgspec.Struct, frozen=True):
    """What a family may have in a month, and what became of it; base units.

    Attributes:
        entitled: the month's amount, with what was brought over and without what went on into the next month.
        brought: what the month before carried over.
        carried: what went on into the next month.
        charged: what she had of hardship pools, which is granted no more.
        granted: to kiosks, of which they have `given` to her and `surrendered` to the city.
    """

    programme: str
    period: str
    commodity: str
    unit: str
    entitled: int
    brought: int
    carried: int
    charged: int
    granted: int
    given: int
    surrendered: int


class FamilyCard(msgspec.Struct, frozen=True):
    """A family as the register has it; the NIK is masked, of the card only the last four digits are known."""

    key: str
    name: str
    nik_masked: str
    address: str
    kelurahan_code: str
    members: int
    programmes: str
    home: str
    last4: str
    card_status: str
    rights: tuple[RightRow, ...]


class AuditRow(msgspec.Struct, frozen=True):
    """An act by an officer, oldest first; `outcome` is empty where the program ended before it could say."""

    seq: int
    at: str
    officer: str
    role: str
    command: str
    subject: str
    reason: str
    outcome: str


def family_of_nik(keys: CityKeys, nik: str) -> str:
    """The key of whoever has that NIK; the number goes no further.

    Raises:
        ConfigError: not sixteen digits (`nik`).
    """
    nik = nik.strip()
    if len(nik) != 16 or not (nik.isascii() and nik.isdigit()):
        raise ConfigError("a NIK has sixteen digits", reason="nik")
    return family_key(keys.token("nik", nik))


def look_up(tx: Tx, key: str, period: str) -> FamilyCard:
    """A family's card, with its rights of a month, or of all months if none is said.

    Raises:
        NotEntitled: there is no such family.
    """
    row = tx.one(schema.family, key=key)
    if row is None:
        raise NotEntitled("no such family", reason="unknown_family")
    every = tx.all(schema.entitlement, family=key)
    carried = {(held["programme"], held["period"], held["commodity"]): int(held["carried"]) for held in every}
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for held in every:
        of = held["programme"], held["period"], held["commodity"]
        on, brought = carried[of], carried.get((of[0], before(of[1]), of[2]), 0)
        sums[*of, held["unit"]] = [int(held["amount"]) - on + brought, brought, on, int(held["charged"]), 0, 0, 0]
    for held in tx.all(schema.lease, family=key):
        right = sums.setdefault((held["programme"], held["period"], held["commodity"], held["unit"]), [0] * 7)
        right[4] += int(held["granted"])
        right[5] += int(held["spent"]) - int(held["returned"])
        right[6] += int(held["surrendered"])
    return FamilyCard(
        key=key,
        name=row["name"],
        nik_masked=row["nik_masked"],
        address=row["address"],
        kelurahan_code=row["kelurahan_code"],
        members=int(row["members"]),
        programmes=row["programmes"],
        home=row["home"],
        last4=row["last4"],
        card_status=row["card_status"],
        rights=tuple(RightRow(*right, *sums[right]) for right in sorted(sums) if period in {"", right[1]}),
    )


def audit_rows(tx: Tx, officer: str = "", since: str = "", family: str = "") -> list[AuditRow]:
    """Acts of an officer, since a day (WIB), or that concerned a family: itself, or a kiosk that knew of it.

    Imports and grants concern everybody; they are not listed for one family.

    Raises:
        ConfigError: `since` is no day (`since`).
    """
    try:
        first = BusinessDate(since).iso if since else ""
    except ValueError as error:
        raise ConfigError(f"--since {since!r}: expected YYYY-MM-DD", reason="since") from error
    found = audit.acts(tx, officer=officer, subjects=_subjects_of(tx, family) if family else ())
    rows = [(Instant(act.at_ms).local(), act) for act in found]
    return [
        AuditRow(
            act.seq, at.isoformat(timespec="seconds"), act.officer, act.role, act.command, act.subject, act.reason,
            act.outcome,
        )
        for at, act in rows
        if at.date().isoformat() >= first
    ]  # fmt: skip


def _subjects_of(tx: Tx, family: str) -> set[str]:
    row = tx.one(schema.family, key=family)
    kiosks = {row["home"]} if row is not None else set()
    kiosks |= {told["device"] for told in tx.all(schema.feed, kind="family", key=family)}
    kiosks |= {lease["device"] for lease in tx.all(schema.lease, family=family)}
    return {f"family:{family}", *(f"kiosk:{kiosk}" for kiosk in kiosks if kiosk)}
