"""The till's end of sync.md: say where we stand, send a batch, take a page, fetch the proof of a sealed day.

One `step` contains no loop. Sending and receiving succeed or fail each by itself. The ledger is read in snapshots and
written in short units of work, never while the line is waited for. Whatever is lost on the way is simply said again:
the journal carries totals and hashes, so nothing can count twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from ewarung_pos import __version__
from ewarung_pos.domain.business_day import DayState
from ewarung_pos.domain.journal import CityAcknowledged, DayClosed, Sealed, decode
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.errors import ProtocolMismatch, RuleViolation, SyncError, Unauthorised
from ewarung_pos.ports import Clock, Ledger, LedgerHead, LedgerReader, SyncPhase, SyncReport
from ewarung_pos.sync import protocol
from ewarung_pos.sync.address import checked_url
from ewarung_pos.sync.client import HttpCityServer
from ewarung_pos.sync.signing import sign

__all__ = ["BACKOFF_BASE_MS", "BACKOFF_CAP_MS", "SyncEngine"]

BACKOFF_BASE_MS = 2_000
BACKOFF_CAP_MS = 60_000
HELLO_AGAIN_MS = 600_000
"""The city's time and directives are asked for at least this often while the till runs."""

CLOCK_MOVED_MS = 2_000
"""Wall and monotonic clock apart by more than this since the last exchange: the offset has to be measured again."""

ATTESTED = "attested:"
"""Setting of each sealed date that was sent: empty while the city's proof is owed, then `head|server_ms|signature`."""

_CLOSE_MARK = b'"kind":"DayClosed"'


class _Outcome:
    """What one step collects."""

    def __init__(self) -> None:
        self.sent = 0
        self.sent_bytes = 0
        self.received = 0
        self.flagged: tuple[tuple[int, str], ...] = ()
        self.attested: tuple[str, ...] = ()
        self.another_page = False
        self.errors: list[SyncError] = []


class _Exchange(msgspec.Struct, frozen=True):
    """City's time against both of ours, at one exchange (ms)."""

    offset: int
    wall: int
    monotonic: int


