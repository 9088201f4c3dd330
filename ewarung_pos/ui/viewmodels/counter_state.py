"""What the counter screen shows: one frozen state for Siap, Kartu dikenali, Proses, Selesai and Belum pasti."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ewarung_pos.domain.documents import Document
from ewarung_pos.ui.text import Trouble

__all__ = [
    "PROXY_REASONS",
    "CounterState",
    "DonePanel",
    "DoubtPanel",
    "Fact",
    "LeftRow",
    "Mark",
    "Person",
    "Phase",
    "Pick",
    "Section",
    "ShelfRow",
    "Step",
    "TallyItem",
]

PROXY_REASONS: tuple[tuple[str, str], ...] = (
    ("sakit", "sakit"),
    ("lanjut_usia", "lanjut usia"),
    ("difabel", "difabel"),
    ("bekerja", "bekerja"),
)
"""(value, label) of every reason to send a proxy (domain rule R19)."""


class Phase(StrEnum):
    """Which question the screen asks."""

    READY = "ready"
    LOOKING = "looking"
    REFUSED = "refused"
    RECOGNISED = "recognised"
    PROCESSING = "processing"
    DONE = "done"
    DOUBT = "doubt"


class Mark(StrEnum):
    """State of one step in a list."""

    DONE = "done"
    NOW = "now"
    TODO = "todo"
    FAILED = "failed"


class TallyItem(msgspec.Struct, frozen=True):
    """`37 keluarga` is value 37, word keluarga; `beras 370 kg` has the word first."""

    word: str
    value: str
    word_first: bool = True


class Fact(msgspec.Struct, frozen=True):
    """One line about the family: icon name and text."""

    icon: str
    text: str


class Person(msgspec.Struct, frozen=True):
    """The family's panel. `subtitle` e.g. `Jatah pangan · 4 jiwa`."""

    name: str
    subtitle: str
    facts: tuple[Fact, ...]


class ShelfRow(msgspec.Struct, frozen=True):
    """One product in a section, with its stepper.

    Attributes:
        left: `sisa 10`, of: `dari 10 kg` (rations), or price texts in the other sections.
        permille: how much of the month is left, 0..1000, or None without a bar.
        value: `2 × 5 kg`. packs: the number now. most: what the stepper may reach.
        bound: what limits it, said beside the stepper when it is reached, else empty; `scarce` when that is the shelf.
        gone: when nothing is left: the sentence in place of the stepper, else empty. receipt: number to show then.
    """

    product: str
    name: str
    pictogram: str
    left: str
    of: str
    permille: int | None
    value: str
    packs: int
    most: int
    bound: str = ""
    scarce: bool = False
    gone: str = ""
    receipt: int = 0


class Section(msgspec.Struct, frozen=True):
    """Jatah, Belanja KKS or Tunai: `id` is ration, purse or cash.

    `why_not` when it cannot be used now; `look` what may go wrong with what is chosen, without hindering it.
    """

    id: str
    title: str
    subtitle: str
    tab: str
    rows: tuple[ShelfRow, ...]
    take_all: bool = False
    why_not: str = ""
    look: str = ""
    chosen: int = 0


class Step(msgspec.Struct, frozen=True):
    """One step of Proses or of Belum pasti."""

    text: str
    mark: Mark


class Pick(msgspec.Struct, frozen=True):
    """`2 karung beras 5 kg` or `Terima tunai Rp15.700`, with a tick."""

    pictogram: str
    text: str
    ticked: bool


class LeftRow(msgspec.Struct, frozen=True):
    """What is left of the month: `Beras`, `0 kg`."""

    name: str
    left: str


class DonePanel(msgspec.Struct, frozen=True):
    """Selesai. `paper` says what became of the receipt; `paper_trouble` when it did not come out.

    `on_screen` is the receipt that is shown in the place of paper, until it was looked at; `next_waits` while the next
    family's card is read already.
    """

    title: str
    paper: str
    picks: tuple[Pick, ...]
    left_title: str
    left: tuple[LeftRow, ...]
    receipt: int
    entry: str
    paper_trouble: Trouble | None = None
    on_screen: Document | None = None
    next_waits: bool = False


class DoubtPanel(msgspec.Struct, frozen=True):
    """Belum pasti. `tag` is the number to put on the goods; `others` how many more wait.

    `named` and `slip` (last four, approval, invoice): what the EDC says it debited instead, if it says so.
    """

    attempt: str
    trouble: Trouble
    amount: str
    steps: tuple[Step, ...]
    tag: str
    goods: tuple[str, ...]
    asking: bool
    slip_form: bool = False
    others: int = 0
    void: bool = False
    named: str = ""
    slip: tuple[str, str, str] = ("", "", "")


class CounterState(msgspec.Struct, frozen=True):
    """Everything the counter shows.

    `left_open` says that the day that is open is not today's, and what to do; `tally_of` whose tally it is.
    `guest`: the family's home is another kiosk. `can_ask`: the city may have rights for it that are not here.
    """

    phase: Phase = Phase.READY
    reader: Trouble | None = None
    tally: tuple[TallyItem, ...] = ()
    opened: str = ""
    tally_of: str = "Hari ini"
    left_open: str = ""
    day_open: bool = True
    day_closing: bool = False
    day_sealed: bool = False
    person: Person | None = None
    presence: str = "sendiri"
    proxy_reason: str = ""
    sections: tuple[Section, ...] = ()
    section: str = "ration"
    summary: str = ""
    to_pay: str = ""
    can_serve: bool = False
    refusal: Trouble | None = None
    notice: Trouble | None = None
    steps: tuple[Step, ...] = ()
    waiting: str = ""
    asks_discard: bool = False
    can_cancel: bool = True
    why_no_cancel: str = ""
    done: DonePanel | None = None
    doubt: DoubtPanel | None = None
    doubts_waiting: int = 0
    guest: bool = False
    can_ask: bool = False

    @property
    def busy(self) -> bool:
        """Whether something is being recorded, paid or printed: no moment to leave the screen."""
        return self.phase in (Phase.LOOKING, Phase.PROCESSING)

    @property
    def occupied(self) -> bool:
        """Whether a family is in front: its basket, its payment, or the goods it is being handed."""
        return self.phase in (Phase.LOOKING, Phase.RECOGNISED, Phase.PROCESSING, Phase.DONE)

    @property
    def in_hand(self) -> str:
        """What would be lost if everybody left now: `basket` with goods in it, `paying`, or nothing."""
        if self.phase is Phase.PROCESSING:
            return "paying"
        return "basket" if self.phase is Phase.RECOGNISED and self.summary else ""
