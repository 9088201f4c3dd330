"""When grants wait: after the city was restored from a backup, and for a kiosk that claims more than it proves."""

from __future__ import annotations

import secrets

from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx

__all__ = [
    "LATER",
    "LIFE",
    "OWES",
    "all_doubted",
    "answer",
    "divide",
    "divided",
    "doubt",
    "doubted",
    "heard",
    "is_lost",
    "lived",
    "lose",
    "outlived",
    "owes",
    "question",
    "recovering",
    "restored",
    "waits_for",
]

OWES = "owes|"
"""Settings `owes|DEVICE|EPOCH`: what an enrolment still has to answer since the database was restored (`owes`)."""

LIFE = "life"
"""Setting: the question of the newest restore; empty before the first. Pages carry it, so that a till which has heard
of it takes none that a database which is gone had given, however late it comes."""

_LIVES = "lives"
"""Setting: the lives before that one, the newest first, and those of others that kiosks were served by meanwhile."""

_REMEMBERED = 200

_LOST = "lost|"
"""Settings `lost|DEVICE|EPOCH`: the two officers who signed that this enrolment will never spend again."""

LATER = "later|"
"""Settings `later|...`: what waits for the end of a recovery (`settle.resume`). That name alone says that kiosks were
served by another database meanwhile (`divide`)."""


def owes(said: str, acked_seq: int) -> bool:
    """Whether an enrolment has still to show a restored city what it was given.

    Args:
        said: the city's question, with the head that the kiosk answered it with after a space.
        acked_seq: how far the city holds its journal.
    """
    _, _, head = said.partition(" ")
    return not head or int(head) > acked_seq


def doubt(tx: Tx, device: str, epoch: int, head_seq: int) -> None:
    """This enrolment claims more than it proves: nothing is granted to it before its journal is here up to there."""
    tx.set(f"doubt|{device}|{epoch}", str(head_seq))


def doubted(tx: Tx, device: str, epoch: int) -> bool:
    """Whether this enrolment still owes the journal that would show what it was granted."""
    owed = int(tx.setting(f"doubt|{device}|{epoch}") or 0)
    held = tx.one(schema.epoch, device=device, epoch=epoch) if owed else None
    return held is not None and owed > int(held["acked_seq"])


def all_doubted(tx: Tx) -> set[str]:
    """Kiosks whose current enrolment still owes the journal that would show what they were granted."""
    return {
        str(row["device"])
        for row in tx.all(schema.epoch, state="active")
        if doubted(tx, row["device"], int(row["epoch"]))
    }


def restored(tx: Tx, device: str = "", epoch: int = 0) -> list[str]:
    """This database is a copy from before: nothing is granted until every active kiosk has shown what it was given.

    Each is asked a question that nothing said before can hold, and answers it with the head of its journal: everything
    that it took from a database that is gone lies below. It has shown it once the city holds the journal up to there.
    A late greeting answers nothing, and no clock takes part. Being enrolled again does not answer either; two officers
    do, for an enrolment that is lost.

    A kiosk that was told more than the copy knows makes the city find that out by itself, but only once it greets.

    Args:
        tx: a write transaction.
        device: another enrolment to be asked, active or frozen; not one that is lost, whose journal nobody takes.
        epoch: its epoch.

    Returns:
        Who is waited for.
    """
    asked = {(str(row["device"]), int(row["epoch"])) for row in tx.all(schema.epoch, state="active")}
    if device and not is_lost(tx, device, epoch):
        asked.add((device, epoch))
    question = secrets.token_hex(16)
    _remember(tx, tx.setting(LIFE))
    tx.set(LIFE, question)
    for whose, number in sorted(asked):
        tx.set(f"{OWES}{whose}|{number}", question)
    return recovering(tx)


def _remember(tx: Tx, life: str) -> None:
    """As one that is over; so many of them that nobody can have slept through all."""
    lives = [one for one in (life, *tx.setting(_LIVES).split(",")) if one]
    tx.set(_LIVES, ",".join(lives[:_REMEMBERED]))


def lose(tx: Tx, device: str, epoch: int, officers: str) -> None:
    """These officers signed that the enrolment will never spend again: nobody waits for it any more."""
    tx.set(f"{_LOST}{device}|{epoch}", officers)
    tx.remove(schema.city, name=f"{OWES}{device}|{epoch}")


