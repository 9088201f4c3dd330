"""Rights on request: what the counter wishes for, asked of the city, and its answer written down."""

from __future__ import annotations

from ewarung_pos.domain.family import Family
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.errors import ClockSuspect, ProtocolMismatch, ServerBusy, Unauthorised
from ewarung_pos.ports import Ledger, RightsAnswer, RightsWish
from ewarung_pos.sync.outgoing import CityServer, is_signed
from ewarung_pos.sync.protocol import Grant, GrantOutcome, GrantRequest, grant_text

__all__ = ["ask_for"]


def ask_for(
    city: CityServer,
    city_key: bytes,
    who: KioskIdentity,
    ledger: Ledger,
    wish: RightsWish,
    acked: tuple[int, str] | None = None,
) -> RightsAnswer:
    """One question and its answer; what was granted is committed before this returns.

    `acked` is the last entry (seq, hash) that the city was found to share with this journal, as for a page of state.

    Raises:
        SyncError: no answer that can be believed, or ClockSuspect: the city's time is another than ours. Nothing
            happened here; the city answers the same wish again as it did.
    """
    message = GrantRequest(
        who.device,
        who.epoch,
        wish.request,
        wish.card.token,
        wish.period.iso,
        home=wish.home,
        withdraw=wish.withdraw,
        acked_seq=acked[0] if acked is not None else None,
        acked_hash=acked[1] if acked is not None else "",
    )
    try:
        said = city.grant(message)
    except ProtocolMismatch as error:
        if error.reason == "clock":
            raise ClockSuspect(error.detail, reason="off_server") from error
        if error.reason == "behind":
            raise ServerBusy("the city holds more since", reason="behind") from error
        raise
    if said.request != wish.request:
        raise ProtocolMismatch("an answer to another request", reason="body")
    if said.outcome is GrantOutcome.GRANTED:
        family = _believed(city_key, who, wish, said)
        with ledger.write() as uow:
            uow.accept_grant(said.request, said.serial, family, said.leases, said.signature, home=said.home)
    return RightsAnswer(said.outcome.value.lower(), said.reason, said.kiosk, said.family, said.home)


def _believed(city_key: bytes, who: KioskIdentity, wish: RightsWish, said: Grant) -> Family:
    """The family that rights were granted to, if the city signed them, and they are what was asked for.

    Raises:
        Unauthorised: not signed.
        ProtocolMismatch: for another card or family, or less than nothing.
    """
    family = said.family
    if family is None or family.card.token != wish.card.token:
        raise ProtocolMismatch("rights for another card", reason="body")
    if any(lease.family != family.key or lease.granted < 0 for lease in said.leases):
        raise ProtocolMismatch("rights for another family, or of less than nothing", reason="body")
    text = grant_text(who.device, who.epoch, said.request, said.serial, family.key, said.leases, home=said.home)
    if not is_signed(city_key, text, said.signature):
        raise Unauthorised("the rights are not signed", reason="signature")
    return family
