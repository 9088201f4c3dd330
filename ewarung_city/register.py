"""The register: regions, kiosks and their people, programmes and goods, and families by name and address.

An import takes every row that is sound, says of every other row why not, and changes nothing when it is run twice.
Card numbers become references and NIKs become tokens at once; the numbers themselves are kept nowhere.
"""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ewarung_city import ahead, feed, goods, people
from ewarung_city.bnba.digits import hide_digits
from ewarung_city.bnba.rows import nik_trouble
from ewarung_city.hardship import DEFAULT_PERMILLE
from ewarung_city.importing import ImportReport, RowNote, report_of, table_of
from ewarung_city.keys import CityKeys
from ewarung_city.rights import rest_of
from ewarung_city.settle import bring_home
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_city.succession import GONE, holders_of_cards
from ewarung_pos.domain.bounds import Count
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.family import CardStatus, luhn_valid, mask_nik
from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.domain.timeline import BusinessDate, Instant
from ewarung_pos.errors import ConfigError

__all__ = [
    "FAMILY_COLUMNS",
    "family_key",
    "import_catalogue",
    "import_families",
    "import_kiosks",
    "import_regions",
    "is_families_file",
    "nik_form",
    "tell_homes",
]

FAMILY_COLUMNS = (
    "card_number",
    "nik",
    "kk",
    "name",
    "members",
    "address",
    "rt",
    "rw",
    "kelurahan_code",
    "programmes",
    "home_kiosk",
    "card_status",
    "purse_balance",
)
"""Headings of a file of families, all of which it has."""

_KIOSK_COLUMNS = ("kiosk_id", "name", "kelurahan_code", "officers")
_REGION_COLUMNS = ("kelurahan_code", "kelurahan", "kecamatan")
_KIOSK_ID = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}")
_MEMBERS = re.compile(r"[0-9]{1,2}")


class _Catalogued(msgspec.Struct, frozen=True):
    """What catalogue.json holds; `hardship_permille` of its rations is each kiosk's hardship pool."""

    catalogue: Catalogue
    rations: dict[str, dict[str, Count]] = {}
    purses: dict[str, Count] = {}
    operators: tuple[OperatorRecord, ...] = ()
    hardship_permille: Annotated[int, msgspec.Meta(ge=0, le=1000)] = DEFAULT_PERMILLE


def nik_form(nik: str) -> bool:
    """Whether a NIK has a lawful form; `ewarung_city.bnba.rows.nik_trouble` says what is wrong with one."""
    return not nik_trouble(nik)


# --- regions, kiosks, goods -------------------------------------------------------------------------------------------


def import_regions(tx: Tx, file: Path) -> int:
    """Kelurahan by code (names repeat; codes do not). Returns how many.

    Raises:
        ConfigError: the file cannot be read as such a table.
    """
    table = table_of(file, _REGION_COLUMNS)
    if wrong := [row.number for row in table if row.trouble]:
        raise ConfigError(f"{file}: row {wrong[0]} has not the shape of the heading", reason="unreadable")
    tx.put(schema.region, [row.cells for row in table])
    return len(table)


