"""What a person should know of a family that a list names and that is taken: its status, its card, its kiosk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ewarung_city.bnba.digits import mask_card
from ewarung_city.bnba.findings import Finding, finding
from ewarung_city.bnba.rows import Listed
from ewarung_city.store.database import Row
from ewarung_pos.domain.family import CardStatus

__all__ = ["STATUS_WORD", "remarks_on"]

STATUS_WORD = {
    CardStatus.ACTIVE: "aktif",
    CardStatus.BLOCKED: "diblokir",
    CardStatus.DECEASED: "meninggal",
    CardStatus.MOVED: "pindah",
}
_STATUS_CODE = {
    CardStatus.BLOCKED: "card_blocked",
    CardStatus.DECEASED: "holder_deceased",
    CardStatus.MOVED: "family_moved",
}


def remarks_on(said: Listed, before: Row | None, row: Mapping[str, Any]) -> Iterable[Finding]:
    """What a person should know of a family that is taken."""
    status = CardStatus(row["card_status"])
    if said.status is CardStatus.ACTIVE and status is not CardStatus.ACTIVE:
        yield finding(said.row, "card_status", "status_kept", held=STATUS_WORD[status])
    elif said.status is status and status in _STATUS_CODE:
        yield finding(said.row, "card_status", _STATUS_CODE[status])
    if before is None:
        return
    fewer = [code for code in before["programmes"].split(";") if code and code not in row["programmes"].split(";")]
    if fewer:
        yield finding(said.row, "programmes", "programmes_fewer", said="; ".join(fewer))
    if before["token"] != row["token"]:
        words = {"card": mask_card(said.card), "held": f"**** {before['last4']}"}
        yield finding(said.row, "card_number", "card_changed", **words)
    if before["home"] != row["home"]:
        yield finding(said.row, "home_kiosk", "home_changed", held=str(before["home"]), said=str(row["home"]))
