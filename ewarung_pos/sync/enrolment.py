"""Enrol a kiosk: a code that is typed once, keys that are made here, six digits that two people compare."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable

import msgspec

from ewarung_pos.domain.journal import KioskEnrolled
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.errors import ProtocolMismatch, ServerUnreachable, SyncError, Unauthorised
from ewarung_pos.ports import UnitOfWork
from ewarung_pos.sync.client import Line, RawReply, raise_for_problem
from ewarung_pos.sync.protocol import Enrol, Enrolled, EnrolPending, decode, encode
from ewarung_pos.sync.signing import (
    answer_proof,
    code_secret,
    enrol_proof,
    fingerprint,
    new_key,
    new_wrap_key,
    public_of,
    same,
    unwrap,
    wrap_public_of,
)

__all__ = ["Enrolment", "enrol", "record"]

POLL_SECONDS = 2.0


class Enrolment(msgspec.Struct, frozen=True):
    """What a till must keep: who it is, its private key, the card key, and the only city it will believe."""

    identity: KioskIdentity
    device_key: bytes
    device_public: bytes
    card_key: bytes
    city_key: bytes
    cursor: int
    app_version: str

    def __repr__(self) -> str:
        """Never the keys."""
        return f"Enrolment({self.identity.device}/{self.identity.epoch})"


class _Wait(msgspec.Struct, frozen=True):
    digits: str


def enrol(
    url: str,
    code: str,
    app_version: str,
    *,
    ca: str = "",
    host: str = "",
    device: str = "",
    on_digits: Callable[[str], None] = lambda _: None,
    wait_seconds: float = 600.0,
    now_s: Callable[[], int] = lambda: int(time.time()),
    sleep: Callable[[float], None] = time.sleep,
) -> Enrolment:
    """Be taken in by the city at `url`. Nothing is stored here; give the result to `record`.

    Args:
        url: of the city.
        code: as typed.
        app_version: of this till.
        ca: PEM file of the city's authority, if it is not the system's.
        host: facts of this machine for the city's list; its name of system and architecture if empty.
        device: the kiosk whose code it must be; empty takes any.
        on_digits: called once with the six digits, when a person at the city has to compare them.
        wait_seconds: how long to wait for that person.
        now_s: wall clock.
        sleep: between two questions.

    Raises:
        Unauthorised: the code is wrong, used, old or another kiosk's (its reason says which), or the answer is not from
            the city that issued it.
        SyncError: no line, or another version. The code is not used up when nothing was answered; enrol again.
        ConfigError: the URL cannot be used.
    """
    code_id, secret = code_secret(code)
    device_key, wrap_key = new_key(), new_wrap_key()
    public, wrap_public = public_of(device_key).hex(), wrap_public_of(wrap_key).hex()
    proof = enrol_proof(secret, code_id, public, wrap_public)
    body = encode(Enrol(code_id, proof, public, wrap_public, app_version, host or platform.platform()[:80], device))
    line = Line(url, ca)
    shown = False
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            raw = _asked(line, body, device_key, public, now_s, sleep)
            busy = shown and raw.status in {429, 503}  # once a person compares, a busy city is asked again
            answer = None if busy else _answered(raw, secret, public, wrap_public)
            if isinstance(answer, Enrolled):
                break
            if answer is not None and not shown:
                on_digits(answer.digits)
                shown = True
            if time.monotonic() + POLL_SECONDS > deadline:
                raise Unauthorised("nobody at the city has approved", reason="not_approved")
            sleep(POLL_SECONDS)
    finally:
        line.close()
    identity = KioskIdentity(
        answer.device, answer.epoch, answer.name, answer.kelurahan_code, answer.kelurahan, answer.practice
    )
    card_key = unwrap(wrap_key, bytes.fromhex(answer.card_key), code_id)
    if len(card_key) != 32:
        raise ProtocolMismatch("the card key is not 32 bytes", reason="body")
    return Enrolment(
        identity,
        device_key,
        bytes.fromhex(public),
        card_key,
        bytes.fromhex(answer.city_key),
        answer.cursor,
        app_version,
    )


def record(uow: UnitOfWork, enrolment: Enrolment, reason: str = "") -> None:
    """Begin the epoch in an empty ledger: identity, keys, and the first entry. One transaction, the caller's.

    Raises:
        ConfigError: the journal has begun already.
    """
    identity = enrolment.identity
    uow.set_identity(identity)
    uow.put_secret("device_key", enrolment.device_key)
    uow.put_secret("card_key", enrolment.card_key)
    uow.put_secret("city_key", enrolment.city_key)
    uow.append(
        KioskEnrolled(
            name=identity.name,
            kelurahan_code=identity.kelurahan_code,
            device_key=enrolment.device_public.hex(),
            city_key=enrolment.city_key.hex(),
            app_version=enrolment.app_version,
            reason=reason,
            kelurahan=identity.kelurahan,
            practice=identity.practice,
        )
    )


def _asked(
    line: Line, body: bytes, key: bytes, public: str, now_s: Callable[[], int], sleep: Callable[[float], None]
) -> RawReply:
    """Ask, and once more if the answer was lost: the same keys get the same enrolment."""
    try:
        return line.exchange("POST", "/v1/enrol", body, key, f"enrol/{public}", now_s())
    except ServerUnreachable as error:
        if error.reason != "cut":
            raise
        sleep(1.0)
        return line.exchange("POST", "/v1/enrol", body, key, f"enrol/{public}", now_s())


def _answered(raw: RawReply, secret: bytes, public: str, wrap_public: str) -> Enrolled | _Wait:
    """The answer, proved twice: under the code, and by the city's own key that it names."""
    if raw.status not in {200, 202}:
        raise _refused(raw)
    answer: Enrolled | EnrolPending
    try:
        body = raw.verified(_named_key(raw)).body
        if raw.status == 200:
            answer = decode(body, Enrolled)
        else:
            answer = decode(body, EnrolPending)
    except msgspec.MsgspecError as error:
        raise ProtocolMismatch(f"the answer to ENROL: {error}", reason="body") from error
    bare = msgspec.structs.replace(answer, proof="") if isinstance(answer, Enrolled) else None
    if not same(answer.proof, answer_proof(secret, public, answer.city_key, bare)):
        raise Unauthorised("not the city that issued the code", reason="signature")
    if isinstance(answer, Enrolled):
        return answer
    return _Wait(fingerprint(public, wrap_public, answer.city_key))


def _named_key(raw: RawReply) -> bytes:
    """The key that the answer itself names; worth nothing before the proof under the code."""
    from ewarung_pos.sync.packing import unpack

    class Named(msgspec.Struct):
        city_key: str

    try:
        body = unpack(raw.body) if raw.headers.get("content-encoding") == "gzip" else raw.body
        return bytes.fromhex(decode(body, Named).city_key)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ServerUnreachable(f"status {raw.status}: {error}", reason="not_the_city") from error


def _refused(raw: RawReply) -> SyncError:
    """A refusal cannot be proved before there is a city key; it changes nothing, and its reason helps the person."""
    from ewarung_pos.sync.client import Reply

    try:
        raise_for_problem(Reply(raw.status, raw.body))
    except SyncError as error:
        return error
    return ProtocolMismatch(f"status {raw.status}", reason="body")
