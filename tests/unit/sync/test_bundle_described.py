"""docs/usb-bundle.md as somebody else would follow it: published files are read by what stands there alone."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from ewarung_pos.sync import bundle, signing
from ewarung_pos.sync.bundle import Way

SAMPLES = Path(__file__).parents[2] / "bundles"
KIOSK, CITY = bytes(range(1, 33)), bytes(range(33, 65))


def public(seed: bytes) -> Ed25519PublicKey:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key()


def followed(data: bytes, speaker: Ed25519PublicKey, reader: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Header and messages, by the document."""
    assert data[:8] == bytes.fromhex("894557420D0A1A0A")
    version, length = struct.unpack(">HH", data[8:12])
    assert version == 1
    header = json.loads(data[12 : 12 + length])
    at = 12 + length
    assert data[-72:-64] == bytes.fromhex("4557422D454E440A")
    text = "ewarung-bundle|1|" + hashlib.sha256(data[:-64]).hexdigest()
    speaker.verify(data[-64:], text.encode("ascii"))
    agreed = X25519PrivateKey.from_private_bytes(hashlib.sha512(reader).digest()[:32])
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    key = suite.decrypt(data[at : at + 80], agreed, data[:at])
    at += 80
    associated = hashlib.sha256(data[:at]).digest()
    said = []
    for number in range(header["records"]):
        (size,) = struct.unpack(">I", data[at : at + 4])
        last = bytes([number == header["records"] - 1])
        sealed = data[at + 4 : at + 4 + size]
        plain = zlib.decompress(
            ChaCha20Poly1305(key).decrypt(number.to_bytes(11, "big") + last, sealed, associated), 31
        )
        (head,) = struct.unpack(">H", plain[:2])
        said.append(json.loads(plain[2 : 2 + head]) | {"body": plain[2 + head :]})
        at += 4 + size
    assert at == len(data) - 72
    return header, said


@pytest.mark.parametrize("name", ["ewarung-EW-0001-1-2.bundle", "ewarung-EW-0001-1-2-reply.bundle"])
def test_a_published_file_is_what_the_document_says_and_what_we_read(name: str) -> None:
    data = (SAMPLES / name).read_bytes()
    reply = "-reply" in name
    speaker, reader = (CITY, KIOSK) if reply else (KIOSK, CITY)
    header, said = followed(data, public(speaker), reader)
    assert header["way"] == (Way.TO_KIOSK if reply else Way.TO_CITY)
    assert (header["first_seq"], header["last_seq"], header["device"]) == (1, 2, "EW-0001")
    assert header["city"] == public(CITY).public_bytes_raw().hex()
    targets = [message["target"] for message in said]
    assert targets[:2] == ["POST /v1/hello", "POST /v1/push"]
    assert targets[-1].startswith("GET /v1/pull?cursor=0&acked_seq=2&acked_hash=")
    ours = bundle.read(data, lambda _: signing.public_of(speaker), reader)
    assert [(message.target, message.body) for message in ours.messages()] == [
        (message["target"], message["body"]) for message in said
    ]
    if reply:
        for number, message in enumerate(said):
            signing.verify_response(
                message["status"],
                message["headers"],
                message["body"],
                signing.public_of(CITY),
                f"{header['answers']}.{number}",
            )
