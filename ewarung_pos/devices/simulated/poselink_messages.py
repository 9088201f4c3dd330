"""The simulated POSe Link EDC's own codec: small, written from the tables, and sharing nothing with the driver's."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from ewarung_pos.devices.simulated.edc_bank import APPROVED, MERCHANT, TERMINAL, Slip

__all__ = ["KINDS", "NOT_FOUND", "SECRET", "Request", "acknowledgement", "misshapen", "read_request", "result"]

SECRET = "ewarung-latihan"  # noqa: S105 - the sandbox's; a site's own is issued by the vendor
NOT_FOUND = "Transaction not found"
KINDS = {"Sale": "sale", "Void": "void", "Check Trx": "inquiry", "Settlement": "settle"}
_TRX_ID = re.compile(r"[A-Za-z0-9.=_-]+")
_WORDS = {"51": "Insufficient funds", "54": "Expired card", "55": "Incorrect PIN"}
_SILENT = {"P3": "Transaction cancelled", "TO": "Timeout"}
"""Ends of which the EDC says no more than that they failed."""


@dataclass(frozen=True)
class Request:
    """What a till asks. `amount` is rupiah, -1 when it is none; `stamp` None when it is no time."""

    action: str
    trx_id: str
    amount: int
    address: str
    stamp: dt.datetime | None
    trace: str


def read_request(text: str, secret: str) -> Request | None:
    """A request in clear; None when it is damaged, under another secret, or without a usable name."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key = hashlib.new("sha1", secret.encode("utf-8"), usedforsecurity=False).digest()[:16]
    try:
        sealed = base64.b64decode(text, validate=True)
        cipher = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305 - the published scheme
        padded = cipher.update(sealed) + cipher.finalize()
        pad = padded[-1]
        if not 1 <= pad <= 16 or padded[-pad:] != bytes([pad]) * pad:
            return None
        told = json.loads(padded[:-pad].decode("utf-8"))
    except (ValueError, IndexError, binascii.Error):
        return None
    if not isinstance(told, dict) or not _TRX_ID.fullmatch(str(told.get("trx_id", ""))):
        return None
    return Request(
        action=str(told.get("action", "")),
        trx_id=str(told["trx_id"]),
        amount=_amount(told.get("amount")),
        address=str(told.get("pos_address", "")),
        stamp=_stamp(str(told.get("time_stamp", ""))),
        trace=str(told.get("trace_number", "")),
    )


def acknowledgement(request: Request) -> str:
    """The note that comes before the result."""
    return json.dumps({"msg": "Request received", "trx_id": request.trx_id})


def result(request: Request, code: str, slip: Slip | None, *, extra: int, action: str, trx_id: str) -> dict[str, Any]:
    """What the EDC says at the end.

    Args:
        request: echoed where the table says so.
        code: the host's response code, or P3 and TO, which the EDC does not tell apart; empty: nothing was found.
        slip: the transaction it is about.
        extra: rupiah to add to the amount.
        action: to echo.
        trx_id: to echo.
    """
    approved = code == APPROVED
    told = slip if approved else None
    amount = slip.amount if slip is not None else max(0, request.amount)
    silent = not code or code in _SILENT
    return {
        "action": action,
        "method": "purchase",
        "trx_id": trx_id,
        "status": ("paid" if request.action == "Check Trx" else "success") if approved else "failed",
        "rc": "N/A" if silent else code,
        "msg": "Transaction success"
        if approved
        else _WORDS.get(code, _SILENT.get(code, NOT_FOUND if silent else "Declined")),
        "amount": str(amount + extra),
        "approval": told.approval or told.rrn[-6:] if told is not None else "N/A",
        "trace_number": told.invoice if told is not None else "N/A",
        "batch_number": told.batch if told is not None else "N/A",
        "reference_number": told.rrn if told is not None else "N/A",
        "reff_id": "N/A",
        "acq_mid": told.merchant if told is not None else MERCHANT,
        "acq_tid": told.terminal if told is not None else TERMINAL,
        "pan": f"6013 01** **** {slip.last4}" if slip is not None and slip.last4 else "N/A",
        "card_name": "NSICCS" if slip is not None and slip.last4 else "N/A",
        "card_category": "DEBIT",
        "card_type": "CHIP",
        "is_credit": "false",
        "is_off_us": "N/A",
        "transaction_date": slip.stamp if slip is not None else "N/A",
        "edc_address": "127.0.0.1",
        "pos_address": request.address,
        "version_code": "413",
        "version_name": "4.13.0-sandbox",
    }


def misshapen(said: dict[str, Any], faults: Container[str]) -> str:
    """A result as the faults want it."""
    text = json.dumps(said)
    return text[: len(text) // 2] if "short" in faults else text


def _amount(told: object) -> int:
    return told if isinstance(told, int) and not isinstance(told, bool) and told >= 0 else -1


def _stamp(told: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(told, "%Y-%m-%d %H:%M:%S").replace(tzinfo=dt.UTC)
    except ValueError:
        return None