class SyncEngine:
    """`ports.CitySync` over HTTP. SYNC lane; only `offset_ms` may be asked from anywhere.

    Raises:
        ConfigError: the URL or the CA file cannot be used. An empty URL is a till without a city: phase OFF.
    """

    def __init__(self, ledger: Ledger, clock: Clock, url: str, ca: str = "") -> None:
        self._ledger = ledger
        self._clock = clock
        self._url = checked_url(url, ca) if url else ""
        self._ca = ca
        self._server: HttpCityServer | None = None
        self._greeted: _Exchange | None = None
        self._exchange: _Exchange | None = None
        self._city_seq = 0
        self._limits = ""
        self._refused: tuple[str, str] = ("", "")
        self._backoff = BACKOFF_BASE_MS

    def offset_ms(self) -> int | None:
        """City's time minus ours at the last exchange."""
        return None if self._exchange is None else self._exchange.offset

    def close(self) -> None:
        """End the session with the city. May be called twice."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def step(self) -> SyncReport:
        """One batch up, one page down, one proof; each with its own outcome. Never raises SyncError.

        Raises:
            LedgerError: the ledger could not be read or written; nothing is lost, the next step says it again.
        """
        if not self._url:
            return SyncReport(SyncPhase.OFF, unsent=self._ledger.read().head().unsent)
        done = _Outcome()
        try:
            identity, server = self._connected()
            self._greet(identity, server)
        except SyncError as error:
            done.errors.append(error)
        else:
            self._try(done, lambda: self._push(identity, server, done))
            if not self._limits:
                self._try(done, lambda: self._pull(server, done))
            self._try(done, lambda: self._attest(server, done))
        return self._report(done)

    @staticmethod
    def _try(done: _Outcome, part: Callable[[], None]) -> None:
        try:
            part()
        except SyncError as error:
            done.errors.append(error)

    # -- the line ------------------------------------------------------------------------------------------------------

    def _connected(self) -> tuple[KioskIdentity, HttpCityServer]:
        reader = self._ledger.read()
        identity, key = reader.identity(), reader.secret("device_key")
        city_keys = [held for name in ("city_key", "next_city_key") if (held := reader.secret(name))]
        if identity is None or key is None or not city_keys:
            raise Unauthorised("no identity or no keys in the ledger", reason="not_enrolled")
        if self._server is None:
            self._server = HttpCityServer(
                self._url,
                self._clock,
                ca=self._ca,
                device=identity.device,
                epoch=identity.epoch,
                key=key,
                city_keys=city_keys,
            )
        return identity, self._server

    def _greet(self, identity: KioskIdentity, server: HttpCityServer) -> None:
        """HELLO, unless it was said and nothing has happened since that makes it worth saying again."""
        before = self._clock.now()
        if self._greeted is not None:
            ticked = before.monotonic_ms - self._greeted.monotonic
            moved = abs(before.wall.ms - self._greeted.wall - ticked)
            if ticked < HELLO_AGAIN_MS and moved < CLOCK_MOVED_MS:
                return
        self._greeted = None
        reader = self._ledger.read()
        head = reader.head()
        welcome = server.hello(
            protocol.Hello(
                device=identity.device,
                epoch=identity.epoch,
                head_seq=head.seq,
                head_hash=head.hash,
                acked_seq=head.acked_seq,
                acked_hash=head.acked_hash,
                cursor=reader.cursor(),
                schema=protocol.SCHEMA,
                app_version=__version__,
                wall_ms=before.wall.ms,
                monotonic_ms=before.monotonic_ms,
                boot=before.boot,
            )
        )
        self._exchange = self._measured(welcome.server_ms, before.wall.ms)
        self._city_seq = welcome.acked_seq
        if not _held(reader, welcome.acked_seq, welcome.acked_hash):
            self._limits = "fork"
        elif welcome.mode is protocol.Mode.UPLOAD_ONLY:
            self._limits = welcome.reason.lower() or "upload_only"
        else:
            self._limits, self._refused = "", ("", "")
        self._greeted = self._exchange

    def _measured(self, server_ms: int, asked_ms: int) -> _Exchange:
        now = self._clock.now()
        return _Exchange(server_ms - (asked_ms + now.wall.ms) // 2, now.wall.ms, now.monotonic_ms)

    # -- up ------------------------------------------------------------------------------------------------------------

    def _push(self, identity: KioskIdentity, server: HttpCityServer, done: _Outcome) -> None:
        """One batch above what the city holds; its acknowledgement into the journal."""
        reader = self._ledger.read()
        head = reader.head()
        after = min(head.acked_seq, self._city_seq)  # lower: the city was restored from an older backup
        if head.unsent == 0 and after == head.acked_seq:
            return
        rows = reader.sealed(after, protocol.BATCH_ENTRIES, protocol.BATCH_BYTES)
        if not rows:
            return
        key = reader.secret("device_key") or b""
        last = rows[-1]
        refused, reason = self._refused
        if refused == last.hash.hex() and self._limits:
            raise Unauthorised("the city put this batch aside before", reason=reason)
        asked = self._clock.now().wall.ms
        ack = server.push(_batch(identity, key, rows))
        self._exchange = self._measured(ack.server_ms, asked)
        self._acknowledged(rows, head, ack, done)
        if ack.outcome is protocol.Outcome.ACCEPTED:
            return
        reason = "fork" if ack.outcome is protocol.Outcome.FORK else "quarantined"
        self._refused, self._limits, self._greeted = (last.hash.hex(), reason), reason, None
        raise Unauthorised(f"{ack.outcome} {ack.reason} at {ack.bad_seq}", reason=reason)

    def _acknowledged(self, rows: tuple[Sealed, ...], head: LedgerHead, ack: protocol.Ack, done: _Outcome) -> None:
        if ack.outcome is protocol.Outcome.FORK:
            return
        if not _held(self._ledger.read(), ack.acked_seq, ack.acked_hash):
            self._limits, self._greeted = "fork", None
            raise Unauthorised(f"the city holds another entry {ack.acked_seq}", reason="fork")
        taken = [row for row in rows if row.seq <= ack.acked_seq]
        self._city_seq = ack.acked_seq
        done.sent = len(taken)
        done.sent_bytes = sum(len(row.body) for row in taken)
        if ack.acked_seq <= head.acked_seq:
            return
        done.flagged = ack.flagged
        closed = _closed_dates(taken)
        with self._ledger.write() as uow:
            known = uow.settings()
            uow.append(
                CityAcknowledged(ack.acked_seq, ack.acked_hash, ack.server_ms, ack.signature, flagged=ack.flagged)
            )
            for date in closed:
                if f"{ATTESTED}{date}" not in known:
                    uow.put_setting(f"{ATTESTED}{date}", "")

    # -- down ----------------------------------------------------------------------------------------------------------

    def _pull(self, server: HttpCityServer, done: _Outcome) -> None:
        """One page of the city's state, if there is a newer one."""
        cursor = self._ledger.read().cursor()
        pulled = server.pull(cursor)
        page = pulled.page
        if page.cursor == cursor:
            return
        try:
            with self._ledger.write() as uow:
                uow.accept(page, pulled.digest)
        except RuleViolation as error:
            raise ProtocolMismatch(f"page {page.cursor}: {error.detail or error.code}", reason="page") from error
        lists = (page.families, page.leases, page.credits, page.operators, page.messages)
        done.received = sum(len(items) for items in lists) + (page.catalogue is not None) or 1
        done.another_page = page.more

    # -- proof ---------------------------------------------------------------------------------------------------------

    def _attest(self, server: HttpCityServer, done: _Outcome) -> None:
        """The city's proof of one sealed day whose close has been acknowledged."""
        reader = self._ledger.read()
        date = _owed(reader)
        attest = server.attest(date) if date else None
        if attest is None:
            return
        if not _held(reader, attest.last_seq, attest.head):
            raise Unauthorised(f"the city attests another {date}", reason="fork")
        with self._ledger.write() as uow:
            uow.put_setting(f"{ATTESTED}{date}", f"{attest.head}|{attest.server_ms}|{attest.signature}")
        done.attested = (date,)
        if attest.differs:
            done.flagged = (*done.flagged, (attest.last_seq, protocol.Flag.DAY_DIFFERS.value))

    # -- report --------------------------------------------------------------------------------------------------------

    def _report(self, done: _Outcome) -> SyncReport:
        reader = self._ledger.read()
        head = reader.head()
        error = done.errors[0] if done.errors else None
        if error is None and self._limits:
            error = Unauthorised(reason=self._limits)
        if done.errors:
            self._greeted = None
        behind = head.unsent > 0 or self._city_seq < head.acked_seq
        more = not done.errors and (behind or done.another_page or (bool(done.attested) and bool(_owed(reader))))
        phase = SyncPhase.IDLE
        if error is not None and not more:
            phase = SyncPhase.WAITING
        elif more:
            phase = SyncPhase.SENDING if behind else SyncPhase.RECEIVING
        return SyncReport(
            phase=phase,
            sent=done.sent,
            sent_bytes=done.sent_bytes,
            received=done.received,
            unsent=head.unsent,
            retry_ms=self._wait(error, more=more),
            at_ms=self._clock.now().wall.ms,
            code=error.code if error is not None else "",
            reason=error.reason if error is not None else "",
            flagged=done.flagged,
            attested=done.attested,
            more=more,
        )

    def _wait(self, error: SyncError | None, *, more: bool) -> int:
        """Decorrelated back-off: a random time between the base and three times the last one, up to the cap."""
        if error is None or more:
            self._backoff = BACKOFF_BASE_MS
            return 0 if error is None else BACKOFF_BASE_MS
        asked: int = getattr(error, "retry_ms", 0)
        span = min(BACKOFF_CAP_MS, self._backoff * 3) - BACKOFF_BASE_MS
        self._backoff = BACKOFF_BASE_MS + secrets.randbelow(span + 1)
        return max(asked, self._backoff)


