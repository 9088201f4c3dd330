"""The city's command line.

Exit codes: 0 done, 1 a check found something wrong, 2 wrong use or broken environment, 3 could not finish (nothing
lost). `--json` prints one object on the last line of standard output; logs go to stderr.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import NoReturn

import click

from ewarung_city import accounts, ahead, audit, enrolment, leases, pins, reconcile, register
from ewarung_city.accounts import Right
from ewarung_city.acting import Claim, acting, by_officer, file_named
from ewarung_city.carrying import bundle
from ewarung_city.casework import case
from ewarung_city.freeing import freeze, lost, release
from ewarung_city.importing import ImportReport
from ewarung_city.morning import oldest_till, today
from ewarung_city.office import officer
from ewarung_city.place import FILE, JSON, located, now_ms, opened, place_of, say, shipped, this_month
from ewarung_city.reporting import family, report
from ewarung_city.serving import practice, serve
from ewarung_city.store.database import CityStore, Tx
from ewarung_city.verify import Finding
from ewarung_city.verify import verify as check
from ewarung_fleet.command import simulate
from ewarung_pos.errors import PosError, ServerBusy

__all__ = ["main"]

_BUSY = (
    "Nothing is lost. Is an import or another long command under way, the disk full, or the database away? "
    "Then run the same command again: nothing happens twice"
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """The city's side of eWarung POS: takes journals in, gives rights out."""


@cli.command()
@located
@by_officer
@click.option("--regions", type=FILE, help="Kelurahan by code (CSV); Kota Semarang's if none.")
@click.option("--catalogue", type=FILE, help="Goods, programmes, rations and people (JSON).")
@click.option("--distributed", is_flag=True, help="Spread the tables over the machines of a Citus cluster.")
def init(
    *,
    data_dir: str,
    database: str,
    claim: Claim,
    regions: Path | None,
    catalogue: Path | None,
    distributed: bool,
) -> None:
    """Make the city's keys and database; run again, it changes only what the files say."""
    place = place_of(data_dir, database)
    if distributed:
        with closing(CityStore(place.url)) as store:
            store.refuse_without_citus()
    about = file_named(catalogue) if catalogue is not None else ""
    with acting(place, claim, "init", Right.MANAGE, about, whole_city=True, make=True) as desk:
        if distributed:
            click.echo(f"{desk.store.distribute()} tables brought to their places")
        with desk.store.write() as tx:
            count = register.import_regions(tx, regions or shipped("semarang-kelurahan.csv"))
            if catalogue is not None:
                register.import_catalogue(tx, catalogue, this_month())
    click.echo(f"{place.data_dir}: {count} kelurahan, city key {desk.keys.public.hex()}")


@cli.command("import-kiosks")
@located
@by_officer
@JSON
@click.argument("file", type=FILE)
def import_kiosks(*, data_dir: str, database: str, claim: Claim, as_json: bool, file: Path) -> None:
    """Kiosks and their people, from CSV."""
    place = place_of(data_dir, database)
    with acting(place, claim, "import-kiosks", Right.ACT, file_named(file), whole_city=True) as desk:
        report = desk.store.decide(lambda tx: register.import_kiosks(tx, file))
        _imported(report, as_json=as_json)


@cli.command("import-families")
@located
@by_officer
@JSON
@click.option("--source", default="", help="Where the list comes from; shown on every report.")
@click.option("--snapshot", default="", help="Its date, YYYY-MM-DD.")
@click.option("--map", "map_file", type=FILE, help="What the list's headings do not say (TOML or JSON).")
@click.option("--sheet", default="", help="Which sheet of a workbook.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Directory for the quality report.")
@click.option("--check", is_flag=True, help="Only the quality report; nothing is taken.")
@click.argument("file", type=FILE)
def import_families(
    *,
    data_dir: str,
    database: str,
    claim: Claim,
    as_json: bool,
    source: str,
    snapshot: str,
    map_file: Path | None,
    sheet: str,
    out: Path | None,
    check: bool,
    file: Path,
) -> None:
    """Families by name and address, row by row, taking what is sound.

    FILE is an office's list (CSV or XLSX; needs --snapshot and --source, and gives a quality report), or a table with
    the columns of the sample's families.csv.
    """
    place = place_of(data_dir, database)
    with acting(place, claim, "import-families", Right.ACT, file_named(file), whole_city=True) as desk:
        store, keys = desk.store, desk.keys
        if not (map_file or sheet or out or check) and register.is_families_file(file):
            at = now_ms()
            report = store.decide(lambda tx: register.import_families(tx, file, keys, at, source, snapshot))
            _imported(report, as_json=as_json)
        from ewarung_city.bnba.command import import_list

        done = import_list(
            store,
            keys,
            file,
            map_file,
            sheet,
            source,
            snapshot,
            out or place.data_dir / "papers",
            now_ms(),
            only_check=check,
        )
        say(done.said, done.sentences, as_json=as_json)
        sys.exit(1 if done.refused else 0)


