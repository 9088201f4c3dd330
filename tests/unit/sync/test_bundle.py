"""The file that is carried by hand: whatever is written is read, and whatever was done to it on the way is refused."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewarung_pos.errors import BundleRefused
from ewarung_pos.sync import bundle, packing, sealing, signing
from ewarung_pos.sync.bundle import Bundle, Header, Message, Way
from tests.altered import altered

KIOSK, CITY, OTHER = (bytes([place]) * 32 for place in (1, 2, 3))
HEADER = Header(
    way=Way.TO_CITY,
    city=signing.public_of(CITY).hex(),
    device="EW-0001",
    epoch=1,
    id="0f" * 16,
    created_s=1_795_480_000,
    first_seq=1,
    last_seq=9,
)
SAID = (
    Message("POST /v1/hello", b'{"head_seq":9}'),
    Message("POST /v1/push", b"\x00\xff" * 40),
    Message("GET /v1/pull?cursor=3", b"", 200, {"signature": "ewarung=:AA==:"}),
)


def written(messages: tuple[Message, ...] = SAID, header: Header = HEADER) -> bytes:
    return bundle.write(header, messages, KIOSK, signing.public_of(CITY))


def read(data: bytes, recipient: bytes = CITY) -> Bundle:
    return bundle.read(data, lambda _: signing.public_of(KIOSK), recipient)


def refused(data: bytes, recipient: bytes = CITY) -> str:
    with pytest.raises(BundleRefused) as caught:
        read(data, recipient)
    return caught.value.reason


def signed_again(before_signature: bytes) -> bytes:
    """What a kiosk that is no honest program could sign."""
    text = b"ewarung-bundle|1|" + hashlib.sha256(before_signature).hexdigest().encode()
    return before_signature + signing.sign(KIOSK, text)


def taken_apart(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Up to the first record, the records with their lengths, and the end without its signature."""
    (length,) = struct.unpack_from(">H", data, 10)
    at = 12 + length + sealing.SEALED_BYTES
    before, records, end = data[:at], [], len(data) - 72
    while at < end:
        (size,) = struct.unpack_from(">I", data, at)
        records.append(data[at : at + 4 + size])
        at += 4 + size
    return before, records, data[end:-64]


texts = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), max_size=60)
messages = st.builds(
    Message,
    target=texts,
    body=st.binary(max_size=2_000),
    status=st.integers(0, 599),
    headers=st.dictionaries(texts, texts, max_size=3),
)


@given(st.lists(messages, max_size=6))
@settings(max_examples=60)
def test_what_was_written_is_read(said: list[Message]) -> None:
    found = read(written(tuple(said)))
    assert list(found.messages()) == said
    assert list(found.messages()) == said  # as often as one likes
    assert found.header.records == len(said)
    assert bundle.look(written(tuple(said))).device == "EW-0001"


def test_two_files_of_the_same_words_share_no_secret_and_show_none() -> None:
    one, other = written(), written()
    assert taken_apart(one)[1] != taken_apart(other)[1]
    assert b"head_seq" not in one
    assert b"/v1/hello" not in one


def test_cut_off_at_any_byte_it_is_refused() -> None:
    data = written()
    reasons = {refused(data[:length]) for length in range(len(data))}
    assert reasons == {"not_a_bundle", "damaged"}
    assert {refused(data[:length]) for length in range(8, len(data))} == {"damaged"}


def test_with_anything_after_it_it_is_refused() -> None:
    data = written()
    for more in (b"\0", b"\0" * 512, data):
        assert refused(data + more) == "damaged"


def test_with_any_byte_altered_it_is_refused() -> None:
    data = bytearray(written())
    for place in range(len(data)):
        data[place] ^= 1 << place % 8
        assert refused(bytes(data)) in ({"not_a_bundle"} if place < 8 else {"damaged", "newer"})
        data[place] ^= 1 << place % 8
    assert list(read(bytes(data)).messages()) == list(SAID)


