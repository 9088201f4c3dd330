"""The commands that serve kiosks: `serve`, and `practice` with a whole invented city behind it."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from ewarung_city import accounts, enrolment, leases, register
from ewarung_city.keys import CityKeys, load_keys
from ewarung_city.place import FILE, JSON, Place, located, now_ms, opened, place_of, say, shipped, this_month
from ewarung_city.store.database import CityStore
from ewarung_pos.errors import ConfigError

__all__ = ["practice", "serve"]

_TOKEN_LETTERS = 16
_DEFAULT_LISTEN = "127.0.0.1:8470"


@dataclass(frozen=True)
class _Watch:
    """How the server is watched: the level of its log, and the file with the token for `/metrics`."""

    level: str = "warning"
    token_file: Path | None = None

    @property
    def log_level(self) -> int:
        return logging.INFO if self.level == "info" else logging.WARNING

    @property
    def token(self) -> str:
        """The token; empty if there is none.

        Raises:
            ConfigError: too short for nobody to guess (`metrics_token`).
        """
        if self.token_file is None:
            return ""
        said = self.token_file.read_text(encoding="utf-8").strip()
        if len(said) < _TOKEN_LETTERS:
            raise ConfigError(f"{self.token_file}: {_TOKEN_LETTERS} characters or more", reason="metrics_token")
        return said

    def arguments(self) -> list[str]:
        """For each of several workers."""
        token = ["--metrics-token", str(self.token_file)] if self.token_file is not None else []
        return ["--log-level", self.level, *token]


@click.command()
@located
@JSON
@click.option("--listen", default=_DEFAULT_LISTEN, show_default=True, help="HOST:PORT; port 0 is any free one.")
@click.option("--tls-cert", type=FILE, help="PEM; needed to listen beyond this machine.")
@click.option("--tls-key", type=FILE)
@click.option("--with-stdin", is_flag=True, help="Stop when standard input ends.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes; on PostgreSQL.")
@click.option(
    "--metrics-token", "token_file", type=FILE, help="Whoever shows what this file holds reads /metrics from anywhere."
)
@click.option(
    "--log-level", type=click.Choice(["info", "warning"]), default="info", show_default=True, help="info: each request."
)
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
    token_file: Path | None,
    log_level: str,
    inherited: int,
) -> None:
    """Serve kiosks until stopped; logs JSON lines to standard error."""
    if (tls_cert is None) is not (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together: with one of them nothing would be secret")
    tls = (str(tls_cert), str(tls_key)) if tls_cert is not None and tls_key is not None else None
    place, watch = place_of(data_dir, database), _Watch(log_level, token_file)
    if inherited >= 0:
        with closing(CityStore(place.url)) as store:
            _serve_inherited(store, load_keys(place.data_dir), inherited, tls, watch)
        return
    with opened(place) as (store, keys):
        if workers == 1:
            _serve(store, keys, listen, {}, as_json=as_json, tls=tls, with_stdin=with_stdin, watch=watch)
            return
        if not store.shared:
            raise ConfigError("several workers need PostgreSQL: SQLite has one writer at a time", reason="workers")
    _serve_many(place, workers, listen, as_json=as_json, tls=tls, with_stdin=with_stdin, watch=watch)


@click.command()
@located
@click.option("--listen", default="127.0.0.1:0", show_default=True)
@click.option("--kiosk", default="EW-0001", show_default=True, help="Gets an enrolment code.")
@click.option("--period", default="", help="YYYY-MM; the current one if none.")
@click.option("--families", type=FILE)
@click.option("--kiosks", type=FILE)
@click.option("--catalogue", type=FILE)
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
    place = place_of(data_dir, database)
    period = period or this_month()
    with opened(place, make=True) as (store, keys):
        with store.write() as tx:
            accounts.must_be_for_practice(tx)
            register.import_regions(tx, shipped("semarang-kelurahan.csv"))
            register.import_catalogue(tx, catalogue or shipped("catalogue.json"), this_month())
            register.import_kiosks(tx, kiosks or shipped("kiosks.csv"))
            register.import_families(tx, families or shipped("families.csv"), keys, now_ms(), "contoh")
            leases.grant(tx, period)
            code = enrolment.issue_code(tx, kiosk, now_ms(), auto=True)
        said = {"kiosk": kiosk, "code": code, "period": period}
        _serve(store, keys, listen, said, as_json=True, tls=None, with_stdin=with_stdin, watch=_Watch())


def _serve(
    store: CityStore,
    keys: CityKeys,
    listen: str,
    said: dict[str, str],
    *,
    as_json: bool,
    tls: tuple[str, str] | None,
    with_stdin: bool,
    watch: _Watch,
) -> None:
    from ewarung_city import api, server

    socket = server.bind(listen, tls=tls is not None)
    url = server.url_of(socket, tls=tls is not None)
    app = api.build(store, keys, metrics_token=watch.token)

    def ready() -> None:
        say({"url": url, **said}, f"city at {url}", as_json=as_json)
        sys.stdout.flush()

    try:
        server.run(app, socket, tls=tls, with_stdin=with_stdin, ready=ready, log_level=watch.log_level)
    finally:
        socket.close()


def _serve_inherited(
    store: CityStore, keys: CityKeys, descriptor: int, tls: tuple[str, str] | None, watch: _Watch
) -> None:
    """One of several workers; it ends with the one that started it.

    The tables were made by that one. So a worker whose database is away begins as one whose database went away goes on,
    and asks kiosks to come back: were it to die, so would the next in its place, and the city with them.
    """
    from socket import socket

    from ewarung_city import api, server

    with socket(fileno=descriptor) as listening:
        app = api.build(store, keys, metrics_token=watch.token)
        server.run(app, listening, tls=tls, with_stdin=True, log_level=watch.log_level)


def _serve_many(
    place: Place,
    count: int,
    listen: str,
    *,
    as_json: bool,
    tls: tuple[str, str] | None,
    with_stdin: bool,
    watch: _Watch,
) -> None:
    from ewarung_city import server, workers

    counts = tempfile.TemporaryDirectory(prefix="ewarung-city-")  # where the workers add up their figures
    with counts as folder, server.bind(listen, tls=tls is not None) as listening:
        url = server.url_of(listening, tls=tls is not None)
        command = [sys.executable, "-m", "ewarung_city", "serve", "--data-dir", str(place.data_dir)]
        if tls is not None:
            command += ["--tls-cert", tls[0], "--tls-key", tls[1]]

        def ready() -> None:
            say({"url": url, "workers": count}, f"city at {url}, {count} workers", as_json=as_json)
            sys.stdout.flush()

        command += watch.arguments()
        environment = {**os.environ, "EWARUNG_CITY_DATABASE": place.url, "PROMETHEUS_MULTIPROC_DIR": folder}
        workers.run_workers(
            [*command, "--inherited"], environment, count, listening, ready=ready, with_stdin=with_stdin
        )
