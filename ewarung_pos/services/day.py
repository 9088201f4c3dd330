"""The business day: open, begin to close, count, explain, seal. Each step is an entry, so a power cut resumes there."""

from __future__ import annotations

from collections.abc import Callable

from ewarung_pos.domain.business_day import Day, DayState, DayTotals, EdcTotals, blocking_close
from ewarung_pos.domain.free_text import EXPLANATION_CHARS
from ewarung_pos.domain.journal import (
    ClockStepped,
    ClosingBegun,
    ClosingCancelled,
    DayClosed,
    DayOpened,
    Entry,
    Redeemed,
    Reversed,
    SettingsChanged,
    decode,
)
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.stock import CountLine
from ewarung_pos.domain.timeline import Instant, clock_trouble, date_unsure
from ewarung_pos.errors import ClockSuspect, DayNotOpen, LedgerCorrupt
from ewarung_pos.ports import Clock, Ledger, LedgerReader, PrintJob, Settlement
from ewarung_pos.services.stock import StockService
from ewarung_pos.services.typed import refuse_names, refuse_text

__all__ = ["EDC_SETTLED", "DayService", "goods_paid_by", "signing_text"]

EDC_SETTLED = "edc_settled"
"""The setting, and the key of the `SettingsChanged`, that the EDC ended a batch of this business day."""
_PAGE, _PAGE_BYTES = 500, 4_000_000


def signing_text(device: str, epoch: int, first_seq: int, last_seq: int, head: str) -> bytes:
    """What the device signs at the seal and on each batch: `device|epoch|first_seq|last_seq|head` (hex head)."""
    return f"{device}|{epoch}|{first_seq}|{last_seq}|{head}".encode()


def goods_paid_by(reader: LedgerReader, totals: DayTotals) -> dict[str, dict[Tender, int]]:
    """What paid for the goods of each commodity that left on a day: ration, KKS and cash, in base units.

    Folded from the day's entries as `ControlLine.debited` is, of which these are the parts; reversals taken off.
    """
    paid: dict[str, dict[Tender, int]] = {}

    def add(commodity: str, tender: Tender, amount: int) -> None:
        of = paid.setdefault(commodity, {})
        of[tender] = of.get(tender, 0) + amount

    after = max(0, totals.first_seq - 1)
    while after < totals.last_seq:
        for sealed in reader.sealed(after, _PAGE, _PAGE_BYTES):
            after = sealed.seq
            fact = decode(sealed.body).fact
            if after > totals.last_seq or not isinstance(fact, Redeemed | Reversed):
                continue
            sign = 1 if isinstance(fact, Redeemed) else -1
            for debit in fact.debits:
                add(debit.commodity, Tender.RATION, sign * debit.amount)
            for line in fact.lines:
                if line.tender is not Tender.RATION:
                    add(line.commodity, line.tender, sign * line.amount)
    return paid


