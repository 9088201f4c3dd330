"""What the search begins with: for each target some sound inputs, made here, so that no bytes lie in the tree."""

from __future__ import annotations

import functools
import json
import operator
import struct

from ewarung_pos.devices.ecr_codec import EcrRequest, build_request
from ewarung_pos.devices.ipp import Operation, request
from ewarung_pos.devices.poselink_codec import encipher
from ewarung_pos.devices.simulated.poselink_messages import SECRET
from ewarung_pos.sync import bundle, packing, protocol
from ewarung_pos.sync.signing import public_of

__all__ = ["ANSWERS", "READER", "SIGNER", "seeds"]

SIGNER, READER = bytes(range(32)), bytes(range(32, 64))
"""Private keys of whoever wrote the bundles here, and of whoever reads them."""


_ATTEMPT = "01930b3f-6f2a-7c11-8f00-dc0c0c07398f"
_CARD = b"6013014455667785"


def _response(kind: bytes, code: bytes) -> bytes:
    body = bytearray(b" " * 200)
    body[0] = 1
    for at, text in (
        (1, kind + b"000006250000"),
        (15, b"0" * 12 + b"************7788"),
        (46, b"0000" + code + b"000000000009" + b"123456" + b"20261124094100"),
        (84, b"MERCHANT0000001TERM0001N"),
        (150, b"000123000007"),
    ):
        body[at : at + len(text)] = text
    return bytes(body)


def _frame(body: bytes) -> bytes:
    covered = b"\x02\x00" + body + b"\x03"
    return b"\x02" + covered + bytes([functools.reduce(operator.xor, covered)])


def _like_a_nak(body: bytes) -> bytes:
    """An answer whose last byte is a NAK, by a filler that nobody judges."""
    end = _frame(body)[-1] ^ 0x15 ^ body[-1]
    return _frame(body[:-1] + bytes([end]))


ANSWERS = (_frame(_response(b"01", b"00")), _like_a_nak(_response(b"01", b"00")))
"""Of an EDC, both sound."""


def _tlv(tag: str, value: bytes) -> bytes:
    return bytes.fromhex(tag) + bytes([len(value)]) + value


def _said(*answers: bytes) -> bytes:
    return b"".join(bytes([len(answer)]) + answer for answer in answers)


def _poselink(**fields: str) -> bytes:
    told = {
        "action": "Sale",
        "method": "purchase",
        "trx_id": _ATTEMPT,
        "status": "success",
        "rc": "00",
        "msg": "Transaction success",
        "amount": "62500",
        "approval": "123456",
        "trace_number": "000123",
        "batch_number": "000007",
        "reference_number": "000000000009",
        "acq_mid": "000001234567890",
        "acq_tid": "10203040",
        "pan": "6013 01** **** 7788",
    }
    return json.dumps(told | fields).encode()


def _chip() -> bytes:
    aid = bytes.fromhex("A0000006021010")
    directory = _tlv("6F", _tlv("84", b"1PAY.SYS.DDF01") + _tlv("A5", _tlv("88", b"\x01")))
    entry = _tlv("70", _tlv("61", _tlv("4F", aid)))
    application = _tlv("6F", _tlv("84", aid) + _tlv("A5", _tlv("9F38", bytes.fromhex("9F1A02"))))
    options = _tlv("80", bytes.fromhex("1800") + bytes.fromhex("08010100"))
    record = _tlv("70", _tlv("5A", bytes.fromhex(_CARD.decode())) + _tlv("5F24", bytes.fromhex("281231")))
    ok = b"\x90\x00"
    return _said(directory + ok, entry + ok, b"\x6a\x83", application + ok, options + ok, record + ok)


def _key(code: int, value: int) -> bytes:
    return struct.pack("@llHHi", 0, 0, 1, code, value)


