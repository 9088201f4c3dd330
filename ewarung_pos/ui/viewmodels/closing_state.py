"""What Tutup Hari shows, and what of it is complete: pure functions of one frozen state."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.documents import Document
from ewarung_pos.services.stock import needs_leader, unexplained
from ewarung_pos.ui.text import Trouble
from ewarung_pos.ui.viewmodels.closing_sheet import CountRow, StoryLine, count_lines

__all__ = ["ClosingState", "counted", "edc_explained", "explained", "half_entered"]


class ClosingState(msgspec.Struct, frozen=True):
    """`step` is 0 begin, 1 count, 2 explain, 3 send, 4 seal, 5 sealed; `read` once the ledger has answered.

    `edc_asked` once the EDC was asked for its total, which ended its batch, unless it is `edc_silent`,
    or another EDC answered (`edc_other`).
    `paper_trouble` is why the report did not come out, until it does.
    """

    step: int = 0
    read: bool = False
    date: str = ""
    sealed_today: bool = False
    rows: tuple[CountRow, ...] = ()
    story: tuple[StoryLine, ...] = ()
    story_agrees: bool = True
    needs_leader: bool = False
    can_go_on: bool = False
    unsent: int = 0
    sent: int = 0
    sent_bytes: int = 0
    sending: bool = False
    till_purse: str = ""
    edc_total: str = ""
    edc_differs: bool = False
    edc_asked: bool = False
    edc_silent: bool = False
    edc_other: bool = False
    explanation: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    report: Document | None = None
    report_entry: str = ""
    paper_trouble: Trouble | None = None
    said: str = ""
    busy: str = ""
    notice: Trouble | None = None


def counted(state: ClosingState) -> ClosingState:
    """Step 1: the count may be compared once every product was counted."""
    return replace(state, can_go_on=all(row.counted is not None for row in state.rows))


def explained(state: ClosingState) -> ClosingState:
    """Step 2: every difference needs its reason, and a large one the leader."""
    lines = count_lines(state.rows)
    return replace(state, can_go_on=not unexplained(lines), needs_leader=needs_leader(lines))


def edc_explained(state: ClosingState) -> bool:
    """Step 4: whether a difference of the EDC's total, if there is one, has its reason."""
    return not state.edc_differs or bool(state.explanation.strip())


def half_entered(state: ClosingState) -> bool:
    """Whether a count, a reason or an explanation is being entered that no entry holds yet."""
    typed = {
        1: any(row.counted is not None for row in state.rows),
        2: any(row.reason or row.note for row in state.rows),
        4: bool(state.explanation),
    }
    return typed.get(state.step, False)
