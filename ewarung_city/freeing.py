"""The commands that stop a kiosk, and by which two officers free it, or what it held."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from ewarung_city import accounts, forks, leases, officers
from ewarung_city.accounts import Right
from ewarung_city.acting import Claim, acting, by_officer
from ewarung_city.forks import Released
from ewarung_city.officers import Signed
from ewarung_city.place import JSON, located, now_ms, place_of, say
from ewarung_city.store.database import Tx

__all__ = ["freeze", "lost", "release"]

_TWO = click.option("--officer", "named", multiple=True, required=True, help="NAME=KEYFILE, twice: two officers sign.")


@click.command()
@located
@by_officer
@click.argument("kiosk")
@click.argument("epoch", type=int)
@_TWO
def lost(*, data_dir: str, database: str, claim: Claim, kiosk: str, epoch: int, named: tuple[str, ...]) -> None:
    """Two officers sign that a lost KIOSK's EPOCH will never spend again; what it had left may be granted anew.

    Where nobody is an officer or has a key (`officer add`, `officer key`), two names are enough.
    """

    def declare(tx: Tx) -> int:
        words = _words(tx, named, lambda name, file: officers.sign_lost(tx, kiosk, epoch, name, file))
        if words is None:
            return leases.declare_lost(tx, kiosk, epoch, named)
        return officers.declare_lost(tx, kiosk, epoch, words)

    with acting(place_of(data_dir, database), claim, "lost", Right.ACT, f"kiosk:{kiosk}", why=True) as desk:
        count = desk.store.decide(declare)
    click.echo(f"{count} leases released")


@click.command()
@located
@by_officer
@click.argument("kiosk")
def freeze(*, data_dir: str, database: str, claim: Claim, kiosk: str) -> None:
    """A KIOSK is gone: it gets nothing from now on, and what it holds stays frozen until two officers sign (`lost`)."""
    with acting(place_of(data_dir, database), claim, "freeze", Right.ACT, f"kiosk:{kiosk}") as desk:
        epoch = desk.store.decide(lambda tx: officers.freeze(tx, kiosk))
    click.echo(f"{kiosk}/{epoch} is frozen")


@click.command()
@located
@by_officer
@JSON
@click.argument("kiosk")
@click.argument("epoch", type=int)
@_TWO
def release(
    *,
    data_dir: str,
    database: str,
    claim: Claim,
    as_json: bool,
    kiosk: str,
    epoch: int,
    named: tuple[str, ...],
) -> None:
    """Two officers sign which journal stands of a KIOSK's EPOCH that has two pasts (FORK): the city's, no other.

    From then on it is granted to again, and its cases are closed. A machine with the other past must be out of use: it
    is found again at its next greeting, and the kiosk is stopped again. Needs --reason.
    """

    def declare(tx: Tx) -> Released:
        words = _words(tx, named, lambda name, file: officers.sign_release(tx, kiosk, epoch, name, file))
        by = claim.name or named[0].partition("=")[0]
        if words is None:
            return forks.release(tx, kiosk, epoch, named, by, claim.reason, now_ms())
        return officers.release(tx, kiosk, epoch, words, by, claim.reason, now_ms())

    with acting(place_of(data_dir, database), claim, "release", Right.ACT, f"kiosk:{kiosk}", why=True) as desk:
        done = desk.store.decide(declare)
    what = f"{kiosk}/{epoch} goes on after entry {done.acked_seq}, {done.acked_hash[:12]}; {done.cases} cases closed"
    waits = "; its grants wait for entries that it has not sent" if done.waits else ""
    say(done, what + waits, as_json=as_json)


def _words(tx: Tx, named: tuple[str, ...], sign: Callable[[str, Path], Signed]) -> list[Signed] | None:
    """What these officers sign, each with her key file; None in a city where two names are enough."""
    if not officers.has_keys(tx) and not accounts.any_officer(tx):
        return None
    given = (each.partition("=") for each in named)
    return [sign(name, Path(file)) for name, _, file in given]
