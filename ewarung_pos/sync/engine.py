"""The till's end of the line: one step sends what waits and takes what is new; whoever calls decides when.

No transaction is open while the network is used, nothing is believed without the city's signature, and what goes wrong
with sending does not stop receiving, nor the reverse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from ewarung_pos import __version__
from ewarung_pos.domain.journal import CityAcknowledged, genesis
from ewarung_pos.domain.state import KioskIdentity, StatePage
from ewarung_pos.domain.timeline import CityTime
from ewarung_pos.domain.versions import to_install
from ewarung_pos.errors import (
    ChainBroken,
    ClockSuspect,
    PosError,
    ProtocolMismatch,
    ServerBusy,
    ServerUnreachable,
    SyncError,
    Unauthorised,
)
from ewarung_pos.ports import Clock, Ledger, RightsAnswer, RightsWish, SyncPhase, SyncReport
from ewarung_pos.sync.asking import ask_for
from ewarung_pos.sync.attesting import ask_of_day, owe_attests
from ewarung_pos.sync.leg import Leg
from ewarung_pos.sync.outgoing import (
    CityServer,
    Speaker,
    batch_of,
    check_ack,
    greet,
    hash_at,
    heed_upgrade,
    life_of,
    live_on,
    run_after,
    speaker,
)
from ewarung_pos.sync.protocol import BATCH_BYTES, PAGE_BYTES, Ack, Mode, Outcome
from ewarung_pos.sync.sizing import MessageSize

__all__ = ["SyncEngine"]

HELLO_EVERY_MS = 10 * 60_000
LEAST_BATCH = 32 * 1024
LEAST_PAGE = 8 * 1024
"""On a line that cuts everything off: some two or three kilobytes each, compressed."""

CLOCK_MOVED_MS = 2_000
"""Wall and monotonic clock apart by more than this since the last HELLO: the city's time has to be asked again."""


class _Step:
    """What one step brought."""

    def __init__(self) -> None:
        self.sent = self.sent_bytes = self.received = 0
        self.flagged: tuple[tuple[int, str], ...] = ()
        self.attested: list[str] = []
        self.more = False


