"""What both ways of sending share: no key in a text, and no answer believed without the city's signature."""

from __future__ import annotations

from pathlib import Path

import pytest

from ewarung_pos.errors import Unauthorised
from ewarung_pos.sync import signing
from ewarung_pos.sync.outgoing import check_ack, is_signed, speaker
from ewarung_pos.sync.protocol import Ack, Outcome, ack_text
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
