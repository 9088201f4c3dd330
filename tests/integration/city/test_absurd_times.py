"""Whoever holds a key of his own may sign any number as a time: it is refused, and no fault of the city."""

from __future__ import annotations

import base64
import hashlib

import pytest
import requests

from ewarung_pos.sync.signing import new_key, public_of, sign
from tests.integration.city.city_kit import LiveCity, Pen

_COVERS = '("@method" "@authority" "@path" "@query" "content-digest")'


def refused(city: LiveCity, path: str, keyid: str, key: bytes, times: str) -> int:
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(b'{}').digest()).decode()}:"
    parameters = f'{_COVERS};{times};keyid="{keyid}";alg="ed25519";nonce="{"a" * 20}"'
    base = "\n".join(
        [
            '"@method": POST',
            f'"@authority": {city.url.removeprefix("http://")}',
            f'"@path": {path}',
            '"@query": ?',
            f'"content-digest": {digest}',
            f'"@signature-params": {parameters}',
        ]
    )
    headers = {
        "Content-Digest": digest,
        "Signature-Input": f"ewarung={parameters}",
        "Signature": f"ewarung=:{base64.b64encode(sign(key, base.encode())).decode()}:",
    }
    return requests.post(city.url + path, headers=headers, data=b"{}", timeout=10).status_code


@pytest.mark.parametrize(
    "times",
    [
        "created=253402300800",
        "created=999999999999999",
        "created=-999999999999999",
        "created=-1",
        "created=0",
        "created=1795496400;expires=999999999999999",
        "created=1;expires=-999999999999999",
        "created=true",
        'created="x"',
        "created=1.5",
        "created=:aaaa:",
    ],
)
def test_no_time_that_is_signed_makes_the_city_fail(city: LiveCity, pen: Pen, times: str) -> None:
    key = new_key()
    assert refused(city, "/v1/enrol", f"enrol/{public_of(key).hex()}", key, times) in (400, 401)
    assert refused(city, "/v1/push", "EW-0001/1", pen.key, times) in (400, 401)


def test_a_time_that_is_only_wrong_is_believed_as_a_signature(city: LiveCity, pen: Pen) -> None:
    assert refused(city, "/v1/push", "EW-0001/1", pen.key, "created=0") == 400  # proved, and then no batch
