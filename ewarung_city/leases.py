"""Rights out: home leases for a period, under the one rule that no family's leases ever exceed its entitlement.

sync.md section 1: grant g only if sum over devices (G - S as reported) + g <= E. Totals are monotone.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from sqlalchemy import Connection, and_, insert, select, update

from ewarung_city.changes import note_changes
from ewarung_city.store import Store, family, lease, purse_credit, reference
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.timeline import Period
from ewarung_pos.errors import ConfigError

T = TypeVar("T")

__all__ = ["Granted", "free_right", "grant_period", "move_totals"]


class Granted(msgspec.Struct, frozen=True):
    """What a grant did: new leases, purse credits noted, and rights that were there already."""

    period: str
    leases: int
    credits: int
    unchanged: int


def grant_period(store: Store, period: Period) -> Granted:
    """Give every family's month to its home kiosk; doing it twice changes nothing.

    Raises:
        ConfigError: no catalogue with rations was imported.
    """
    with store.write() as connection:
        rations = _reference(connection, "rations", dict[str, dict[str, int]])
        purses = _reference(connection, "purses", dict[str, int])
        catalogue = _reference(connection, "catalogue", Catalogue)
        units = {item.code: item.unit.value for item in catalogue.commodities}
        held = {
            (row.family, row.programme, row.commodity)
            for row in connection.execute(select(lease).where(lease.c.period == period.iso))
        }
        credited = {
            (row.family, row.programme)
            for row in connection.execute(select(purse_credit).where(purse_credit.c.period == period.iso))
        }
        leases, credits_, changes, unchanged = [], [], {}, 0
        for row in connection.execute(select(family.c.family, family.c.programmes, family.c.home)).all():
            changed = changes.setdefault(row.home, [])
            for programme in filter(None, row.programmes.split(";")):
                for commodity, amount in rations.get(programme, {}).items():
                    if (row.family, programme, commodity) in held:
                        unchanged += 1
                        continue
                    leases.append(
                        {
                            "family": row.family,
                            "programme": programme,
                            "period": period.iso,
                            "commodity": commodity,
                            "device": row.home,
                            "unit": units[commodity],
                            "entitled": amount,
                            "granted": amount,
                            "surrendered": 0,
                            "spent": 0,
                            "returned": 0,
                        }
                    )
                    changed.append(("lease", f"{row.family}|{period.iso}"))
                if programme in purses and (row.family, programme) not in credited:
                    credits_.append(
                        {
                            "family": row.family,
                            "programme": programme,
                            "period": period.iso,
                            "amount": purses[programme],
                        }
                    )
                    changed.append(("credit", f"{row.family}|{period.iso}"))
        if leases:
            connection.execute(insert(lease), leases)
        if credits_:
            connection.execute(insert(purse_credit), credits_)
        for home, changed in changes.items():
            note_changes(connection, home, dict.fromkeys(changed))
        return Granted(period.iso, len(leases), len(credits_), unchanged)


def free_right(connection: Connection, key: tuple[str, str, str, str]) -> int:
    """What of the entitlement of (family, programme, period, commodity) no device holds: E - sum(G - S)."""
    family_key, programme, period, commodity = key
    rows = connection.execute(
        select(lease.c.entitled, lease.c.granted, lease.c.surrendered).where(
            and_(
                lease.c.family == family_key,
                lease.c.programme == programme,
                lease.c.period == period,
                lease.c.commodity == commodity,
            )
        )
    ).all()
    entitled = max((row.entitled for row in rows), default=0)
    return entitled - sum(row.granted - row.surrendered for row in rows)


def move_totals(
    connection: Connection, device: str, key: tuple[str, str, str, str], spent: int, returned: int
) -> int | None:
    """Add what a device reports to its lease; returns what is left of it (negative: over lease), None: no such lease."""
    family_key, programme, period, commodity = key
    where = and_(
        lease.c.family == family_key,
        lease.c.programme == programme,
        lease.c.period == period,
        lease.c.commodity == commodity,
        lease.c.device == device,
    )
    connection.execute(
        update(lease).where(where).values(spent=lease.c.spent + spent, returned=lease.c.returned + returned)
    )
    row = connection.execute(select(lease).where(where)).first()
    return None if row is None else row.granted - row.surrendered - row.spent + row.returned


def _reference(connection: Connection, name: str, kind: type[T]) -> T:
    held = connection.execute(select(reference.c.value).where(reference.c.name == name)).scalar_one_or_none()
    if held is None:
        raise ConfigError(f"no {name}: import a catalogue first", reason="no_catalogue")
    return msgspec.json.decode(held, type=kind)
