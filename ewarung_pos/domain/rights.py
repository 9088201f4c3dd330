"""Rights that move between kiosks: what one gives back, what the city grants on request, and the hardship pool.

sync.md section 1. A surrender and a grant are totals like every lease; the pool is a lease of the kiosk itself.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from ewarung_pos.domain.bounds import Code, Count
from ewarung_pos.domain.catalogue import BenefitKind, Catalogue, Eligibility, Programme
from ewarung_pos.domain.entitlement import Lease, LeaseGrant, Refusal, Standing, used_up
from ewarung_pos.domain.family import CardRef, CardStatus, Family
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import Unit

__all__ = [
    "HARDSHIP",
    "HardshipReason",
    "Surrender",
    "all_of",
    "asks_city",
    "give_back",
    "grant_text",
    "holder_of",
    "is_pool",
    "name_digest",
    "pool_family",
    "pool_helps",
    "pool_of",
    "pool_standing",
    "stranger_of",
    "surrenders",
    "with_pool",
]

HARDSHIP = "DARURAT"
"""Code of the programme under which a kiosk's pool is leased to it; no catalogue has a programme of that code."""

_POOL = "POOL."
_EVER = BusinessDate("2000-01-01")
_NO_SIGN = re.compile(r"[^\w]+")


class Surrender(msgspec.Struct, frozen=True, array_like=True):
    """What of a lease is given back, as a total S in base units of `unit`; as the city asks for it, or as it was done.

    Each only ever grows: the same one twice, or an older one after a newer, changes nothing.
    """

    family: Code
    programme: Code
    period: Code
    commodity: Code
    unit: Unit
    surrendered: Count


def give_back(lease: Lease, asked: int) -> int:
    """The total S of the lease after the city asked for `asked` in all: never more than G - P, and never less than S.

    P is net of what came back by a reversal of the same day.
    """
    most = lease.surrendered + max(0, lease.rest)
    return max(lease.surrendered, min(asked, most))


def all_of(lease: Lease) -> Surrender:
    """The total S that gives back whatever is left of a lease."""
    total = lease.surrendered + max(0, lease.rest)
    return Surrender(lease.family, lease.programme, lease.period, lease.commodity, lease.unit, total)


def surrenders(leases: Iterable[Lease], asked: Iterable[Surrender]) -> tuple[Surrender, ...]:
    """What a device gives back of these leases when it is asked for so much; nothing of what it does not hold.

    Of several wishes for one lease the largest counts.
    """
    held = {(lease.family, lease.programme, lease.period, lease.commodity): lease for lease in leases}
    given: dict[tuple[str, str, str, str], Surrender] = {}
    for wish in asked:
        key = (wish.family, wish.programme, wish.period, wish.commodity)
        lease = held.get(key)
        if lease is None or lease.unit is not wish.unit:
            continue
        total = give_back(lease, wish.surrendered)
        if total > max(lease.surrendered, given[key].surrendered if key in given else 0):
            given[key] = Surrender(*key, lease.unit, total)
    return tuple(given[key] for key in sorted(given))


def grant_text(
    device: str, epoch: int, request: str, serial: int, family: str, leases: tuple[LeaseGrant, ...], *, home: bool
) -> bytes:
    """What the city signs when it answers a request for rights.

    The leases stand in it by the SHA-256 (hex) of their canonical JSON.
    """
    told = hashlib.sha256(msgspec.json.encode(leases)).hexdigest()
    return f"grant|{device}|{epoch}|{request}|{serial}|{family}|{int(home)}|{told}".encode()


def asks_city(standing: Standing, catalogue: Catalogue) -> bool:
    """Whether the city may have rights for whoever stands here that this kiosk does not hold.

    So it is for a card that is not known here, and for a family with a ration programme of which nothing of this month
    is here, or no more: what it took here itself, the city has not.
    """
    if standing.family is None:
        return Refusal.UNKNOWN_CARD in standing.refusals
    leases = standing.leases
    if standing.family.card_status is not CardStatus.ACTIVE or used_up(leases) or any(each.rest > 0 for each in leases):
        return False
    return any(catalogue.kind(code) is BenefitKind.RATION for code in standing.family.programmes)


