"""The whole city's books: what the crews found, what the city says of itself, and what each family got.

Nothing counts as right that was not looked at: every kiosk, every sealed day, every entry has to turn up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_city.verify import verify
from ewarung_fleet.findings import Finding, Kind
from ewarung_fleet.messages import Looked
from ewarung_fleet.plan import Luck, Plan, kiosk_id
from ewarung_fleet.report import Report, Served, missed
from ewarung_fleet.truth import Truth
from ewarung_pos.domain.rights import HARDSHIP, is_pool, pool_of
from ewarung_pos.sync.protocol import Flag

__all__ = ["reconcile"]

_FOUND = {
    Flag.OVER_LEASE: Kind.OVERSPEND,
    Flag.DAY_DIFFERS: Kind.DIFFERENCE,
    Flag.DUPLICATE_UID: Kind.DOUBLE,
}
_EXPECTED = {Flag.HARDSHIP.value, Flag.CLOCK_SKEW.value, Flag.EDC_DIFFERS.value, "FORK"}
"""Cases that this life gives reason for; any other means that somebody did what no till does."""

_OUT = {Luck.RESTORED: 3, Luck.LOST: 3, Luck.ROLLED_BACK: 10}
"""For so many days a kiosk may be out of order: until it has a code again, or a line to be found out by."""


def reconcile(
    store: CityStore,
    plan: Plan,
    looked: list[Looked],
    unsent: dict[str, int],
    killed: int,
    token_of: Callable[[int], str],
) -> Report:
    """Put everything together.

    Args:
        store: of the city.
        plan: that was lived.
        looked: what each crew found.
        unsent: entries that the last drain left at each kiosk.
        killed: how often the city's server was killed.
        token_of: the reference of a planned family's card.
    """
    truths = {device: truth for each in looked for device, truth in each.truths.items()}
    moved = {device: amount for each in looked for device, amount in each.moved.items()}
    findings = [found for each in looked for found in each.findings]
    findings += _left_over(plan, truths, moved, unsent)
    with store.read() as tx:
        findings += (
            Finding(Kind.UNSOUND, f"{found.device}/{found.epoch}", f"the city's verify: {found.seq} {found.what}")
            for found in verify(tx)
        )
        findings += _overspent(tx, truths)
        cases = Counter(str(row["reason"]) for row in tx.all(schema.case))
        findings += _cases(cases)
        findings += _forks({str(row["device"]) for row in tx.all(schema.case, reason="FORK")}, truths)
        rations = _rations(tx)
        entries = tx.count(schema.entry)
    fired = _sum(truth.fired for truth in truths.values())
    if killed:
        fired["city_killed"] = killed
    kinds = Counter(found.kind for found in findings)
    report = Report(
        kiosks=plan.settings.kiosks,
        days=plan.settings.days,
        families=plan.settings.families,
        seed=plan.settings.seed,
        device_days=sum(each.device_days for each in looked),
        ledgers=sum(each.ledgers for each in looked),
        redemptions=sum(len(truth.handed) for truth in truths.values()),
        entries=entries,
        entries_compared=sum(each.entries for each in looked),
        on_way=sum(each.on_way for each in looked),
        faults=fired,
        noted=_sum(truth.noted for truth in truths.values()),
        turned_away=_sum(truth.turned_away for truth in truths.values()),
        cases=dict(sorted(cases.items())),
        gone=sum(truth.gone for truth in truths.values()),
        differences=kinds[Kind.DIFFERENCE],
        overspend=kinds[Kind.OVERSPEND],
        lost=kinds[Kind.LOST],
        double=kinds[Kind.DOUBLE],
        unsound=kinds[Kind.UNSOUND],
        served_home=_served(plan, truths, rations, token_of, frozenset(plan.without_line())),
        served_all=_served(plan, truths, rations, token_of, frozenset(range(plan.settings.kiosks))),
        findings=[str(found) for found in findings],
    )
    report.findings += missed(report)
    return report


def _left_over(
    plan: Plan, truths: dict[str, Truth], moved: dict[str, int], unsent: dict[str, int]
) -> Iterator[Finding]:
    """Kiosks nobody looked at, days that nobody closed, entries that did not arrive, and money moved for nothing."""
    for kiosk in range(plan.settings.kiosks):
        device = kiosk_id(kiosk)
        truth = truths.get(device)
        if truth is None or device not in unsent:
            yield Finding(Kind.UNSOUND, device, "was not looked at")
            continue
        lived, out = len({day.date for day in truth.sealed}), _OUT.get(plan.lucks[kiosk], 0)
        if not plan.settings.days - out <= lived <= plan.settings.days:
            yield Finding(Kind.UNSOUND, device, f"closed {lived} of {plan.settings.days} days")
        if unsent[device]:
            yield Finding(Kind.LOST, device, f"{unsent[device]} entries did not arrive though the line was back")
        paid = sum(one.purse for one in truth.handed)
        if paid != moved.get(device):
            yield Finding(Kind.DIFFERENCE, device, f"the EDC moved {moved.get(device)} rupiah, the counter {paid}")
        yield from (Finding(Kind.UNSOUND, device, what) for what in truth.findings)


def _overspent(tx: Tx, truths: dict[str, Truth]) -> Iterator[Finding]:
    """What left over all counters, and what the city's leases say, against each entitlement."""
    tokens = {str(row["key"]): str(row["token"]) for row in tx.all(schema.family)}
    entitled: Counter[tuple[str, str]] = Counter()
    for row in tx.all(schema.entitlement):
        key = f"{row['programme']}|{row['period']}|{row['commodity']}"
        entitled[tokens.get(str(row["family"]), str(row["family"])), key] += int(row["amount"])
    handed: Counter[tuple[str, str]] = Counter()
    for device, truth in truths.items():
        for one in truth.handed:
            for key, amount in one.rations.items():
                handed[pool_of(device) if key.startswith(f"{HARDSHIP}|") else one.token, key] += amount
    spent: Counter[tuple[str, str]] = Counter()
    for row in tx.all(schema.lease):
        key = f"{row['programme']}|{row['period']}|{row['commodity']}"
        spent[tokens.get(str(row["family"]), str(row["family"])), key] += int(row["spent"]) - int(row["returned"])
    for name, sums in (("left the counters", handed), ("stands in the leases", spent)):
        for (whose, key), amount in sums.items():
            if amount > entitled[whose, key]:
                who = whose if is_pool(whose) else f"family {whose[:8]}"
                what = f"{key}: {amount} {name}, entitled to {entitled[whose, key]}"
                yield Finding(Kind.OVERSPEND, who, what)


