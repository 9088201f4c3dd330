"""State down: what changed for a kiosk since its cursor, as pages that only ever move forward (sync.md section 3).

Each thing a kiosk should know has one row in its feed, under the version of its last change. A page holds the current
state of the things after the cursor, so a page that comes twice, or late, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from ewarung_city.recovery import LIFE
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardRef, CardStatus, Family
from ewarung_pos.domain.rights import Surrender
from ewarung_pos.domain.state import OperatorRecord, PurseCredit, StatePage
from ewarung_pos.domain.units import Unit
from ewarung_pos.sync.protocol import PAGE_BYTES, encode

__all__ = ["catalogue", "families_of", "page_for", "tell", "tell_again", "tell_all"]

_THINGS = 2_000
"""Feed rows looked at for one page."""

_FRAME = 2_000
"""Bytes of a page beside its items."""

CATALOGUE = msgspec.json.Decoder(Catalogue)


@lru_cache(maxsize=4)
def _catalogue(text: str) -> Catalogue:
    return CATALOGUE.decode(text)


def catalogue(tx: Tx) -> Catalogue:
    """What the city lists; decoded once for as long as it stays the same."""
    text = tx.setting("catalogue")
    return _catalogue(text) if text else Catalogue()


def tell(tx: Tx, device: str, things: Iterable[tuple[str, str]]) -> None:
    """Put (kind, key) at the end of a kiosk's feed.

    Kinds: family, rights and recall (key family|period), operator, catalogue, register, message.
    """
    wanted = list(dict.fromkeys(things))
    held = tx.one(schema.kiosk, device=device)
    if not wanted or held is None:
        return
    version = int(held["cursor"])
    rows = [
        {"device": device, "kind": kind, "key": key, "version": version + at}
        for at, (kind, key) in enumerate(wanted, start=1)
    ]
    # The kiosk's own row first: whoever holds that has the feed to himself, and two cannot wait for each other.
    tx.advance(schema.kiosk, {"cursor": version + len(rows)}, {"cursor": version}, device=device)
    tx.put(schema.feed, rows)


def tell_all(tx: Tx, things: Iterable[tuple[str, str]]) -> None:
    """Put (kind, key) at the end of every kiosk's feed."""
    wanted = list(things)
    for row in tx.all(schema.kiosk, "device"):
        tell(tx, row["device"], wanted)


def tell_again(tx: Tx, device: str, above: int) -> None:
    """Everything goes out again, under versions above one that the kiosk was given by a database that is gone."""
    kiosk = tx.one(schema.kiosk, device=device)
    if kiosk is not None:
        tx.change(schema.kiosk, {"cursor": max(above, int(kiosk["cursor"]))}, device=device)
        tell(tx, device, [(row["kind"], row["key"]) for row in tx.all(schema.feed, "version", device=device)])


def page_for(tx: Tx, device: str, epoch: int, cursor: int, most: int = PAGE_BYTES) -> StatePage:
    """The page after `cursor` for that enrolment of the kiosk, of at most so many bytes; one thing at least."""
    rows = tx.after(schema.feed, "version", cursor, _THINGS, device=device)
    page = _fill(tx, device, epoch, cursor, rows, min(most, PAGE_BYTES))
    held = tx.one(schema.epoch, device=device, epoch=epoch) if page.cursor > cursor else None
    if held is not None and page.cursor > int(held["pulled"]):  # a page that is asked for late takes nothing back
        tx.change(schema.epoch, {"pulled": page.cursor}, device=device, epoch=epoch)
    return page


def _fill(tx: Tx, device: str, epoch: int, cursor: int, rows: list[Row], most: int) -> StatePage:
    shelf = _Shelf(tx, device, epoch, rows)
    parts: dict[str, Any] = {}
    size, taken = _FRAME, cursor
    for row in rows:
        found = shelf.get(row["kind"], row["key"])
        weight = sum(len(encode(value)) + 1 for _, value in found)
        if size + weight > most and taken > cursor:
            break
        for field, value in found:
            if field in {"families", "leases", "credits", "operators", "messages", "surrenders"}:
                parts.setdefault(field, []).append(value)
            else:
                parts[field] = value
        size += weight
        taken = int(row["version"])
    more = bool(rows) and (taken < int(rows[-1]["version"]) or len(rows) == _THINGS)
    lists = {name: tuple(value) if isinstance(value, list) else value for name, value in parts.items()}
    return msgspec.structs.replace(StatePage(cursor=taken, more=more, life=tx.setting(LIFE)), **lists)