def _imported(report: ImportReport, *, as_json: bool) -> NoReturn:
    if not as_json:
        for note in report.notes:
            click.echo(f"row {note.row}: {note.severity}, {note.reason}")
    counts = {"rows": report.rows, "taken": report.taken, "unchanged": report.unchanged, "refused": report.refused}
    sentence = ", ".join(f"{count} {word}" for word, count in counts.items())
    say({**counts, "reasons": report.by_reason(), "notes": report.notes}, sentence, as_json=as_json)
    sys.exit(1 if report.refused else 0)


@cli.command("import-catalogue")
@located
@by_officer
@click.argument("file", type=FILE)
def import_catalogue(*, data_dir: str, database: str, claim: Claim, file: Path) -> None:
    """Goods, prices, programmes, rations and people, from JSON; refused whole if kiosks still need what it lacks."""
    place = place_of(data_dir, database)
    with acting(place, claim, "import-catalogue", Right.ACT, file_named(file), whole_city=True) as desk:
        kept = desk.store.decide(lambda tx: register.import_catalogue(tx, file, this_month()))
    click.echo("catalogue taken")
    if kept:
        click.echo(f"rations or purses changed; granted before, and as they were then: {', '.join(kept)}")


@cli.command()
@located
@by_officer
@JSON
@click.option("--any-month", is_flag=True, help="Also another than the next and those that were granted.")
@click.argument("period")
def grant(*, data_dir: str, database: str, claim: Claim, as_json: bool, any_month: bool, period: str) -> None:
    """Grant every family's ration of a PERIOD (YYYY-MM) to its home kiosk; again, nothing more is granted."""

    def work(tx: Tx) -> leases.Granted:
        if not any_month:
            with suppress(ValueError):  # `grant` says what a month looks like
                ahead.check_turn(tx, period)
        return leases.grant(tx, period, now_ms())

    place = place_of(data_dir, database)
    with acting(place, claim, "grant", Right.ACT, f"period:{period}", whole_city=True) as desk:
        done = desk.store.decide(work)
    short = (
        f"\n{done.short} rations short: their home kiosk is frozen, stopped, waited for or none, or another has them. "
        "`ewarung-city today` says how many families nobody can serve, and what to do"
        if done.short
        else ""
    )
    counts = f"{period}: {done.leases} leases, {done.credits} purse credits, {done.families} families"
    say(done, counts + short, as_json=as_json)


@cli.command()
@located
@by_officer
@JSON
@click.option(
    "--practice",
    is_flag=True,
    help="Nobody compares digits; the kiosk marks everything as practice. Not where there are officers.",
)
@click.argument("kiosk")
def enrol(*, data_dir: str, database: str, claim: Claim, as_json: bool, practice: bool, kiosk: str) -> None:
    """Print an enrolment code for a KIOSK: 24 hours, one use, five tries."""

    def issue(tx: Tx) -> str:
        if practice:
            accounts.must_be_for_practice(tx)
        return enrolment.issue_code(tx, kiosk, now_ms(), auto=practice)

    with acting(place_of(data_dir, database), claim, "enrol", Right.ACT, f"kiosk:{kiosk}") as desk:
        code = desk.store.decide(issue)
    say({"kiosk": kiosk, "code": code}, code, as_json=as_json)


@cli.command()
@located
@by_officer
@click.argument("kiosk", required=False)
@click.argument("digits", required=False)
def approve(*, data_dir: str, database: str, claim: Claim, kiosk: str | None, digits: str | None) -> None:
    """Approve a KIOSK whose screen shows the same six DIGITS; without arguments, list who waits."""
    if kiosk is not None and digits is None:
        raise click.UsageError(f"give the six DIGITS on the screen of {kiosk} too; `approve` alone lists who waits")
    about = f"kiosk:{kiosk}" if kiosk else ""
    with acting(place_of(data_dir, database), claim, "approve", Right.ACT, about) as desk:
        if kiosk is None or digits is None:
            with desk.store.read() as tx:
                there = [each for each in enrolment.pending(tx, desk.keys, now_ms()) if desk.covers(tx, each[0])]
            for device, said in there:
                click.echo(f"{device} {said}")
        else:
            desk.store.decide(lambda tx: enrolment.approve(tx, desk.keys, kiosk, digits, now_ms()))
            click.echo(f"{kiosk} approved")


