"""The commands that show: figures, cases, whose data a lost kiosk held, one family, and who looked at what."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from ewarung_city import lookups, monitoring, reconcile, versions
from ewarung_city.accounts import Right
from ewarung_city.acting import Claim, Desk, acting, by_officer
from ewarung_city.place import JSON, Place, is_month, located, now_ms, place_of, say
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError

__all__ = ["family", "report"]

_RIGHTS = {
    "spj": Right.FIGURES,
    "realisasi": Right.FIGURES,
    "kasus": Right.EVIDENCE,
    "darurat": Right.EVIDENCE,
    "pdp": Right.LOOK_UP,
    "audit": Right.AUDIT,
    "versi": Right.EVIDENCE,
}
_SELDOM = {"brought", "carried", "charged"}
_OF_NO_MONTH = {"pdp", "audit", "versi"}


@click.command()
@located
@by_officer
@JSON
@click.argument("kind", type=click.Choice(list(_RIGHTS)))
@click.argument("kiosk", default="")
@click.option("--period", default="", help="YYYY-MM; for all but pdp, audit and versi.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Directory for the files.")
@click.option("--officer", default="", help="audit: only what this one did.")
@click.option("--since", default="", help="audit: from this day on, YYYY-MM-DD.")
@click.option("--family", default="", help="audit: only what concerned this family (its key).")
def report(
    *,
    data_dir: str,
    database: str,
    claim: Claim,
    as_json: bool,
    kind: str,
    kiosk: str,
    period: str,
    out: Path | None,
    officer: str,
    since: str,
    family: str,
) -> None:
    """Figures of a period: days for the SPJ attachment, realisation by kiosk and commodity, open cases, or hardship.

    `report pdp KIOSK` writes whose data a lost KIOSK held, for the notice within 3 x 24 hours (UU 27/2022 art. 46);
    `report audit` shows which officer did or looked at what; `report versi` which kiosks have an application that the
    city supports no more (`oldest-till`), these first.
    """
    place = place_of(data_dir, database)
    if (kind == "pdp") is not bool(kiosk) or (kind in _OF_NO_MONTH) is bool(period):
        raise click.UsageError("report pdp KIOSK, report audit, report versi, or another with --period YYYY-MM")
    if (officer or since or family) and kind != "audit":
        raise click.UsageError("--officer, --since and --family are for report audit")
    if period and not is_month(period):
        raise click.UsageError(f"--period {period!r}: expected YYYY-MM")
    if kind == "pdp":
        _report_held_data(place, claim, kiosk, out or place.data_dir / "papers", as_json=as_json)
        return
    about = f"family:{family}" if family else f"period:{period}" if period else ""
    with acting(place, claim, f"report {kind}", _RIGHTS[kind], about, whole_city=kind == "audit") as desk:
        if kind == "audit":
            with desk.store.read() as tx:
                rows: list[msgspec.Struct] = list(lookups.audit_rows(tx, officer, since, family))
            shape: type[msgspec.Struct] = lookups.AuditRow
        else:
            rows, shape = _figures(desk, kind, period)
        text = monitoring.as_csv(rows, shape)
        if out is None:
            say(rows, text.rstrip("\n"), as_json=as_json)
            return
        path = out / (f"{kind}-{period}.csv" if period else f"{kind}.csv")
        with _writing(out):
            out.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        say({"rows": len(rows), "file": str(path)}, f"{path}: {len(rows)} rows", as_json=as_json)


def _figures(desk: Desk, kind: str, period: str) -> tuple[list[msgspec.Struct], type[msgspec.Struct]]:
    """The rows of an officer's part of the city."""
    with desk.store.read() as tx:
        if kind == "spj":
            return [row for row in monitoring.days(tx, period) if desk.covers(tx, row.device)], monitoring.DayRow
        if kind == "realisasi":
            realised = monitoring.realisation(tx, period)
            return [row for row in realised if desk.covers(tx, row.device)], monitoring.RealisationRow
        if kind == "versi":
            return [row for row in versions.versions(tx) if desk.covers(tx, row.device)], versions.VersionRow
        if kind == "darurat":
            uses = reconcile.hardship_uses(tx, desk.keys, period)
            return [row for row in uses if desk.covers(tx, row.device)], reconcile.HardshipRow
        return [row for row in monitoring.cases(tx, period) if desk.covers(tx, row.device)], monitoring.CaseRow


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{out}: {error.strerror}", reason="out") from error


def _report_held_data(place: Place, claim: Claim, kiosk: str, out: Path, *, as_json: bool) -> None:
    from ewarung_city import breach

    with acting(place, claim, "report pdp", Right.LOOK_UP, f"kiosk:{kiosk}", why=True) as desk:
        with desk.store.read() as tx:
            inventory = breach.inventory_of(tx, kiosk, Instant(now_ms()))
        with _writing(out):
            done = breach.write_papers(inventory, out)
        sentence = (
            f"{kiosk}: {done['families']} families, notice before {done['notice_before']}\n{done['csv']}\n{done['pdf']}"
        )
        say(done, sentence, as_json=as_json)


@click.command()
@located
@by_officer
@JSON
@click.option("--period", default="", help="Rights of this month only, YYYY-MM.")
@click.argument("key", required=False)
def family(*, data_dir: str, database: str, claim: Claim, as_json: bool, period: str, key: str | None) -> None:
    """Show a family of the register and its rights, by its KEY; without one, asks for a NIK (not shown, not kept).

    For whoever stands at the office and asks what she is entitled to, and where it went.
    """
    if period and not is_month(period):
        raise click.UsageError(f"--period {period!r}: expected YYYY-MM")
    about = f"family:{key or '?'}"
    with acting(place_of(data_dir, database), claim, "family", Right.LOOK_UP, about, why=True) as desk:
        wanted = key or lookups.family_of_nik(desk.keys, _asked_nik())
        desk.subject = f"family:{wanted}"
        with desk.store.read() as tx:
            desk.must_cover_family(tx, wanted)
            card = lookups.look_up(tx, wanted, period)
        lines = [f"{name}: {value}" for name, value in zip(card.__struct_fields__, _values(card), strict=True) if value]
        say(card, "\n".join(lines), as_json=as_json)


def _asked_nik() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("NIK", hide_input=True, err=True))
    return sys.stdin.readline()


def _values(card: lookups.FamilyCard) -> Iterator[str]:
    *plain, rights = msgspec.structs.astuple(card)
    yield from map(str, plain)
    yield "".join(f"\n  {_line(right)}" for right in rights)


def _line(right: lookups.RightRow) -> str:
    """Which right, and its figures by name; those of carrying over and pools only where there are any."""
    sums = msgspec.structs.asdict(right)
    which = " ".join(str(sums.pop(name)) for name in ("programme", "period", "commodity"))
    unit = sums.pop("unit")
    told = (f"{name} {sum_}" for name, sum_ in sums.items() if sum_ or name not in _SELDOM)
    return f"{which} ({unit}): {', '.join(told)}"