def is_lost(tx: Tx, device: str, epoch: int) -> bool:
    """Whether two officers declared this enrolment lost."""
    return bool(tx.setting(f"{_LOST}{device}|{epoch}"))


def waits_for(tx: Tx, held: Row, acked_seq: int) -> bool:
    """Whether this database knows already what an enrolment proves that was told more: that it is a copy.

    Args:
        tx: a write transaction.
        held: the enrolment's row. One that is lost is not waited for, and is news once: when it proves first that the
            city held more of it.
        acked_seq: up to where it was acknowledged, which it proves. What it has proved before is no news.
    """
    device, epoch = str(held["device"]), int(held["epoch"])
    if is_lost(tx, device, epoch):
        return acked_seq <= int(held["claimed_seq"]) or int(held["claimed_seq"]) > int(held["acked_seq"])
    return f"{device}/{epoch}" in recovering(tx) and (
        acked_seq <= int(held["claimed_seq"]) or not outlived(tx, device, epoch, acked_seq)
    )


def lived(tx: Tx, life: str) -> bool:
    """Whether a life that a kiosk has heard of is this city's or an earlier one; else this database is a copy again."""
    return life in {"", tx.setting(LIFE), *tx.setting(_LIVES).split(",")}


def divide(tx: Tx, life: str) -> None:
    """A kiosk has heard of a life that this database, which has just asked everybody, never had.

    So another one may have granted to somebody else what this one granted and could not tell any more. Until all have
    shown what they hold nothing is told, and what was not told by then goes back where it is granted twice. That life
    is known from now on: others who were served in it are no news.
    """
    tx.set(LATER, life)
    _remember(tx, life)


def divided(tx: Tx) -> bool:
    """Whether nothing may be told, because another database may have granted it to somebody else."""
    return bool(tx.setting(LATER)) and bool(recovering(tx))


def outlived(tx: Tx, device: str, epoch: int, acked_seq: int) -> bool:
    """Whether what the city acknowledged to an enrolment reaches as far as it answered, while the city waits for that.

    Its head was above everything acknowledged when it answered, so a database that is gone has waited no more: this one
    is a copy of the time between, and may know less of others.
    """
    _, _, head = tx.setting(f"{OWES}{device}|{epoch}").partition(" ")
    return bool(head) and acked_seq >= int(head)


def recovering(tx: Tx) -> list[str]:
    """Kiosks that must answer before a database restored from a backup may grant again; empty when it may."""
    return [f"{device}/{epoch}" for device, epoch, owed in _asked(tx) if owed]


def heard(tx: Tx) -> None:
    """Forget of whom all is known that was asked."""
    for device, epoch, owed in _asked(tx):
        if not owed:
            tx.remove(schema.city, name=f"{OWES}{device}|{epoch}")


def _asked(tx: Tx) -> list[tuple[str, int, bool]]:
    """Each enrolment that was asked, and whether it still owes something."""
    asked = []
    for row in tx.starting(schema.city, "name", OWES, "name"):
        _, device, epoch = str(row["name"]).split("|")
        held = tx.one(schema.epoch, device=device, epoch=int(epoch))
        acked = int(held["acked_seq"]) if held is not None else 0
        asked.append((device, int(epoch), not is_lost(tx, device, int(epoch)) and owes(str(row["value"]), acked)))
    return asked


def question(tx: Tx, device: str, epoch: int, acked_seq: int, repeated: str) -> str:
    """What a restored city asks this enrolment until its journal is here up to the head that it answered with.

    A till that stopped after its answer knows by it that what it has not sent is waited for, also where that is nothing
    which it would send for its own sake. One that has just `repeated` it knows.
    """
    said = tx.setting(f"{OWES}{device}|{epoch}")
    asked = said.partition(" ")[0]
    return asked if said and owes(said, acked_seq) and asked != repeated else ""


def answer(tx: Tx, device: str, epoch: int, question: str, head_seq: int) -> None:
    """The kiosk repeats the question: all that it was given before is in its journal, at most at `head_seq`.

    Where it has proved since that a longer one was acknowledged, the answer comes from before that.
    """
    if question and tx.setting(f"{OWES}{device}|{epoch}") == question:
        held = tx.one(schema.epoch, device=device, epoch=epoch)
        least = int(held["claimed_seq"]) if held is not None else 0
        tx.set(f"{OWES}{device}|{epoch}", f"{question} {max(head_seq, least)}")
