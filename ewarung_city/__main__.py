"""The city's command line.

Exit codes: 0 done, 1 a check found something wrong, 2 wrong use or broken environment, 3 could not finish (nothing
lost). `--json` prints one object on the last line of standard output; logs go to stderr.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from ewarung_city import enrolment, leases, monitoring, pins, register
from ewarung_city.keys import CityKeys, load_keys, make_keys
from ewarung_city.register import ImportReport
from ewarung_city.store.database import CityStore
from ewarung_city.verify import verify as check
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError, PosError

__all__ = ["main"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line of standard output.")
_DEFAULT_LISTEN = "127.0.0.1:8470"


@dataclass(frozen=True)
class _Place:
    """Where the city's data is: a directory with its keys, and a database."""

    data_dir: Path
    database: str

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.data_dir / 'city.db'}"


def _located(function: Callable[..., Any]) -> Callable[..., Any]:
    function = click.option(
        "--database",
        envvar="EWARUNG_CITY_DATABASE",
        default="",
        help="SQLAlchemy URL; SQLite in the directory if none.",
    )(function)
    return click.option(
        "--data-dir",
        envvar="EWARUNG_CITY_DIR",
        default="",
        type=click.Path(file_okay=False),
        help="Where the city's keys (and database) live.",
    )(function)


def _place(data_dir: str, database: str) -> _Place:
    if data_dir:
        return _Place(Path(data_dir), database)
    from platformdirs import user_data_path

    return _Place(user_data_path("ewarung-city", appauthor=False), database)


@contextmanager
def _opened(place: _Place, *, make: bool = False) -> Iterator[tuple[CityStore, CityKeys]]:
    """(store, keys) of a city that `init` has made, or made now; connections are given back at the end, however."""
    keys = make_keys(place.data_dir) if make else load_keys(place.data_dir)
    with closing(CityStore(place.url)) as store:
        store.create()
        yield store, keys


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _this_month() -> str:
    return Instant(_now_ms()).date().period().iso


def _say(said: object, sentence: str, *, as_json: bool) -> None:
    click.echo(msgspec.json.encode(said).decode() if as_json else sentence)


def _shipped(name: str) -> Path:
    return Path(str(resources.files("ewarung_pos") / "resources" / "sample" / name))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """The city's side of eWarung POS: takes journals in, gives rights out."""


@cli.command()
@_located
@click.option("--regions", type=_FILE, help="Kelurahan by code (CSV); Kota Semarang's if none.")
@click.option("--catalogue", type=_FILE, help="Goods, programmes, rations and people (JSON).")
def init(*, data_dir: str, database: str, regions: Path | None, catalogue: Path | None) -> None:
    """Make the city's keys and database; run again, it changes only what the files say."""
    place = _place(data_dir, database)
    with _opened(place, make=True) as (store, keys), store.write() as tx:
        count = register.import_regions(tx, regions or _shipped("semarang-kelurahan.csv"))
        if catalogue is not None:
            register.import_catalogue(tx, catalogue, _this_month())
    click.echo(f"{place.data_dir}: {count} kelurahan, city key {keys.public.hex()}")


@cli.command("import-kiosks")
@_located
@_JSON
@click.argument("file", type=_FILE)
def import_kiosks(*, data_dir: str, database: str, as_json: bool, file: Path) -> None:
    """Kiosks and their people, from CSV."""
    with _opened(_place(data_dir, database)) as (store, _), store.write() as tx:
        report = register.import_kiosks(tx, file)
    _imported(report, as_json=as_json)


@cli.command("import-families")
@_located
@_JSON
@click.option("--source", default="", help="Where the list comes from; shown on every report.")
@click.option("--snapshot", default="", help="Its date, YYYY-MM-DD.")
@click.option("--map", "map_file", type=_FILE, help="What the list's headings do not say (TOML or JSON).")
@click.option("--sheet", default="", help="Which sheet of a workbook.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Directory for the quality report.")
@click.option("--check", is_flag=True, help="Only the quality report; nothing is taken.")
@click.argument("file", type=_FILE)
def import_families(
    *,
    data_dir: str,
    database: str,
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
    place = _place(data_dir, database)
    with _opened(place) as (store, keys):
        if not (map_file or sheet or out or check) and register.is_families_file(file):
            with store.write() as tx:
                report = register.import_families(tx, file, keys, _now_ms(), source, snapshot)
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
            _now_ms(),
            only_check=check,
        )
    _say(done.said, done.sentences, as_json=as_json)
    sys.exit(1 if done.refused else 0)


