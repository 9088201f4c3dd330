"""The simulated EDC by itself: bytes and time in, bytes out."""

from __future__ import annotations

import functools
import json
import operator
from pathlib import Path

import pytest

from ewarung_pos.devices.simulated.edc_bank import Bank, Card, read_cards
from ewarung_pos.devices.simulated.edc_behaviour import Edc, HangUp
from ewarung_pos.devices.simulated.faults import FaultScript
from ewarung_pos.devices.simulated.tray import answer
from ewarung_pos.errors import ConfigError

CANARY = "6013014455667788"
CARDS = (
    Card("1", CANARY, "Siti Aminah", "active", 100_000),
    Card("2", "6013010000004563", "Budi Santoso", "active", 50_000),
    Card("3", "6013010000009990", "Tini Lestari", "active", 50_000, expiry="2001"),
)


def ask(
    type_: str, amount: int = 0, *, version: int = 1, cancel: str = "00", invoice: str = "000000", ref: str = ""
) -> bytes:
    body = f"{type_}{amount * 100:012d}{'0' * 12}{' ' * 23}{cancel}{invoice}{' ' * 6}  N{' ' * 5}{' ' * 12}{ref:<12}"
    covered = b"\x01\x50" + bytes([version]) + body.ljust(149).encode() + b"\x03"
    return b"\x02" + covered + bytes([functools.reduce(operator.xor, covered)])


class Desk:
    """An EDC and its clock."""

    def __init__(
        self,
        faults: list[dict[str, object]] | None = None,
        *,
        autopilot: bool = True,
        pin: str = "auto",
        lost_s: float | None = None,
    ) -> None:
        self.bank = Bank(CARDS)
        self.edc = Edc(
            self.bank,
            FaultScript.of(faults or []),
            pin_mode=pin,
            delay_s=0.1,
            autopilot=autopilot,
            autopilot_s=0.2,
            lost_s=lost_s,
        )
        self.now = 100.0

    def say(self, data: bytes) -> bytes:
        self.edc.feed(data, self.now)
        return self.hear()

    def hear(self, seconds: float = 0.0) -> bytes:
        end = self.now + seconds
        out = b""
        while True:
            self.edc.advance(self.now)
            for what in self.edc.due(self.now):
                out += b"<hangup>" if isinstance(what, HangUp) else what
            due = self.edc.next_due()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
        self.now = end
        return out


def field(frame: bytes, offset: int, width: int) -> str:
    return frame[3 + offset : 3 + offset + width].decode().strip()


def test_echo_of_the_derived_vector() -> None:
    frame = ask("17", version=3)
    assert frame[-1] == 0x19
    desk = Desk()
    assert desk.say(frame) == b"\x06"
    reply = desk.hear(0.1)
    assert len(reply) == 205
    assert reply[:4] == b"\x02\x02\x00\x03"
    assert reply[-2] == 0x03
    assert functools.reduce(operator.xor, reply[1:]) == 0
    assert (field(reply, 1, 2), field(reply, 50, 2)) == ("17", "00")


def test_request_may_come_in_pieces_and_behind_noise() -> None:
    desk = Desk()
    assert [desk.say(bytes([b])) for b in b"\xff\x00" + ask("17")][-1] == b"\x06"


@pytest.mark.parametrize("place", [2, 20, 153, 154])
def test_damaged_request_gets_a_nak(place: int) -> None:
    frame = bytearray(ask("01", 5))
    frame[place] ^= 0x40
    desk = Desk()
    assert desk.say(bytes(frame)) == b"\x15"
    assert desk.hear(1) == b""


def test_half_a_request_is_forgotten() -> None:
    desk = Desk()
    desk.say(ask("01", 5)[:90])
    desk.hear(2)
    assert desk.say(ask("17")) == b"\x06"


def test_lrc_that_looks_like_nak_is_data() -> None:
    frame = ask("08", invoice="000123")
    assert frame[-1] == 0x15
    desk = Desk()
    assert desk.say(frame) == b"\x06"
    assert field(desk.hear(1), 50, 2) == "25"


def test_card_information_carries_the_number_and_a_sale_only_its_end() -> None:
    desk = Desk(autopilot=False)
    assert desk.say(ask("40")) == b"\x06"
    assert desk.hear(10) == b""
    desk.edc.insert("1", desk.now)
    assert field(desk.hear(1), 27, 19) == CANARY
    desk.say(ask("01", 1_000))
    reply = desk.hear(1)
    assert field(reply, 27, 19) == "************7788"
    assert field(reply, 3, 12) == "000000100000"