class SyncEngine:
    """`ports.CitySync` over HTTP, or over whatever `connect` speaks to.

    Args:
        ledger: the till's.
        clock: monotonic time decides pauses; wall time only signs.
        url: of the city; empty turns the line off.
        ca: PEM file of its authority, if it is not the system's.
        connect: makes another line than HTTP, once there is a kiosk to speak for; `url` then only says that it is on.
    """

    def __init__(
        self, ledger: Ledger, clock: Clock, url: str, ca: str = "", connect: Callable[[], Speaker] | None = None
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._url = url
        self._ca = ca
        self._connect = connect or self._over_http
        self._city: CityServer | None = None
        self._live = True
        self._key = b""
        self._city_key = b""
        self._identity = KioskIdentity("", 0, "", "", "")
        self._acked: tuple[int, str] | None = None
        self._hello_at: int | None = None
        self._hello_wall = 0
        self._asked = ""
        self._owed = 0  # a restored city waits for all below the head that it was told, whatever that is
        self._greeted = False
        self._told = True
        self._mode = Mode.NORMAL
        self._mode_reason = ""
        self._put_aside = ""
        self._send = Leg()
        self._receive = Leg()
        self._step = _Step()
        self._batch = MessageSize(BATCH_BYTES, LEAST_BATCH)
        self._page = MessageSize(PAGE_BYTES, LEAST_PAGE)

    def step(self) -> SyncReport:
        """One push step and one pull step, each with its own outcome; contains no loop, never raises SyncError."""
        self._step = done = _Step()
        identity = self._ledger.read().identity()
        if not self._url or identity is None:
            unsent = self._ledger.read().head().unsent
            return SyncReport(SyncPhase.OFF, unsent=unsent, at_ms=self._wall_ms(), upgrade=self._upgrade())
        self._identity = identity
        self._greeted = True  # unless this step tries to, and cannot
        self._send.run(self._push_step, self._monotonic_ms())
        failed = self._send.error
        if failed is not None and (not self._greeted or _no_line(failed)):
            self._receive.skip(self._send)
        else:
            self._receive.run(self._pull_step, self._monotonic_ms())
        error = self._send.error or self._receive.error
        waits = [leg.retry_ms for leg in (self._send, self._receive) if leg.retry_ms]
        if error is not None and not _was_cut(error):
            self._hello_at = None  # whatever it was, the other side may have changed meanwhile
        unsent = self._ledger.read().head().unsent
        behind = unsent > 0 and self._send.error is None
        phase = SyncPhase.IDLE if error is None else SyncPhase.WAITING
        if done.more or behind:
            phase = SyncPhase.SENDING if behind else SyncPhase.RECEIVING
        return SyncReport(
            phase=phase,
            sent=done.sent,
            sent_bytes=done.sent_bytes,
            received=done.received,
            unsent=unsent,
            retry_ms=min(waits, default=0),
            at_ms=self._wall_ms(),
            code=error.code if error is not None else "",
            reason=error.reason if error is not None else "",
            flagged=done.flagged,
            attested=tuple(done.attested),
            more=done.more or behind,
            upgrade=self._upgrade(),
        )

    def ask(self, wish: RightsWish) -> RightsAnswer:
        """Ask the city for rights; what it grants is in the journal, under its signature, when this returns.

        Raises:
            SyncError: no answer that can be believed; nothing happened here, and the same wish may be asked again.
            ClockSuspect: the same, because the city's time is another than ours (`off_server`).
        """
        identity = self._ledger.read().identity()
        if not self._url or identity is None:
            raise ServerUnreachable("no city", reason="no_line")
        self._identity = identity
        city = self._connected()
        try:
            self._greet(city)
            self._refuse_upload_only()
            return ask_for(city, self._city_key, identity, self._ledger, wish, self._acked)
        except SyncError:
            self._hello_at = None
            raise

    def offset_ms(self) -> int | None:
        """City's time minus ours, by its last greeting and the monotonic clock since.

        Acknowledgements do not count: the city says one again in the same bytes when it was lost, with its old time.
        """
        return self._ledger.read().clock().ahead_ms(self._clock.now())

    def close(self) -> None:
        """Give the connection back."""
        if self._city is not None:
            self._city.close()
            self._city = None

    # -- up ----------------------------------------------------------------------------------------------------------

    def _push_step(self) -> None:
        city = self._connected()
        self._greet(city)
        self._push(city)
        self._refuse_upload_only()
        word = ask_of_day(city, self._city_key, self._who(), self._ledger)
        if word is not None:
            self._step.more = self._step.more or word.more
            if word.differs:
                raise ProtocolMismatch(f"{word.date}: {', '.join(word.differs)}", reason="day_differs")
            self._step.attested.append(word.date)

    def _greet(self, city: CityServer) -> None:
        """HELLO when the last one is old, or something did not fit since."""
        reading = self._clock.now()
        if self._hello_at is not None and self._told:
            ticked = reading.monotonic_ms - self._hello_at
            moved = abs(reading.wall.ms - self._hello_wall - ticked)
            if ticked < HELLO_EVERY_MS and moved < CLOCK_MOVED_MS:
                return
        self._greeted = False
        on_life = partial(live_on, self._ledger)
        welcome, answered = greet(city, self._ledger.read(), self._who(), self._clock, self._asked, on_life)
        heard = self._clock.now()
        self._asked = welcome.recovery
        if answered:
            self._owed = self._ledger.read().head().seq
        if self._live:
            with self._ledger.write() as uow:
                uow.heard_city(CityTime(welcome.server_ms, heard.wall.ms, heard.monotonic_ms, heard.boot))
        heed_upgrade(self._ledger, welcome)
        self._mode, self._mode_reason = welcome.mode, welcome.reason
        try:
            self._check_held(welcome.acked_seq, welcome.acked_hash)
        except Unauthorised:
            if self._live and welcome.mode is Mode.NORMAL and welcome.acked_seq <= self._ledger.read().head().seq:
                with suppress(SyncError, ChainBroken):  # the next greeting tries again
                    self._show_past(city, welcome.acked_seq)
            raise
        self._acked = (welcome.acked_seq, welcome.acked_hash or genesis(self._who().device, self._who().epoch).hex())
        self._hello_at, self._hello_wall = reading.monotonic_ms, reading.wall.ms
        self._greeted = self._told = True

    def _push(self, city: CityServer) -> None:
        reader = self._ledger.read()
        head, who = reader.head(), self._who()
        ours = (head.acked_seq, head.acked_hash or genesis(who.device, who.epoch).hex())
        # The city's is lower after its restore from a backup, and higher after an acknowledgement was lost: its last
        # entry goes once more then, and brings that acknowledgement.
        acked_seq, acked_hash = self._acked or ours
        unheard = acked_seq > ours[0]
        if unheard:
            acked_seq, acked_hash = acked_seq - 1, hash_at(reader, who, acked_seq - 1) or ""
        if head.unsent == 0 and not unheard and acked_seq >= max(head.acked_seq, self._owed):
            return  # what is left are acknowledgements; they go with the next batch
        rows = run_after(reader, acked_seq, acked_hash, self._batch.now)
        if rows[-1].hash.hex() == self._put_aside and self._mode is not Mode.NORMAL:
            return  # the city has kept it; again it would cost the line and tell nothing new
        self._told = False
        with _measured(self._batch, sum(len(row.body) for row in rows)):
            ack, size = city.push(batch_of(self._key, who, rows))
        self._acknowledged(ack, rows[-1].hash.hex(), size)

    def _acknowledged(self, ack: Ack, end: str, size: int) -> None:
        """An answer to a batch that ends with the entry of that hash."""
        check_ack(self._city_key, self._who(), ack)
        if ack.outcome is Outcome.FORK:
            self._mode, self._mode_reason, self._hello_at = Mode.UPLOAD_ONLY, "FORK", None
            self._put_aside = end
            raise Unauthorised(f"entry {ack.bad_seq}", reason="fork")
        self._check_held(ack.acked_seq, ack.acked_hash)
        self._acked, self._told = (ack.acked_seq, ack.acked_hash), True
        with self._ledger.write() as uow:
            before = uow.head().acked_seq
            if ack.acked_seq > before:
                uow.append(CityAcknowledged(ack.acked_seq, ack.acked_hash, ack.server_ms, ack.signature, ack.flagged))
                owe_attests(uow, before, ack.acked_seq)
                self._step.sent, self._step.sent_bytes = ack.acked_seq - before, size
                self._step.flagged = ack.flagged
            head = uow.head()
        if ack.outcome is Outcome.QUARANTINED:
            self._hello_at = None
            raise Unauthorised(f"entry {ack.bad_seq}: {ack.reason}", reason=f"quarantined_{ack.reason.lower()}")
        lacking = ack.acked_seq < max(head.acked_seq, self._owed)  # a restored city is read to again, at once
        self._step.more = self._step.more or head.unsent > 0 or lacking

    def _check_held(self, seq: int, digest: str) -> None:
        """The city's copy must be a beginning of our journal; if it is not, one of us has another past."""
        if seq == 0 and not digest:
            return  # the city does not know this epoch, and says so
        if hash_at(self._ledger.read(), self._who(), seq) != digest:
            self._mode, self._mode_reason = Mode.UPLOAD_ONLY, "FORK"
            self._hello_at = None
            raise Unauthorised(f"the city holds another entry {seq}", reason="fork")

    def _show_past(self, city: CityServer, held: int) -> None:
        """Send what stands here in the place of the city's last entry: it puts that aside, and tells a person.

        From a greeting it cannot see that a journal longer than its copy has another past.
        """
        reader, who = self._ledger.read(), self._who()
        rows = run_after(reader, held - 1, hash_at(reader, who, held - 1) or "")
        ack, _ = city.push(batch_of(self._key, who, rows))
        check_ack(self._city_key, who, ack)

    # -- down --------------------------------------------------------------------------------------------------------

    def _pull_step(self) -> None:
        if self._upload_only():
            return
        city = self._connected()
        self._greet(city)  # nothing is asked for before both know that this journal is the one that the city holds
        if self._upload_only():
            return
        cursor = self._ledger.read().cursor()
        try:
            with _measured(self._page, self._page.now):
                page, body = city.pull(cursor, self._acked, self._page.now)
        except ProtocolMismatch as error:
            if error.reason == "clock":
                raise ClockSuspect(error.detail, reason="off_server") from error
            if error.reason == "behind":
                raise ServerBusy("the city holds more since", reason="behind") from error
            raise
        if page.cursor < cursor:
            raise ProtocolMismatch(f"cursor {page.cursor} after {cursor}", reason="downgrade")
        if page.cursor == cursor:
            return
        if page.life != life_of(self._ledger.read()):
            raise ServerBusy("a page of another life of the city", reason="behind")
        if any(lease.granted < 0 for lease in page.leases) or any(credit.amount < 0 for credit in page.credits):
            raise ProtocolMismatch(f"page {page.cursor} gives less than nothing", reason="page")
        with self._ledger.write() as uow:
            uow.accept(page, hashlib.sha256(body).hexdigest())
        self._step.received = max(1, _things(page))
        self._step.more = self._step.more or page.more

    # -- the line ----------------------------------------------------------------------------------------------------

    def _upload_only(self) -> bool:
        return self._mode is not Mode.NORMAL

    def _refuse_upload_only(self) -> None:
        if self._upload_only():
            raise Unauthorised("upload only until a person decides", reason=self._mode_reason.lower() or "upload_only")

    def _connected(self) -> CityServer:
        if self._city is None:
            said = self._connect()
            self._city, self._key, self._city_key, self._live = said.city, said.key, said.city_key, said.live
        return self._city

    def _over_http(self) -> Speaker:
        return speaker(self._ledger.read(), self._who(), self._url, self._ca, lambda: self._wall_ms() // 1000)

    def _upgrade(self) -> str:
        return to_install(self._ledger.read().settings(), __version__)

    def _who(self) -> KioskIdentity:
        return self._identity

    def _wall_ms(self) -> int:
        return self._clock.now().wall.ms

    def _monotonic_ms(self) -> int:
        return self._clock.now().monotonic_ms


@contextmanager
def _measured(size: MessageSize, bytes_: int) -> Iterator[None]:
    """What became of a message of so many bytes tells how large the next one may be."""
    try:
        yield
    except ServerUnreachable as error:
        if _was_cut(error):
            size.broke(bytes_)
        raise
    size.passed()


def _was_cut(error: PosError) -> bool:
    """Whether the city was there, and only this message or its answer was lost."""
    return isinstance(error, ServerUnreachable) and error.reason in {"cut", "timeout"}


def _no_line(error: PosError) -> bool:
    return isinstance(error, ServerUnreachable) and error.reason in {"no_line", "timeout", "tls"}


def _things(page: StatePage) -> int:
    lists = (page.families, page.leases, page.credits, page.operators, page.messages, page.surrenders)
    return sum(len(items) for items in lists) + (page.catalogue is not None)