class _Shelf:
    """The current state of everything a page may name, fetched in few queries."""

    def __init__(self, tx: Tx, device: str, epoch: int, rows: list[Row]) -> None:
        self._tx = tx
        self._device = device
        self._epoch = epoch
        keys = [str(row["key"]) for row in rows if row["kind"] == "family"]
        rights = [str(row["key"]).split("|") for row in rows if row["kind"] == "rights"]
        self._families = {family.key: family for family in families_of(tx, tx.within(schema.family, "key", keys))}
        self._leases: dict[str, list[LeaseGrant]] = {}
        self._credits: dict[str, list[PurseCredit]] = {}
        for period in sorted({period for _, period in rights}):
            who = [family for family, at in rights if at == period]
            for row in tx.within(schema.lease, "family", who, device=device, epoch=epoch, period=period):
                grant = LeaseGrant(
                    row["family"], row["programme"], period, row["commodity"], Unit(row["unit"]), int(row["granted"])
                )
                self._leases.setdefault(f"{grant.family}|{period}", []).append(grant)
            for row in tx.within(schema.credit, "family", who, period=period):
                given = PurseCredit(row["family"], row["programme"], period, int(row["amount"]))
                self._credits.setdefault(f"{given.family}|{period}", []).append(given)

    def get(self, kind: str, key: str) -> list[tuple[str, Any]]:
        """(field of the page, value) of one thing; nothing when it is gone."""
        match kind:
            case "family":
                return [("families", self._families[key])] if key in self._families else []
            case "rights":
                leases: list[tuple[str, Any]] = [("leases", lease) for lease in self._leases.get(key, ())]
                return leases + [("credits", credit) for credit in self._credits.get(key, ())]
            case "recall":
                return [("surrenders", wish) for wish in self._recalls(key)]
            case "operator":
                row = self._tx.one(schema.operator, device=self._device, code=key)
                return [] if row is None else [("operators", _operator(row))]
            case "catalogue":
                text = self._tx.setting("catalogue")
                return [("catalogue", CATALOGUE.decode(text))] if text else []
            case "register":
                return [
                    ("register_date", self._tx.setting("register_date")),
                    ("register_source", self._tx.setting("register_source")),
                ]
            case _:
                return [("messages", key)]

    def _recalls(self, key: str) -> list[Surrender]:
        """What is asked back of a family's rights at this moment; nothing when nobody waits for it any more."""
        family, period = key.split("|")
        rows = self._tx.all(
            schema.recall,
            "programme",
            "commodity",
            device=self._device,
            epoch=self._epoch,
            family=family,
            period=period,
        )
        return [
            Surrender(family, row["programme"], period, row["commodity"], Unit(row["unit"]), int(row["wanted"]))
            for row in rows
        ]


def families_of(tx: Tx, rows: list[Row]) -> list[Family]:
    """Rows of the register as kiosks know families."""
    codes = {str(row["kelurahan_code"]) for row in rows}
    places = {row["kelurahan_code"]: row for row in tx.within(schema.region, "kelurahan_code", codes)}
    return [
        Family(
            key=row["key"],
            name=row["name"],
            nik_masked=row["nik_masked"],
            kelurahan_code=row["kelurahan_code"],
            kelurahan=places[row["kelurahan_code"]]["kelurahan"],
            kecamatan=places[row["kelurahan_code"]]["kecamatan"],
            members=row["members"],
            programmes=tuple(row["programmes"].split(";")) if row["programmes"] else (),
            home=row["home"],
            card=CardRef(row["token"], row["last4"]),
            card_status=CardStatus(row["card_status"]),
        )
        for row in rows
    ]


def _operator(row: Row) -> OperatorRecord:
    return OperatorRecord(row["code"], row["name"], row["role"], row["pin_hash"], bool(row["active"]))