def import_kiosks(tx: Tx, file: Path) -> ImportReport:
    """Kiosks, and their people in the order kasir, ketua, pendamping.

    A person whom the catalogue file describes (by name) keeps that description; others have no PIN before they are
    given one (`ewarung_city.pins`). Who is named no more goes inactive; the report says so (`people.listed`).

    Raises:
        ConfigError: the file cannot be read as such a table.
    """
    known = {row["kelurahan_code"] for row in tx.all(schema.region)}
    held = {row["device"]: row for row in tx.all(schema.kiosk)}
    known_people = people.described(tx)
    notes: list[RowNote] = []
    taken = unchanged = 0
    seen: set[str] = set()
    table = table_of(file, _KIOSK_COLUMNS)
    for row in table:
        device = row["kiosk_id"]
        named = people.named_in(row["officers"])
        reasons = [row.trouble] if row.trouble else []
        if not _KIOSK_ID.fullmatch(device):
            reasons.append("kiosk_id_form")
        if device in seen:
            reasons.append("kiosk_twice")
        if row["kelurahan_code"] not in known:
            reasons.append("unknown_kelurahan")
        if not row["name"]:
            reasons.append("no_name")
        if not people.told_apart(named, known_people):
            reasons.append("people_alike")
        seen.add(device)
        if reasons:
            notes.extend(RowNote(row.number, "refused", reason) for reason in reasons)
            continue
        said = {"device": device, "name": row["name"], "kelurahan_code": row["kelurahan_code"]}
        before = held.get(device)
        same = before is not None and all(before[name] == value for name, value in said.items())
        tx.put(schema.kiosk, [said])
        if before is None:
            feed.tell(tx, device, [("catalogue", ""), ("register", "")])
        told = people.listed(tx, device, named, known_people)
        same = same and not told
        taken, unchanged = taken + (not same), unchanged + same
        notes.extend(RowNote(row.number, "warning", reason) for reason in dict.fromkeys(told))
    return report_of(tx, table, notes, taken, unchanged)


def import_catalogue(tx: Tx, file: Path, period: str) -> tuple[str, ...]:
    """Goods, prices, programmes, rations and purses (JSON), and the people whom it describes.

    It replaces the one before, all of it or nothing (`ewarung_city.goods`).

    Args:
        tx: a write transaction.
        file: all that there is from now on.
        period: the month (YYYY-MM) that it is in WIB.

    Returns:
        Months from that one on that were granted already, and keep other amounts than those that it says now.

    Raises:
        ConfigError: the file is not a catalogue or contradicts itself (`invalid`), or leaves out or changes what
            kiosks still need (`in_use`); the error names each of these things.
    """
    try:
        said = msgspec.json.decode(file.read_bytes().removeprefix(BOM_UTF8), type=_Catalogued)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", reason="unreadable") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: {error}", reason="invalid") from error
    if wrong := goods.contradictions(said.catalogue, said.rations, said.purses):
        raise ConfigError("\n  ".join([f"{file}: it contradicts itself", *wrong]), reason="invalid")
    before = tx.setting("catalogue")
    missing = goods.missed(tx, feed.CATALOGUE.decode(before), said.catalogue, period) if before else []
    if missing:
        raise ConfigError("\n  ".join([f"{file}: kiosks still need what it leaves out", *missing]), reason="in_use")
    text = msgspec.json.encode(said.catalogue).decode()
    changed = text != before
    kept = ahead.granted_since(tx, period) if _other_amounts(tx, said) else ()
    tx.set("catalogue", text)
    tx.set("rations", msgspec.json.encode(said.rations).decode())
    tx.set("purses", msgspec.json.encode(said.purses).decode())
    described = people.described(tx)
    tx.set("hardship_permille", str(said.hardship_permille))
    tx.set("people", msgspec.json.encode(said.operators).decode())
    tx.put(
        schema.list_price,
        [{"product": item.code, "price": item.price.amount} for item in said.catalogue.products],
    )
    if changed:
        feed.tell_all(tx, [("catalogue", "")])
    for kiosk in tx.all(schema.kiosk, "device"):
        people.describe_again(tx, kiosk["device"], described)
    return kept


def _other_amounts(tx: Tx, said: _Catalogued) -> bool:
    """Whether something that rations or purses gave so far is another amount, or nothing, from now on."""
    rations = msgspec.json.decode(tx.setting("rations") or "{}", type=dict[str, dict[str, int]])
    purses = msgspec.json.decode(tx.setting("purses") or "{}", type=dict[str, int])
    return any(said.purses.get(programme) != amount for programme, amount in purses.items()) or any(
        said.rations.get(programme, {}).get(commodity) != amount
        for programme, ration in rations.items()
        for commodity, amount in ration.items()
    )


# --- families -----------------------------------------------------------------------------------------------------


