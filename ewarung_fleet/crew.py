"""A process with some of the fleet's kiosks in it: takes one order a line, and says what came of it."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from ewarung_city.store.database import CityStore
from ewarung_fleet.clock import KioskClock
from ewarung_fleet.counter import Counter
from ewarung_fleet.edc import CounterEdc
from ewarung_fleet.files import allow_many_files
from ewarung_fleet.kiosk import Ask, Kiosk
from ewarung_fleet.ledgers import look_at_kiosk
from ewarung_fleet.line import Weather
from ewarung_fleet.messages import Begin, Done, Drain, Enter, Look, Looked, Order, Slot, SyncThese, WaitOver
from ewarung_fleet.people import kiosk_name
from ewarung_fleet.plan import Plan, Visit, kiosk_id
from ewarung_fleet.till import Till
from ewarung_fleet.truth import Truth
from ewarung_pos.devices.simulated.edc_bank import Card
from ewarung_pos.domain.family import CardRef, card_ref

__all__ = ["Crew", "main"]


class Crew:
    """The kiosks of one process."""

    def __init__(self, begin: Begin) -> None:
        allow_many_files()
        self._begin = begin
        self._plan = Plan(begin.settings)
        self._visits = self._plan.visits(frozenset(begin.kiosks))
        self._card_key = b""
        self._on_paper: set[str] = set()
        self._rations = _rations()
        self._kiosks = {index: self._kiosk(index) for index in begin.kiosks}
        self._names = {kiosk_name(index): kiosk for index, kiosk in self._kiosks.items()}

    def carry_out(self, order: Order) -> Done | Looked:
        """Do as told."""
        match order:
            case Slot():
                return self._slot(order)
            case SyncThese():
                for name in order.names:
                    if name in self._names:
                        self._names[name].sync_now()
            case WaitOver():
                for kiosk in self._kiosks.values():
                    if kiosk.waiting:
                        kiosk.wait_over(order.day, order.slot)
            case Drain():
                unsent = {
                    kiosk.device: kiosk.drain(order.now_ms, order.codes.get(kiosk.device, ""))
                    for kiosk in self._kiosks.values()
                }
                return msgspec.structs.replace(self._done(), unsent=unsent)
            case Look():
                return self._look(order)
            case Begin():
                raise AssertionError("begun twice")
        return self._done()

    def close(self) -> None:
        """Switch off every till that is on."""
        for kiosk in self._kiosks.values():
            kiosk.till.stop()

    def _slot(self, order: Slot) -> Done:
        again: dict[int, list[Visit]] = defaultdict(list)
        for home, visit in order.visits:
            again[home].append(visit)
        self._on_paper |= set(order.on_paper)
        for index, kiosk in self._kiosks.items():
            kiosk.counter.on_paper = self._on_paper
            visits = [*self._visits.pop((index, order.day, order.slot), ()), *again[index]]
            kiosk.slot(order.day, order.slot, order.now_ms, order.codes.get(kiosk.device, ""), visits)
        return self._done()

    def _done(self) -> Done:
        asks: list[Ask] = []
        again: list[Enter] = []
        waits: set[str] = set()
        missing: set[str] = set()
        for kiosk in self._kiosks.values():
            asks += kiosk.asks
            again += (Enter(*each) for each in kiosk.again)
            waits |= kiosk.counter.waits_for
            missing |= kiosk.missing
            kiosk.asks, kiosk.again, kiosk.counter.waits_for, kiosk.missing = [], [], set(), set()
        return Done(tuple(asks), tuple(again), tuple(sorted(waits)), missing=tuple(sorted(missing)))

    def _look(self, order: Look) -> Looked:
        with closing(CityStore(order.database)) as store:
            looked = [look_at_kiosk(store, kiosk.till.folder, kiosk.till.truth) for kiosk in self._kiosks.values()]
        for kiosk in self._kiosks.values():
            for fired in (kiosk.till.weather.fired, kiosk.till.edc.fired):
                for kind, times in fired.items():
                    kiosk.till.truth.fire(kind, times)
                fired.clear()
        return Looked(
            findings=tuple(found for one in looked for found in one.findings),
            truths={kiosk.device: kiosk.till.truth for kiosk in self._kiosks.values()},
            device_days=sum(one.device_days for one in looked),
            entries=sum(one.entries for one in looked),
            ledgers=sum(one.ledgers for one in looked),
            on_way=sum(one.on_way for one in looked),
            moved={kiosk.device: kiosk.till.edc.moved() for kiosk in self._kiosks.values()},
        )

    def _kiosk(self, index: int) -> Kiosk:
        plan, rough = self._plan, self._begin.settings.faults
        folder = Path(self._begin.folder) / kiosk_id(index)
        folder.mkdir(exist_ok=True)
        clock = KioskClock(plan.draw(index, "ids"))
        cards = tuple(
            Card(str(place), family.number, "", "active", family.purse)
            for place, family in enumerate(plan.families)
            if family.home == index
        )
        edc = CounterEdc(cards, plan.draw(index, "edc"), clock.now, rough=rough)
        till = Till(folder, self._begin.url, clock, Weather(plan.draw(index, "line's"), rough=rough), edc, Truth())
        return Kiosk(index, plan, till, Counter(till, plan.draw(index, "counter"), self._card_of, self._rations))

    def _card_of(self, family: int) -> CardRef:
        """As a reader would give it: by the city's card key, which every enrolled ledger holds."""
        if not self._card_key:
            till = next(kiosk.till for kiosk in self._kiosks.values() if kiosk.till.running)
            self._card_key = till.on.ledger.read().secret("card_key") or b""
        return card_ref(self._card_key, self._plan.families[family].number)


@cache
def _rations() -> dict[str, int]:
    text = (files("ewarung_pos") / "resources" / "sample" / "catalogue.json").read_text(encoding="utf-8")
    said: dict[str, int] = json.loads(text)["rations"]["JATAH"]
    return said


def main(lines: Iterable[bytes] | None = None) -> None:
    """Carry out what comes on standard input until it ends."""
    orders = msgspec.json.Decoder(Order)
    crew: Crew | None = None
    said: Done | Looked
    for line in lines if lines is not None else sys.stdin.buffer:
        order = orders.decode(line)
        if isinstance(order, Begin):
            crew, said = Crew(order), Done()
        elif crew is None:
            raise AssertionError("not begun")
        else:
            said = crew.carry_out(order)
        sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