def _batch(identity: KioskIdentity, key: bytes, rows: tuple[Sealed, ...]) -> protocol.Push:
    first, last = rows[0], rows[-1]
    head = last.hash.hex()
    return protocol.Push(
        device=identity.device,
        epoch=identity.epoch,
        first_seq=first.seq,
        prev_hash=first.prev_hash.hex(),
        entries=tuple(msgspec.Raw(row.body) for row in rows),
        head_hash=head,
        signature=sign(key, protocol.batch_text(identity.device, identity.epoch, first.seq, last.seq, head)).hex(),
    )


def _held(reader: LedgerReader, seq: int, digest: str) -> bool:
    """Whether our journal has exactly this hash at this place; the start of the epoch is always common ground."""
    if seq == 0:
        return True
    rows = reader.sealed(seq - 1, 1, 1)
    return bool(rows) and rows[0].seq == seq and rows[0].hash.hex() == digest


def _closed_dates(rows: list[Sealed]) -> list[str]:
    """Business dates whose seal is among these entries."""
    found = []
    for row in rows:
        if _CLOSE_MARK in row.body:
            entry = decode(row.body)
            if isinstance(entry.fact, DayClosed):
                found.append(entry.date)
    return found


def _owed(reader: LedgerReader) -> str:
    """A sealed date that the city has not attested yet, or nothing."""
    held = reader.settings()
    for key, value in sorted(held.items()):
        if key.startswith(ATTESTED) and not value:
            return key.removeprefix(ATTESTED)
    day = reader.day()
    if day.state is DayState.CLOSED and day.date is not None and reader.head().unsent == 0:
        date = day.date.iso
        return "" if f"{ATTESTED}{date}" in held else date
    return ""
