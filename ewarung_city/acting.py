"""Who runs a command: the options that say so, the proof, whether the role allows it, and what is written down."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from ewarung_city import accounts, ahead, audit
from ewarung_city.accounts import Officer, Right, Role
from ewarung_city.audit import Act
from ewarung_city.keys import CityKeys
from ewarung_city.place import FILE, Place, now_ms, opened
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_pos.errors import ConfigError, NotAuthorised, PosError

__all__ = ["Claim", "Desk", "acting", "by_officer", "file_named", "passphrase_of"]

_PASSPHRASE = "EWARUNG_OFFICER_PASSPHRASE"  # noqa: S105 - the name of a variable
_TODAY = "today"
"""The command that says by itself what waits."""
_LONG_NUMBER = re.compile(r"(?:\d[ ./-]?){8}")
_REASON_LETTERS = 200
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


@dataclass(frozen=True)
class Claim:
    """Who says to be running a command, where the proof is, and why."""

    name: str
    file: Path | None = None
    reason: str = ""


def by_officer(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say who runs it; it gets them as `claim`."""

    @wraps(function)
    def told(*, acting_as: str, passphrase_file: Path | None, because: str, **rest: object) -> object:
        return function(claim=Claim(acting_as, passphrase_file, because), **rest)

    for option in (
        click.option(
            "--reason", "because", default="", help="Why names are looked at, or somebody's right is changed; no names."
        ),
        click.option(
            "--passphrase-file",
            type=FILE,
            help=f"Holds the officer's passphrase; else {_PASSPHRASE} in the environment does, else it is asked for.",
        ),
        click.option("--as", "acting_as", envvar="EWARUNG_OFFICER", default="", help="The officer who runs this."),
    ):
        told = option(told)
    return told


@dataclass
class Desk:
    """An open city, and the officer at it. `subject` is what the act turned out to be about."""

    store: CityStore
    keys: CityKeys
    officer: Officer
    subject: str

    def covers(self, tx: Tx, kiosk: str) -> bool:
        """Whether that kiosk is in this officer's part of the city; so is one that does not exist."""
        if not self.officer.region:
            return True
        row = tx.one(schema.kiosk, device=kiosk)
        return row is None or self.officer.covers(row["kelurahan_code"])

    def must_cover(self, tx: Tx, kiosk: str) -> None:
        """See to it that it is.

        Raises:
            NotAuthorised: it is not (`region`).
        """
        if not self.covers(tx, kiosk):
            raise NotAuthorised(f"{kiosk} is outside of {self.officer.region}", reason="region")

    def must_cover_family(self, tx: Tx, key: str) -> None:
        """See to it that this family, if there is one, lives in the officer's part of the city.

        Raises:
            NotAuthorised: it does not (`region`).
        """
        row = tx.one(schema.family, key=key)
        if row is not None and not self.officer.covers(row["kelurahan_code"]):
            raise NotAuthorised(f"this family lives outside of {self.officer.region}", reason="region")


@contextmanager
def acting(
    place: Place,
    claim: Claim,
    command: str,
    right: Right,
    subject: str = "",
    *,
    whole_city: bool = False,
    why: bool = False,
    fresh: bool = False,
    by_server: bool = False,
    make: bool = False,
) -> Iterator[Desk]:
    """A city's desk for one act, which is written down before it begins and when it ends, however it does.

    Args:
        place: where the city is.
        claim: who says to act.
        command: what for.
        right: what the role must allow.
        subject: what it is about (`audit.Act`); a `kiosk:` must be in the officer's part of the city.
        whole_city: only for officers of all of it.
        why: a reason must be given, where there are officers.
        fresh: also for an officer who has not chosen a passphrase yet.
        by_server: the server's own account acts, officers or not.
        make: the city may be new.

    Raises:
        NotAuthorised: nobody who may.
        ConfigError: no passphrase (`no_passphrase`), or a reason that is missing, too long or has a number (`reason`).
    """
    with opened(place, make=make) as (store, keys):
        began = now_ms()
        officer = _server()
        try:
            officer = officer if by_server else _who(store, claim)
            desk = Desk(store, keys, officer, subject)
            _allow(desk, claim, right, whole_city=whole_city, why=why, fresh=fresh)
        except PosError as error:
            known = officer.name if officer.name == claim.name else _known(store, claim.name)
            act = Act(0, began, known, "", command, _plain(store, subject), outcome=_refused(error))
            audit.begin(store, keys, place.data_dir, act)
            raise
        act = Act(0, began, officer.name, officer.role, command, _plain(store, subject), claim.reason)
        begun = audit.begin(store, keys, place.data_dir, act)
        outcome = "failed"
        try:
            yield desk
            outcome = "done"
        except SystemExit as ended:
            outcome = f"exit {ended.code}" if ended.code else "done"
            raise
        except PosError as error:
            outcome = _refused(error)
            raise
        finally:
            audit.end(store, keys, place.data_dir, begun, now_ms(), _plain(store, desk.subject), outcome)
        if command != _TODAY:
            _remind(desk)


