"""The commands about officers: who may act for the city, and the keys that two of them sign with."""

from __future__ import annotations

from pathlib import Path

import click

from ewarung_city import accounts, cases, officers
from ewarung_city.accounts import Right, Role
from ewarung_city.acting import Claim, acting, by_officer, passphrase_of
from ewarung_city.place import FILE, JSON, located, place_of, say
from ewarung_pos.errors import NotAuthorised

__all__ = ["officer"]


@click.group()
def officer() -> None:
    """Who may act for the city, as what, and where (docs/city-admin.md).

    As long as there is nobody, whoever has the server's own account acts. From the first `add` on, every command that
    shows or changes something asks who runs it: `--as NAME`.
    """


@officer.command("add")
@located
@by_officer
@JSON
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.OFFICER.value, show_default=True)
@click.option("--region", default="", help="Only these kelurahan: the beginning of their codes, as 33.74.01.")
@click.argument("name")
def add_officer(
    *, data_dir: str, database: str, claim: Claim, as_json: bool, role: str, region: str, name: str
) -> None:
    """Take in the officer NAME; prints a passphrase once, which she replaces (`officer passphrase`)."""
    with acting(
        place_of(data_dir, database), claim, "officer add", Right.MANAGE, f"officer:{name}", whole_city=True
    ) as desk:
        said = desk.store.decide(lambda tx: accounts.add(tx, name, Role(role), region))
    say({"officer": name, "role": role, "region": region, "passphrase": said}, f"{name}: {said}", as_json=as_json)


@officer.command("list")
@located
@by_officer
@JSON
def list_officers(*, data_dir: str, database: str, claim: Claim, as_json: bool) -> None:
    """Officers, with role, part of the city, and state (new: has not chosen a passphrase yet)."""
    with acting(place_of(data_dir, database), claim, "officer list", Right.AUDIT) as desk, desk.store.read() as tx:
        there = accounts.listed(tx)
    say(there, "\n".join(f"{one.name}: {one.role} {one.region or '-'} {one.state}" for one in there), as_json=as_json)


@officer.command("passphrase")
@located
@by_officer
@click.option("--new-file", type=FILE, help="Holds the new one; else it is asked for, twice.")
def choose_passphrase(*, data_dir: str, database: str, claim: Claim, new_file: Path | None) -> None:
    """Choose your own passphrase, of 12 characters or more, in place of the one that you were given or had."""
    place = place_of(data_dir, database)
    with acting(
        place, claim, "officer passphrase", Right.FIGURES, f"officer:{claim.name}" if claim.name else "", fresh=True
    ) as desk:
        if not claim.name:
            raise NotAuthorised("whose? say --as NAME", reason="no_officer")
        chosen = passphrase_of(new_file, "New passphrase", twice=True)
        desk.store.decide(lambda tx: accounts.set_passphrase(tx, claim.name, chosen))
    click.echo(f"{claim.name}: chosen")


@officer.command("renew")
@located
@by_officer
@JSON
@click.argument("name")
def renew_passphrase(*, data_dir: str, database: str, claim: Claim, as_json: bool, name: str) -> None:
    """Give NAME a new passphrase, printed once, when she forgot hers."""
    with acting(
        place_of(data_dir, database), claim, "officer renew", Right.MANAGE, f"officer:{name}", whole_city=True
    ) as desk:
        said = desk.store.decide(lambda tx: accounts.renew(tx, name))
    say({"officer": name, "passphrase": said}, f"{name}: {said}", as_json=as_json)


@officer.command("rescue")
@located
@JSON
@click.argument("name")
def rescue(*, data_dir: str, database: str, as_json: bool, name: str) -> None:
    """Give the administrator NAME a new passphrase when no administrator has one: by the server's own account.

    It stays in the audit under that account's name.
    """
    with acting(
        place_of(data_dir, database), Claim(""), "officer rescue", Right.MANAGE, f"officer:{name}", by_server=True
    ) as desk:
        said = desk.store.decide(lambda tx: accounts.renew(tx, name, only=Role.ADMIN))
    say({"officer": name, "passphrase": said}, f"{name}: {said}", as_json=as_json)


@officer.command("lock")
@located
@by_officer
@click.argument("name")
def lock(*, data_dir: str, database: str, claim: Claim, name: str) -> None:
    """NAME acts no more, and her key signs nothing."""
    _set_state(data_dir, database, claim, name, locked=True)


@officer.command("unlock")
@located
@by_officer
@click.argument("name")
def unlock(*, data_dir: str, database: str, claim: Claim, name: str) -> None:
    """NAME may act again; she replaces her passphrase first."""
    _set_state(data_dir, database, claim, name, locked=False)


def _set_state(data_dir: str, database: str, claim: Claim, name: str, *, locked: bool) -> None:
    word = "lock" if locked else "unlock"
    with acting(
        place_of(data_dir, database), claim, f"officer {word}", Right.MANAGE, f"officer:{name}", whole_city=True
    ) as desk:
        desk.store.decide(lambda tx: accounts.set_state(tx, name, locked=locked))
        with desk.store.read() as tx:
            held, new = cases.left_by(tx, name) if locked else (0, ())
    click.echo(f"{name}: {word}ed")
    if held:
        click.echo(f'{held} open cases are hers: `case list --open --owner "{name}"`, then `case assign`')
    if new:
        click.echo(f"new cases are still hers ({', '.join(new)}): say whose with `case owner`")


@officer.command("key")
@located
@by_officer
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def make_key(*, data_dir: str, database: str, claim: Claim, name: str, file: Path) -> None:
    """Make the key of the officer NAME in a new FILE, which only its owner may hold, and register its public half.

    Where there are officers, each makes her own.
    """
    with acting(place_of(data_dir, database), claim, "officer key", Right.ACT, f"officer:{name}") as desk:
        if claim.name and claim.name != name:
            raise NotAuthorised("an officer makes her own key, and nobody else's", reason="own_key")
        public = desk.store.decide(lambda tx: officers.register_officer(tx, name, file))
    click.echo(f"{name}: {public}")


@officer.command("drop-key")
@located
@by_officer
@click.argument("name")
def drop_key(*, data_dir: str, database: str, claim: Claim, name: str) -> None:
    """The key of NAME is lost or in other hands: it signs nothing from now on. She makes a new one (`officer key`)."""
    place, about = place_of(data_dir, database), f"officer:{name}"
    with acting(place, claim, "officer drop-key", Right.MANAGE, about, whole_city=True, why=True) as desk:
        desk.store.decide(lambda tx: officers.drop_key(tx, name))
    click.echo(f"{name}: her key signs nothing any more; she makes a new one with `ewarung-city officer key`")
