"""What each kiosk must be told, in order: a log of changed things, read back as pages of state."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, and_, func, insert, select

from ewarung_city.store import card, family, kiosk, lease, purse_credit, reference, state_change
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardRef, CardStatus, Family
from ewarung_pos.domain.state import OperatorRecord, PurseCredit, StatePage
from ewarung_pos.domain.units import Unit

__all__ = ["PAGE_CHANGES", "note_changes", "state_page"]

PAGE_CHANGES = 400
"""Changes on one page: a family with its four leases takes about 600 bytes, so a page stays below 256 KiB."""


def note_changes(connection: Connection, kiosk_id: str, changes: Iterable[tuple[str, str]]) -> None:
    """Add (subject, key) changes to the kiosk's log, each with the next cursor."""
    last = connection.execute(
        select(func.coalesce(func.max(state_change.c.cursor), 0)).where(state_change.c.kiosk == kiosk_id)
    ).scalar_one()
    rows = [
        {"kiosk": kiosk_id, "cursor": last + place, "subject": subject, "key": key}
        for place, (subject, key) in enumerate(changes, start=1)
    ]
    if rows:
        connection.execute(insert(state_change), rows)


def state_page(connection: Connection, kiosk_id: str, cursor: int) -> StatePage:
    """The next page after `cursor` for this kiosk; the same cursor and no content when there is nothing new."""
    rows = connection.execute(
        select(state_change.c.cursor, state_change.c.subject, state_change.c.key)
        .where(and_(state_change.c.kiosk == kiosk_id, state_change.c.cursor > cursor))
        .order_by(state_change.c.cursor)
        .limit(PAGE_CHANGES + 1)
    ).all()
    more = len(rows) > PAGE_CHANGES
    rows = rows[:PAGE_CHANGES]
    if not rows:
        return StatePage(cursor=cursor)
    keys: dict[str, set[str]] = {}
    for _, subject, key in rows:
        keys.setdefault(subject, set()).add(key)
    info = _reference(connection, "register") or {}
    catalogue, operators = None, ()
    if "reference" in keys:
        held = connection.execute(select(reference.c.value).where(reference.c.name == "catalogue")).scalar_one_or_none()
        catalogue = msgspec.json.decode(held, type=Catalogue) if held is not None else None
        people = connection.execute(
            select(reference.c.value).where(reference.c.name == f"operators:{kiosk_id}")
        ).scalar_one_or_none()
        operators = msgspec.json.decode(people, type=tuple[OperatorRecord, ...]) if people is not None else ()
    return StatePage(
        cursor=rows[-1][0],
        families=tuple(_families(connection, keys.get("family", set()))),
        leases=tuple(_leases(connection, kiosk_id, keys.get("lease", set()))),
        credits=tuple(_credits(connection, keys.get("credit", set()))),
        operators=operators,
        catalogue=catalogue,
        register_date=str(info.get("date", "")),
        register_source=str(info.get("source", "")),
        more=more,
    )


def _reference(connection: Connection, name: str) -> dict[str, str] | None:
    held = connection.execute(select(reference.c.value).where(reference.c.name == name)).scalar_one_or_none()
    return msgspec.json.decode(held, type=dict[str, str]) if held is not None else None


def _families(connection: Connection, keys: set[str]) -> Iterable[Family]:
    rows = connection.execute(
        select(family, card.c.token, card.c.last4, card.c.status)
        .join(card, card.c.family == family.c.family)
        .where(family.c.family.in_(keys))
        .order_by(family.c.family)
    )
    for row in rows:
        yield Family(
            key=row.family,
            name=row.name,
            nik_masked=row.nik_masked,
            kelurahan_code=row.kelurahan_code,
            kelurahan=row.kelurahan,
            kecamatan=row.kecamatan,
            members=row.members,
            programmes=tuple(row.programmes.split(";")) if row.programmes else (),
            home=row.home,
            card=CardRef(row.token, row.last4),
            card_status=CardStatus(row.status),
        )


def _leases(connection: Connection, kiosk_id: str, keys: set[str]) -> Iterable[LeaseGrant]:
    """Keys are `family|period`: all commodities of a family's month travel together."""
    wanted = {tuple(key.split("|")) for key in keys}
    if not wanted:
        return
    rows = connection.execute(
        select(lease)
        .where(and_(lease.c.device == kiosk_id, lease.c.family.in_({name for name, _ in wanted})))
        .order_by(lease.c.family, lease.c.period, lease.c.programme, lease.c.commodity)
    )
    for row in rows:
        if (row.family, row.period) in wanted:
            yield LeaseGrant(row.family, row.programme, row.period, row.commodity, Unit(row.unit), row.granted)


def _credits(connection: Connection, keys: set[str]) -> Iterable[PurseCredit]:
    wanted = {tuple(key.split("|")) for key in keys}
    rows = connection.execute(
        select(purse_credit)
        .where(purse_credit.c.family.in_({name for name, _ in wanted}))
        .order_by(purse_credit.c.family, purse_credit.c.period)
    )
    for row in rows:
        if (row.family, row.period) in wanted:
            yield PurseCredit(row.family, row.programme, row.period, row.amount)


def known_kiosk(connection: Connection, kiosk_id: str) -> bool:
    """Whether this kiosk is registered."""
    return connection.execute(select(kiosk.c.kiosk).where(kiosk.c.kiosk == kiosk_id)).first() is not None