@given(st.data())
@settings(max_examples=60)
def test_blocks_of_a_disk_that_changed_places_or_were_lost_are_found(data: st.DataObject) -> None:
    """A stick loses whole blocks: zeroed, doubled, or another's."""
    whole = written(tuple(Message("POST /v1/push", bytes([place]) * 700) for place in range(3)))
    size = data.draw(st.sampled_from([16, 64, 128]))
    blocks = [whole[at : at + size] for at in range(0, len(whole), size)]
    one, other = (data.draw(st.integers(0, len(blocks) - 1)) for _ in range(2))
    changed = list(blocks)
    match data.draw(st.sampled_from(["swap", "double", "zero", "drop"])):
        case "swap":
            changed[one], changed[other] = changed[other], changed[one]
        case "double":
            changed[one] = changed[other]
        case "zero":
            changed[one] = bytes(len(changed[one]))
        case _:
            del changed[one]
    altered = b"".join(changed)
    if altered != whole:
        assert refused(altered) in {"damaged", "not_a_bundle", "newer"}


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: [parts[1], parts[0], parts[2]],
        lambda parts: [parts[0], parts[2], parts[1]],
        lambda parts: parts[:2],
        lambda parts: [*parts, parts[2]],
        lambda parts: [parts[0], parts[0], parts[2]],
        lambda parts: [parts[0], altered(parts[1]), parts[2]],
        lambda parts: [parts[0], b"\0\0\0\x05hello", parts[2]],
        lambda parts: [parts[0], b"\xff\xff\xff\xff", parts[2]],
        lambda parts: [],
    ],
    ids=["first-swap", "last-swap", "dropped", "added", "doubled", "altered", "short", "huge", "none"],
)
def test_even_signed_anew_each_record_proves_its_place(change: Callable[[list[bytes]], list[bytes]]) -> None:
    before, records, end = taken_apart(written())
    assert list(read(signed_again(before + b"".join(records) + end)).messages()) == list(SAID)
    assert refused(signed_again(before + b"".join(change(records)) + end)) == "damaged"


def test_records_of_another_bundle_do_not_fit() -> None:
    before, _, end = taken_apart(written())
    _, others, _ = taken_apart(written())
    assert refused(signed_again(before + b"".join(others) + end)) == "damaged"


def test_a_header_that_says_something_else_opens_nothing() -> None:
    data = written()
    other = data.replace(b'"EW-0001"', b'"EW-0002"')
    assert refused(other) == "damaged"
    assert refused(signed_again(other[:-64])) == "damaged"


def test_only_the_reader_it_was_made_for_can_read_it() -> None:
    assert refused(written(), recipient=OTHER) == "damaged"


def test_somebody_else_s_signature_counts_for_nothing() -> None:
    forged = bundle.write(HEADER, SAID, OTHER, signing.public_of(CITY))
    assert refused(forged) == "damaged"


def test_whoever_must_have_signed_is_told_by_the_header_and_may_be_refused() -> None:
    def nobody(header: Header) -> bytes:
        assert header.epoch == 1
        raise BundleRefused(reason="other_kiosk")

    with pytest.raises(BundleRefused) as caught:
        bundle.read(written(), nobody, CITY)
    assert caught.value.reason == "other_kiosk"


@pytest.mark.parametrize("data", [b"", b"\x89EWB", b"%PDF-1.7 ...", b"x" * 300, b"\x89EWB\n\x1a\n" * 50])
def test_another_kind_of_file_is_not_a_bundle(data: bytes) -> None:
    assert refused(data) == "not_a_bundle"


def test_a_nest_without_end_is_damaged_wherever_it_stands() -> None:
    """Anybody can lay such a file on a stick, and the header is read before anybody is known."""
    nest = b'{"x":' + b"[" * 4_000
    assert refused(bundle.MAGIC + struct.pack(">HH", 1, len(nest)) + nest) == "damaged"
    with pytest.raises(msgspec.MsgspecError):
        bundle._message(packing.pack(struct.pack(">H", len(nest)) + nest))


def test_a_file_of_a_later_version_says_so() -> None:
    data = written()
    assert refused(data[:8] + b"\0\x02" + data[10:]) == "newer"
    assert refused(data[:8] + b"\0\0" + data[10:]) == "damaged"


