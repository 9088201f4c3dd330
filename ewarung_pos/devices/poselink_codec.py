"""BRI POSe Link messages: values to text and back; no clock, no I/O.

A request is JSON, enciphered with AES-128-ECB and PKCS#7, as Base64 text; the key is the first 16 bytes of the SHA-1 of
the secret that the vendor issues for the site. An answer is plain JSON; its values are text, `N/A` where there is none.
The cipher has neither integrity nor freshness: it is the vendor's, and nothing here is believed because of it. What
protects the line is TLS with a pinned certificate (`wss`).

Source: POSe Link 4.13.0 as published, and two unrelated clients. Whatever these do not say in words (the form of the
acknowledgement, what "no such transaction" looks like) is not guessed here: such a message is a `Note`.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

import msgspec

__all__ = ["MAX_RUPIAH", "Action", "Note", "NoteKind", "PoseReply", "PoseRequest", "read_reply", "seal", "trx_id_of"]

MAX_RUPIAH = 9_999_999_999
"""The till's own bound, the same as for the ECR frames; no limit is published."""

MAX_MESSAGE = 65_536

_NONE = "N/A"
_TRX_ID = re.compile(r"[A-Za-z0-9.=_-]{1,36}")
_WHOLE = re.compile(r"[0-9]{1,10}")
_CODE = re.compile(r"[0-9A-Za-z]{2}")
_LAST4 = re.compile(r"[0-9]{4}")
_FORMS = {
    "approval": re.compile(r"[0-9A-Za-z]{0,12}"),
    "trace_number": re.compile(r"[0-9]{0,12}"),
    "batch_number": re.compile(r"[0-9]{0,12}"),
    "reference_number": re.compile(r"[0-9A-Za-z]{0,12}"),
    "acq_mid": re.compile(r"[0-9A-Za-z]{0,15}"),
    "acq_tid": re.compile(r"[0-9A-Za-z]{0,12}"),
}
"""What may go into the journal and onto paper; anything else is no reference."""


class Action(StrEnum):
    """What is asked, in the words of the wire."""

    SALE = "Sale"
    VOID = "Void"
    CHECK = "Check Trx"
    SETTLE = "Settlement"


@dataclass(frozen=True, slots=True)
class PoseRequest:
    """What the till asks. `amount` is rupiah; `trace` and `reference` are those of the sale that a void undoes.

    `stamp` is the time of the kiosk's zone. It must not be earlier than that of any request before: the EDC hangs up.
    """

    action: str
    trx_id: str
    stamp: dt.datetime
    address: str
    amount: int = 0
    trace: str = ""
    reference: str = ""

    def fields(self) -> dict[str, str | int]:
        """As the JSON object, in the order of the published examples."""
        told: dict[str, str | int] = {"action": self.action}
        if self.action in {Action.SALE, Action.VOID}:
            told["amount"] = self.amount
        told |= {
            "trx_id": self.trx_id,
            "pos_address": self.address,
            "time_stamp": self.stamp.strftime("%Y-%m-%d %H:%M:%S"),
        }
        if self.action != Action.SETTLE:
            told["method"] = "purchase"
        if self.action == Action.VOID:
            told |= {"trace_number": self.trace, "reference_number": self.reference}
        return told


class NoteKind(StrEnum):
    """What a message means that is not the end of a transaction."""

    TAKEN = "taken"
    """It has the request, or says something that nobody here understands: never an approval."""
    BUSY = "busy"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Note:
    """A message that ends nothing."""

    kind: NoteKind
    trx_id: str = ""


@dataclass(frozen=True, slots=True)
class PoseReply:
    """An answer that says how something ended. Texts are empty where the EDC says `N/A` or nothing.

    Attributes:
        status: success, paid or failed.
        code: `rc`; two characters, or a longer text that names no outcome (`unclear_code`).
        message: for comparing with the site's own words only, never shown or kept.
        amount: rupiah, None where it is no whole number.
        last4: of the masked card number; the rest of it is not kept.
        sound: False when a reference cannot be one, or the answer contradicts itself.
    """

    status: str
    code: str
    message: str
    action: str
    method: str
    trx_id: str
    amount: int | None
    approval: str
    trace: str
    batch: str
    reference: str
    merchant: str
    terminal: str
    last4: str
    sound: bool

    @property
    def approved(self) -> bool:
        """The money moved, if the rest of the answer is about our request."""
        return self.status in {"success", "paid"} and self.code == "00"

    @property
    def unclear_code(self) -> bool:
        """A failure without a two-character code: it does not say whether the host did it all the same."""
        return not _CODE.fullmatch(self.code)


def trx_id_of(attempt: str) -> str:
    """The name of an attempt on the wire: itself where the characters allow it, else a digest."""
    if _TRX_ID.fullmatch(attempt):
        return attempt
    return hashlib.sha256(attempt.encode()).hexdigest()[:32]


def seal(request: PoseRequest, secret: str) -> str:
    """The text that goes out."""
    return encipher(msgspec.json.encode(request.fields()), secret)


def encipher(plain: bytes, secret: str) -> str:
    """AES-128-ECB with PKCS#7 under the key of `secret`, as Base64."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    key = hashlib.sha1(secret.encode(), usedforsecurity=False).digest()[:16]
    padder = PKCS7(128).padder()
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - the vendor's; the line is TLS
    sealed = cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()
    return base64.b64encode(sealed).decode("ascii")


def read_reply(text: str) -> PoseReply | Note:
    """What a message from the EDC says. Never raises: what is not understood is a `Note`."""
    said = _object(text) if len(text) <= MAX_MESSAGE else None
    if said is None:
        return Note(_kind(text[:MAX_MESSAGE]))
    trx_id = _text(said.get("trx_id"))
    status = _text(said.get("status")).lower()
    kind = _kind(_text(said.get("msg")))
    if kind is not NoteKind.TAKEN or status not in {"success", "paid", "failed"}:
        return Note(kind, trx_id)
    references = {name: _text(said.get(name)) for name in _FORMS}
    code = _text(said.get("rc"))
    return PoseReply(
        status=status,
        code=code,
        message=_text(said.get("msg")),
        action=_text(said.get("action")),
        method=_text(said.get("method")).lower(),
        trx_id=trx_id,
        amount=_rupiah(said.get("amount")),
        approval=references["approval"],
        trace=references["trace_number"],
        batch=references["batch_number"],
        reference=references["reference_number"],
        merchant=references["acq_mid"],
        terminal=references["acq_tid"],
        last4=_last4(_text(said.get("pan"))),
        sound=all(form.fullmatch(references[name]) for name, form in _FORMS.items())
        and (status == "failed") == (code != "00"),
    )


def _object(text: str) -> dict[str, object] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None


def _text(value: object) -> str:
    """A value as text: the EDC is not consistent in its types."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return "" if value.strip() == _NONE else value.strip()
        case int() if abs(value) < 10**18:
            return str(value)
        case _:
            return ""


def _rupiah(value: object) -> int | None:
    text = _text(value)
    return int(text) if _WHOLE.fullmatch(text) else None


def _last4(masked: str) -> str:
    last4 = masked.replace(" ", "")[-4:]
    return last4 if _LAST4.fullmatch(last4) else ""


def _kind(words: str) -> NoteKind:
    words = words.lower()
    if "edc is busy" in words:
        return NoteKind.BUSY
    if "invalid timestamp" in words:
        return NoteKind.CLOCK
    return NoteKind.TAKEN
