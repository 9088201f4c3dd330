"""What both ways of sending share: no key in a text, and no answer believed without the city's signature."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ewarung_pos.errors import Unauthorised
from ewarung_pos.sync import signing
from ewarung_pos.sync.outgoing import check_ack, is_signed, speaker
from ewarung_pos.sync.protocol import BATCH_ENTRIES, MESSAGE_BYTES, SCHEMA, Ack, Flag, Hello, Outcome, ack_text, encode
from tests.till_kit import till_kit

CITY, OTHER = bytes(range(32)), bytes(range(1, 33))


def test_a_speaker_shows_no_key_and_an_answer_is_the_citys_or_none(tmp_path: Path) -> None:
    kit = till_kit(tmp_path, families=1)
    reader = kit.ledger.read()
    who = reader.identity()
    assert who is not None
    said = speaker(reader, who, "http://127.0.0.1:1", "", lambda: 0)
    said.city.close()
    kit.ledger.close()
    assert repr(said) == "Speaker()"

    text = ack_text(who.device, who.epoch, 3, "ab" * 32, 5, ())
    right = signing.sign(CITY, text).hex()
    check_ack(signing.public_of(CITY), who, Ack(Outcome.ACCEPTED, 3, "ab" * 32, 5, signature=right))
    for wrong in ("", "no hex", "ab" * 64, signing.sign(OTHER, text).hex()):
        assert not is_signed(signing.public_of(CITY), text, wrong)
        with pytest.raises(Unauthorised):
            check_ack(signing.public_of(CITY), who, Ack(Outcome.ACCEPTED, 3, "ab" * 32, 5, signature=wrong))


def test_a_greeting_can_carry_whatever_the_city_flagged_of_a_batch() -> None:
    """One that the city refuses for its length would be the kiosk's last."""
    flagged = tuple((seq, flag.value) for seq in range(1, BATCH_ENTRIES + 1) for flag in Flag)
    hello = Hello("EW-0001", 1, 0, "00" * 32, 0, "", 0, SCHEMA, "1", 1, 1, "boot", ack_flagged=flagged)
    body = encode(hello)
    assert msgspec.json.decode(body, type=Hello) == hello
    assert len(body) < MESSAGE_BYTES
