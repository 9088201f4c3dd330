from __future__ import annotations

import base64
import datetime as dt
import json
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.devices.poselink_codec import (
    Action,
    Note,
    NoteKind,
    PoseReply,
    PoseRequest,
    encipher,
    read_reply,
    seal,
    trx_id_of,
)

# The vector of devices.md; its secret is invented.
SECRET = "unit-test-secret"
KEY = "a8e6ea9e77cd178ecc184aa2d3df5513"
PLAIN = b'{"action":"Sale","amount":62500,"trx_id":"T1","method":"purchase"}'
SEALED = "w9FCbPyWMv7WaS2s6T7I/D0hLvJq3AQFrNIvO6A9x9IHZ1JpTMcgf8sbTRsbVjjLgVdta2S3CRAgMiJSUb0rP9Qy6/A62dGzVysLSefmbxc="
AT = dt.datetime(2026, 11, 24, 9, 41, 7, tzinfo=dt.timezone(dt.timedelta(hours=7)))

openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")


def by_openssl(*arguments: str, given: bytes) -> bytes:
    command = ["openssl", "enc", *arguments, "-aes-128-ecb", "-K", KEY, "-base64", "-A"]
    return subprocess.run(command, input=given, capture_output=True, check=True, timeout=30).stdout


@openssl
def test_cipher_has_the_published_vector() -> None:
    digest = subprocess.run(["openssl", "dgst", "-sha1"], input=SECRET.encode(), capture_output=True, check=True).stdout
    assert digest.split()[-1].decode()[:32] == KEY
    assert encipher(PLAIN, SECRET) == SEALED


@openssl
@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 200])
def test_openssl_enciphers_the_same(length: int) -> None:
    plain = bytes(range(32, 127)) * 3
    assert encipher(plain[:length], SECRET).encode() == by_openssl(given=plain[:length])


@openssl
@pytest.mark.parametrize("action", Action)
def test_openssl_and_a_stranger_read_what_is_sent(action: Action) -> None:
    request = PoseRequest(action, "0190-a", AT, "EW-0001", amount=62_500, trace="000123", reference="000000000009")
    read = json.loads(by_openssl("-d", given=seal(request, SECRET).encode()))
    common = {"action": action, "trx_id": "0190-a", "pos_address": "EW-0001", "time_stamp": "2026-11-24 09:41:07"}
    more: dict[Action, dict[str, Any]] = {
        Action.SALE: {"amount": 62_500, "method": "purchase"},
        Action.CHECK: {"method": "purchase"},
        Action.SETTLE: {},
        Action.VOID: {
            "amount": 62_500,
            "method": "purchase",
            "trace_number": "000123",
            "reference_number": "000000000009",
        },
    }
    assert read == common | more[action]


def test_amount_is_whole_rupiah_and_a_number() -> None:
    request = PoseRequest(Action.SALE, "T1", AT, "EW-0001", amount=62_500)
    assert request.fields()["amount"] == 62_500


def test_attempt_keeps_its_name_where_the_wire_allows_it() -> None:
    assert trx_id_of("01930b3f-6f2a-7c11-8f00-00112233abcd") == "01930b3f-6f2a-7c11-8f00-00112233abcd"
    for odd in ("two words", "ä", "x" * 37, "", "a/b"):
        name = trx_id_of(odd)
        assert len(name) == 32
        assert name.isalnum()
    assert trx_id_of("a b") != trx_id_of("a  b")


def answer(**fields: Any) -> dict[str, Any]:
    whole = {
        "status": "success",
        "rc": "00",
        "msg": "Transaction success",
        "action": "Sale",
        "method": "purchase",
        "trx_id": "T1",
        "amount": "62500",
        "pan": "6013 01** **** 7788",
        "approval": "123456",
        "trace_number": "000123",
        "batch_number": "000007",
        "reference_number": "000000000009",
        "acq_mid": "000001234567890",
        "acq_tid": "10203040",
        "is_credit": "false",
        "is_off_us": False,
        "card_name": "NSICCS",
    }
    return whole | fields


def read(**fields: Any) -> PoseReply | Note:
    return read_reply(json.dumps(answer(**fields)))


def test_answer_is_read_whole() -> None:
    assert read() == PoseReply(
        status="success",
        code="00",
        message="Transaction success",
        action="Sale",
        method="purchase",
        trx_id="T1",
        amount=62_500,
        approval="123456",
        trace="000123",
        batch="000007",
        reference="000000000009",
        merchant="000001234567890",
        terminal="10203040",
        last4="7788",
        sound=True,
    )


def test_what_is_not_there_is_empty_however_it_is_said() -> None:
    nothings: list[Any] = ["N/A", "", None, [], {}, 1.5]
    for nothing in nothings:
        said = read(approval=nothing, amount=nothing, pan=nothing)
        assert isinstance(said, PoseReply)
        assert (said.approval, said.amount, said.last4) == ("", None, "")


