"""Who stands at the counter: what is left for the family, and every reason not to serve it."""

from __future__ import annotations

from collections.abc import Callable

from ewarung_pos.domain.business_day import Day
from ewarung_pos.domain.catalogue import BenefitKind, Catalogue
from ewarung_pos.domain.entitlement import Lease, LineProblem, Refusal, Standing, check, refusal_of_card, used_up
from ewarung_pos.domain.family import CardRef, Family
from ewarung_pos.domain.redemption import Basket
from ewarung_pos.domain.timeline import Instant, Period, clock_trouble
from ewarung_pos.errors import (
    AllotmentExhausted,
    CardBlocked,
    ClockSuspect,
    DayNotOpen,
    HomeElsewhere,
    NotEntitled,
    OutOfStock,
    PeriodNotCurrent,
    RuleViolation,
)
from ewarung_pos.ports import Attempt, LedgerReader

__all__ = ["servable", "standing_of"]

_REFUSED: dict[Refusal, type[RuleViolation]] = {
    Refusal.UNKNOWN_CARD: NotEntitled,
    Refusal.CARD_BLOCKED: CardBlocked,
    Refusal.HOLDER_DECEASED: CardBlocked,
    Refusal.FAMILY_MOVED: CardBlocked,
    Refusal.IN_DOUBT: CardBlocked,
    Refusal.HOME_ELSEWHERE: HomeElsewhere,
    Refusal.EXHAUSTED: AllotmentExhausted,
    Refusal.NO_RATION: NotEntitled,
    Refusal.PERIOD_OVER: PeriodNotCurrent,
    Refusal.OUT_OF_STOCK: OutOfStock,
    Refusal.DAY_NOT_OPEN: DayNotOpen,
    Refusal.DAY_OVER: DayNotOpen,
    Refusal.CLOCK_SUSPECT: ClockSuspect,
}


def standing_of(
    reader: LedgerReader,
    card: CardRef,
    now: Instant,
    offset_ms: Callable[[], int | None],
    concluding: Attempt | None = None,
) -> Standing:
    """Who this is, what is left, and every reason not to serve.

    Args:
        reader: of the ledger, at one moment.
        card: on the counter.
        now: wall time.
        offset_ms: gives the city's time minus ours at the last exchange, if there was one.
        concluding: an attempt whose outcome is being recorded: its own goods are not held against it, its day counts,
            and only the card can still refuse.
    """
    identity = reader.identity()
    day = reader.day()
    date = day.date or now.date()
    if concluding is not None:
        date = concluding.date
    period = date.period()
    last_ms = reader.head().last_ms
    visit = reader.visit(card.token, period)
    family, leases, stock = visit.family, visit.leases, visit.stock
    # By family as well: a new card must not take what the old one's debit, not proven yet, is for.
    key = family.key if family is not None else None
    held = next((a.id for a in visit.attempts if a.card.token == card.token or a.family == key), None)
    for attempt in visit.attempts:
        if concluding is None or attempt.id != concluding.id:
            for line in attempt.basket.lines:
                stock[line.product] = stock.get(line.product, 0) - line.packs
    refusals: list[Refusal] = []
    if concluding is None:
        refusals.extend(_day_refusals(day, now, period))
        accepted = reader.clock().accepted_ms
        if clock_trouble(now, _instant(last_ms), offset_ms(), accepted) is not None:
            refusals.append(Refusal.CLOCK_SUSPECT)
        if held is not None:
            refusals.append(Refusal.IN_DOUBT)
    if family is None:
        refusals.append(Refusal.UNKNOWN_CARD)
    else:
        blocked = refusal_of_card(family.card_status)
        if blocked is not None:
            refusals.append(blocked)
        elif concluding is None:
            refusals.extend(_rights_refusals(reader, family, leases, period, identity.device if identity else ""))
    return Standing(
        card=card,
        family=family,
        date=date,
        period=period,
        refusals=tuple(refusals),
        leases=leases,
        stock=stock,
        shadow=visit.shadow,
        attempt=held,
        last_visit=visit.last_visit,
        day="" if day.serving else day.why_not_serving(now.date()),
        guest=family is not None and identity is not None and family.home != identity.device,
    )


def servable(standing: Standing, basket: Basket, catalogue: Catalogue) -> Family:
    """The family, if the basket may be served to it.

    Raises:
        RuleViolation: the first reason why not.
    """
    if standing.refusals or standing.family is None:  # a family that is not known is refused for just that
        raise _REFUSED[standing.refusals[0]](reason=standing.why_not)
    if not basket.lines:
        raise NotEntitled("the basket is empty", reason="empty_basket")
    problems = check(basket, standing, catalogue)
    if problems:
        raise _problem_error(problems[0])
    return standing.family


def _day_refusals(day: Day, now: Instant, period: Period) -> list[Refusal]:
    if not day.serving:
        return [Refusal.DAY_NOT_OPEN]
    # A day that was never closed would go on with the rights of a month that is over.
    return [] if now.date().period() == period else [Refusal.DAY_OVER]


def _rights_refusals(
    reader: LedgerReader, family: Family, leases: tuple[Lease, ...], period: Period, device: str
) -> list[Refusal]:
    for lease in leases:
        if lease.rest > 0:
            return []
    kinds = {reader.catalogue().kind(code) for code in family.programmes}
    if BenefitKind.PURSE in kinds:
        return []
    if used_up(leases):
        return [Refusal.EXHAUSTED]
    if family.home != device:  # and what was here of this month went there
        return [Refusal.HOME_ELSEWHERE]
    awaited = BenefitKind.RATION in kinds or reader.other_periods(family.key, period)
    return [Refusal.PERIOD_OVER if awaited else Refusal.NO_RATION]


def _problem_error(problem: LineProblem) -> RuleViolation:
    kind = {
        "lease": AllotmentExhausted,
        "stock": OutOfStock,
        "purse": NotEntitled,
        "not_eligible": NotEntitled,
    }[problem.bound.value]
    return kind(problem.product, reason=problem.bound.value)


def _instant(ms: int) -> Instant | None:
    return Instant(ms) if ms else None
