"""Which terminal a response of an EDC names, and whether that is the one that was agreed with the bank."""

from __future__ import annotations

import logging

from ewarung_pos.devices.ecr_codec import EcrResponse
from ewarung_pos.devices.ecr_site import EcrSite

__all__ = ["LastNamed", "elsewhere", "no_proof"]

_log = logging.getLogger(__name__)


def no_proof(site: EcrSite, response: EcrResponse) -> str:
    """Why a response proves nothing of this till's debits, whatever it says; empty where it may.

    An approval must name the terminal that was agreed with the bank (other_terminal), and be found again by something
    that it names (unnamed). Other answers may leave the terminal out, but name no other one.
    """
    approved = response.code == "00"
    if elsewhere(site, response, unnamed=approved):
        return "other_terminal"
    named = any(each.strip("0 ") for each in (response.approval, response.invoice, response.rrn))
    return "unnamed" if approved and not named else ""


def elsewhere(site: EcrSite, response: EcrResponse, *, unnamed: bool) -> bool:
    """Whether a response is of another terminal than the agreed one; `unnamed` if it may not leave that out."""
    told = ((site.merchant, response.merchant), (site.terminal, response.terminal))
    return any(ours and said != ours and (unnamed or bool(said.strip("0 "))) for ours, said in told)


class LastNamed:
    """The terminal of the last approval.

    Attributes:
        changed: `TID/MID -> TID/MID` of the newest change since the till was started; empty where there was none.
    """

    def __init__(self) -> None:
        self.changed = ""
        self._named = ""

    def take(self, approval: EcrResponse) -> None:
        """Remember whose it is."""
        named = f"{approval.terminal}/{approval.merchant}"
        if self._named and self._named != named:
            self.changed = f"{self._named} -> {named}"
            _log.warning("EDC: another terminal answers: %s", self.changed)
        self._named = named