# --- the hardship pool ----------------------------------------------------------------------------------------------


class HardshipReason(StrEnum):
    """Why somebody is served from the pool: in every case because rights that exist cannot be reached."""

    NO_LINE = "tanpa_sambungan"
    HOME_SILENT = "kios_tidak_menjawab"
    NEW_CARD = "kartu_baru"
    DISPLACED = "mengungsi"

    @property
    def label(self) -> str:
        """As said at the counter."""
        return {
            "tanpa_sambungan": "tidak ada sambungan",
            "kios_tidak_menjawab": "kios langganan tidak menjawab",
            "kartu_baru": "kartu baru belum terdaftar",
            "mengungsi": "keluarga sedang mengungsi",
        }[self.value]


def pool_of(device: str) -> str:
    """Whose lease a kiosk's pool is: it stands where a family's key would."""
    return f"{_POOL}{device}"


def is_pool(family: str) -> bool:
    """Whether that key is a pool's and no family's."""
    return family.startswith(_POOL)


def holder_of(family: str, programme: str, device: str) -> str:
    """Whose lease a debit is taken from: the family's, or the kiosk's own pool."""
    return pool_of(device) if programme == HARDSHIP else family


def stranger_of(card: CardRef) -> str:
    """The key under which the journal knows a card that is not in the register here; the city finds its family by it.

    Like the card's reference it tells nothing to whoever has not the city's card key.
    """
    return f"C{card.token[:15].upper()}"


def name_digest(card_key: bytes, name: str) -> str:
    """A typed name as the journal may keep it: half of an HMAC-SHA-256 (hex) under the city's card key.

    Capitals and signs do not make another name. The city compares it with its register; nobody reads a name from it.
    Empty for no name.
    """
    plain = " ".join(_NO_SIGN.sub(" ", name.casefold()).split())
    return hmac.digest(card_key, b"name|" + plain.encode(), "sha256")[:16].hex() if plain else ""


_HELPABLE = frozenset({Refusal.UNKNOWN_CARD, Refusal.HOME_ELSEWHERE, Refusal.PERIOD_OVER, Refusal.NO_RATION})


def pool_helps(standing: Standing) -> bool:
    """Whether the pool is for whoever stands here: nothing is in the way but that this kiosk holds no lease of theirs.

    Who had a lease of this month here and took it all is not helped by it, nor whom the city blocked.
    """
    return not standing.leases and all(refusal in _HELPABLE for refusal in standing.refusals)


def with_pool(catalogue: Catalogue, pool: Iterable[Lease]) -> Catalogue:
    """The catalogue with the pool's programme in it, for what the pool holds."""
    rules = tuple(Eligibility(HARDSHIP, lease.commodity, _EVER) for lease in pool)
    programme = Programme(HARDSHIP, "Jatah darurat", BenefitKind.RATION)
    return msgspec.structs.replace(
        catalogue,
        programmes=(*catalogue.programmes, programme),
        eligibilities=(*catalogue.eligibilities, *rules),
    )


def pool_standing(standing: Standing, pool: tuple[Lease, ...]) -> Standing:
    """The same person at the counter, as the pool may serve them: by what is left in it, and by no purse."""
    refusals = () if pool_helps(standing) else standing.refusals
    return msgspec.structs.replace(standing, family=pool_family(standing), refusals=refusals, leases=pool, shadow=None)


def pool_family(standing: Standing) -> Family:
    """The family as the pool serves it, under no programme of its own; a stranger by the card alone."""
    if standing.family is not None:
        return msgspec.structs.replace(standing.family, programmes=())
    card = standing.card
    return Family(stranger_of(card), "", "", "", "", "", 0, (), "", card, CardStatus.ACTIVE)