def test_new_request_supersedes_a_waiting_card_request() -> None:
    desk = Desk(autopilot=False)
    desk.say(ask("40"))
    assert desk.say(ask("17")) == b"\x06"
    assert field(desk.hear(1), 1, 2) == "17"
    desk.edc.insert("1", desk.now)
    assert desk.hear(1) == b""


def test_nobody_inserts_a_card() -> None:
    desk = Desk(autopilot=False)
    desk.say(ask("40"))
    assert field(desk.hear(61), 50, 2) == "TO"
    desk.say(ask("01", 5))
    assert field(desk.hear(61), 50, 2) == "P3"


def test_expired_card_and_amounts_that_are_none() -> None:
    desk = Desk(autopilot=False)
    desk.edc.insert("3", desk.now)
    desk.say(ask("01", 5))
    assert field(desk.hear(1), 50, 2) == "54"
    desk.say(ask("01", 0))
    assert field(desk.hear(1), 50, 2) == "13"
    odd = bytearray(ask("01", 5))
    odd[3 + 14] ^= 1
    odd[-1] ^= 1
    desk.say(bytes(odd))
    assert field(desk.hear(1), 50, 2) == "30"
    desk.say(ask("31", 5))
    assert field(desk.hear(1), 50, 2) == "12"


def test_response_is_repeated_after_a_nak_and_not_after_an_ack() -> None:
    desk = Desk()
    desk.say(ask("17"))
    reply = desk.hear(1)
    assert desk.say(b"\x15") == reply
    assert desk.say(b"\x06") == b""
    assert desk.say(b"\x15") == b""


def test_request_that_comes_while_busy_waits() -> None:
    desk = Desk()
    desk.say(ask("01", 5))
    assert desk.say(ask("17")) == b""
    out = desk.hear(1)
    assert out[4:6] == b"01"
    assert out[205:206] == b"\x06"
    assert out[206 + 4 : 206 + 6] == b"17"


def test_pin_prompt_listens_to_keys_only() -> None:
    desk = Desk(autopilot=False, pin="face")
    desk.edc.press("1", desk.now)
    desk.edc.insert("1", desk.now)
    desk.say(ask("01", 1_000))
    assert desk.edc.face() == {
        "lines": ["EDC SIMULASI", "Rp 1.000", "MASUKKAN PIN"],
        "asks_pin": True,
        "slip": None,
        "next_sale": "ok",
    }
    for key in ("1", "2", "ok", "clear", "x", *"654321", "7", "ok"):
        desk.edc.press(key, desk.now)
    assert desk.edc.face()["asks_pin"] is False
    assert field(desk.hear(1), 50, 2) == "00"
    desk.say(ask("01", 1_000))
    assert field(desk.hear(61), 50, 2) == "P3"


def test_a_slip_is_voided_by_hand_once_and_only_between_sales() -> None:
    desk = Desk(autopilot=False)
    desk.edc.insert("1", desk.now)
    desk.say(ask("01", 1_000))
    assert desk.edc.void("000001") == "busy"
    desk.hear(1)
    slip = desk.edc.face()["slip"]
    assert (slip["kind"], slip["amount"]) == ("sale", 1_000)
    assert desk.edc.void("no such") == "25"
    assert [desk.edc.void(slip["invoice"]) for _ in range(2)] == ["00", "12"]
    assert desk.edc.face()["slip"]["kind"] == "void"
    assert desk.edc.totals() == {"approved": 1_000, "voided": 1_000}


def test_another_card_is_debited_and_named() -> None:
    desk = Desk([{"on": "sale", "nth": 1, "do": "other_card"}], autopilot=False)
    desk.edc.insert("1", desk.now)
    desk.say(ask("01", 1_000))
    shown = field(desk.hear(1), 27, 19)[-4:]
    assert shown == desk.edc.face()["slip"]["last4"]
    desk.edc.insert("1", desk.now)
    desk.say(ask("01", 1_000))
    assert field(desk.hear(1), 27, 19)[-4:] != shown


def test_fault_strikes_the_nth_or_every_so_many() -> None:
    script = FaultScript.of([{"on": "sale", "nth": 2, "do": "short"}, {"on": "any", "every": 3, "do": "split"}])
    struck = [sorted(script.strike(kind)) for kind in ("sale", "card", "sale", "sale", "card", "void")]
    assert struck == [[], [], ["short", "split"], [], [], ["split"]]


