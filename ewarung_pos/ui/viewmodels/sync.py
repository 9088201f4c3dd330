"""Sinkron: one sentence on top, a log in plain words, *Kirim sekarang*; and the quiet retry behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ewarung_pos import __version__
from ewarung_pos.domain.family import Family
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.domain.units import dotted
from ewarung_pos.domain.versions import to_install
from ewarung_pos.errors import PosError, ServerBusy
from ewarung_pos.ports import CarriedWish, CitySync, Clock, Lane, Ledger, LedgerHead, SyncReport, TaskRunner
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.text_city import old_version
from ewarung_pos.ui.text_key import key_place
from ewarung_pos.ui.text_stick import day_words
from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["SyncLine", "SyncState", "SyncViewModel", "spread_ms"]

IDLE_MS = 30_000
AFTER_COMMIT_MS = 1_000
EVENING_MS = 30 * 60_000
"""Over so long the kiosks of a city spread what it could not take when they all sealed their day."""

LOG_LINES = 50

_FLAGS = {
    "OVER_LEASE": "melebihi jatah yang diketahui kota",
    "UNKNOWN_CARD": "kartu belum dikenal kota",
    "REVOKED_LATER": "kartu diblokir sesudahnya",
    "CLOCK_SKEW": "jam kios berbeda",
    "PRICE_MISMATCH": "harga berbeda dengan daftar kota",
    "DUPLICATE_UID": "nomor catatan berulang",
    "DAY_DIFFERS": "hitungan hari berbeda dengan hitungan kota",
    "UNKNOWN_GRANT": "jatah ini tidak dikenal kota",
    "UNREADABLE": "tidak terbaca kota",
    "BAD_REVERSAL": "pembatalan tidak cocok dengan struk asalnya",
    "LINES_DIFFER": "barang tidak cocok dengan jatah atau KKS yang terpotong",
    "RECEIPT_GAP": "nomor struk tidak urut",
    "SLIP_DISPUTED": "slip EDC yang sama dipakai untuk dua pembayaran",
    "OTHER_DEBIT": "EDC menarik saldo kartu atau jumlah lain",
    "OTHER_DEBIT_VOIDED": "penarikan lain sudah dibatalkan di EDC; bank perlu mengecek",
    "EDC_DIFFERS": "total EDC berbeda dengan catatan KKS, atau tidak ada",
    "HARDSHIP": "dari jatah darurat; kota mencocokkannya dengan jatah keluarga",
    "NO_LEADER_WORD": "dari jatah darurat tanpa izin ketua",
}


_OF_THE_CARD = ("card_blocked", "holder_deceased", "family_moved")


class SyncLine(msgspec.Struct, frozen=True):
    """One line of the log: time, words, and a tone (ok, look, stop)."""

    time: str
    text: str
    tone: str


class SyncState(msgspec.Struct, frozen=True):
    """`headline` e.g. `Semua terkirim 09.40` or `3 catatan belum terkirim`; `key` is the place of the ledger's key.

    `wishes` are the rights that were asked of the city by stick, and what it said. `upgrade` says in words that this
    version of the till is too old for the city.
    """

    headline: str = ""
    tone: str = "ok"
    detail: str = ""
    unsent: int = 0
    busy: bool = False
    log: tuple[SyncLine, ...] = ()
    wishes: tuple[SyncLine, ...] = ()
    kiosk: str = ""
    last_received: str = ""
    head: str = ""
    key: str = ""
    notice: Trouble | None = None
    upgrade: str = ""


class _Look(NamedTuple):
    head: LedgerHead
    identity: KioskIdentity | None
    cursor: int
    wishes: tuple[SyncLine, ...]
    upgrade: str


class SyncViewModel(ViewModel[SyncState]):
    """Commands of Sinkron, and the timer that keeps the line going."""

    def __init__(
        self,
        ledger: Ledger,
        city: CitySync,
        clock: Clock,
        runner: TaskRunner,
        changed: Callable[[], None],
        key_tier: str = "",
        wishes: Callable[[], tuple[CarriedWish, ...]] = lambda: (),
    ) -> None:
        super().__init__(SyncState(key=_key_words(key_tier)))
        self._ledger = ledger
        self._city = city
        self._clock = clock
        self._runner = runner
        self._changed = changed
        self._wishes = wishes
        self._device = ""
        self._cancel: Callable[[], None] | None = None
        self._again = False
        self._evening = False
        self._lets_go_first = False
        self._stopped = False

    def activate(self) -> None:
        """Show where the line stands."""

        def look() -> _Look:
            reader = self._ledger.read()
            wishes = tuple(_asked(wish, reader.family(wish.family)) for wish in reversed(self._wishes()))
            upgrade = to_install(reader.settings(), __version__)
            return _Look(reader.head(), reader.identity(), reader.cursor(), wishes, upgrade)

        self._runner.submit(Lane.LEDGER, look, self._looked, self._failed)

    def _looked(self, found: _Look) -> None:
        head, identity, cursor, wishes, upgrade = found
        self._device = identity.device if identity is not None else ""
        kiosk = f"{identity.device} · {identity.name}" if identity is not None else "belum terdaftar"
        self.counted(head.unsent)
        self._set(
            replace(
                self._state,
                wishes=wishes,
                kiosk=kiosk,
                last_received=f"kiriman kota ke-{dotted(cursor)}" if cursor else "belum ada",
                head=f"no. {head.seq} · {head.hash[:12]}" if head.seq else "kosong",
                upgrade=old_version(upgrade),
            )
        )

    def counted(self, unsent: int) -> None:
        """So many entries wait now: by a commit, a step, or a stick."""
        if unsent != self._state.unsent or not self._state.headline:
            notice = self._state.notice
            tone = notice.tone if notice is not None else "look" if unsent else "ok"
            self._set(replace(self._state, unsent=unsent, headline=_headline(unsent, 0), tone=tone))

    def nudge(self) -> None:
        """Something was committed: send soon, unless this kiosk lets others go first."""
        if self._lets_go_first:
            return
        if self._state.busy:
            self._again = True
        else:
            self._schedule(AFTER_COMMIT_MS)

    def evening(self, *, sealed: bool) -> None:
        """The day was sealed, as everybody's was about now; or a new one was opened."""
        self._evening = sealed
        self._lets_go_first = self._lets_go_first and sealed

    def send_now(self) -> None:
        """*Kirim sekarang*: whoever waits for it does not wait for others."""
        if self._state.busy:
            self._again = True
            return
        self._unschedule()
        self._lets_go_first = False
        self._set(replace(self._state, busy=True, notice=None))
        self._runner.submit(Lane.SYNC, self._city.step, self._stepped, self._failed)

    def stop(self) -> None:
        """No more steps (the till is closing); one that is under way plans no other."""
        self._stopped = True
        self._unschedule()

    def carried(self, report: SyncReport) -> None:
        """What a reply on a stick brought; the line's own notice stays, for that one is about the line."""
        at, lines = self._lines_of(report)
        state = replace(self._state, unsent=report.unsent, log=(*reversed(lines), *self._state.log)[:LOG_LINES])
        if self._state.notice is None:
            tone = "look" if report.unsent else "ok"
            state = replace(state, headline=_headline(report.unsent, 0 if report.code else at.ms), tone=tone)
        self._set(state)
        self.activate()
        self._changed()

    def _lines_of(self, report: SyncReport) -> tuple[Instant, list[SyncLine]]:
        at = Instant(report.at_ms or self._clock.now().wall.ms)
        lines = []
        if report.sent:
            lines.append(SyncLine(at.clock(), f"{dotted(report.sent)} catatan diterima kota", "ok"))
        if report.received:
            lines.append(SyncLine(at.clock(), f"{dotted(report.received)} pembaruan dari kota", "ok"))
        lines.extend(
            SyncLine(at.clock(), f"catatan {seq}: diterima, {_FLAGS.get(flag, flag)}", "look")
            for seq, flag in report.flagged
        )
        lines.extend(SyncLine(at.clock(), f"{day_words(date)}: kota membenarkan", "ok") for date in report.attested)
        if report.code:
            problem = trouble(report.code, report.reason)
            lines.append(SyncLine(at.clock(), problem.happened, problem.tone))
        return at, lines

    def _stepped(self, report: SyncReport) -> None:
        at, lines = self._lines_of(report)
        problem = trouble(report.code, report.reason) if report.code else None
        seconds = dotted(max(1, report.retry_ms // 1000))
        detail = f"mencoba lagi {seconds} detik lagi" if problem and report.retry_ms else ""
        self._set(
            replace(
                self._state,
                busy=False,
                unsent=report.unsent,
                headline=_headline(report.unsent, 0 if problem else at.ms),
                tone="ok" if not report.unsent and problem is None else problem.tone if problem else "look",
                detail=detail,
                log=(*reversed(lines), *self._state.log)[:LOG_LINES],
                notice=problem,
                upgrade=old_version(report.upgrade),
            )
        )
        self._changed()
        soon = report.more or self._again or (report.unsent > 0 and report.sent > 0)
        self._again = False
        pause = report.retry_ms or IDLE_MS
        if self._evening and report.code == ServerBusy.code:
            self._evening, self._lets_go_first = (
                False,
                True,
            )  # once; if the city still asks to wait then, for as long as it says
            pause = max(pause, spread_ms(self._device))
            self._set(replace(self._state, detail=f"mencoba lagi {dotted(max(1, pause // 60_000))} menit lagi"))
        self._schedule(0 if soon and problem is None else pause)

    def dismiss(self) -> None:
        """The notice was read."""
        self._set(replace(self._state, notice=None))

    def _failed(self, error: Exception) -> None:
        self._set(replace(self._state, busy=False, notice=trouble_of(error)))
        self._schedule(IDLE_MS)
        if not isinstance(error, PosError):
            raise error

    def _schedule(self, delay_ms: int) -> None:
        self._unschedule()
        if not self._stopped:
            self._cancel = self._runner.later(delay_ms, self.send_now)

    def _unschedule(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None


def spread_ms(device: str) -> int:
    """This kiosk's place within `EVENING_MS`: always the same, and another for each."""
    return int.from_bytes(hashlib.sha256(device.encode()).digest()[:8], "big") % EVENING_MS


def _asked(wish: CarriedWish, family: Family | None) -> SyncLine:
    """Where a request stands that went with a stick."""
    whose = family.name if family is not None else f"kartu •••• {wish.last4}"
    at = Instant(wish.asked_ms)
    if wish.outcome == "granted":
        said, tone = "diberikan", "ok"
    elif wish.outcome == "waiting":
        said, tone = f"menunggu {wish.kiosk or 'kios lain'}", "look"
    elif wish.outcome == "nothing":
        code = "refusal" if wish.reason in _OF_THE_CARD else "rights"
        why = trouble(code, wish.reason).title
        said, tone = f"ditolak, {why[:1].lower()}{why[1:]}", "look"
    else:
        said, tone = "belum dijawab", "look"
    return SyncLine(at.date().day_month(), f"{whose}: permintaan USB {said}", tone)


def _headline(unsent: int, at_ms: int) -> str:
    if unsent:
        return f"{dotted(unsent)} catatan belum terkirim"
    return f"Semua terkirim {Instant(at_ms).clock()}" if at_ms else "Semua terkirim"


def _key_words(tier: str) -> str:
    if not tier:
        return ""
    place, _ = key_place(tier)
    return f"{place} (paling lemah: satu disk dengan buku)" if tier == "key_file" else place
