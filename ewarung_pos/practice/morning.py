"""A morning at the counter, worked by a script through the view-models that the screens use.

Open the day, receive stock, serve families of both kinds and mixed baskets, meet every trouble once, print, count,
close, sync. The script sees what an operator sees (states) and does what she can do (commands); it knows nothing else.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ewarung_pos.domain.business_day import DayState
from ewarung_pos.domain.documents import text_lines
from ewarung_pos.errors import NotAuthorised, PosError
from ewarung_pos.practice.cards import PracticeCard
from ewarung_pos.practice.hands import LEADER_PIN, Hands, MorningFailed
from ewarung_pos.practice.visits import Scene, Visits
from ewarung_pos.services.operators import DELAYS_MS
from ewarung_pos.ui.text import trouble_of

__all__ = ["Morning"]

CASHIER = ("siti", "111111")
SCENES = {
    "refuse_unknown": "Kartu dari kios lain",
    "refuse_blocked": "Kartu yang ditahan",
    "decline": "Saldo KKS kurang",
    "wrong_pin": "PIN salah di EDC",
    "cancel": "Keluarga membatalkan di EDC",
    "lose_answer": "Jawaban EDC hilang di jalan",
    "exhausted": "Jatah sudah habis",
    "reverse": "Penyaluran dibatalkan",
    "reverse_purse": "Penyaluran dengan saldo KKS dibatalkan",
    "reprint": "Struk dicetak ulang",
}
"""What goes wrong on this morning, and how it is announced."""

REDEEMING = frozenset({"lose_answer", "exhausted"})
"""Scenes that end with a redemption more."""


@dataclass
class Morning:
    """The script."""

    hands: Hands
    cards: tuple[PracticeCard, ...]
    redemptions: int
    seed: int
    delivery: tuple[tuple[str, int], ...]
    receipts_shown: int = 6
    _rng: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        """Short names for what every step uses."""
        hands = self.hands
        self.app, self.tray = hands.app, hands.tray
        self.say: Callable[[str], None] = hands.say
        self.shot: Callable[[str], None] = hands.shot
        self._wait = hands.wait
        self._redeemed = hands.redeemed
        visits = Visits(hands, self._rng, self.receipts_shown)
        self._visit = visits.visit
        self._settle_doubts = visits.settle_doubts
        self._served = visits.served

    # -- the whole morning ----------------------------------------------------------------------------------------

    def run(self) -> None:
        """From signing in to the city's word that the day arrived.

        Raises:
            MorningFailed: something was waited for in vain.
        """
        till = self.app.till
        self._wait(lambda: bool(till.shell.state.operators), "operators")
        self.shot("masuk")
        self._sign_in()
        self.say(f"Masuk: {till.shell.state.operator_name}")
        self._settle_doubts()
        if self._day() is DayState.CLOSED and self._sealed_today():
            self._print_owed()
            self.say("Hari ini sudah disegel; yang tersisa hanya kirim.")
            self._send()
            return
        self._print_owed()
        self._open_day()
        if self._day() is DayState.OPEN:
            self._receive()
            self._serve_all()
        self._close_day()
        self._send()

    def _sign_in(self) -> None:
        """Again after the pause, where the till died while it looked at the PIN: that try counts as a wrong one."""
        shell = self.app.till.shell
        pause = trouble_of(NotAuthorised(reason="wait"))
        for pause_ms in (*DELAYS_MS, 0):
            shell.sign_in(*CASHIER)
            self._wait(lambda: not shell.state.checking, "the PIN")
            if shell.state.notice != pause:
                break
            at = time.monotonic() + pause_ms / 1000
            self._wait(lambda at=at: time.monotonic() >= at, "the pause after a PIN")  # type: ignore[misc]
        self._wait(lambda: bool(shell.state.operator), "sign in")

    def _day(self) -> DayState:
        return self.app.services.day.today().state

    def _sealed_today(self) -> bool:
        services = self.app.services
        return services.ledger.read().has_day(services.clock.now().wall.date())

    def _open_day(self) -> None:
        till = self.app.till
        if self._day() is not DayState.CLOSED:
            return
        till.shell.go("day")
        self._wait(lambda: till.day.state.can_open or bool(till.day.state.suspect), "Buka Hari")
        if till.day.state.suspect:
            self.hands.confirm_clock()
        self.shot("buka-hari")
        till.day.open()
        self._wait(lambda: till.day.state.notice is not None or self._opened(), "the day to open")
        asked = till.day.state.notice
        if asked is not None and asked.action == "confirm_date":
            self.say(f"Tanggal dipastikan: {till.day.state.date}")
            till.day.dismiss()
            till.day.confirm_date()
            self._wait(self._opened, "the day to open")
        self.say("Hari dibuka.")

    def _opened(self) -> bool:
        return self._day() is DayState.OPEN and self.app.till.shell.state.screen == "counter"

    def _receive(self) -> None:
        till = self.app.till
        if any(packs > 0 for packs in self.app.services.ledger.read().stock().values()):
            return
        till.shell.go("stock")
        self._wait(lambda: bool(till.stock.state.rows), "the shelf")
        till.stock.begin_receiving()
        till.stock.describe("Toko Sumber Rejeki", "SJ-0117")
        for product, packs in self.delivery:
            till.stock.set_receiving(product, packs)
        self.shot("terima-barang")
        till.stock.receive()
        till.stock.receive()  # said once more, and confirmed
        self._wait(lambda: till.stock.state.mode == "shelf" and bool(till.stock.state.said), "the delivery")
        self.say(f"Barang masuk: {till.stock.state.said}")
        self.shot("stok")

    # -- visits ---------------------------------------------------------------------------------------------------

    def _serve_all(self) -> None:
        till = self.app.till
        till.shell.go("counter")
        self.hands.to_ready()
        self.shot("siap")
        rng = self._rng
        rng.seed(self.seed)
        visits = 0
        specials = list(SCENES) if self.tray is not None else ["reverse", "reprint"]
        count = len(specials)
        every = max(1, self.redemptions // (count + 1))
        while (redeemed := self._redeemed()) < self.redemptions:
            visits += 1
            if visits > 20 + 5 * self.redemptions:
                raise MorningFailed(f"hanya {redeemed} dari {self.redemptions} penyaluran dalam {visits} kunjungan")
            due = every * (count - len(specials) + 1) - every // 2
            owed = sum(1 for name in specials if name in REDEEMING)
            if specials and redeemed and (redeemed >= due or self.redemptions - redeemed <= owed):
                self._special(specials.pop(0), rng)
                continue
            self._visit(self._plan(rng))
        for name in specials:
            if name not in REDEEMING:
                self._special(name, rng)
        self._settle_doubts()

    def _plan(self, rng: random.Random) -> Scene:
        if self.tray is None:
            return Scene("any", None, frozenset({"ration", "purse", "cash"}))
        fresh = [c for c in self.cards if c.servable and self._served.get(c.row, 0) == 0]
        again = [c for c in self.cards if c.servable and 0 < self._served.get(c.row, 0) < 3 and c.purse]
        pool = fresh or again or [c for c in self.cards if c.servable]
        card = pool[0] if self._redeemed() == 0 and fresh else rng.choice(pool)
        kinds = {"ration"} if card.ration else set()
        if card.purse and (not kinds or rng.random() < 0.5):
            kinds.add("purse")
        if rng.random() < 0.15:
            kinds.add("cash")
        return Scene("serve", card, frozenset(kinds))

    def _pick(self, rng: random.Random, wanted: Callable[[PracticeCard], bool]) -> PracticeCard | None:
        found = [c for c in self.cards if wanted(c)]
        return rng.choice(found) if found else None

    def _special(self, name: str, rng: random.Random) -> None:
        fresh_purse = self._pick(rng, lambda c: c.servable and c.purse > 150_000 and c.row not in self._served)
        card: PracticeCard | None
        match name:
            case "refuse_unknown":
                card = self._pick(rng, lambda c: not c.home)
            case "refuse_blocked":
                card = self._pick(rng, lambda c: c.home and c.status != "active")
            case "exhausted":
                card = self._exhaust(rng)
            case "reverse" | "reverse_purse" | "reprint":
                self._history(name)
                return
            case _:
                card = fresh_purse
        if card is None:
            return
        sale = {"decline": "insufficient", "wrong_pin": "wrong_pin", "cancel": "cancel"}.get(name, "ok")
        if name == "lose_answer":
            sale = "lose_answer"
        buy = frozenset({"purse"}) if sale != "ok" else frozenset({"ration"})
        self.say(f"-- {SCENES[name]} --")
        self._visit(Scene(name, card, buy, sale))

    def _exhaust(self, rng: random.Random) -> PracticeCard | None:
        card = self._pick(rng, lambda c: c.servable and c.ration and not c.purse and c.row not in self._served)
        if card is not None:
            self._visit(Scene("take_all", card, frozenset({"all"})))
        return card

    # -- Riwayat --------------------------------------------------------------------------------------------------

    def _history(self, name: str) -> None:
        if not self._redeemed():
            return
        till = self.app.till
        self.hands.to_ready()
        till.shell.go("history")
        self._wait(lambda: bool(till.history.state.rows), "Riwayat")
        rows = [row for row in till.history.state.rows if row.reversible]
        wanted = next((row for row in rows if self._paid_by_purse(row.entry) is (name == "reverse_purse")), None)
        if wanted is None and self.tray is None and rows:  # whoever came had a purse
            wanted = rows[0]
        if wanted is not None:
            self.say(f"-- {SCENES[name]}: struk {wanted.number} --")
            self.shot("riwayat")
            till.history.open(wanted.entry)
            self._wait(lambda: till.history.state.mode == "receipt", "the receipt")
            self.shot("riwayat-struk")
            if name == "reprint":
                till.history.reprint()
                self._wait(lambda: bool(till.history.state.said or till.history.state.notice), "the copy")
                till.history.back()
            else:
                self._reverse(wanted.entry)
        till.shell.go("counter")
        self._settle_doubts()

    def _reverse(self, entry: str) -> None:
        till = self.app.till
        till.history.ask_reversal()
        till.history.choose_reason("jumlah_salah")
        self.shot("pembatalan-pin")
        till.history.confirm_reversal(LEADER_PIN)
        self._wait(lambda: not till.history.state.busy or till.doubt.state.panel is not None, "the reversal")
        if till.history.state.notice is not None:
            self.say(f"Pembatalan: {till.history.state.notice.title}")
        elif till.doubt.state.panel is None:
            self.say(till.history.state.said)
            self._wait(
                lambda: (
                    self.app.services.ledger.read().copies(self._reversal_of(entry)) > 0
                    or self.app.till.history.state.notice is not None
                ),
                "its paper",
            )
            failed = self.app.till.history.state.notice
            if failed is not None:
                self.say(f"Struk: {failed.title}")

    def _reversal_of(self, entry: str) -> str:
        last = self.app.till.history.last_reversal
        return last.entry.id if last is not None and last.fact.original == entry else entry

    def _paid_by_purse(self, entry: str) -> bool:
        try:
            return self.app.services.reverse.original(entry).purse is not None
        except PosError:
            return False

    # -- close and send -------------------------------------------------------------------------------------------

    def _print_owed(self) -> None:
        """Papers that were owed when the machine died come out first."""
        owed, shell = self.app.till.owed, self.app.till.shell
        self._wait(lambda: owed.state.over, "owed papers")
        for receipt in owed.state.printed:
            self.say(f"Kertas yang tertunda dicetak: {f'struk {receipt:04d}' if receipt else 'laporan hari'}")
        if owed.state.trouble is not None:
            self.say(f"Kertas tertunda: {owed.state.trouble.happened}")
        if shell.state.recovered:
            self.say(shell.state.recovered)
            shell.dismiss()

    def _close_day(self) -> None:
        till = self.app.till
        if self._day() is DayState.CLOSED:
            return
        closing = till.closing
        till.shell.go("closing")
        if self._day() is DayState.OPEN:
            self._wait(lambda: closing.state.step == 0 and closing.state.can_go_on, "Tutup Hari")
            self.shot("tutup-mulai")
            closing.begin()
        self._wait(lambda: closing.state.step in (1, 2, 3), "the count")
        if closing.state.step == 1:
            self._count()
        if closing.state.step == 2:
            self._wait(lambda: bool(closing.state.figures), "the day's figures")
            for row in closing.state.rows:
                if row.differs:
                    closing.choose_reason(row.product, "bocor")
            self.shot("tutup-selisih")
            closing.explain_done()
            self._wait(lambda: closing.state.step == 3 or closing.state.notice is not None, "the explanation")
        self._wait(lambda: not closing.state.sending, "the sending")
        self.shot("tutup-kirim")
        closing.send_done()
        self._wait(lambda: closing.state.step == 4, "the seal")
        self.shot("tutup-segel")
        closing.seal()
        self._wait(lambda: not closing.state.busy, "the EDC's total")
        if closing.state.step == 4 and closing.state.notice is None:
            if closing.state.edc_differs:
                closing.explain_edc("Total EDC memuat transaksi di luar hari ini.")
            closing.seal()
            self._wait(lambda: not closing.state.busy, "the seal")
        self.say(f"Total KKS: kasir {closing.state.till_purse}, EDC {closing.state.edc_total}")
        if closing.state.step != 5:
            why = closing.state.notice.title if closing.state.notice is not None else ""
            raise MorningFailed(f"hari tidak bisa disegel: {why}")
        self._wait(lambda: "sudah dicetak" in closing.state.said or closing.state.notice is not None, "the Z report")
        self.shot("tutup-selesai")
        if closing.state.report is not None:
            for line in text_lines(closing.state.report, 32):
                self.say("    | " + line.ljust(32) + " |")

    def _count(self) -> None:
        closing = self.app.till.closing
        book = self.app.services.ledger.read().stock()
        short = next((row.product for row in closing.state.rows if "gula" in row.product and book[row.product] > 0), "")
        for row in closing.state.rows:
            closing.set_count(row.product, book[row.product] - (1 if row.product == short else 0))
        self.shot("tutup-hitung")
        closing.count_done()
        self._wait(lambda: closing.state.step == 2, "the comparison")

    def _send(self) -> None:
        """Until the city holds everything; without a line the day is safe here and goes later."""
        sync = self.app.till.sync
        self.app.till.shell.go("sync")
        for _ in range(12):
            sync.send_now()
            self._wait(lambda: not sync.state.busy, "the city")
            if sync.state.notice is not None or (sync.state.unsent == 0 and self._attested()):
                break
        self.say(sync.state.headline)
        self.shot("sinkron")

    def _attested(self) -> bool:
        day = self.app.services.day.today()
        return day.date is None or any(day.date.iso in line.text for line in self.app.till.sync.state.log)
