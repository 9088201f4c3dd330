"""Rights on request against a scripted city on loopback: what is believed of an answer, and what of it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardRef
from ewarung_pos.domain.journal import RightsGranted, decode, genesis
from ewarung_pos.domain.rights import grant_text
from ewarung_pos.domain.timeline import Period
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import ClockSuspect, ProtocolMismatch, ServerBusy, ServerUnreachable, Unauthorised
from ewarung_pos.ports import RightsAnswer, RightsWish
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.protocol import Grant, GrantOutcome, GrantRequest, Mode, Problem, Welcome, encode
from ewarung_pos.sync.signing import public_of, sign
from tests.till_kit import TillKit, till_kit
from tests.unit.sync.line import CITY, Reply, Seen, served

OTHER = bytes(range(2, 34))
CARD = CardRef("ab" * 32, "9105")
LEASE = LeaseGrant("K90001", "JATAH", "2026-11", "beras", Unit.GRAM, 5_000)
WISH = RightsWish("r-1", CARD, Period("2026-11"))


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[TillKit]:
    kit = till_kit(tmp_path, families=3)
    with kit.ledger.write() as uow:
        uow.put_secret("city_key", public_of(CITY))
    yield kit
    kit.ledger.close()


def granted(kit: TillKit, key: bytes = CITY, **changed: Any) -> Grant:
    guest = msgspec.structs.replace(kit.families[0], key="K90001", home="EW-0002", card=CARD)
    fields: dict[str, Any] = {
        "request": "r-1", "outcome": GrantOutcome.GRANTED, "serial": 7, "family": guest, "leases": (LEASE,),
    } | changed  # fmt: skip
    said = Grant(**fields)
    key_of = said.family.key if said.family is not None else ""
    text = grant_text("EW-0001", 1, said.request, said.serial, key_of, said.leases, home=said.home)
    return msgspec.structs.replace(said, signature=sign(key, text).hex())


def asked(
    kit: TillKit, answer: Callable[[Seen], Reply], wish: RightsWish = WISH, mode: Mode = Mode.NORMAL
) -> tuple[RightsAnswer, list[Seen]]:
    """The answer, and what was asked after the greeting."""
    welcome = Welcome(0, "", 0, kit.clock.ms, mode)

    def say(seen: Seen) -> Reply:
        return Reply(body=encode(welcome)) if seen.url.endswith("/hello") else answer(seen)

    with served(say) as (url, seen):
        engine = SyncEngine(kit.ledger, kit.clock, url)
        try:
            return engine.ask(wish), seen[1:]
        finally:
            engine.close()


def test_what_is_granted_is_in_the_journal_under_the_citys_signature(kit: TillKit) -> None:
    said = granted(kit)
    answer, (seen,) = asked(kit, lambda _: Reply(body=encode(said)))
    assert answer == RightsAnswer("granted", family=said.family)
    assert msgspec.json.decode(seen.body, type=GrantRequest) == GrantRequest(
        "EW-0001", 1, "r-1", CARD.token, "2026-11", acked_seq=0, acked_hash=genesis("EW-0001", 1).hex()
    )
    (row,) = kit.ledger.read().sealed(kit.ledger.read().head().seq - 1, 1, 1)
    fact = decode(row.body).fact
    assert isinstance(fact, RightsGranted)
    assert (fact.leases, fact.signature, fact.home) == ((LEASE,), said.signature, False)
    assert [lease.rest for lease in kit.redeem.identify(CARD).leases] == [5_000]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (Grant("r-1", GrantOutcome.WAITING, kiosk="e-Warung Mawar"), RightsAnswer("waiting", "", "e-Warung Mawar")),
        (Grant("r-1", GrantOutcome.NOTHING, reason="exhausted"), RightsAnswer("nothing", "exhausted")),
    ],
)
def test_what_is_not_granted_changes_nothing(kit: TillKit, said: Grant, answer: RightsAnswer) -> None:
    head = kit.ledger.read().head()
    wish = msgspec.structs.replace(WISH, withdraw=True, home=True)
    got, (seen,) = asked(kit, lambda _: Reply(body=encode(said)), wish)
    assert got == answer
    told = msgspec.json.decode(seen.body, type=GrantRequest)
    assert (told.withdraw, told.home) == (True, True)
    assert kit.ledger.read().head() == head


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"request": "r-2"}, ProtocolMismatch),
        ({"family": None}, ProtocolMismatch),
        ({"leases": (msgspec.structs.replace(LEASE, family="K00001"),)}, ProtocolMismatch),
        ({"leases": (msgspec.structs.replace(LEASE, granted=-1),)}, ProtocolMismatch),
        ({"key": OTHER}, Unauthorised),
    ],
)
def test_an_answer_that_is_not_to_this_wish_or_not_signed_changes_nothing(
    kit: TillKit, changed: dict[str, Any], kind: type[Exception]
) -> None:
    head = kit.ledger.read().head()
    said = granted(kit, **changed)
    with pytest.raises(kind):
        asked(kit, lambda _: Reply(body=encode(said)))
    assert kit.ledger.read().head() == head


def test_another_card_than_the_one_on_the_counter_is_not_believed(kit: TillKit) -> None:
    said = granted(kit)
    with pytest.raises(ProtocolMismatch):
        asked(kit, lambda _: Reply(body=encode(said)), msgspec.structs.replace(WISH, card=kit.families[1].card))


def test_a_signed_refusal_for_the_clock_is_about_the_clock(kit: TillKit) -> None:
    with pytest.raises(ClockSuspect):
        asked(kit, lambda _: Reply(409, body=encode(Problem(409, "Not now", "clock"))))
    with pytest.raises(ProtocolMismatch):
        asked(kit, lambda _: Reply(409, body=encode(Problem(409, "Not now", "other"))))


def test_a_journal_that_may_be_an_old_one_asks_again_after_the_next_greeting(kit: TillKit) -> None:
    with pytest.raises(ServerBusy) as caught:
        asked(kit, lambda _: Reply(409, body=encode(Problem(409, "Not now", "behind"))))
    assert caught.value.reason == "behind"


def test_a_till_that_a_person_has_to_look_at_asks_for_nothing(kit: TillKit) -> None:
    with pytest.raises(Unauthorised) as caught:
        asked(kit, lambda _: Reply(500), mode=Mode.UPLOAD_ONLY)
    assert caught.value.reason == "upload_only"


def test_without_a_city_there_is_no_line(kit: TillKit) -> None:
    engine = SyncEngine(kit.ledger, kit.clock, "")
    with pytest.raises(ServerUnreachable):
        engine.ask(WISH)