class _Held:
    """What is in the register already, by everything that must not come twice."""

    def __init__(self, tx: Tx) -> None:
        rows = tx.all(schema.family)
        self.by_key: dict[str, Row] = {row["key"]: row for row in rows}
        self.kk = holders_of_cards(rows)
        self.gone = {row["key"] for row in rows if row["card_status"] in GONE}
        self.card = {row["token"]: row["key"] for row in rows}
        self.regions = {row["kelurahan_code"] for row in tx.all(schema.region)}
        self.kiosks = {row["device"] for row in tx.all(schema.kiosk)}
        text = tx.setting("catalogue")
        self.programmes = {item.code for item in feed.CATALOGUE.decode(text).programmes} if text else set()
        self.niks: set[str] = set()
        self.kks: set[str] = set()
        self.cards: set[str] = set()


def is_families_file(file: Path) -> bool:
    """Whether a file is the table that `import_families` takes: CSV with commas and all the columns of families.csv."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return set(FAMILY_COLUMNS) <= set(next(csv.reader(lines), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return False


def import_families(
    tx: Tx, file: Path, keys: CityKeys, now_ms: int, source: str = "", snapshot: str = ""
) -> ImportReport:
    """Families by name and address (CSV), row by row.

    Args:
        tx: one transaction for the whole file.
        file: with the columns of the sample's families.csv, long numbers as text.
        keys: of the city.
        now_ms: now; since when a changed card status counts.
        source: where the list comes from; shown on every report.
        snapshot: its date, ISO 8601; today's in WIB if none.

    Raises:
        ConfigError: the file cannot be read as such a table, or the date is none that can be (`snapshot`).
    """
    _day_of_list(snapshot, now_ms)
    held = _Held(tx)
    notes: list[RowNote] = []
    rows: list[dict[str, Any]] = []
    taken = unchanged = 0
    table = table_of(file, FAMILY_COLUMNS)
    for row in table:
        said = row.cells
        problems, remarks = ([row.trouble], []) if row.trouble else _judge(said, held, keys)
        notes.extend(RowNote(row.number, "refused", reason) for reason in problems)
        notes.extend(RowNote(row.number, severity, reason) for severity, reason in remarks)
        if problems:
            continue
        new = _family_row(said, keys, now_ms)
        before = held.by_key.get(new["key"])
        if before is not None and before["card_status"] == new["card_status"]:
            new["status_since"] = before["status_since"]
        if before is not None and all(before[name] == value for name, value in new.items()):
            unchanged += 1
            continue
        taken += 1
        rows.append(new)
    tx.put(schema.family, rows)
    tell_homes(tx, rows, held.by_key, now_ms)
    if taken:
        day = snapshot or Instant(now_ms).date().iso
        if day >= tx.setting("register_date"):
            tx.set("register_date", day)
            tx.set("register_source", hide_digits(source or file.name))  # it goes to every till
            feed.tell_all(tx, [("register", "")])
    return report_of(tx, table, notes, taken, unchanged)


def _day_of_list(snapshot: str, now_ms: int) -> None:
    try:
        if snapshot and BusinessDate(snapshot) > Instant(now_ms).date():
            raise ConfigError(f"--snapshot {snapshot}: that day has not come yet", reason="snapshot")
    except ValueError as error:
        raise ConfigError(f"--snapshot {snapshot!r}: expected YYYY-MM-DD", reason="snapshot") from error


def _judge(said: dict[str, str], held: _Held, keys: CityKeys) -> tuple[list[str], list[tuple[str, str]]]:
    """(reasons to refuse the row, remarks that do not)."""
    nik, kk, number = said["nik"], said["kk"], said["card_number"]
    nik_ok, kk_ok = nik_form(nik), re.fullmatch(r"[0-9]{16}", kk) is not None
    card_ok = re.fullmatch(r"[0-9]{14,19}", number) is not None
    key = family_key(keys.token("nik", nik))
    programmes = [code for code in said["programmes"].split(";") if code]
    holder = held.kk.get(keys.token("kk", kk), key)
    leaves = said["card_status"] in GONE
    checks = {
        "nik_form": nik_ok,
        "kk_form": kk_ok,
        "card_form": card_ok,
        "nik_twice": not nik_ok or nik not in held.niks,
        "kk_twice": not kk_ok or leaves or (kk not in held.kks and (holder == key or holder in held.gone)),
        "card_twice": not card_ok
        or (number not in held.cards and held.card.get(keys.card_ref(number).token, key) == key),
        "unknown_kelurahan": said["kelurahan_code"] in held.regions,
        "unknown_kiosk": said["home_kiosk"] in held.kiosks,
        "unknown_programme": bool(programmes) and held.programmes.issuperset(programmes),
        "no_name": bool(said["name"]),
        "card_status": said["card_status"] in {status.value for status in CardStatus},
        "purse_balance": re.fullmatch(r"[0-9]{1,10}", said["purse_balance"] or "0") is not None,
    }
    problems = [reason for reason, sound in checks.items() if not sound]
    doubts = {
        ("warning", "members_unknown"): _MEMBERS.fullmatch(said["members"]) is None,
        ("warning", "card_check_digit"): card_ok and not luhn_valid(number),
        ("info", "nik_outside_city"): nik_ok and not nik.startswith("3374"),
    }
    if not problems:
        held.niks.add(nik)
        held.kks |= set() if leaves else {kk}
        held.gone = held.gone | {key} if leaves else held.gone - {key}
        held.cards.add(number)
    return problems, [remark for remark, applies in doubts.items() if applies]


def _family_row(said: dict[str, str], keys: CityKeys, now_ms: int) -> dict[str, Any]:
    card = keys.card_ref(said["card_number"])
    nik = keys.token("nik", said["nik"])
    address = [said["address"], said["rt"] and f"RT {said['rt']}", said["rw"] and f"RW {said['rw']}"]
    return {
        "key": family_key(nik),
        "name": said["name"],
        "nik_masked": mask_nik(said["nik"]),
        "nik_token": nik,
        "kk_token": keys.token("kk", said["kk"]),
        "members": int(said["members"]) if _MEMBERS.fullmatch(said["members"]) else 0,
        "address": ", ".join(part for part in address if part),
        "kelurahan_code": said["kelurahan_code"],
        "programmes": ";".join(code for code in said["programmes"].split(";") if code),
        "home": said["home_kiosk"],
        "token": card.token,
        "last4": card.last4,
        "card_status": said["card_status"],
        "status_since": now_ms,
        "opening_credit": int(said["purse_balance"] or "0"),
    }


def family_key(nik_token: str) -> str:
    """The pseudonym by which journals know the family: stable, and nothing can be read from it."""
    return f"K{nik_token[:15].upper()}"


def tell_homes(tx: Tx, rows: Iterable[Row], held: Mapping[str, Row], now_ms: int) -> None:
    """New or changed families go to their home, to the home they had before, and to who else has anything for them.

    With another home their rights go there too, from the city's month on.
    """
    changed = list(rows)
    known = [str(row["key"]) for row in changed if row["key"] in held]
    guests: dict[str, set[str]] = {}
    for lease in tx.within(schema.lease, "family", known):
        if rest_of(lease) > 0:
            guests.setdefault(lease["family"], set()).add(lease["device"])
    told: dict[str, list[tuple[str, str]]] = {}
    for row in changed:
        before = held.get(row["key"])
        homes = {row["home"]} | ({before["home"]} if before is not None else set())
        for device in homes | guests.get(row["key"], set()):
            told.setdefault(device, []).append(("family", row["key"]))
    for device in sorted(told):
        feed.tell(tx, device, told[device])
    month = Instant(now_ms).date().period().iso
    for row in changed:
        before = held.get(row["key"])
        if before is not None and before["home"] != row["home"] and row["card_status"] not in GONE:
            bring_home(tx, row["key"], month)