@pytest.mark.parametrize(("lost_s", "broken"), [(None, b""), (3.0, b"<hangup>")])
def test_a_lost_answer_is_silence_unless_the_line_is_told_to_break(lost_s: float | None, broken: bytes) -> None:
    desk = Desk(lost_s=lost_s)
    desk.edc.next_sale("lose_answer")
    desk.edc.insert("1", desk.now)
    assert desk.edc.face()["next_sale"] == "lose_answer"
    assert desk.say(ask("01", 5)) == b"\x06"
    assert desk.edc.face()["next_sale"] == "ok", "it is used up"
    assert desk.hear(2.9) == b""
    assert desk.hear(60) == broken
    assert desk.bank.totals() == {"approved": 5, "voided": 0}
    desk.edc.insert("1", desk.now)
    desk.say(ask("01", 6))
    assert field(desk.hear(60), 50, 2) == "00"  # only once


def test_refused_request_counts_once() -> None:
    desk = Desk([{"on": "sale", "nth": 1, "do": "nak", "count": 2}, {"on": "sale", "nth": 2, "do": "decline"}])
    frame = ask("01", 5)
    assert [desk.say(frame) for _ in range(3)] == [b"\x15", b"\x15", b"\x06"]
    assert field(desk.hear(1), 50, 2) == "00"
    desk.say(frame)
    assert field(desk.hear(1), 50, 2) == "05"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"do": "hangup_after_ack"}, b"\x06<hangup>"),
        ({"do": "silence"}, b""),
        ({"do": "glue_ack"}, b""),
    ],
)
def test_faults_before_the_response(fault: dict[str, object], expected: bytes) -> None:
    assert Desk([{"on": "any", **fault}]).say(ask("17")) == expected


@pytest.mark.parametrize(
    "rows",
    [
        [{"do": "explode"}],
        [{"do": "split", "on": "moon"}],
        [{"do": "split", "unknown": 1}],
        [{"on": "sale"}],
        [{"do": "split", "nth": -1}],
        [{"do": "split", "nth": "first"}],
    ],
)
def test_fault_script_that_is_not_understood(rows: list[dict[str, object]]) -> None:
    with pytest.raises(ConfigError):
        FaultScript.of(rows)


def test_fault_script_from_files(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(json.dumps([{"on": "sale", "do": "short"}]))
    (tmp_path / "f.toml").write_text('[[fault]]\non = "sale"\ndo = "short"\n')
    for name in ("f.json", "f.toml"):
        assert list(FaultScript.read(tmp_path / name).strike("sale")) == ["short"]
    (tmp_path / "bad.json").write_text("{")
    for name in ("bad.json", "missing.json"):
        with pytest.raises(ConfigError):
            FaultScript.read(tmp_path / name)


def test_journal_is_the_memory_of_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    bank = Bank(CARDS, path)
    sold = bank.sale(CARDS[1], 30_000, "A", "00", moved=True)
    kept = bank.sale(CARDS[1], 5_000, "B", "00", moved=True)
    bank.void(kept.invoice, "C")
    with path.open("ab") as file:
        file.write(b'{"kind":"sale","ref":"torn')
    again = Bank(CARDS, path)
    assert again.find("A") == sold
    assert again.totals() == {"approved": 35_000, "voided": 5_000}
    assert again.batch_total() == 30_000
    assert again.verdict(CARDS[1], 20_000) == "00"
    assert again.verdict(CARDS[1], 20_001) == "51"
    third = again.sale(CARDS[1], 1, "D", "00", moved=True)
    assert third.rrn not in {sold.rrn, kept.rrn}
    assert Bank(CARDS, path).find("D") == third
    assert CANARY not in path.read_text()


def test_unreadable_journal_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text("not a journal\n")
    with pytest.raises(ConfigError):
        Bank(CARDS, path)


def test_settlement_is_repeated_under_its_reference_only() -> None:
    bank = Bank(CARDS)
    bank.sale(CARDS[0], 30_000, "A", "00", moved=True)
    first = bank.settle("R1")
    assert first.amount == 30_000
    assert bank.settle("R1") == first
    assert bank.settle("R2").amount == 0


def test_bad_families_name_the_row_and_not_the_number(tmp_path: Path) -> None:
    path = tmp_path / "families.csv"
    path.write_text(f"card_number,name\n{CANARY},A\n{CANARY}X,B\n")
    with pytest.raises(ConfigError) as caught:
        read_cards(path)
    assert "baris 2" in str(caught.value)
    assert CANARY not in str(caught.value)
    path.write_text("card_number,name\n")
    with pytest.raises(ConfigError):
        read_cards(path)


def test_repr_shows_no_number() -> None:
    desk = Desk()
    desk.say(ask("40"))
    assert CANARY not in repr(CARDS) + repr(desk.edc._task)


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b'{"do": "dance"}', b'{"do": "insert"}', b'{"do": "slip", "amount": "x"}', b"\xff"]
)
def test_tray_answers_nonsense_with_an_error(line: bytes) -> None:
    assert b"error" in answer(Desk().edc, line, 0.0)
