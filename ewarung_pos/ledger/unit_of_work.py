"""One transaction: everything that happens at the counter becomes durable here, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext

import msgspec
from msgspec.structs import astuple

from ewarung_pos.domain.business_day import DayState
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import Family
from ewarung_pos.domain.journal import (
    ClockStepped,
    DayOpened,
    Entry,
    Fact,
    KioskEnrolled,
    OperatorChanged,
    RightsGranted,
    StateReceived,
    Surrendered,
    canonical,
    genesis,
    link,
)
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.domain.rights import Surrender, surrenders
from ewarung_pos.domain.state import KioskIdentity, OperatorRecord, StatePage
from ewarung_pos.domain.timeline import BACKWARD_TOLERANCE_MS, CityTime, ClockMemory, clock_step
from ewarung_pos.errors import ConfigError, ProtocolMismatch, RuleViolation
from ewarung_pos.ledger import register
from ewarung_pos.ledger.catalogue_cache import CatalogueCache
from ewarung_pos.ledger.engine import Connection
from ewarung_pos.ledger.history import COPIES
from ewarung_pos.ledger.named import named
from ewarung_pos.ledger.projections import CLOSED_PERIOD, apply
from ewarung_pos.ledger.queries import Execute, Queries, leases_of
from ewarung_pos.ledger.tip import CLOCK, Tip
from ewarung_pos.ports import Approved, Attempt, Clock, PrintJob

__all__ = ["SqlUnitOfWork"]

_ENTRY = (
    "INSERT INTO ledger_entry (seq, id, kind, business_date, instant, payload, prev_hash, hash, "
    "family, receipt, reverses) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_JOB = "INSERT INTO print_job (id, kind, entry, receipt, copy, goods) VALUES (?, ?, ?, ?, ?, ?)"
_PUT_SETTING = "INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_PUT_KEPT = "INSERT INTO secret VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_JSON = msgspec.json.Encoder()


class SqlUnitOfWork(Queries):
    """`ports.UnitOfWork` on the writing connection, between its BEGIN IMMEDIATE and its COMMIT.

    Attributes:
        execute: of the writing connection.
        tip: the end of the journal as this transaction leaves it.
        spoiled: an append failed half-way; whoever caught the error may not commit the rest.
    """

    def __init__(self, connection: Connection, tip: Tip, clock: Clock, catalogue: CatalogueCache) -> None:
        super().__init__(catalogue)
        self._connection = connection
        self.execute: Execute = connection.execute
        self._open: AbstractContextManager[Execute] = nullcontext(self.execute)
        self._clock = clock
        self._appended = ("", 0)
        self.tip = tip
        self.spoiled = False

    def _snapshot(self) -> AbstractContextManager[Execute]:
        return self._open

    def _tip(self) -> Tip:
        return self.tip

    # -- the journal -------------------------------------------------------------------------------------------------

    def watch_clock(self) -> None:
        """Before anything else: an entry for a wall clock that was set since the newest one."""
        last = self.tip.reading
        if last is not None:
            step = clock_step(last, self._clock.now())
            if step is not None:
                self.append(ClockStepped(step))

    def append(self, fact: Fact, operator: str = "", entry_id: str | None = None) -> Entry:
        """Chain one fact and update every projection it touches.

        Raises:
            RuleViolation: a lease would be overdrawn, stock would fall below zero, an entry of that id is there
                (`duplicate_entry`), or the fact does not fit the state of the day. Nothing happens.
            ConfigError: the till is not enrolled (`not_enrolled`).
        """
        tip = self.tip
        identity = tip.identity
        if identity is None or (tip.seq == 0) is not isinstance(fact, KioskEnrolled):
            raise ConfigError("an epoch begins with its enrolment, once", reason="not_enrolled")
        reading = self._clock.now()
        if entry_id is not None and self._place(entry_id) is not None:
            raise RuleViolation("an entry of this id is in the journal", reason="duplicate_entry")
        entry = Entry(
            seq=tip.seq + 1,
            id=entry_id if entry_id is not None else self._clock.mint(),
            device=identity.device,
            epoch=identity.epoch,
            date=reading.wall.date().iso if isinstance(fact, DayOpened) else self._business_date(),
            instant=reading.wall.ms,
            monotonic=reading.monotonic_ms,
            boot=reading.boot,
            operator=operator,
            fact=fact,
        )
        holder = named(self._connection, fact, tip)
        body = canonical(entry)
        digest = link(tip.hash, body)
        self.spoiled = True
        self.execute(
            _ENTRY,
            (
                entry.seq,
                entry.id,
                type(fact).__name__,
                entry.date,
                entry.instant,
                body,
                tip.hash,
                digest,
                *holder,
            ),
        )
        set_back = entry.instant < tip.last_ms - BACKWARD_TOLERANCE_MS
        self.tip = apply(
            self._connection,
            entry,
            msgspec.structs.replace(
                tip,
                seq=entry.seq,
                hash=digest,
                last_ms=tip.last_ms if set_back else entry.instant,
                reading=reading,
                unsent=tip.unsent + 1,
            ),
        )
        if isinstance(fact, ClockStepped) and fact.confirmed:
            self._remember(msgspec.structs.replace(tip.clock, highest_ms=0))
            self.tip = msgspec.structs.replace(self.tip, last_ms=entry.instant)
        elif set_back and tip.clock.highest_ms < tip.last_ms:
            self._remember(msgspec.structs.replace(tip.clock, highest_ms=tip.last_ms))
        self._appended = (entry.id, entry.seq)
        self.spoiled = False
        return entry

    def _business_date(self) -> str:
        day = self.tip.day
        return "" if day.date is None or day.state is DayState.CLOSED else day.date.iso

    def _place(self, entry_id: str) -> int | None:
        row = self.execute("SELECT seq FROM ledger_entry WHERE id = ?", (entry_id,)).fetchone()
        return row[0] if row else None

    def next_receipt(self) -> int:
        """The next receipt number; used by the same transaction's entry, so there is never a gap."""
        return self.tip.receipts + 1

    # -- work under way ----------------------------------------------------------------------------------------------

    def open_attempt(self, attempt: Attempt) -> None:
        """Keep the intent of a purse debit."""
        self.execute(
            "INSERT INTO attempt VALUES (?, ?, ?, ?, ?)",
            (attempt.id, attempt.state.value, attempt.date.iso, attempt.opened_ms, _JSON.encode(attempt)),
        )

    def settle_attempt(self, attempt_id: str, state: AttemptState, approval: Approved | None = None) -> None:
        """Note what became of it.

        Raises:
            RuleViolation: there is no such attempt (`unknown_attempt`), or it is settled for good (`attempt_final`).
        """
        held = self.attempt(attempt_id)
        if held is None:
            raise RuleViolation(reason="unknown_attempt")
        if held.state.final:
            raise RuleViolation(held.state.value, reason="attempt_final")
        settled = msgspec.structs.replace(held, state=state, approval=approval or held.approval)
        self.execute(
            "UPDATE attempt SET state = ?, body = ? WHERE id = ?", (state.value, _JSON.encode(settled), attempt_id)
        )

    def queue_print(self, kind: str, entry: str, receipt: int, copy: int, goods: Mapping[str, int]) -> PrintJob:
        """Owe a paper of an entry; `goods` count for the four-way control when `copy` is 0.

        Raises:
            RuleViolation: no such entry (`unknown_entry`), or more papers of it than anybody needs (`too_many_copies`).
        """
        appended, place = self._appended
        seq = place if entry == appended else self._place(entry)
        if seq is None:
            raise RuleViolation(reason="unknown_entry")
        if copy >= COPIES:
            raise RuleViolation(f"{copy} copies", reason="too_many_copies")
        # By entry and copy: the papers of a day are found without an index of their own.
        job = seq * COPIES + copy
        self.execute(_JOB, (job, kind, entry, receipt, copy, _JSON.encode(dict(goods)).decode()))
        return PrintJob(job, kind, entry, receipt, copy)

    def print_tried(self, job: int) -> None:
        """Count a try, before it is made."""
        self.execute("UPDATE print_job SET tries = tries + 1 WHERE id = ?", (job,))

    def print_refused(self, job: int) -> None:
        """The printer said that nothing came out: that try does not count."""
        self.execute("UPDATE print_job SET tries = tries - 1 WHERE id = ?", (job,))

    def print_done(self, job: int) -> None:
        """The paper left the printer."""
        self.execute("UPDATE print_job SET done = 1 WHERE id = ?", (job,))

    # -- the city's state --------------------------------------------------------------------------------------------

    def accept(self, page: StatePage, digest: str) -> Entry:
        """Take a page of the city's state: register and reference tables, and one StateReceived entry.

        What the page asks to have back is given back as far as it is here, and so is what it grants for a month that is
        closed here: both as entries of their own, in this same transaction.

        Raises:
            ProtocolMismatch: the page's cursor is not above the held one (`downgrade`), or a lease changed its unit.
        """
        if page.cursor <= self.tip.cursor:
            raise ProtocolMismatch(f"cursor {page.cursor} after {self.tip.cursor}", reason="downgrade")
        credits_ = tuple((item.family, item.programme, item.period, item.amount) for item in page.credits)
        items, opened = register.put_reference(self.execute, page, self.secret("card_key") or b"")
        entry = self.append(StateReceived(page.cursor, digest, page.leases, credits_, items))
        register.note_since(self.execute, entry.instant)
        register.put_catalogue(self.execute, page, entry.id)
        for code in opened:
            self.append(OperatorChanged(code, "unlocked"))
        if page.catalogue is not None:
            self.tip = msgspec.structs.replace(self.tip, catalogue=entry.id)
        self.surrender(page.surrenders, "asked")
        self._give_back_late(page.leases)
        return entry

    def accept_grant(
        self,
        request: str,
        serial: int,
        family: Family,
        leases: tuple[LeaseGrant, ...],
        signature: str,
        *,
        home: bool = False,
    ) -> Entry:
        """Take the city's answer to a request for rights: the family's row, and one RightsGranted entry.

        Raises:
            ProtocolMismatch: a lease changed its unit.
        """
        items, _ = register.put_reference(self.execute, StatePage(0, (family,)), self.secret("card_key") or b"")
        entry = self.append(RightsGranted(request, serial, family.key, leases, items, signature, home))
        register.note_since(self.execute, entry.instant)
        self._give_back_late(leases)
        return entry

    def surrender(self, asked: Iterable[Surrender], reason: str) -> Entry | None:
        """Give back of these leases what is asked for (totals S), as far as it is here; None when there is nothing."""
        wishes = tuple(asked)
        families = {(wish.family, wish.period) for wish in wishes}
        held = [lease for family, period in families for lease in leases_of(self.execute, family, period)]
        given = surrenders(held, wishes)
        return self.append(Surrendered(given, reason)) if given else None

    def _give_back_late(self, leases: tuple[LeaseGrant, ...]) -> None:
        """A month that is closed here stays so, whatever the city grants for it afterwards."""
        row = self.execute("SELECT value FROM setting WHERE key = ?", (CLOSED_PERIOD,)).fetchone()
        late = [lease for lease in leases if row is not None and lease.period <= row[0]]
        self.surrender((Surrender(*astuple(lease)) for lease in late), "late")

    def forget_families(self, keys: Iterable[str]) -> None:
        """Remove these families from the register; their receipts and rights stay under their keys."""
        register.forget(self.execute, keys)

    def heard_city(self, time: CityTime) -> None:
        """Remember the city's time."""
        self._remember(msgspec.structs.replace(self.tip.clock, city=time))

    def accept_clock(self, offset_ms: int) -> None:
        """Remember the distance to the city's time that a leader confirmed."""
        self._remember(msgspec.structs.replace(self.tip.clock, accepted_ms=offset_ms))

    def _remember(self, clock: ClockMemory) -> None:
        self.put_setting(CLOCK, _JSON.encode(clock).decode())
        self.tip = msgspec.structs.replace(self.tip, clock=clock)

    def put_operator(self, operator: OperatorRecord) -> None:
        """Replace a member of the kiosk, PIN included."""
        register.put_operator(self.execute, operator)

    def pin_failed(self, code: str) -> int:
        """Count a wrong PIN; survives a restart. Returns the new count."""
        (count,) = self.execute(
            "INSERT INTO pin_failure VALUES (?, 1) ON CONFLICT (code) DO UPDATE SET failures = failures + 1 "
            "RETURNING failures",
            (code,),
        ).fetchone()
        return int(count)

    def pin_not_meant(self, code: str) -> None:
        """Take one count back: that PIN was another's."""
        self.execute("DELETE FROM pin_failure WHERE code = ? AND failures <= 1", (code,))
        self.execute("UPDATE pin_failure SET failures = failures - 1 WHERE code = ?", (code,))

    def pin_accepted(self, code: str) -> None:
        """Forget the wrong ones."""
        self.execute("DELETE FROM pin_failure WHERE code = ?", (code,))

    def put_setting(self, key: str, value: str) -> None:
        """Keep a setting."""
        self.execute(_PUT_SETTING, (key, value))

    def put_secret(self, name: str, value: bytes) -> None:
        """Keep a key; only ever in the encrypted file."""
        self.execute(_PUT_KEPT, (name, value))

    def set_identity(self, identity: KioskIdentity) -> None:
        """Fix who this ledger belongs to; before the first entry of an epoch.

        Raises:
            ConfigError: the journal has entries already (`identity_fixed`); a new epoch is a new file.
        """
        if self.tip.seq:
            raise ConfigError("the journal has begun", reason="identity_fixed")
        register.put_identity(self.execute, identity)
        self.tip = msgspec.structs.replace(self.tip, identity=identity, hash=genesis(identity.device, identity.epoch))
