"""The command of each day: what waits for an officer."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from ewarung_city import ahead, cases, recovery
from ewarung_city.accounts import Right
from ewarung_city.acting import Claim, Desk, acting, by_officer
from ewarung_city.place import JSON, located, now_ms, place_of, say
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.sync.protocol import Mode

__all__ = ["Morning", "today"]


class Morning(msgspec.Struct, frozen=True):
    """What waits for people; of kiosks and cases those of the officer's part of the city.

    Attributes:
        months: that should be granted by now and are not.
        recovery: kiosks that a restored city waits for.
        digits: kiosks whose six digits nobody has compared.
        stopped: kiosks with two pasts, until two officers decide.
        cases: how many are not closed.
    """

    months: tuple[ahead.Due, ...]
    recovery: tuple[str, ...]
    digits: tuple[str, ...]
    stopped: tuple[str, ...]
    cases: int


@click.command()
@located
@by_officer
@JSON
def today(*, data_dir: str, database: str, claim: Claim, as_json: bool) -> None:
    """What waits for somebody of the city today: a month that is not granted, kiosks and cases to look at."""
    with acting(place_of(data_dir, database), claim, "today", Right.FIGURES) as desk, desk.store.read() as tx:
        found = _waiting(tx, desk, now_ms())
    say(found, "\n".join(_lines(found)) or "Tidak ada yang menunggu.", as_json=as_json)


def _waiting(tx: Tx, desk: Desk, now_ms: int) -> Morning:
    active = [row for row in tx.all(schema.epoch, "device", state="active") if desk.covers(tx, row["device"])]
    unclosed = [row for row in tx.all(schema.case) if row["state"] != cases.CLOSED and desk.covers(tx, row["device"])]
    pending = [row["device"] for row in tx.all(schema.code, "device", state="pending")]
    return Morning(
        months=tuple(ahead.due(tx, now_ms)),
        recovery=tuple(recovery.recovering(tx)) if not desk.officer.region else (),
        digits=tuple(device for device in pending if desk.covers(tx, device)),
        stopped=tuple(f"{row['device']}/{row['epoch']}" for row in active if row["mode"] != Mode.NORMAL.value),
        cases=len(unclosed),
    )


def _lines(found: Morning) -> Iterator[str]:
    for month in found.months:
        yield from ahead.sentences(month)
    if found.recovery:
        yield f"Kota dipulihkan dari salinan dan menunggu laporan: {', '.join(found.recovery)}."
    if found.digits:
        yield f"Menunggu enam angkanya dicocokkan: {', '.join(found.digits)}. Jalankan: ewarung-city approve"
    if found.stopped:
        yield f"Dua catatan dengan satu kunci: {', '.join(found.stopped)}. Jalankan: ewarung-city case list --open"
    if found.cases:
        yield f"Kasus yang belum ditutup: {found.cases}. Jalankan: ewarung-city case list --open"
