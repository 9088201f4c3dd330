"""Which terminal a response of an EDC names: the one that was agreed with the bank, the one that was asked before?

A kiosk borrows an EDC from its neighbour. What that one does not know of our debits, and what it voids by a number that
both gave away, proves nothing of ours.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import NamedTuple

from ewarung_pos.devices.ecr_codec import EcrResponse
from ewarung_pos.devices.ecr_site import EcrSite
from ewarung_pos.ports import Approved

__all__ = ["Asked", "LastNamed", "Name", "elsewhere", "name_of", "no_proof"]

_log = logging.getLogger(__name__)
_REMEMBERED = 512


class Name(NamedTuple):
    """TID and MID, as far as they are known; empty is not."""

    terminal: str = ""
    merchant: str = ""

    def other(self, told: Name) -> bool:
        """Whether these are two terminals for certain."""
        return any(ours and said and ours != said for ours, said in zip(self, told, strict=True))

    def same(self, told: Name) -> bool:
        """Whether they are one for certain."""
        return any(ours and ours == said for ours, said in zip(self, told, strict=True)) and not self.other(told)


def name_of(said: EcrResponse | Approved) -> Name:
    """Who says it; zeros and spaces name nobody."""
    return Name(*(each if each.strip("0 ") else "" for each in (said.terminal, said.merchant)))


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


class Asked:
    """Of which EDC each attempt was asked: how it had named itself by then, on which opening of the port."""

    def __init__(self, site: EcrSite) -> None:
        self._agreed = Name(site.terminal, site.merchant)
        self._of: OrderedDict[str, tuple[int, Name]] = OrderedDict()

    def sent(self, attempt: str, opening: int, name: Name) -> None:
        """A sale or void goes to whoever is there now."""
        self._of[attempt] = opening, name
        if len(self._of) > _REMEMBERED:
            self._of.popitem(last=False)

    def knows(self, attempt: str) -> bool:
        """Whether it was sent since the till was started."""
        return attempt in self._of

    def no_word(self, attempt: str, opening: int, name: Name) -> str:
        """Why "not found" from whoever is there now says nothing of this attempt; empty where it does.

        It does from the terminal that was asked then, or on the very connection, where nobody names himself; after a
        restart only from the one that was agreed with the bank.
        """
        then, named = self._of.get(attempt, (0, Name()))
        asked = named if any(named) else self._agreed
        if asked.other(name):
            return "other_terminal"
        return "" if asked.same(name) or then == opening else "unclear"
