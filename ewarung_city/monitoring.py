"""Figures the city keeps: what was reached of what was meant, how each day ended, and what a person should look at.

Numerators and denominators are summed, never percentages. What is not known is None, never zero (domain 6.2, 6.4).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import msgspec

from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.timeline import Instant

__all__ = ["CaseRow", "DayRow", "RealisationRow", "as_csv", "cases", "days", "realisation"]

_TOTALS = msgspec.json.Decoder(DayTotals)


class RealisationRow(msgspec.Struct, frozen=True):
    """One kiosk, one commodity, one period. Base units of `unit`; `issued` under the ration, net of reversals.

    `entitled` is what the families at home there are entitled to; they may have been served elsewhere. `issued` and
    `served` are None while nothing of that kiosk has arrived.
    """

    device: str
    name: str
    kelurahan_code: str
    period: str
    programme: str
    commodity: str
    unit: str
    families: int
    entitled: int
    granted: int
    issued: int | None
    served: int | None


class DayRow(msgspec.Struct, frozen=True):
    """A sealed business day by the city's own fold, and the figures in which the kiosk's Z report differs."""

    device: str
    epoch: int
    date: str
    redemptions: int
    reversals: int
    families: int
    ration_value: int
    purse: int
    cash: int
    differs: str


class CaseRow(msgspec.Struct, frozen=True):
    """Something to look at: an indication, not a verdict."""

    device: str
    epoch: int
    seq: int
    reason: str
    date: str
    state: str
    owner: str


def realisation(tx: Tx, period: str) -> list[RealisationRow]:
    """Realisation of every kiosk and commodity in a period, for every kiosk of the city."""
    homes = {row["key"]: row["home"] for row in tx.all(schema.family)}
    meant: dict[tuple[str, str, str], list[int]] = {}
    units: dict[str, str] = {}
    for row in tx.all(schema.entitlement, period=period):
        sums = meant.setdefault((homes.get(row["family"], ""), row["programme"], row["commodity"]), [0, 0])
        sums[0] += 1
        sums[1] += int(row["amount"])
        units[row["commodity"]] = row["unit"]
    given: dict[tuple[str, str, str], list[int]] = {}
    for row in tx.all(schema.lease, period=period):
        sums = given.setdefault((row["device"], row["programme"], row["commodity"]), [0, 0, 0])
        net = int(row["spent"]) - int(row["returned"])
        sums[0] += int(row["granted"])
        sums[1] += net
        sums[2] += net > 0
        units[row["commodity"]] = row["unit"]
    reported = {row["device"] for row in tx.all(schema.epoch) if int(row["acked_seq"]) > 0}
    kiosks = {row["device"]: row for row in tx.all(schema.kiosk)}
    rows = []
    for key in sorted(meant.keys() | given.keys()):
        device, programme, commodity = key
        if device not in kiosks:
            continue
        families, entitled = meant.get(key, [0, 0])
        granted, issued, served = given.get(key, [0, 0, 0])
        known = device in reported
        rows.append(
            RealisationRow(
                device=device,
                name=kiosks[device]["name"],
                kelurahan_code=kiosks[device]["kelurahan_code"],
                period=period,
                programme=programme,
                commodity=commodity,
                unit=units[commodity],
                families=families,
                entitled=entitled,
                granted=granted,
                issued=issued if known else None,
                served=served if known else None,
            )
        )
    return rows


def days(tx: Tx, period: str) -> list[DayRow]:
    """Sealed days of a period."""
    rows = []
    for row in tx.starting(schema.day, "date", f"{period}-", "device", "epoch", "date"):
        if row["closed_seq"]:
            ours = _TOTALS.decode(row["totals"])
            rows.append(
                DayRow(
                    device=row["device"],
                    epoch=row["epoch"],
                    date=row["date"],
                    redemptions=ours.redemptions,
                    reversals=ours.reversals,
                    families=ours.families,
                    ration_value=ours.ration_value,
                    purse=ours.purse,
                    cash=ours.cash,
                    differs=row["differs"],
                )
            )
    return rows


def cases(tx: Tx, period: str = "") -> list[CaseRow]:
    """Cases of a period (or all), oldest first.

    By the business date of their entry; by the day on which the case opened, if that entry has none or was put aside.
    """
    rows = []
    for row in tx.all(schema.case, "opened_ms", "device", "epoch", "seq", "reason"):
        entry = tx.one(schema.entry, device=row["device"], epoch=row["epoch"], seq=row["seq"])
        date = (entry["date"] if entry is not None else "") or Instant(int(row["opened_ms"])).date().iso
        if not period or date.startswith(period):
            rows.append(
                CaseRow(row["device"], row["epoch"], row["seq"], row["reason"], date, row["state"], row["owner"])
            )
    return rows


def as_csv(rows: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> str:
    """Comma-separated values with a heading; text that a spreadsheet would run as a formula is made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(kind.__struct_fields__)
    for row in rows:
        writer.writerow([_cell(value) for value in msgspec.structs.astuple(row)])
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