def _imported(report: ImportReport, *, as_json: bool) -> NoReturn:
    if not as_json:
        for note in report.notes:
            click.echo(f"row {note.row}: {note.severity}, {note.reason}")
    counts = {"rows": report.rows, "taken": report.taken, "unchanged": report.unchanged, "refused": report.refused}
    sentence = ", ".join(f"{count} {word}" for word, count in counts.items())
    _say({**counts, "reasons": report.by_reason(), "notes": report.notes}, sentence, as_json=as_json)
    sys.exit(1 if report.refused else 0)


@cli.command("import-catalogue")
@_located
@click.argument("file", type=_FILE)
def import_catalogue(*, data_dir: str, database: str, file: Path) -> None:
    """Goods, prices, programmes, rations and people, from JSON; refused whole if kiosks still need what it lacks."""
    with _opened(_place(data_dir, database)) as (store, _), store.write() as tx:
        register.import_catalogue(tx, file, _this_month())
    click.echo("catalogue taken")


@cli.command()
@_located
@_JSON
@click.argument("period")
def grant(*, data_dir: str, database: str, as_json: bool, period: str) -> None:
    """Grant every family's ration of a PERIOD (YYYY-MM) to its home kiosk; again, nothing more is granted."""
    with _opened(_place(data_dir, database)) as (store, _), store.write() as tx:
        done = leases.grant(tx, period)
    _say(
        done, f"{period}: {done.leases} leases, {done.credits} purse credits, {done.families} families", as_json=as_json
    )


@cli.command()
@_located
@_JSON
@click.option("--practice", is_flag=True, help="Nobody compares digits; the kiosk marks everything as practice.")
@click.argument("kiosk")
def enrol(*, data_dir: str, database: str, as_json: bool, practice: bool, kiosk: str) -> None:
    """Print an enrolment code for a KIOSK: 24 hours, one use, five tries."""
    with _opened(_place(data_dir, database)) as (store, _), store.write() as tx:
        code = enrolment.issue_code(tx, kiosk, _now_ms(), auto=practice)
    _say({"kiosk": kiosk, "code": code}, code, as_json=as_json)


@cli.command()
@_located
@click.argument("kiosk", required=False)
@click.argument("digits", required=False)
def approve(*, data_dir: str, database: str, kiosk: str | None, digits: str | None) -> None:
    """Approve a KIOSK whose screen shows the same six DIGITS; without arguments, list who waits."""
    if kiosk is not None and digits is None:
        raise click.UsageError(f"give the six DIGITS on the screen of {kiosk} too; `approve` alone lists who waits")
    with _opened(_place(data_dir, database)) as (store, keys), store.write() as tx:
        if kiosk is None or digits is None:
            for device, said in enrolment.pending(tx, keys):
                click.echo(f"{device} {said}")
        else:
            enrolment.approve(tx, keys, kiosk, digits)
            click.echo(f"{kiosk} approved")


@cli.command("reset-pin")
@_located
@_JSON
@click.argument("kiosk")
@click.argument("member", required=False)
def reset_pin(*, data_dir: str, database: str, as_json: bool, kiosk: str, member: str | None) -> None:
    """Give a MEMBER of a KIOSK (by code) a new PIN, said once; without MEMBER, list who may have one.

    The till takes it with its next sync, and opens the account that wrong PINs locked.
    """
    with _opened(_place(data_dir, database)) as (store, _):
        if member is None:
            with store.read() as tx:
                there = pins.members(tx, kiosk)
            lines = (f"{one.code}: {one.name}, {one.role}{'' if one.has_pin else ', no PIN'}" for one in there)
            _say(there, "\n".join(lines), as_json=as_json)
            return
        with store.write() as tx:
            made = pins.reset(tx, kiosk, member)
    _say(made, f"{made.name} ({kiosk}): {made.pin}", as_json=as_json)


@cli.command()
@_located
@click.argument("kiosk")
@click.argument("epoch", type=int)
@click.option("--officer", "officers", multiple=True, required=True, help="Twice: two officers sign.")
def lost(*, data_dir: str, database: str, kiosk: str, epoch: int, officers: tuple[str, ...]) -> None:
    """Two officers sign that a lost KIOSK's EPOCH will never spend again; what it had left may be granted anew."""
    with _opened(_place(data_dir, database)) as (store, _), store.write() as tx:
        count = leases.declare_lost(tx, kiosk, epoch, officers)
    click.echo(f"{count} leases released")


