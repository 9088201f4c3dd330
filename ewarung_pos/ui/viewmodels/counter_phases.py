"""From one phase of the counter to the next: the state that shows it; pure functions."""

from __future__ import annotations

from msgspec.structs import replace

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.ui.text_day import still_to_close
from ewarung_pos.ui.viewmodels import counter_lines as lines
from ewarung_pos.ui.viewmodels.counter_desk import Seen
from ewarung_pos.ui.viewmodels.counter_state import CounterState, DonePanel, Phase

__all__ = ["answered", "cleared", "done", "held", "processing", "refreshed"]


def cleared(now: CounterState, phase: Phase) -> CounterState:
    """Another phase, with nothing of the family that was in front; reader, tally and day stay as they are."""
    return CounterState(
        phase=phase,
        reader=now.reader,
        tally=now.tally,
        opened=now.opened,
        tally_of=now.tally_of,
        left_open=now.left_open,
        day_open=now.day_open,
        day_closing=now.day_closing,
        day_sealed=now.day_sealed,
        doubts_waiting=now.doubts_waiting,
    )


def refreshed(now: CounterState, seen: Seen, catalogue: Catalogue) -> CounterState:
    """The same phase, with what the ledger says of tally and day now."""
    tally, opened = seen.tally, ""
    if tally is not None and tally.opened_ms:
        opened = f"buka {Instant(tally.opened_ms).clock()}"
    said, date = still_to_close(seen.day, seen.today), seen.day.date
    return replace(
        now,
        tally=lines.tally_items(tally, catalogue) if tally is not None else (),
        opened=opened,
        tally_of=f"Hari {date.day_month()}" if said and date is not None else "Hari ini",
        left_open=said,
        day_open=seen.day.serving,
        day_closing=seen.day.closing,
        day_sealed=seen.sealed,
        doubts_waiting=seen.doubts,
    )


def processing(now: CounterState, *, purse: bool) -> CounterState:
    """Proses: it is being recorded, after the debit at the EDC where there is one (`purse`)."""
    return replace(
        now,
        phase=Phase.PROCESSING,
        can_serve=False,
        steps=lines.steps(purse, 0),
        notice=None,
        can_cancel=purse,
        why_no_cancel="" if purse else "Penyaluran sedang dicatat.",
    )


def held(now: CounterState) -> CounterState:
    """The EDC has the amount: during Proses it can no longer be called off from here."""
    if now.phase is not Phase.PROCESSING:
        return now
    why = "EDC sudah memegang jumlahnya. Sebelum PIN: tombol merah di EDC."
    return replace(now, can_cancel=False, why_no_cancel=why)


def answered(now: CounterState) -> CounterState:
    """The EDC answered, and its answer is being recorded."""
    wait = "Jawaban EDC sedang dicatat."
    return replace(now, steps=lines.steps(purse=True, at=1), can_cancel=False, why_no_cancel=wait)


def done(now: CounterState, panel: DonePanel, *, purse: bool) -> CounterState:
    """Selesai: recorded, with or without a debit (`purse`), and to be handed over."""
    return replace(cleared(now, Phase.DONE), steps=lines.steps(purse, 2), done=panel)