@cli.command("reset-pin")
@located
@by_officer
@JSON
@click.argument("kiosk")
@click.argument("member", required=False)
def reset_pin(*, data_dir: str, database: str, claim: Claim, as_json: bool, kiosk: str, member: str | None) -> None:
    """Give a MEMBER of a KIOSK (by code) a new PIN, said once; without MEMBER, list who may have one.

    The till takes it with its next sync, and opens the account that wrong PINs locked.
    """
    command = "reset-pin" if member is not None else "members"
    with acting(place_of(data_dir, database), claim, command, Right.ACT, f"kiosk:{kiosk}") as desk:
        if member is None:
            with desk.store.read() as tx:
                there = pins.members(tx, kiosk)
            lines = (f"{one.code}: {one.name}, {one.role}{'' if one.has_pin else ', no PIN'}" for one in there)
            say(there, "\n".join(lines), as_json=as_json)
            return
        made = desk.store.decide(lambda tx: pins.reset(tx, kiosk, member))
    say(made, f"{made.name} ({kiosk}): {made.pin}", as_json=as_json)


@cli.command()
@located
@by_officer
@click.argument("kiosk")
@click.argument("epoch", type=int)
@click.argument("seq", type=int)
@click.argument("family")
def charge(*, data_dir: str, database: str, claim: Claim, kiosk: str, epoch: int, seq: int, family: str) -> None:
    """Say for which FAMILY (by key) a KIOSK gave from its pool, where `report darurat` names none: EPOCH, SEQ of it."""
    place = place_of(data_dir, database)

    def work(tx: Tx) -> int:
        desk.must_cover(tx, kiosk)
        desk.must_cover_family(tx, family)
        return reconcile.assign(tx, kiosk, epoch, seq, family)

    with acting(place, claim, "charge", Right.ACT, f"family:{family}", why=True) as desk:
        count = desk.store.decide(work)
    click.echo(f"{family}: {count} commodities charged")


@cli.command()
@located
@by_officer
@JSON
def recover(*, data_dir: str, database: str, claim: Claim, as_json: bool) -> None:
    """Say that the database was restored from a copy: nothing is granted before every active kiosk has reported."""
    with acting(place_of(data_dir, database), claim, "recover", Right.MANAGE, whole_city=True) as desk:
        waiting = desk.store.decide(leases.restored)
    say({"waiting": waiting}, f"no grants before these reported: {', '.join(waiting) or 'none'}", as_json=as_json)


@cli.command()
@located
@JSON
@click.option("--audit-head", default="", help='The audit\'s last "SEQ HASH" as somebody kept it elsewhere.')
def verify(*, data_dir: str, database: str, as_json: bool, audit_head: str) -> None:
    """Check chains, watermarks, totals, the rule of the leases, and the audit; exit code 1 names what is wrong."""
    place = place_of(data_dir, database)
    known = [audit.kept_head(place.data_dir), *([audit.read_head(audit_head)] if audit_head else [])]
    with opened(place) as (store, keys), store.read() as tx:
        findings = check(tx)
        findings += [Finding("audit", 0, seq, what) for seq, what in audit.check(tx, keys.public, known)]
        now = audit.head(tx)
    if not as_json:
        for found in findings:
            click.echo(f"{found.device}/{found.epoch} {found.seq}: {found.what}")
    say(
        {"findings": findings, "ok": not findings, "audit": {"seq": now.seq, "hash": now.hash}},
        f"{'sound' if not findings else f'{len(findings)} findings'}; audit up to {now.seq} {now.hash}",
        as_json=as_json,
    )
    sys.exit(1 if findings else 0)


cli.add_command(serve)
cli.add_command(practice)
cli.add_command(bundle)
cli.add_command(case)
cli.add_command(officer)
cli.add_command(freeze)
cli.add_command(lost)
cli.add_command(release)
cli.add_command(report)
cli.add_command(family)
cli.add_command(today)
cli.add_command(oldest_till)
cli.add_command(simulate)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every failure becomes a sentence and an exit code, a fault of ours its kind and place."""
    os.umask(0o077)  # names and addresses: what this program writes, its own account alone may read
    try:
        cli.main(args=arguments, prog_name="ewarung-city", standalone_mode=True)
    except PosError as error:
        reason = f" ({error.reason})" if error.reason else ""
        click.echo(f"{error.code}{reason}: {error.detail or error}", err=True)
        if isinstance(error, ServerBusy):
            click.echo(_BUSY, err=True)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - a fault of ours: its text, and a trace, may quote whom it was about
        from ewarung_city.logs import whereabouts

        click.echo(f"fault: {whereabouts(error)}", err=True)
        sys.exit(3)


if __name__ == "__main__":
    main()
