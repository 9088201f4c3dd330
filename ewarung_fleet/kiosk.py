"""A kiosk through its month: mornings, visits, deliveries, closes, and the large misfortune that it may have.

What a kiosk needs of the city's officers it says in `asks`; the answer comes with a later slot.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from ewarung_city.logs import whereabouts
from ewarung_fleet.counter import FINAL, SERVED, WAITING, Counter
from ewarung_fleet.plan import SLOTS, Luck, Outage, Plan, Visit, kiosk_id
from ewarung_fleet.till import CASHIER, LEADER, Till
from ewarung_pos.domain.business_day import DayState, EdcTotals
from ewarung_pos.domain.stock import ReceivedLine, VarianceReason
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.errors import PosError
from ewarung_pos.ledger.engine import LEDGER_FILE
from ewarung_pos.ledger.restore import restore

__all__ = ["REPLIES", "Ask", "Kiosk", "posted"]

REPLIES = "replies"

_LAST = len(SLOTS) - 1
_LOW, _FULL = 60, 160
_MISCOUNT = 0.03
_AT_NOON = 0.3
_NOT_REACHED = frozenset({"no_line", "cut", "timeout", "busy", "server_error"})


class Ask(msgspec.Struct, frozen=True):
    """What a kiosk wants of the officers: `enrol` (a code), `freeze` (it was stolen), `lost` (both officers sign)."""

    what: str
    device: str
    epoch: int = 0


class Kiosk:
    """One kiosk of the plan.

    Attributes:
        asks: for the officers, since they were last taken.
        waiting: visits of people who stand at the counter until another kiosk gave back.
        again: visits that come back another day: (kiosk, day, slot, visit).
        missing: cards whose receipts no ledger and no city knows of.
    """

    def __init__(self, index: int, plan: Plan, till: Till, counter: Counter) -> None:
        self.index = index
        self.device = kiosk_id(index)
        self.till = till
        self.counter = counter
        self.asks: list[Ask] = []
        self.waiting: list[Visit] = []
        self.again: list[tuple[int, int, int, Visit]] = []
        self.missing: set[str] = set()
        self._plan = plan
        self._luck = plan.lucks[index]
        self._struck = plan.struck(index)
        self._outages = plan.outages(index)
        self._cuts = plan.cuts(index)
        self._wrong = plan.wrong_clocks(index)
        self._draw = plan.draw(index, "kiosk")
        self._copy = till.folder.with_name(f"{self.device}.copy")
        self._old_disk = till.folder.with_name(f"{self.device}.disk")
        self._post = till.folder.with_name(f"{self.device}.post")
        self._image_in = False
        self._served = True
        self._needs_code = True

    # -- the month ---------------------------------------------------------------------------------------------------

    def slot(self, day: int, slot: int, now_ms: int, code: str, visits: list[Visit]) -> None:
        """Everything that happens here in one slot; what should not happen is found, and the machine switched off."""
        try:
            self._slot(day, slot, now_ms, code, visits)
        except Exception as error:  # noqa: BLE001 - a month of all others goes on, and this one is no zero
            self._unexpected(day, error)

    def _unexpected(self, day: int, error: Exception) -> None:
        said = f"{error.reason} {error.detail}" if isinstance(error, PosError) else str(error)
        self.till.truth.findings.append(f"{self._plan.date(day)}: {said} {whereabouts(error)}".strip())
        self.till.arm(0)
        self.till.stop()

    def _slot(self, day: int, slot: int, now_ms: int, code: str, visits: list[Visit]) -> None:
        till = self.till
        till.clock.true_ms = max(till.clock.true_ms, now_ms)
        till.weather.down = any(_within(outage, day, slot) for outage in self._outages)
        if day >= self._struck and self._served:
            self._strike(slot)
        if self._image_in or (self._needs_code and not self._enrol(code)):
            self._shut(day, slot, visits)
            return
        if (day, slot) in self._wrong:
            till.clock.wrong_ms = self._wrong[day, slot]
            till.truth.fire("wrong_clock")
        if not till.running:
            self._morning()
        till.arm(self._cuts.get((day, slot), 0))
        date = BusinessDate(self._plan.date(day).isoformat())
        till.powered(lambda: self._open(date))
        if slot == 0 or (slot == 2 and (self._dies_now(day, slot) or self._draw.random() < _AT_NOON)):
            till.powered(self._sync)
        half = len(visits) // 2 if self._dies_now(day, slot) else len(visits)
        for visit in visits[:half]:
            self._one(day, slot, visit)
        if half < len(visits) or self._dies_now(day, slot):
            till.arm(0)
            self._disk_dies()
            self._shut(day, slot, visits[half:])
            return
        if slot == _LAST and not self.waiting:
            self.evening(day)
        till.arm(0)

    def wait_over(self, day: int, slot: int) -> None:
        """Those who waited are served now, or not today."""
        waiting, self.waiting = self.waiting, []
        if not self.till.running:
            self._send_away(day, slot, waiting)
            return
        try:
            for visit in waiting:
                self._one(day, slot, visit)
            if slot == _LAST and not self.waiting:
                self.evening(day)
        except Exception as error:  # noqa: BLE001 - as above
            self._unexpected(day, error)

    def evening(self, day: int) -> None:
        """Close, send what there is, and switch off."""
        till = self.till
        till.powered(self._close)
        till.powered(self.counter.print_owed)
        till.powered(self._sync)
        if self._luck in {Luck.RESTORED, Luck.ROLLED_BACK} and self._served:
            till.on.ledger.checkpoint()
            shutil.rmtree(self._copy, ignore_errors=True)
            self._copy.mkdir()
            till.on.ledger.back_up(self._copy)
        if self._luck is Luck.STICK and (day % 7 == 6 or day == self._plan.settings.days - 1):
            self._post_bundle()
        till.stop()
        if self._luck is Luck.ROLLED_BACK and day == self._struck - 2:
            shutil.copyfile(till.folder / LEDGER_FILE, self._old_disk)

    def drain(self, now_ms: int, code: str) -> int:
        """The line is back for good: send and fetch until nothing is left; returns what the city still lacks.

        What should not happen is found here too, beside what led to it.
        """
        try:
            return self._drain(now_ms, code)
        except Exception as error:  # noqa: BLE001 - as above
            self._unexpected(self._plan.settings.days - 1, error)
            return 0

    def _drain(self, now_ms: int, code: str) -> int:
        till = self.till
        till.clock.true_ms = max(till.clock.true_ms, now_ms)
        till.clock.wrong_ms = 0
        till.weather.down = till.weather.rough = False
        if self._image_in:
            self._rolled_back()
        if self._needs_code and not self._enrol(code):
            return 0  # it comes back another day; what it had is settled without it
        till.start()
        try:
            for _ in range(8):
                if not till.sync(60):
                    break
            return till.on.ledger.read().head().unsent
        finally:
            till.stop()

    def sync_now(self) -> None:
        """The till's own sync, which looks every few minutes: somebody may wait for what is here."""
        if self.till.running:
            self._sync()

    # -- parts of a day ----------------------------------------------------------------------------------------------

    def _morning(self) -> None:
        if self.till.clock.wrong_ms and self._draw.random() < 0.5:
            self.till.clock.wrong_ms = 0
        self.till.start()
        self._fetch_bundle()

    def _open(self, date: BusinessDate) -> None:
        """A day that was left open is closed first; one that is sealed stays so."""
        till, today = self.till, self.till.on.day.today()
        if today.state is not DayState.CLOSED and today.date != date:
            self._close()
        if till.on.day.today().state is DayState.CLOSED and not till.on.ledger.read().has_day(date):
            self.counter.open_day(date)
        if till.on.day.today().serving:
            self._receive()

    def _receive(self) -> None:
        till = self.till
        reader = till.on.ledger.read()
        stock = reader.stock()
        short = [product for product in reader.catalogue().products if stock.get(product.code, 0) < _LOW]
        if short:
            lines = tuple(ReceivedLine(one.code, _FULL, one.price.amount * 9 // 10) for one in short)
            till.on.stock.receive("Bulog", f"SJ-{till.clock.true_ms % 1_000_000}", lines, CASHIER)

    def _one(self, day: int, slot: int, visit: Visit) -> None:
        self.till.clock.wait(200)
        said = self.counter.visit(visit)
        if said == WAITING:
            self.waiting.append(visit)
        elif said not in {SERVED, FINAL} and visit.wants != "greedy":
            self._send_away(day, slot, [visit])

    def _shut(self, day: int, slot: int, visits: list[Visit]) -> None:
        """The kiosk is out of order."""
        for visit in visits:
            if visit.wants != "greedy":
                self.till.truth.turn_away("kiosk_shut", visit.family if visit.wants != "purse" else None)
        self._send_away(day, slot, visits)

    def _send_away(self, day: int, slot: int, visits: list[Visit]) -> None:
        """They come again tomorrow; who was elsewhere tries her own kiosk then."""
        for visit in visits:
            if visit.wants == "greedy":
                continue
            home = self._plan.families[visit.family].home
            self.again.append((home, day + 1, slot, msgspec.structs.replace(visit, tries=visit.tries + 1)))

    def _close(self) -> None:
        """Each step is looked for before it is done: a power failure may have come after it."""
        service = self.till.on.day
        day = service.today()
        if day.state is DayState.OPEN:
            day = service.begin_close(CASHIER)
        if day.state is DayState.COUNTING:
            counted = dict(self.till.on.ledger.read().stock())
            product = min(counted)
            if self._draw.random() < _MISCOUNT and counted[product]:
                counted[product] -= 1
            lines = service.count(counted, CASHIER)
            found = tuple(
                msgspec.structs.replace(line, reason=VarianceReason.DAMAGED) for line in lines if line.difference
            )
            service.explain(found, CASHIER, LEADER)
            day = service.today()
        if day.state is DayState.EXPLAINED:
            settled = service.edc_settled(self.till.edc.settle())
            totals = service.totals()
            amount = settled.amount if settled is not None else 0
            why = "" if amount == totals.purse else "transaksi hari lain"
            entry, _ = service.seal(CASHIER, EdcTotals(amount, settled.batch if settled else "", why))
            self.till.sealed(entry)

    def _sync(self) -> None:
        trouble = self.till.sync()
        if trouble not in {"", "no_line"}:
            self.till.truth.note(f"sync: {trouble}")

    # -- by hand -----------------------------------------------------------------------------------------------------

    def _post_bundle(self) -> None:
        self._post.mkdir(exist_ok=True)
        self.till.on.stick.save(str(self._post))
        self.till.truth.fire("usb_stick")

    def _fetch_bundle(self) -> None:
        replies = self._post / REPLIES
        if replies.is_dir():
            self.till.on.stick.fetch(str(replies))
            self.till.truth.note("stick_brought_back")
            shutil.rmtree(replies)

    # -- misfortunes -------------------------------------------------------------------------------------------------

    def _enrol(self, code: str) -> bool:
        """Whether this is a kiosk now."""
        if not code:
            self.asks.append(Ask("enrol", self.device))
            return False
        try:
            self.till.enrol(code)
        except PosError as error:
            self.till.truth.note(f"enrol: {error.reason or error.code}")
            self.asks.append(Ask("enrol", self.device))
            return False
        self.till.new_epoch()
        self._needs_code = False
        return True

    def _strike(self, slot: int) -> None:
        """Stolen over night, or an old disk was put back; what happens in the middle of a day comes later."""
        if slot == 0 and self._luck is Luck.LOST and not self._needs_code:
            self._stolen()
        if self._luck is Luck.ROLLED_BACK and not self.till.weather.down:
            self._rolled_back()

    def _stolen(self) -> None:
        till = self.till
        epoch = till.end[0]
        till.throw_away()
        shutil.rmtree(till.folder)
        till.folder.mkdir()
        self.asks += [Ask("freeze", self.device, epoch), *self._sign(epoch)]
        self._struck_down("lost")

    def _sign(self, epoch: int) -> list[Ask]:
        """The officers compare receipts with the city's entries; families whose receipts it lacks are on their list.

        Then they sign (docs/copies-and-restore.md).
        """
        self.missing |= {one.token for one in self.till.truth.handed if one.gone and one.epoch == epoch}
        return [Ask("lost", self.device, epoch)]

    def _dies_now(self, day: int, slot: int) -> bool:
        return self._luck is Luck.RESTORED and self._served and (day, slot) == (self._struck, 2) and self._copy.exists()

    def _disk_dies(self) -> None:
        till = self.till
        till.stop()
        self._take_out_disk()
        copy = restore(next(self._copy.glob("*.db")), till.folder, till.key)
        till.throw_away(copy.entries)
        self.asks += self._sign(till.end[0])
        self._struck_down("restored_from_backup")

    def _rolled_back(self) -> None:
        """The image of an old disk; the city finds it before it is asked for anything."""
        till = self.till
        till.stop()
        epoch, head, acked = till.end
        if not self._image_in:
            if acked < head - 1 or not self._copy.exists() or not self._old_disk.exists():
                return  # the city does not hold all of it: another day
            self._take_out_disk()
            shutil.copyfile(self._old_disk, till.folder / LEDGER_FILE)
            self._image_in = True
        till.start()
        trouble = till.sync()
        till.stop()
        if trouble in _NOT_REACHED:
            return  # it serves nobody before it has spoken with the city
        if trouble != "fork":
            till.truth.findings.append(f"an old image was met with {trouble or 'nothing'}, not FORK")
        restore(next(self._copy.glob("*.db")), till.folder, till.key, older=True)
        self.asks += self._sign(epoch)
        self._struck_down("rolled_back_found_as_fork")

    def _take_out_disk(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            (self.till.folder / f"{LEDGER_FILE}{suffix}").unlink(missing_ok=True)

    def _struck_down(self, kind: str) -> None:
        self._image_in = False
        self.till.truth.fire(kind)
        self._served = False
        self._needs_code = True


def _within(outage: Outage, day: int, slot: int) -> bool:
    return outage.first <= (day, slot) < outage.last


def posted(folder: Path) -> list[Path]:
    """Files that kiosks have written for the city, of all kiosks in that folder; replies go to REPLIES beside them."""
    return sorted(folder.glob("*.post/*.bundle"))