@pytest.mark.parametrize(
    ("told", "amount"),
    [("62500", 62_500), (62_500, 62_500), *((odd, None) for odd in ("62.500", "62500.00", "-5", True, "²", "9" * 11))],
)
def test_amount_is_whole_rupiah_or_none(told: Any, amount: int | None) -> None:
    said = read(amount=told)
    assert isinstance(said, PoseReply)
    assert said.amount == amount


def test_no_more_of_a_card_number_is_kept_than_its_last_four(canary: str) -> None:
    for shown in (canary, f"{canary[:6]} ****** {canary[-4:]}", "#### #### **** 7788"):
        said = read(pan=shown)
        assert isinstance(said, PoseReply)
        assert said.last4 == "7788"
        assert canary[:12] not in repr(said)
    said = read(pan="6013 0144 5566 ****")
    assert isinstance(said, PoseReply)
    assert said.last4 == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"approval": "12 456"},
        {"approval": "x" * 13},
        {"trace_number": "12a"},
        {"reference_number": "6013014455667788"},
        {"acq_mid": "TO KO"},
        {"acq_tid": "T" * 13},
        {"batch_number": "-1"},
        {"status": "failed"},
        {"rc": "05"},
    ],
)
def test_a_reference_that_cannot_be_one_and_a_contradiction_are_not_sound(wrong: dict[str, Any]) -> None:
    said = read(**wrong)
    assert isinstance(said, PoseReply)
    assert not said.sound


@pytest.mark.parametrize(
    ("code", "unclear"),
    [("05", False), ("P3", False), ("N/A", True), ("-01 TC - 50 - Declined", True), ("5", True), ("", True)],
)
def test_only_a_code_of_two_characters_is_clear(code: str, unclear: bool) -> None:
    said = read(status="failed", rc=code)
    assert isinstance(said, PoseReply)
    assert said.unclear_code is unclear
    assert not said.approved


def test_approval_is_the_exact_code_and_not_its_beginning() -> None:
    for code in ("00 - ok", "000", "0", "OK"):
        said = read(rc=code)
        assert isinstance(said, PoseReply)
        assert not said.approved


@pytest.mark.parametrize(
    "text",
    [
        "Request received",
        "",
        "[]",
        '"success"',
        "null",
        '{"status":"success"',
        '{"status":"processing","trx_id":"T1"}',
        '{"status":"unpaid","rc":"00","trx_id":"T1"}',
        '{"rc":"00","trx_id":"T1"}',
        '{"status":["success"],"rc":"00"}',
        "[" * 60_000,
        '{"status":"success","rc":"00","msg":"' + "x" * 70_000 + '"}',
        "\ud800",
    ],
)
def test_whatever_ends_nothing_is_a_note_and_no_approval(text: str) -> None:
    said = read_reply(text)
    assert isinstance(said, Note)
    assert said.kind is NoteKind.TAKEN


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("EDC is busy", NoteKind.BUSY),
        ("Sorry, EDC is BUSY now", NoteKind.BUSY),
        ('{"status":"failed","rc":"N/A","msg":"EDC is busy","trx_id":"T1"}', NoteKind.BUSY),
        ("Invalid timestamp", NoteKind.CLOCK),
        ('{"status":"failed","rc":"N/A","msg":"Invalid timestamp"}', NoteKind.CLOCK),
    ],
)
def test_the_two_refusals_are_known_as_text_and_as_json(text: str, kind: NoteKind) -> None:
    said = read_reply(text)
    assert isinstance(said, Note)
    assert said.kind is kind


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert isinstance(read_reply(text), Note | PoseReply)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(answer())), values))
def test_any_values_are_read_without_an_error(fields: dict[str, Any]) -> None:
    said = read(**fields)
    if isinstance(said, PoseReply) and said.approved and said.sound:
        assert said.status in {"success", "paid"}
        assert said.amount is None or 0 <= said.amount <= 9_999_999_999


@given(st.data())
def test_a_truncated_answer_never_approves(data: Any) -> None:
    text = json.dumps(answer())
    cut = data.draw(st.integers(0, len(text) - 1))
    assert isinstance(read_reply(text[:cut]), Note)


@given(st.binary(max_size=200))
def test_any_request_comes_back_whole(plain: bytes) -> None:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    sealed = base64.b64decode(encipher(plain, SECRET), validate=True)
    cipher = Cipher(algorithms.AES(bytes.fromhex(KEY)), modes.ECB()).decryptor()  # noqa: S305 - the vendor's
    padded = cipher.update(sealed) + cipher.finalize()
    assert padded[: -padded[-1]] == plain
    assert set(padded[-padded[-1] :]) == {padded[-1]}