def _remind(desk: Desk) -> None:
    """At a terminal, whoever may grant hears of a month that waits for it, whatever she came for."""
    if desk.officer.region or not desk.officer.may(Right.ACT) or not _heard_at_terminal():
        return
    with suppress(PosError), desk.store.read() as tx:
        for month in ahead.due(tx, now_ms()):
            for line in ahead.sentences(month):
                click.echo(line, err=True)


def _refused(error: PosError) -> str:
    return f"refused {error.reason or error.code}"


def _plain(store: CityStore, subject: str) -> str:
    """The subject, if there is such a thing: a number or a name that was typed in its place does not stay here."""
    kind, _, said = subject.partition(":")
    with store.read() as tx:
        if kind == "kiosk":
            there = tx.one(schema.kiosk, device=said) is not None
        elif kind == "family":
            there = tx.one(schema.family, key=said) is not None
        elif kind == "officer":
            there = tx.one(schema.officer, name=said) is not None
        elif kind == "period":
            there = _MONTH.fullmatch(said) is not None
        else:
            there = kind in {"", "file"}
    return subject if there else f"{kind}:?"


def _server() -> Officer:
    """Whoever has the account that the program runs under."""
    try:
        import pwd

        name = pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, AttributeError, KeyError):
        name = str(os.getuid()) if hasattr(os, "getuid") else "-"
    return Officer(f"server:{name}", Role.ADMIN)


def _known(store: CityStore, name: str) -> str:
    """The name if it is an officer's; what was typed in its place may be anything."""
    with store.read() as tx:
        return name if tx.one(schema.officer, name=name) is not None else "?"


def _who(store: CityStore, claim: Claim) -> Officer:
    with store.read() as tx:
        guarded = accounts.any_officer(tx)
    if not guarded:
        return _server()
    if not claim.name:
        raise NotAuthorised("this city has officers: say which one with --as NAME", reason="no_officer")
    return accounts.sign_in(store, claim.name, passphrase_of(claim.file, "Passphrase"), now_ms())


def passphrase_of(file: Path | None, prompt: str, *, twice: bool = False) -> str:
    """A passphrase: out of a file that its owner alone can read, out of the environment, or asked for.

    Raises:
        ConfigError: there is none (`no_passphrase`), or others can read the file (`key_exposed`).
    """
    if file is not None:
        if sys.platform != "win32" and file.stat().st_mode & 0o077:
            raise ConfigError(f"{file} must be readable by its owner alone (0600)", reason="key_exposed")
        try:
            return file.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: no text in UTF-8 that can be read", reason="no_passphrase") from error
    if not twice and (said := os.environ.get(_PASSPHRASE, "")):
        return said
    if not _at_terminal():
        raise ConfigError("no passphrase: give a file with it, or answer at a terminal", reason="no_passphrase")
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True))


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _heard_at_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _allow(desk: Desk, claim: Claim, right: Right, *, whole_city: bool, why: bool, fresh: bool) -> None:
    officer, guarded = desk.officer, not desk.officer.name.startswith("server:")
    if officer.state == "new" and not fresh:
        raise NotAuthorised("choose a passphrase first: `ewarung-city officer passphrase`", reason="passphrase_new")
    if not officer.may(right):
        raise NotAuthorised(f"a {officer.role} may not do this", reason="role")
    if whole_city and officer.region:
        raise NotAuthorised(f"{officer.name} acts for {officer.region} alone", reason="region")
    kind, _, said = desk.subject.partition(":")
    if kind == "kiosk" and officer.region:
        with desk.store.read() as tx:
            desk.must_cover(tx, said)
    if len(claim.reason) > _REASON_LETTERS or _LONG_NUMBER.search(claim.reason):
        raise ConfigError("--reason: up to 200 letters, and no number of anybody's", reason="reason")
    if why and guarded and not claim.reason.strip():
        raise ConfigError("--reason: say why", reason="reason")


def file_named(file: Path) -> str:
    """How the audit names a file: by what is in it, for its name may be somebody's.

    Raises:
        ConfigError: it cannot be read (`file`).
    """
    try:
        with file.open("rb") as content:
            return f"file:{hashlib.file_digest(content, 'sha256').hexdigest()[:16]}"
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", reason="file") from error
