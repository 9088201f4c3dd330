"""Taking a kiosk in: a code that is typed once, six digits that two people compare, and the keys that follow."""

from __future__ import annotations

import msgspec

from ewarung_city.keys import CityKeys
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.journal import genesis
from ewarung_pos.errors import NotEntitled, Unauthorised
from ewarung_pos.sync.protocol import Enrol, Enrolled, EnrolPending
from ewarung_pos.sync.signing import answer_proof, code_secret, enrol_proof, fingerprint, new_code, same, wrap

__all__ = ["CODE_LIFE_MS", "CODE_TRIES", "approve", "enrol", "issue_code", "pending", "waiting"]

CODE_LIFE_MS = 24 * 3_600_000
CODE_TRIES = 5


def issue_code(tx: Tx, device: str, now_ms: int, *, auto: bool = False) -> str:
    """A new code for a kiosk, as it is typed; earlier ones for the same kiosk are dead.

    Args:
        tx: a write transaction.
        device: the kiosk it is bound to.
        now_ms: it lives 24 hours from here.
        auto: practice only: nobody compares digits, and everything the kiosk prints is marked.

    Raises:
        NotEntitled: no such kiosk.
    """
    if tx.one(schema.kiosk, device=device) is None:
        raise NotEntitled(f"no kiosk {device}", reason="unknown_kiosk")
    for state in ("open", "pending", "approved"):
        tx.change(schema.code, {"state": "dead", "secret": b""}, device=device, state=state)
    while True:
        text = new_code()
        code_id, secret = code_secret(text)
        if tx.one(schema.code, code_id=code_id) is None:
            break
    tx.add(
        schema.code,
        [
            {
                "code_id": code_id,
                "device": device,
                "secret": secret,
                "expires": now_ms + CODE_LIFE_MS,
                "auto": int(auto),
                "state": "open",
            }
        ],
    )
    return text


def pending(tx: Tx, keys: CityKeys, now_ms: int) -> list[tuple[str, str]]:
    """(kiosk, six digits) of those who wait for a person."""
    return [
        (row["device"], fingerprint(row["device_key"], row["wrap_key"], keys.public.hex()))
        for row in waiting(tx, now_ms)
    ]


def waiting(tx: Tx, now_ms: int) -> list[Row]:
    """Codes whose kiosk waits for a person; not those that are too old to take it in."""
    return [row for row in tx.all(schema.code, "device", state="pending") if now_ms <= int(row["expires"])]


def approve(tx: Tx, keys: CityKeys, device: str, digits: str, now_ms: int) -> None:
    """A person read the same six digits on both screens.

    Raises:
        NotEntitled: nobody waits for that kiosk, its code is over (`code_over`), or the digits differ.
    """
    row = next(iter(tx.all(schema.code, device=device, state="pending")), None)
    if row is not None and now_ms > int(row["expires"]):
        raise NotEntitled(f"the code of {device} is over: give it a new one with `enrol {device}`", reason="code_over")
    if row is None:
        raise NotEntitled(f"{device} does not wait for approval", reason="not_pending")
    if not same(fingerprint(row["device_key"], row["wrap_key"], keys.public.hex()), digits.strip()):
        raise NotEntitled("the digits differ: do not approve", reason="digits_differ")
    tx.change(schema.code, {"state": "approved"}, code_id=row["code_id"])


def enrol(tx: Tx, keys: CityKeys, message: Enrol, now_ms: int) -> Enrolled | EnrolPending | Unauthorised:
    """Answer an ENROL; asked again with the same keys, the answer is the same enrolment.

    A refusal is returned, not raised: the try that it cost must be committed.
    """
    row = tx.one(schema.code, code_id=message.code_id)
    if row is None or row["state"] == "dead" or now_ms > int(row["expires"]):
        return Unauthorised("no such code", reason="code_unknown")
    expected = enrol_proof(row["secret"], message.code_id, message.device_key, message.wrap_key)
    if not same(expected, message.proof):
        tries = int(row["tries"]) + 1
        dead = tries >= CODE_TRIES
        change = {"tries": tries} | ({"state": "dead", "secret": b""} if dead else {})
        tx.change(schema.code, change, code_id=message.code_id)
        return Unauthorised("the proof does not fit the code", reason="code_wrong")
    if row["state"] != "open" and (row["device_key"], row["wrap_key"]) != (message.device_key, message.wrap_key):
        return Unauthorised("the code was used", reason="code_used")
    if message.device not in {"", row["device"]}:  # its own till may be serving: that epoch does not end by a mistake
        return Unauthorised("the code is another kiosk's", reason="code_other")
    if row["state"] == "open":
        state = "approved" if row["auto"] else "pending"
        change = {"state": state, "device_key": message.device_key, "wrap_key": message.wrap_key}
        tx.change(schema.code, change, code_id=message.code_id)
        row = {**row, **change}
    if row["state"] == "pending":
        return EnrolPending(keys.public.hex(), answer_proof(row["secret"], message.device_key, keys.public.hex()))
    try:
        wrapped = wrap(bytes.fromhex(message.wrap_key), keys.card, message.code_id)
    except ValueError:
        return Unauthorised("not a usable key", reason="wrap_key")
    if row["state"] == "approved":
        row = {**row, "epoch": _begin_epoch(tx, row, message, now_ms), "state": "used"}
        tx.change(schema.code, {"state": "used", "epoch": row["epoch"]}, code_id=message.code_id)
    return _answer(tx, keys, row, wrapped, now_ms)


def _begin_epoch(tx: Tx, row: Row, message: Enrol, now_ms: int) -> int:
    """The next epoch of the kiosk; the one before it is frozen where it was last acknowledged."""
    device = row["device"]
    kiosk = tx.one(schema.kiosk, device=device)
    epoch = (int(kiosk["epoch"]) if kiosk is not None else 0) + 1
    tx.change(schema.epoch, {"state": "frozen"}, device=device, state="active")
    tx.change(schema.kiosk, {"epoch": epoch}, device=device)
    tx.add(
        schema.epoch,
        [
            {
                "device": device,
                "epoch": epoch,
                "device_key": message.device_key,
                "state": "active",
                "mode": "normal",
                "acked_hash": genesis(device, epoch).hex(),
                "enrolled_ms": now_ms,
                "seen_ms": now_ms,
                "app_version": message.app_version,
                "practice": int(row["auto"]),
            }
        ],
    )
    return epoch


def _answer(tx: Tx, keys: CityKeys, row: Row, wrapped: bytes, now_ms: int) -> Enrolled:
    device, epoch = row["device"], int(row["epoch"])
    kiosk = tx.one(schema.kiosk, device=device)
    code = kiosk["kelurahan_code"] if kiosk is not None else ""
    place = tx.one(schema.region, kelurahan_code=code)
    answer = Enrolled(
        device=device,
        epoch=epoch,
        name=kiosk["name"] if kiosk is not None else "",
        kelurahan_code=code,
        kelurahan=place["kelurahan"] if place is not None else "",
        practice=bool(row["auto"]),
        city_key=keys.public.hex(),
        next_key="",
        card_key=wrapped.hex(),
        cursor=0,
        server_ms=now_ms,
    )
    proof = answer_proof(row["secret"], row["device_key"], answer.city_key, answer)
    return msgspec.structs.replace(answer, proof=proof)