def test_a_header_that_is_none_is_damage() -> None:
    for words in (b"{}", b"\xff\xfe", b"[1]", b'{"way":"to-city"}'):
        assert refused(bundle.MAGIC + struct.pack(">HH", 1, len(words)) + words + bytes(300)) == "damaged"
    assert refused(bundle.MAGIC + struct.pack(">HH", 1, 5000) + bytes(6000)) == "damaged"


def test_more_than_a_bundle_may_hold_is_not_written() -> None:
    many = tuple(Message("GET /", b"") for _ in range(bundle.RECORDS + 1))
    large = (Message("POST /v1/push", bytes(bundle.RECORD_BYTES)),)
    for said in (many, large):
        with pytest.raises(BundleRefused) as caught:
            written(said)
        assert caught.value.reason == "too_large"


def test_more_than_a_bundle_may_hold_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written((Message("POST /v1/push", bytes(200_000)), Message("POST /v1/push", bytes(200_000))))
    monkeypatch.setattr(bundle, "PLAIN_BYTES", 300_000)
    assert refused(data) == "too_large"  # a few hundred bytes that would be much more
    monkeypatch.setattr(bundle, "PLAIN_BYTES", 500_000)
    assert len(list(read(data).messages())) == 2
    monkeypatch.setattr(bundle, "RECORD_BYTES", 100_000)
    assert refused(data) == "damaged"
    monkeypatch.setattr(bundle, "FILE_BYTES", 300)
    assert refused(data) == "too_large"
    with pytest.raises(BundleRefused, match="more than"):
        written()


def test_a_record_without_its_head_is_damage() -> None:
    """Sealed and signed as it should be, by a program that writes something else."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    from ewarung_pos.sync.packing import pack

    for plain in (pack(b""), pack(b"\0"), pack(b"\0\x09{"), pack(b"\xff\xff{}"), pack(b"\0\x02\xff\xff"), b"not gzip"):
        before, _, end = taken_apart(written((Message("GET /"),)))
        (length,) = struct.unpack_from(">H", before, 10)
        key = sealing.unseal(CITY, before[12 + length :], before[: 12 + length])
        nonce = bytes(11) + b"\x01"
        record = ChaCha20Poly1305(key).encrypt(nonce, plain, hashlib.sha256(before).digest())
        assert refused(signed_again(before + struct.pack(">I", len(record)) + record + end)) == "damaged"


# --- sealing ----------------------------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=40)
def test_a_signing_key_s_two_halves_agree_in_the_other_form_too(private: bytes) -> None:
    public = sealing.agreement_public(signing.public_of(private))
    assert public == signing.wrap_public_of(sealing.agreement_private(private))


def test_the_other_form_is_the_one_that_others_compute() -> None:
    """Seed and both halves as libsodium's own test of the conversion has them (test/default/ed25519_convert)."""
    seed = bytes.fromhex("421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee")
    assert signing.public_of(seed).hex() == "b5076a8474a832daee4dd5b4040983b6623b5f344aca57d4d6ee4baf3f259e6e"
    assert (
        sealing.agreement_public(signing.public_of(seed)).hex()
        == "f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50"
    )
    clamped = bytearray(sealing.agreement_private(seed))
    clamped[0] &= 248
    clamped[31] = clamped[31] & 127 | 64
    assert clamped.hex() == "8052030376d47112be7f73ed7a019293dd12ad910b654455798b4667d73de166"


def test_a_secret_opens_to_its_reader_under_its_context_alone() -> None:
    secret = bytes(range(32))
    sealed = sealing.seal(signing.public_of(CITY), secret, b"context")
    assert len(sealed) == sealing.SEALED_BYTES
    assert sealing.unseal(CITY, sealed, b"context") == secret
    for key, cipher, context in (
        (OTHER, sealed, b"context"),
        (CITY, sealed, b"contexT"),
        (CITY, sealed[:-1], b"context"),
        (CITY, b"", b"context"),
        (CITY, altered(sealed), b"context"),
    ):
        with pytest.raises(ValueError, match="not sealed"):
            sealing.unseal(key, cipher, context)


@pytest.mark.parametrize("public", [b"\x01" + bytes(31), bytes(32), b"short"])
def test_nothing_is_sealed_to_what_is_no_key(public: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        sealing.seal(public, bytes(32), b"")
