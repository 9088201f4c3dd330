"""The commands about cases: whose they are, what the kiosk said, and how they ended."""

from __future__ import annotations

import click

from ewarung_city import accounts, monitoring
from ewarung_city.accounts import Right
from ewarung_city.acting import Claim, acting, by_officer
from ewarung_city.cases import CLOSED, OPEN, Case, Step, history, is_there, set_owner_of_new, take_step
from ewarung_city.place import JSON, is_month, located, now_ms, place_of, say
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError, NotAuthorised, NotEntitled

__all__ = ["case"]

_BY = click.option(
    "--by", "officer", default="", help="The officer who does this; whoever --as names, where there are officers."
)
_WHY = "What was found or said; no names, no numbers."


@click.group()
def case() -> None:
    """What a person of the city should look at: an indication, not a verdict.

    A case is named by KIOSK, EPOCH, SEQ and REASON, as `case list` shows it.
    """


def _whose(claim: Claim, said: str) -> str:
    """In whose name this is done: whoever proved who she is, and nobody else.

    Raises:
        NotAuthorised: another's (`officer_other`).
    """
    if claim.name and said not in {"", claim.name}:
        raise NotAuthorised("an officer acts in her own name", reason="officer_other")
    return claim.name or said


def _owner(tx: Tx, said: str) -> str:
    """Whoever is to have a case, where there are officers one of them: nobody looks for a name that is mistyped.

    Raises:
        ConfigError: no officer, or one who is locked (`officer_unknown`).
    """
    name = " ".join(said.split())
    if name and not accounts.is_at_work(tx, name):
        raise ConfigError(f"{name} is no officer who is at work (`officer list`)", reason="officer_unknown")
    return name


@case.command("list")
@located
@by_officer
@JSON
@click.option("--open", "only_open", is_flag=True, help="Not those that are closed.")
@click.option("--owner", default=None, help="Those of this officer; of nobody if empty.")
@click.option("--kiosk", default="", help="Those of this kiosk.")
@click.option("--period", default="", help="YYYY-MM; all if none.")
def list_cases(
    *,
    data_dir: str,
    database: str,
    claim: Claim,
    as_json: bool,
    only_open: bool,
    owner: str | None,
    kiosk: str,
    period: str,
) -> None:
    """Cases, oldest first (CSV)."""
    if period and not is_month(period):
        raise click.UsageError(f"--period {period!r}: expected YYYY-MM")
    about = f"kiosk:{kiosk}" if kiosk else ""
    place = place_of(data_dir, database)
    with acting(place, claim, "case list", Right.EVIDENCE, about) as desk, desk.store.read() as tx:
        if kiosk and tx.one(schema.kiosk, device=kiosk) is None:
            raise NotEntitled(f"no kiosk {kiosk}", reason="unknown_kiosk")
        wanted = ({"device": kiosk} if kiosk else {}) | ({"owner": owner} if owner is not None else {})
        rows = [
            row
            for row in monitoring.cases(tx, period, **wanted)
            if not (only_open and row.state == CLOSED) and desk.covers(tx, row.device)
        ]
    say(rows, monitoring.as_csv(rows, monitoring.CaseRow).rstrip("\n"), as_json=as_json)


@case.command("owner")
@located
@by_officer
@_BY
@click.option("--kiosk", default="", help="Only of this kiosk.")
@click.argument("owner")
def owner_of_new_cases(*, data_dir: str, database: str, claim: Claim, officer: str, kiosk: str, owner: str) -> None:
    """From now on every new case is OWNER's; so is each that is not closed and nobody's."""
    about = f"kiosk:{kiosk}" if kiosk else ""
    with acting(place_of(data_dir, database), claim, "case owner", Right.ACT, about, whole_city=not kiosk) as desk:
        by = _whose(claim, officer)
        count = desk.store.decide(lambda tx: set_owner_of_new(tx, _owner(tx, owner), by, now_ms(), kiosk))
    click.echo(f"{owner}: new cases{f' of {kiosk}' if kiosk else ''}, and {count} that were nobody's")


def _step(name: str, did: str, summary: str, *, whose: bool = False) -> None:
    """A command that takes one step of one case."""

    def command(
        *,
        data_dir: str,
        database: str,
        claim: Claim,
        as_json: bool,
        officer: str,
        why: str,
        kiosk: str,
        epoch: int,
        seq: int,
        reason: str,
        owner: str = "",
    ) -> None:
        about = Case(kiosk, epoch, seq, reason)
        place = place_of(data_dir, database)
        with acting(place, claim, f"case {name}", Right.ACT, f"kiosk:{kiosk}") as desk:
            by = _whose(claim, officer)
            done: Step = desk.store.turn(
                kiosk, lambda tx: take_step(tx, about, did, by, why, now_ms(), _owner(tx, owner))
            )
        say(done, f"{kiosk}/{epoch}/{seq} {reason}: {did} by {done.officer}, {done.owner}'s", as_json=as_json)

    for option in (
        click.argument("reason"),
        click.argument("seq", type=int),
        click.argument("epoch", type=int),
        click.argument("kiosk"),
        click.option("--why", default="", help=_WHY) if whose else click.option("--why", required=True, help=_WHY),
        _BY,
        JSON,
    ):
        command = option(command)
    if whose:
        command = click.option("--to", "owner", required=True, help="The officer whose case it is from now on.")(
            command
        )
    case.command(name, help=summary)(located(by_officer(command)))


_step("assign", "assigned", "Give a case to an officer.", whose=True)
_step("answer", "answered", "The kiosk answered: what it said.")
_step("close", CLOSED, "Close a case: what was found.")
_step("reopen", "reopened", f"Make a closed or answered case {OPEN} again.")


@case.command("show")
@located
@by_officer
@JSON
@click.argument("kiosk")
@click.argument("epoch", type=int)
@click.argument("seq", type=int)
@click.argument("reason")
def show_case(
    *, data_dir: str, database: str, claim: Claim, as_json: bool, kiosk: str, epoch: int, seq: int, reason: str
) -> None:
    """What was done with a case, step by step."""
    place = place_of(data_dir, database)
    with acting(place, claim, "case show", Right.EVIDENCE, f"kiosk:{kiosk}") as desk, desk.store.read() as tx:
        about = Case(kiosk, epoch, seq, reason)
        if not is_there(tx, about):
            raise ConfigError(f"no case {reason} at {kiosk}/{epoch}/{seq} (`case list`)", reason="unknown_case")
        steps = history(tx, about)
    lines = [
        f"{each.step}. {Instant(each.at_ms).date().iso} {each.did} by {each.officer}, {each.owner}'s"
        f"{f': {each.why}' if each.why else ''}"
        for each in steps
    ]
    say(steps, "\n".join(lines) or "nothing was done yet", as_json=as_json)
