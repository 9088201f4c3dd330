"""Nothing that a fault script may say of an EDC is without effect: what it answers differs, in bytes or in time."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ewarung_pos.devices.simulated.edc_bank import Bank, Card
from ewarung_pos.devices.simulated.edc_behaviour import Edc, HangUp
from ewarung_pos.devices.simulated.faults import EDC, POSELINK, FaultScript, Vocabulary
from ewarung_pos.devices.simulated.poselink_behaviour import PoseLinkEdc
from tests.unit.devices.ecr_by_table import request
from tests.unit.devices.scripted_link import KEY, SECRET

CARDS = (
    Card("1", "6013014455667788", "Siti Aminah", "active", 100_000),
    Card("2", "6013010000004563", "Budi Santoso", "active", 50_000),
)
Said = list[tuple[float, object]]

FRAMES = {
    "sale": request(type=b"01", amount=b"000000500000", reff=b"AAAAAAAAAAAA"),
    "void": request(type=b"08", cancel_reason=b"02", invoice=b"000001", reff=b"BBBBBBBBBBBB"),
    "inquiry": request(type=b"33", amount=b"000000500000", reff=b"AAAAAAAAAAAA"),
    "settle": request(type=b"10", reff=b"CCCCCCCCCCCC"),
    "echo": request(version=b"\x03", type=b"17"),
    "card": request(type=b"40"),
}
ACTIONS = {"sale": ("Sale", "a"), "void": ("Void", "b"), "inquiry": ("Check Trx", "a"), "settle": ("Settlement", "c")}


def sealed(kind: str) -> str:
    """A message as a till sends it."""
    action, name = ACTIONS[kind]
    told = {"action": action, "trx_id": name, "amount": 5_000, "trace_number": "000001", "method": "purchase"}
    plain = json.dumps(told | {"pos_address": "EW", "time_stamp": "2026-11-24 09:41:00"}).encode()
    pad = 16 - len(plain) % 16
    cipher = Cipher(algorithms.AES(KEY), modes.ECB()).encryptor()  # noqa: S305 - the vendor's
    return base64.b64encode(cipher.update(plain + bytes([pad]) * pad) + cipher.finalize()).decode()


def until_still(edc: Any, out: Callable[[float], Sequence[object]], now: float) -> Said:
    """What an EDC says from now on, and when."""
    said: Said = []
    while True:
        edc.advance(now)
        said += [(round(now, 6), "<hangup>" if isinstance(what, HangUp) else what) for what in out(now)]
        due = edc.next_due()
        if due is None:
            return said
        now = max(now, due)


def ecr(faults: list[dict[str, Any]], kind: str) -> Said:
    """A sale, unless it is asked for, and then this request, repeated once and answered with NAK in the end."""
    edc = Edc(Bank(CARDS), FaultScript.of(faults), autopilot=False)
    said: Said = []
    for what, now in (("sale", 100.0), (kind, 200.0), (kind, 300.0)) if kind != "sale" else ((kind, 200.0),):
        edc.insert("1", now)
        edc.feed(FRAMES[what], now)
        said += until_still(edc, edc.due, now)
    edc.feed(b"\x15", 400.0)
    return said + until_still(edc, edc.due, 400.0)


def poselink(faults: list[dict[str, Any]], kind: str) -> Said:
    edc = PoseLinkEdc(Bank(CARDS), FaultScript.of(faults, POSELINK), secret=SECRET, autopilot=False)
    said: Said = []
    for what, now in (("sale", 100.0), (kind, 200.0)) if kind != "sale" else ((kind, 200.0),):
        edc.insert("1", now)
        edc.hear(1, sealed(what), now)
        said += until_still(edc, lambda then: [said for _, said in edc.due(then)], now)
    return said


@pytest.fixture(autouse=True)
def clock_of_the_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("edc_bank", "edc_frames"):
        monkeypatch.setattr(f"ewarung_pos.devices.simulated.{place}.now_stamp", lambda: "20261124094100")


def may(words: Vocabulary, wire: set[str]) -> list[tuple[str, str]]:
    """Each request of this wire with each deed that may be asked for at it."""
    return [
        (kind, name)
        for kind in sorted(words.kinds & wire)
        for name, deed in sorted(words.deeds.items())
        if not deed.kinds or kind in deed.kinds
    ]


plain_ecr = functools.cache(functools.partial(ecr, []))
plain_poselink = functools.cache(functools.partial(poselink, []))


@pytest.mark.parametrize(("kind", "deed"), may(EDC, set(FRAMES)))
def test_a_deed_of_the_edc_is_seen_on_its_line(kind: str, deed: str) -> None:
    assert ecr([{"on": kind, "do": deed}], kind) != plain_ecr(kind)


@pytest.mark.parametrize(("kind", "deed"), may(POSELINK, set(ACTIONS)))
def test_a_deed_of_pose_link_is_seen_on_its_line(kind: str, deed: str) -> None:
    assert poselink([{"on": kind, "do": deed}], kind) != plain_poselink(kind)


def test_each_request_is_answered_where_nothing_goes_wrong() -> None:
    """Else a fault of a request that never ended well would show by nothing."""
    for kind in FRAMES:
        assert any(isinstance(what, bytes) and what[53:55] == b"00" for _, what in plain_ecr(kind)), kind
    for kind in ACTIONS:
        assert any(isinstance(what, str) and '"rc": "00"' in what for _, what in plain_poselink(kind)), kind