@cli.command()
@_located
@_JSON
def recover(*, data_dir: str, database: str, as_json: bool) -> None:
    """Say that the database was restored from a copy: nothing is granted before every active kiosk has reported."""
    with _opened(_place(data_dir, database)) as (store, _), store.write() as tx:
        waiting = leases.restored(tx)
    _say({"waiting": waiting}, f"no grants before these reported: {', '.join(waiting) or 'none'}", as_json=as_json)


@cli.command()
@_located
@_JSON
@click.option("--listen", default=_DEFAULT_LISTEN, show_default=True, help="HOST:PORT; port 0 is any free one.")
@click.option("--tls-cert", type=_FILE, help="PEM; needed to listen beyond this machine.")
@click.option("--tls-key", type=_FILE)
@click.option("--with-stdin", is_flag=True, help="Stop when standard input ends.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes; on PostgreSQL.")
@click.option("--inherited", type=int, default=-1, hidden=True, help="Descriptor of a socket that listens already.")
def serve(
    *,
    data_dir: str,
    database: str,
    as_json: bool,
    listen: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    with_stdin: bool,
    workers: int,
    inherited: int,
) -> None:
    """Serve kiosks until stopped."""
    tls = (str(tls_cert), str(tls_key)) if tls_cert is not None and tls_key is not None else None
    place = _place(data_dir, database)
    with _opened(place) as (store, keys):
        if inherited >= 0:
            _serve_inherited(store, keys, inherited, tls)
            return
        if workers == 1:
            _serve(store, keys, listen, {}, as_json=as_json, tls=tls, with_stdin=with_stdin)
            return
        if not store.shared:
            raise ConfigError("several workers need PostgreSQL: SQLite has one writer at a time", reason="workers")
    _serve_many(place, workers, listen, as_json=as_json, tls=tls, with_stdin=with_stdin)


@cli.command()
@_located
@click.option("--listen", default="127.0.0.1:0", show_default=True)
@click.option("--kiosk", default="EW-0001", show_default=True, help="Gets an enrolment code.")
@click.option("--period", default="", help="YYYY-MM; the current one if none.")
@click.option("--families", type=_FILE)
@click.option("--kiosks", type=_FILE)
@click.option("--catalogue", type=_FILE)
@click.option("--with-stdin", is_flag=True, help="Stop when standard input ends.")
def practice(
    *,
    data_dir: str,
    database: str,
    listen: str,
    kiosk: str,
    period: str,
    families: Path | None,
    kiosks: Path | None,
    catalogue: Path | None,
    with_stdin: bool,
) -> None:
    """A whole city to practise with, in one step: invented families, rations granted, a code, and the server.

    Its first line of output is a JSON object: url, kiosk, code, period.
    """
    place = _place(data_dir, database)
    period = period or _this_month()
    with _opened(place, make=True) as (store, keys):
        with store.write() as tx:
            register.import_regions(tx, _shipped("semarang-kelurahan.csv"))
            register.import_catalogue(tx, catalogue or _shipped("catalogue.json"), _this_month())
            register.import_kiosks(tx, kiosks or _shipped("kiosks.csv"))
            register.import_families(tx, families or _shipped("families.csv"), keys, _now_ms(), "contoh")
            leases.grant(tx, period)
            code = enrolment.issue_code(tx, kiosk, _now_ms(), auto=True)
        said = {"kiosk": kiosk, "code": code, "period": period}
        _serve(store, keys, listen, said, as_json=True, tls=None, with_stdin=with_stdin)


def _serve(
    store: CityStore,
    keys: CityKeys,
    listen: str,
    said: dict[str, str],
    *,
    as_json: bool,
    tls: tuple[str, str] | None,
    with_stdin: bool,
) -> None:
    from ewarung_city import api, server

    socket = server.bind(listen, tls=tls is not None)
    url = server.url_of(socket, tls=tls is not None)
    app = api.build(store, keys)

    def ready() -> None:
        _say({"url": url, **said}, f"city at {url}", as_json=as_json)
        sys.stdout.flush()

    try:
        server.run(app, socket, tls=tls, with_stdin=with_stdin, ready=ready)
    finally:
        socket.close()


