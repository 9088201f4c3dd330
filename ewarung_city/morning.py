"""The commands of each day: what waits for an officer, and how old a till may be."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from ewarung_city import ahead, cases, enrolment, recovery, versions, waiting
from ewarung_city.accounts import Right
from ewarung_city.acting import Claim, Desk, acting, by_officer
from ewarung_city.place import JSON, located, now_ms, place_of, say
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.sync.protocol import Mode

__all__ = ["Morning", "oldest_till", "today"]


class Morning(msgspec.Struct, frozen=True):
    """What waits for people; of kiosks and cases those of the officer's part of the city.

    Attributes:
        months: that should be granted by now and are not.
        waiting: families of a granted month that nothing was granted to.
        recovery: kiosks that a restored city waits for.
        divided: whether kiosks were served by another database meanwhile, so that nothing is told before all reported.
        digits: kiosks whose six digits nobody has compared.
        stopped: kiosks with two pasts, until two officers decide.
        cases: how many are not closed.
        old: kiosks whose application the city supports no more, or whose version nobody can read.
    """

    months: tuple[ahead.Due, ...]
    waiting: tuple[waiting.Waiting, ...]
    recovery: tuple[str, ...]
    divided: bool
    digits: tuple[str, ...]
    stopped: tuple[str, ...]
    cases: int
    old: tuple[str, ...]


@click.command()
@located
@by_officer
@JSON
def today(*, data_dir: str, database: str, claim: Claim, as_json: bool) -> None:
    """What waits for somebody of the city today: a month that is not granted, families without it, kiosks and cases."""
    with acting(place_of(data_dir, database), claim, "today", Right.FIGURES) as desk, desk.store.read() as tx:
        found = _waiting(tx, desk, now_ms())
    say(found, "\n".join(_lines(found)) or "Tidak ada yang menunggu.", as_json=as_json)


def _waiting(tx: Tx, desk: Desk, now_ms: int) -> Morning:
    active = [row for row in tx.all(schema.epoch, "device", state="active") if desk.covers(tx, row["device"])]
    by_state = tx.tally(schema.case, "device", "state").items()
    unclosed = (count for (kiosk, state), count in by_state if state != cases.CLOSED and desk.covers(tx, kiosk))
    pending = [row["device"] for row in enrolment.waiting(tx, now_ms)]
    least = versions.oldest(tx)
    return Morning(
        months=tuple(ahead.due(tx, now_ms)),
        waiting=tuple(waiting.waiting(tx, now_ms, desk.officer.covers)),
        recovery=tuple(recovery.recovering(tx)) if not desk.officer.region else (),
        divided=recovery.divided(tx) and not desk.officer.region,
        digits=tuple(device for device in pending if desk.covers(tx, device)),
        stopped=tuple(f"{row['device']}/{row['epoch']}" for row in active if row["mode"] != Mode.NORMAL.value),
        cases=sum(unclosed),
        old=tuple(row["device"] for row in active if versions.state_of(str(row["app_version"]), least) != "ok"),
    )


def _lines(found: Morning) -> Iterator[str]:
    for month in found.months:
        yield from ahead.sentences(month)
    for without in found.waiting:
        yield from waiting.sentences(without)
    if found.recovery:
        yield f"Kota dipulihkan dari salinan dan menunggu laporan: {', '.join(found.recovery)}."
    if found.divided:
        yield "Kios juga dilayani basis data lain: hak, blokir dan harga yang baru dikirim sesudah semua melapor."
    if found.digits:
        yield f"Menunggu enam angkanya dicocokkan: {', '.join(found.digits)}. Jalankan: ewarung-city approve"
    if found.stopped:
        yield f"Dua catatan dengan satu kunci: {', '.join(found.stopped)}. Jalankan: ewarung-city case list --open"
    if found.cases:
        yield f"Kasus yang belum ditutup: {found.cases}. Jalankan: ewarung-city case list --open"
    if found.old:
        yield f"Kios dengan aplikasi lama: {len(found.old)}. Jalankan: ewarung-city report versi"


@click.command("oldest-till")
@located
@by_officer
@JSON
@click.option("--any", "any_", is_flag=True, help="Any version will do.")
@click.argument("version", required=False)
def oldest_till(*, data_dir: str, database: str, claim: Claim, as_json: bool, any_: bool, version: str | None) -> None:
    """The oldest VERSION of the till that the city supports (as 0.2.0); without one, says which it is.

    Every kiosk is told with its next greeting. One that is older says on its screen which version to install, and goes
    on serving.
    """
    if any_ and version is not None:
        raise click.UsageError("a VERSION, or --any")
    sets = any_ or version is not None
    command, right = ("oldest-till", Right.ACT) if sets else ("oldest-till show", Right.EVIDENCE)
    with acting(place_of(data_dir, database), claim, command, right, whole_city=sets) as desk:
        if sets:
            desk.store.decide(lambda tx: versions.set_oldest(tx, version or ""))
        with desk.store.read() as tx:
            least = versions.oldest(tx)
            below = [row for row in versions.versions(tx) if row.state != "ok" and desk.covers(tx, row.device)]
    said = f"oldest version: {least or 'any'}; {len(below)} kiosks below it (`report versi`)"
    say({"oldest": least, "below": len(below)}, said, as_json=as_json)