class DayService:
    """Opening and closing, on the ledger lane."""

    def __init__(
        self, ledger: Ledger, clock: Clock, stock: StockService, offset_ms: Callable[[], int | None] = lambda: None
    ) -> None:
        """`offset_ms` gives the city's time minus ours; while it is unknown, a person confirms a date that matters."""
        self._ledger = ledger
        self._clock = clock
        self._stock = stock
        self._offset_ms = offset_ms

    def today(self) -> Day:
        """Where the business day stands."""
        return self._ledger.read().day()

    def sealed_today(self) -> bool:
        """Whether the business day of the clock's date is sealed: nothing is served before tomorrow."""
        day = self._ledger.read().day()
        return not day.serving and day.why_not_serving(self._clock.now().wall.date()) == "day_sealed"

    def goods_paid_by(self, totals: DayTotals) -> dict[str, dict[Tender, int]]:
        """What left of each commodity for a ration, for KKS and for cash, in base units, reversals taken off."""
        return goods_paid_by(self._ledger.read(), totals)

    def totals(self) -> DayTotals:
        """Totals of the current business day so far.

        Raises:
            DayNotOpen: there is none.
        """
        reader = self._ledger.read()
        day = reader.day()
        if day.date is None:
            raise DayNotOpen(reason="day_not_open")
        return reader.totals(day.date)

    def open(self, operator: str, cash_float: int = 0, *, date_confirmed: bool = False) -> Entry:
        """Begin the business day of the clock's date.

        Args:
            operator: who opens it.
            cash_float: rupiah in the drawer.
            date_confirmed: the operator said that the date is right; it is an entry of its own where it was needed, and
                repeats the distance to the city's time that a leader confirmed last.

        Raises:
            DayNotOpen: a day is open (`already_open`), or this date's is sealed (`already_closed`).
            ClockSuspect: the clock is behind the ledger or far from the city's (`behind_ledger`, `off_server`), or the
                operator has to confirm the date first (`date_unsure`).
        """
        now = self._clock.now().wall
        with self._ledger.write() as uow:
            day = uow.day()
            if day.state is not DayState.CLOSED:
                raise DayNotOpen(reason="already_open")
            if uow.has_day(now.date()):
                raise DayNotOpen(reason="already_closed")
            head = uow.head()
            last = Instant(head.last_ms) if head.last_ms else None
            offset = self._offset_ms()
            trouble = clock_trouble(now, last, offset, uow.clock().accepted_ms)
            if trouble is not None:
                raise ClockSuspect(reason="behind_ledger" if trouble == "behind_ledger" else "off_server")
            if date_unsure(now, last, offset):
                if not date_confirmed:
                    raise ClockSuspect(now.date().iso, reason="date_unsure")
                uow.append(ClockStepped(-uow.clock().accepted_ms, confirmed=True), operator)
            return uow.append(DayOpened(cash_float), operator)

    def begin_close(self, operator: str) -> Day:
        """Refuse new redemptions from here on. Does nothing when the close was begun before.

        Raises:
            DayNotOpen: no day is open.
        """
        with self._ledger.write() as uow:
            day = uow.day()
            if day.state is DayState.CLOSED:
                raise DayNotOpen(reason="day_not_open")
            if day.state is DayState.OPEN:
                uow.append(ClosingBegun(), operator)
            return uow.day()

    def cancel_close(self, operator: str) -> None:
        """Back to serving; possible until the seal.

        Raises:
            DayNotOpen: the close was not begun.
        """
        with self._ledger.write() as uow:
            if uow.day().state not in (DayState.COUNTING, DayState.EXPLAINED):
                raise DayNotOpen(reason="not_counting")
            uow.append(ClosingCancelled(), operator)

    def count(self, counted: dict[str, int], operator: str) -> tuple[CountLine, ...]:
        """The closing count, in packs.

        Raises:
            DayNotOpen: the close was not begun.
        """
        if self.today().state not in (DayState.COUNTING, DayState.EXPLAINED):
            raise DayNotOpen(reason="not_counting")
        return self._stock.count(counted, operator, closing=True)

    def explain(self, lines: tuple[CountLine, ...], operator: str, leader: str = "") -> None:
        """Give every difference its reason and set the book to the count.

        Raises:
            NotEntitled, NotAuthorised: see `StockService.adjust`.
        """
        self._stock.adjust(lines, operator, leader=leader, closing=True)

    def edc_settled(self, settled: Settlement | None) -> EdcTotals | None:
        """Keep what the EDC settled and say what it settled on this business day so far; None when it never did.

        The terminal tells each batch once. Kept durably, its total outlives a power cut before the seal, and a batch
        that was settled in a close which was called off still counts (domain rule R34).

        Raises:
            DayNotOpen: there is no business day.
        """
        with self._ledger.write() as uow:
            day = uow.day()
            if day.date is None:
                raise DayNotOpen(reason="day_not_open")
            before = uow.settings().get(EDC_SETTLED, "")
            date, _, rest = before.partition("|")
            held = EdcTotals(int(rest.partition("|")[0]), rest.partition("|")[2]) if date == day.date.iso else None
            if settled is None:
                return held
            total = EdcTotals((held.amount if held is not None else 0) + settled.amount, settled.batch)
            after = f"{day.date.iso}|{total.amount}|{total.batch}"
            uow.put_setting(EDC_SETTLED, after)
            uow.append(SettingsChanged(EDC_SETTLED, before, after))
            return total

    def check_seal(self) -> None:
        """Nothing, if the day can be sealed as far as this side goes: before the EDC's batch is ended for it.

        Raises:
            DayNotOpen: reason day_not_open, not_explained, in_doubt or control (`blocking_close`).
        """
        reader = self._ledger.read()
        day = reader.day()
        blocked = blocking_close(day, self.totals(), None)
        if blocked is not None:
            raise DayNotOpen(reason=blocked)

    def seal(self, operator: str, edc: EdcTotals | None) -> tuple[Entry, PrintJob]:
        """Close the day: totals and signed head in one commit; the Z report is owed.

        Raises:
            DayNotOpen: reason not_explained, in_doubt, control or edc (`blocking_close`).
            NotEntitled: the explanation may not be kept (`refuse_text`, `refuse_names`).
            LedgerCorrupt: the ledger has no device key.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if edc is not None:
            refuse_text(edc.explanation, EXPLANATION_CHARS)
        with self._ledger.write() as uow:
            if edc is not None:
                refuse_names(uow, edc.explanation)
            day = uow.day()
            identity = uow.identity()
            key = uow.secret("device_key")
            if day.date is None or identity is None:
                raise DayNotOpen(reason="day_not_open")
            if key is None:
                raise LedgerCorrupt("no device key", reason="no_device_key")
            totals = uow.totals(day.date)
            blocked = blocking_close(day, totals, edc)
            if blocked is not None:
                raise DayNotOpen(reason=blocked)
            head = uow.head()
            text = signing_text(identity.device, identity.epoch, totals.first_seq, head.seq, head.hash)
            signature = Ed25519PrivateKey.from_private_bytes(key).sign(text).hex()
            report = int(uow.settings().get("z_report", "0")) + 1
            uow.put_setting("z_report", str(report))
            fact = DayClosed(totals, day.count, edc, head.hash, signature, report)
            entry = uow.append(fact, operator)
            return entry, uow.queue_print("day_report", entry.id, 0, 0, {})