def _serve_inherited(store: CityStore, keys: CityKeys, descriptor: int, tls: tuple[str, str] | None) -> None:
    """One of several workers; it ends with the one that started it."""
    from socket import socket

    from ewarung_city import api, server

    with socket(fileno=descriptor) as listening:
        server.run(api.build(store, keys), listening, tls=tls, with_stdin=True)


def _serve_many(
    place: _Place, count: int, listen: str, *, as_json: bool, tls: tuple[str, str] | None, with_stdin: bool
) -> None:
    from ewarung_city import server, workers

    with server.bind(listen, tls=tls is not None) as listening:
        url = server.url_of(listening, tls=tls is not None)
        command = [sys.executable, "-m", "ewarung_city", "serve", "--data-dir", str(place.data_dir)]
        if tls is not None:
            command += ["--tls-cert", tls[0], "--tls-key", tls[1]]

        def ready() -> None:
            _say({"url": url, "workers": count}, f"city at {url}, {count} workers", as_json=as_json)
            sys.stdout.flush()

        environment = {**os.environ, "EWARUNG_CITY_DATABASE": place.url}
        workers.run_workers(
            [*command, "--inherited"], environment, count, listening, ready=ready, with_stdin=with_stdin
        )


@cli.command()
@_located
@_JSON
def verify(*, data_dir: str, database: str, as_json: bool) -> None:
    """Check chains, watermarks, totals and the rule of the leases; exit code 1 names what is wrong."""
    with _opened(_place(data_dir, database)) as (store, _), store.read() as tx:
        findings = check(tx)
    if not as_json:
        for found in findings:
            click.echo(f"{found.device}/{found.epoch} {found.seq}: {found.what}")
    _say(
        {"findings": findings, "ok": not findings},
        "sound" if not findings else f"{len(findings)} findings",
        as_json=as_json,
    )
    sys.exit(1 if findings else 0)


@cli.command()
@_located
@_JSON
@click.argument("kind", type=click.Choice(["spj", "realisasi", "kasus", "pdp"]))
@click.argument("kiosk", default="")
@click.option("--period", default="", help="YYYY-MM; for all but pdp.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Directory for the files.")
def report(
    *, data_dir: str, database: str, as_json: bool, kind: str, kiosk: str, period: str, out: Path | None
) -> None:
    """Figures of a period: days for the SPJ attachment, realisation by kiosk and commodity, or open cases.

    `report pdp KIOSK` writes whose data a lost KIOSK held, for the notice within 3 x 24 hours (UU 27/2022 art. 46).
    """
    place = _place(data_dir, database)
    if (kind == "pdp") is not bool(kiosk) or (kind == "pdp") is bool(period):
        raise click.UsageError("report pdp KIOSK, or another report with --period YYYY-MM")
    if kind == "pdp":
        _report_held_data(place, kiosk, out or place.data_dir / "papers", as_json=as_json)
        return
    with _opened(place) as (store, _):
        rows: list[msgspec.Struct]
        shape: type[msgspec.Struct]
        with store.read() as tx:
            if kind == "spj":
                rows, shape = list(monitoring.days(tx, period)), monitoring.DayRow
            elif kind == "realisasi":
                rows, shape = list(monitoring.realisation(tx, period)), monitoring.RealisationRow
            else:
                rows, shape = list(monitoring.cases(tx, period)), monitoring.CaseRow
    text = monitoring.as_csv(rows, shape)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"{kind}-{period}.csv"
        path.write_text(text, encoding="utf-8")
        _say({"rows": len(rows), "file": str(path)}, f"{path}: {len(rows)} rows", as_json=as_json)
    else:
        _say(rows, text.rstrip("\n"), as_json=as_json)


def _report_held_data(place: _Place, kiosk: str, out: Path, *, as_json: bool) -> None:
    from ewarung_city import breach

    with _opened(place) as (store, _), store.read() as tx:
        inventory = breach.inventory_of(tx, kiosk, Instant(_now_ms()))
    done = breach.write_papers(inventory, out)
    sentence = (
        f"{kiosk}: {done['families']} families, notice before {done['notice_before']}\n{done['csv']}\n{done['pdf']}"
    )
    _say(done, sentence, as_json=as_json)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every expected failure becomes a sentence and an exit code."""
    os.umask(0o077)  # names and addresses: what this program writes, its own account alone may read
    try:
        cli.main(args=arguments, prog_name="ewarung-city", standalone_mode=True)
    except PosError as error:
        reason = f" ({error.reason})" if error.reason else ""
        click.echo(f"{error.code}{reason}: {error.detail or error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