def _cases(cases: Counter[str]) -> Iterator[Finding]:
    """Cases that nothing gave reason for."""
    for reason, times in cases.items():
        if reason not in _EXPECTED:
            kind = next((kind for flag, kind in _FOUND.items() if flag.value == reason), Kind.UNSOUND)
            yield Finding(kind, "city", f"{times} cases {reason}")


def _forks(found: set[str], truths: dict[str, Truth]) -> Iterator[Finding]:
    """An old image that was put back must have opened a case; a restored copy may have; nothing else does."""
    for device, truth in truths.items():
        image = "rolled_back_found_as_fork" in truth.fired
        if device in found and not image and "restored_from_backup" not in truth.fired:
            yield Finding(Kind.UNSOUND, device, "a case FORK, and no old disk was ever put back there")
        if image and device not in found:
            yield Finding(Kind.UNSOUND, device, "an old disk was put back, and there is no case FORK")


def _rations(tx: Tx) -> dict[tuple[str, str], dict[str, int]]:
    """(card reference, month) -> the whole ration."""
    tokens = {str(row["key"]): str(row["token"]) for row in tx.all(schema.family)}
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in tx.all(schema.entitlement):
        if row["programme"] != HARDSHIP:
            found[tokens.get(row["family"], ""), row["period"]][row["commodity"]] = int(row["amount"])
    return found


def _served(
    plan: Plan,
    truths: dict[str, Truth],
    rations: dict[tuple[str, str], dict[str, int]],
    token_of: Callable[[int], str],
    kiosks: frozenset[int],
) -> Served:
    """How many of the families that mean to fetch their ration have all of it, of those at home at these kiosks."""
    got: Counter[tuple[str, str, str]] = Counter()
    for truth in truths.values():
        for one in truth.handed:
            for key, amount in one.rations.items():
                _, period, commodity = key.split("|")
                got[one.token, period, commodity] += amount
    refused = {family: reason for truth in truths.values() for family, reason in truth.refused.items()}
    came = served = 0
    why: Counter[str] = Counter()
    for index, family in enumerate(plan.families):
        if not family.ration or family.home not in kiosks:
            continue
        if len(kiosks) < plan.settings.kiosks and not plan.stays_home(index):
            continue
        token = token_of(index)
        for days in plan.months():
            period = f"{plan.date(days[0]):%Y-%m}"
            whole = rations.get((token, period), {})
            came += 1
            if whole and all(got[token, period, one] >= amount for one, amount in whole.items()):
                served += 1
            else:
                why[refused.get(index, "unknown")] += 1
    return Served(came, served, dict(sorted(why.items())))


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(sorted(total.items()))
