"""One family after another at the counter: the card, the basket, the EDC, goods and paper, and Siap again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from ewarung_pos.domain.documents import text_lines
from ewarung_pos.practice.cards import PracticeCard
from ewarung_pos.practice.hands import Hands, MorningFailed
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase, Section

__all__ = ["Scene", "Visits"]


@dataclass(frozen=True)
class Scene:
    """One visit: which card (None: whichever comes), what is bought, and what goes wrong at the next sale."""

    name: str
    card: PracticeCard | None
    buy: frozenset[str]
    sale: str = "ok"


class Visits:
    """Serves them.

    Args:
        hands: of whoever stands at the counter.
        rng: draws what is bought.
        receipts_shown: receipts that are printed into the story as well.

    Attributes:
        served: how often the card of a row was served.
    """

    def __init__(self, hands: Hands, rng: random.Random, receipts_shown: int) -> None:
        self._hands = hands
        self._app = hands.app
        self._say: Callable[[str], None] = hands.say
        self._shot: Callable[[str], None] = hands.shot
        self.served: dict[str, int] = {}
        self._receipts_shown = receipts_shown
        self._wait = hands.wait
        self._redeemed = hands.redeemed
        self._rng = rng
        self._rest_told = False

    def visit(self, scene: Scene) -> None:
        """One family at the counter, from card to Siap again."""
        counter = self._app.till.counter
        before = self._redeemed()
        self._hands.to_ready()
        state = self._hands.present(scene.card, scene.sale)
        if state.phase is Phase.REFUSED and state.refusal is not None:
            self._say(f"Tidak dilayani: {state.refusal.title}")
            self._shot(f"ditolak-{scene.name}")
            if state.refusal.code == "refusal.clock_suspect":
                self._hands.to_ready()
                self._hands.confirm_clock()
        else:
            self._fill(scene, state)
            if counter.state.can_serve:
                if before < 2:
                    self._shot("kartu-dikenali")
                counter.serve()
                self._after_serve(scene)
        self._hands.to_ready()

    def _after_serve(self, scene: Scene) -> None:
        counter, doubt = self._app.till.counter, self._app.till.doubt

        def over() -> bool:
            now = counter.state
            return (
                now.phase in (Phase.DONE, Phase.REFUSED)
                or (now.phase is Phase.RECOGNISED and now.notice is not None)
                or doubt.state.panel is not None
            )

        self._wait(over, f"the end of {scene.name}")
        doubted = doubt.state.panel
        if doubted is not None:
            self._say(f"Belum pasti: {doubted.amount}")
            self._shot("belum-pasti")
            self._hands.resolve()
        now = counter.state
        if now.phase is Phase.DONE:
            self._hand_over(scene)
        elif now.phase is Phase.RECOGNISED and now.notice is not None:
            self._say(f"EDC: {now.notice.title}")
            self._shot(f"edc-{scene.name}")
        elif now.phase is Phase.REFUSED and now.refusal is not None:
            if doubted is None:
                raise MorningFailed(f"{now.refusal.title}: {now.refusal.happened} {now.refusal.now}")
            self._say(f"EDC: {now.refusal.title}")

    def _hand_over(self, scene: Scene) -> None:
        counter = self._app.till.counter
        done = counter.state.done
        if done is None:
            raise MorningFailed("Selesai tanpa isinya")
        self._say(f"Tercatat: struk {done.receipt:04d}, {', '.join(pick.text for pick in done.picks)}")
        self._wait(
            lambda: (
                counter.state.done is None
                or "sudah" in counter.state.done.paper
                or counter.state.done.paper_trouble is not None
            ),
            "the receipt",
        )
        if counter.state.done is not None and counter.state.done.paper_trouble is not None:
            self._say(f"Struk: {counter.state.done.paper_trouble.title}")
        if scene.card is not None:
            self.served[scene.card.row] = self.served.get(scene.card.row, 0) + 1
        for place in range(len(done.picks)):
            counter.handover.tick(place)
        if done.receipt <= 2:
            self._shot("selesai")
        if done.receipt <= self._receipts_shown:
            document, _ = self._app.services.papers.preview(done.receipt)
            for line in text_lines(document, 32):
                self._say("    | " + line.ljust(32) + " |")
        elif not self._rest_told:
            self._rest_told = True
            self._say("    (struk-struk lain tidak ditampilkan di sini; semuanya ada di folder papers)")
        counter.finish()

    def _fill(self, scene: Scene, state: CounterState) -> None:
        counter = self._app.till.counter
        found = {section.id: section for section in state.sections}
        ration = found.get("ration")
        if ration is not None and ration.take_all and scene.buy & {"ration", "all"}:
            counter.take_all()
            if "all" not in scene.buy and len(self.served) % 4 == 3:
                self._one_less(counter.state)
        if "purse" in scene.buy and "purse" in found and not found["purse"].why_not:
            counter.choose_section("purse")
            self._shop(found["purse"], self._purse_room(scene))
        if "cash" in scene.buy and "cash" in found:
            counter.choose_section("cash")
            self._shop(found["cash"], 20_000)
        if not counter.state.can_serve and ration is None and "purse" not in found:
            counter.choose_section("cash")

    def _one_less(self, state: CounterState) -> None:
        counter = self._app.till.counter
        for section in state.sections:
            for row in section.rows:
                if section.id == "ration" and row.packs > 1:
                    counter.step(row.product, -1)
                    return

    def _purse_room(self, scene: Scene) -> int:
        standing = self._app.services.ledger.read()
        if scene.card is None:
            return 60_000
        family = next((f for f in standing.families() if f.card.last4 == scene.card.last4), None)
        shadow = standing.shadow(family.key) if family is not None else None
        room = shadow.amount if shadow is not None else 0
        return 10_000_000 if scene.sale == "insufficient" else min(room, 100_000)

    def _shop(self, section: Section, room: int) -> None:
        """Pack after pack while the money lasts, in whatever order she likes."""
        counter = self._app.till.counter
        catalogue = self._app.services.ledger.read().catalogue()
        for _ in range(3):
            for row in self._rng.sample(section.rows, len(section.rows)):
                price = catalogue.product(row.product).price.amount
                now = next(
                    r for s in counter.state.sections if s.id == section.id for r in s.rows if r.product == row.product
                )
                if price <= room and now.packs < now.most and now.packs < 2:
                    counter.set_packs(row.product, now.packs + 1)
                    room -= price

    def settle_doubts(self) -> None:
        """What earlier doubts left; then Siap."""
        if self._hands.settle_doubts():
            self._hand_over(Scene("resolved", None, frozenset()))
        self._hands.to_ready()