def seeds(name: str) -> tuple[bytes, ...]:
    """Inputs of that target; at least one."""
    sale, declined, echo = (_response(b"01", b"00"), _response(b"01", b"51"), _response(b"17", b"00"))
    track = b";" + _CARD + b"=28122010000000000?"
    known: dict[str, tuple[bytes, ...]] = {
        "ecr_frames": (b"\x06" + _frame(sale), b"\x15", b"\x02\x7f\x03" + _frame(declined) + _frame(echo)),
        "ecr_pauses": (
            b"\x01\x06\xfe\x00\x01\x15",
            b"\x04\x02\x02\x00\x01\x00\x01\x15\x00\xff",
            bytes([204]) + ANSWERS[1][:-1] + b"\x00\x01\x15",
            b"\x02\x7f\x15\x00\xfd" + bytes(253) + b"\xff\x01\x15",
        ),
        "ecr_responses": (sale, declined, echo),
        "ecr_requests": (b"ABCDEF012345", build_request(EcrRequest(type="17", version=3))),
        "chip_objects": (_tlv("70", _tlv("5A", _CARD[:8]) + _tlv("9F38", b"\x9f\x1a\x02")), b"\x5a\x81\x02ab"),
        "chip_walk": (_chip(), _said(b"\x6a\x82"), _said(b"\x61\x05", b"\x6c\x08", b"\x90\x00")),
        "stripe_tracks": (track + b"\r", b"%B" + _CARD + b"^SITI^2812201?" + track + b"4\r\n", b";12=3?\r"),
        "typed_keys": (
            b"".join(_key(39, 1) + _key(39, 0) + _key(number, 1) for number in (7, 2, 13, 53, 28)),
            _key(42, 2),
        ),
        "printer_answers": (
            _said(b"", b"\x16", b"", b"\x12", b"", b"\x12"),
            _said(b"\x16", b"", b"\x00\x12", b"", b"\x32", b"", b"\x7e"),
            _said(b"", b"\x1e", b"", b"\x52", b"", b"\x12", b"", b"\x1a"),
            _said(b"", b""),
        ),
        "poselink_answers": (
            _poselink(),
            _poselink(status="failed", rc="51", approval="N/A"),
            _poselink(action="Void", amount="N/A"),
            _poselink(status="failed", rc="N/A", msg="Transaction not found", action="Check Trx"),
            b"EDC is busy",
        ),
        "poselink_requests": (
            encipher(b'{"action":"Sale","amount":1,"trx_id":"T1","time_stamp":"2026-11-24 09:41:07"}', SECRET).encode(),
            _ATTEMPT.encode(),
        ),
        "ipp_answers": (
            b"\x02\x00\x00\x00\x00\x00\x00\x01\x02\x21\x00\x06job-id\x00\x04\x00\x00\x00\x07\x03",
            request(Operation.GET_JOB_ATTRIBUTES, 1, "ipp://127.0.0.1/ipp/print", {}),
        ),
        "journal_entries": _ENTRIES,
        "sync_messages": tuple(bytes([number]) + body for number, body in enumerate(_MESSAGES)),
        "sync_expansion": (packing.pack(b"{}"), packing.pack(b"a" * 5000)),
        "carried_bundles": (_bundle(), b"\x00\x01\x00\x02{}", b"\x00\x02\x00\x00"),
        "carried_records": (b'\x00\x17{"target":"/v1/push"}   rest', b"\x00\x00"),
        "paper_codes": (
            b"EW1:T:EW-0001:1:52:0928F1220A2DCA41:1:2026-11-30:1279500",
            b"EW1:T:%C3%A9:1:52:0928F1220A2DCA41:1:2026-02-28:0",
            b"EW1:",
        ),
    }
    return known[name]


_ENTRIES = (
    (
        b'{"boot":"5f0c0a52-0001-4000-8000-000000000001","date":"","device":"EW-0000","epoch":1,"fact":{"app_version":"0.1.0",'
        b'"city_key":"157d35d428ddd2e7b4e7609995a785beba3d921f54398c9e917e9ba218d29ccf","device_key":"c3b9f5e0f842601f26f08c03'
        b'1b70feb173b7cc5f66899160c9aa867fbf72cd21","kelurahan":"","kelurahan_code":"33.74.01.1010","kind":"KioskEnrolled",'
        b'"name":"e-Warung Contoh","practice":false,"reason":""},"id":"01a20af2-9600-7b86-b273-ff34fce19d6b",'
        b'"instant":1795480000000,"monotonic":60000,"operator":"","seq":1}'
    ),
    b"{}",
    b"[" * 3000,
)
_HASH, _SIGNED = "ab" * 32, "cd" * 64
_KIOSK = '"device":"EW-0001","epoch":1'
_MESSAGES = tuple(
    text.encode()
    for text in (
        f'{{"code_id":"ABCD","proof":"{_HASH}","device_key":"{_HASH}","wrap_key":"{_HASH}","app_version":"0.1.0"}}',
        (
            f'{{{_KIOSK},"name":"n","kelurahan_code":"k","kelurahan":"k","practice":false,"city_key":"{_HASH}","next_key":"",'
            f'"card_key":"x","cursor":0,"server_ms":1}}'
        ),
        (
            f'{{{_KIOSK},"head_seq":9,"head_hash":"{_HASH}","acked_seq":0,"acked_hash":"","cursor":1,"schema":1,'
            f'"app_version":"0.1.0","wall_ms":1,"monotonic_ms":1,"boot":"b"}}'
        ),
        f'{{"acked_seq":9,"acked_hash":"{_HASH}","cursor":1,"server_ms":1}}',
        f'{{{_KIOSK},"first_seq":1,"prev_hash":"{_HASH}","entries":[{{}}],"head_hash":"{_HASH}","signature":"{_SIGNED}"}}',
        f'{{"outcome":"{next(iter(protocol.Outcome))}","acked_seq":9,"acked_hash":"{_HASH}","server_ms":1}}',
        f'{{{_KIOSK},"date":"2026-11-24","first_seq":1,"last_seq":9,"head":"{_HASH}","totals":{{}},"differs":[],"server_ms":1}}',
        f'{{{_KIOSK},"request":"r-1","card":"{_HASH}","period":"2026-11"}}',
        f'{{"request":"r-1","outcome":"{next(iter(protocol.GrantOutcome))}"}}',
        '{"status":409,"title":"No","reason":"schema"}',
    )
)


def _bundle() -> bytes:
    header = bundle.Header(
        way=next(iter(bundle.Way)), city=_HASH, device="EW-0001", epoch=1, id="0f" * 16, created_s=1_795_480_000
    )
    said = (bundle.Message("POST /v1/hello", b"{}"), bundle.Message("GET /v1/pull", b"", 200, {"signature": "x"}))
    return bundle.write(header, said, SIGNER, public_of(READER))
