"""Who works the till: sign in, PIN policy, roles, the second person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple, NoReturn

import msgspec

from ewarung_pos.domain.journal import OperatorChanged
from ewarung_pos.domain.pins import OwnHash, origin_of, own_hash, pepper_name, peppered
from ewarung_pos.domain.state import LOCK_AFTER, OperatorRecord
from ewarung_pos.errors import NotAuthorised
from ewarung_pos.ports import Clock, Ledger, UnitOfWork

__all__ = ["DELAYS_MS", "LOCK_AFTER", "OperatorService", "PinCost", "Role"]

DELAYS_MS = (1_000, 3_000, 10_000, 30_000)
"""How long no PIN is looked at after the first, second, ... wrong one in a row."""


class Role(StrEnum):
    """Domain rule R39: least privilege; a pendamping sees and does not sell (finding F7)."""

    CASHIER = "kasir"
    LEADER = "ketua"
    COMPANION = "pendamping"


class PinCost(NamedTuple):
    """Argon2id's: 64 MiB, three passes, four lanes took 89 to 131 ms on the machine it was chosen on."""

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4


class OperatorService:
    """Checks PINs. Hashing takes a tenth of a second: PIN lane, never inside a unit of work.

    A hash of the city is replaced by one with the till's pepper at the first right entry. The count of wrong PINs
    lives in the ledger. Every PIN is counted there as a wrong one before it is looked at, and taken back when it was
    right: what cannot be counted (a full disk) is not looked at, and a power cut in between costs one try. The wait
    after a wrong one runs on the machine's monotonic clock, and begins anew with the program: neither a restart nor a
    wall clock that is set forward shortens it.

    Args:
        ledger: who there is, and how often each was wrong.
        clock: its monotonic side.
        peppers: the one in use, and older ones that hashes may still be made with.
        cost: of hashes made from now on.
    """

    def __init__(self, ledger: Ledger, clock: Clock, peppers: tuple[bytes, ...], cost: PinCost | None = None) -> None:
        self._ledger = ledger
        self._clock = clock
        self._peppers = {pepper_name(pepper): pepper for pepper in peppers}
        self._pepper = peppers[0]
        self._cost = cost or PinCost()
        self._began = clock.now().monotonic_ms
        self._wrong_at: dict[str, int] = {}

    def present(self) -> tuple[OperatorRecord, ...]:
        """Everybody who may sign in at the till."""
        return tuple(
            person
            for person in self._ledger.read().operators()
            if person.active and person.role in (Role.CASHIER, Role.LEADER)
        )

    def locked(self) -> frozenset[str]:
        """Codes of those who may sign in but are locked."""
        reader = self._ledger.read()
        return frozenset(p.code for p in self.present() if reader.pin_failures(p.code) >= LOCK_AFTER)

    def can_unlock(self) -> bool:
        """Whether any leader could open a locked account; if not, only a new PIN from the city does."""
        return bool(self._openers())

    def sign_in(self, code: str, pin: str) -> OperatorRecord:
        """Sign in with one's own PIN.

        Raises:
            NotAuthorised: reason unknown_operator, no_pin, pin_renewal (hashed with a pepper that is gone, or by a
                version before), locked, leader_locked (no leader could open it), wait, wrong_pin or role.
            LedgerError, ConfigError: it could not be counted, so it was not looked at; or it was right, and that could
                not be written.
        """
        person = next((p for p in self._ledger.read().operators() if p.code == code and p.active), None)
        if person is None:
            raise NotAuthorised(reason="unknown_operator")
        if not person.pin_hash:
            raise NotAuthorised(reason="no_pin")
        if not self._readable(person):
            raise NotAuthorised(reason="pin_renewal")
        when_locked = "locked" if self._openers() - {code} else "leader_locked"
        if self._locked((person,)):
            raise NotAuthorised(reason=when_locked)
        if self._waits(person.code):
            raise NotAuthorised(reason="wait")
        counts = self._count((person,))
        if not self._matches(person, pin):
            self._reject(counts, when_locked)
        if person.role not in (Role.CASHIER, Role.LEADER):
            with self._ledger.write() as uow:
                self._take_back(uow, counts, code)
            raise NotAuthorised(reason="role")
        fresh = self._fresh(person, pin)
        with self._ledger.write() as uow:
            self._accept(uow, counts, person, fresh)
            uow.append(OperatorChanged(person.code, "signed_in"), person.code)
        return person

    def sign_out(self, code: str) -> None:
        """Record that somebody left the till."""
        with self._ledger.write() as uow:
            uow.append(OperatorChanged(code, "signed_out"), code)

    def leader(self, pin: str) -> OperatorRecord:
        """The leader whose PIN this is; for what changes money, people or devices.

        A PIN that no leader has counts as a wrong one for each of them: nobody said whose it was meant to be.

        Raises:
            NotAuthorised: reason no_leader, pin_renewal, wait, wrong_pin, locked (another leader is not), or
                leader_locked (all are).
            LedgerError, ConfigError: as with `sign_in`.
        """
        everyone = self._leaders()
        if not everyone:
            raise NotAuthorised(reason="no_leader")
        leaders = [person for person in everyone if self._readable(person)]
        if not leaders:
            raise NotAuthorised(reason="pin_renewal")
        locked = self._locked(leaders)
        if len(locked) == len(leaders):
            raise NotAuthorised(reason="leader_locked")
        asked = [p for p in leaders if p.code in locked or not self._waits(p.code)]
        if all(p.code in locked for p in asked):
            raise NotAuthorised(reason="wait")
        counts = self._count([p for p in asked if p.code not in locked])
        found = next((person for person in asked if self._matches(person, pin)), None)
        if found is None:
            rest = {p.code for p in leaders} - {p.code for p in asked}
            self._reject(counts, "locked" if rest else "leader_locked")
        if found.code in locked:
            with self._ledger.write() as uow:
                self._take_back(uow, counts, found.code)
            raise NotAuthorised(reason="locked")
        fresh = self._fresh(found, pin)
        with self._ledger.write() as uow:
            self._accept(uow, counts, found, fresh)
        return found

    def unlock(self, code: str, leader_pin: str) -> None:
        """The leader opens a locked account again.

        Raises:
            NotAuthorised: not the leader's PIN, or nobody has this code.
        """
        leader = self.leader(leader_pin)
        if code not in {person.code for person in self._ledger.read().operators()}:
            raise NotAuthorised(reason="unknown_operator")
        with self._ledger.write() as uow:
            uow.pin_accepted(code)
            uow.append(OperatorChanged(code, "unlocked"), leader.code)

    # -- wrong ones ---------------------------------------------------------------------------------------------------

    def _leaders(self) -> list[OperatorRecord]:
        return [p for p in self._ledger.read().operators() if p.active and p.role == Role.LEADER and p.pin_hash]

    def _locked(self, people: Collection[OperatorRecord]) -> frozenset[str]:
        reader = self._ledger.read()
        return frozenset(person.code for person in people if reader.pin_failures(person.code) >= LOCK_AFTER)

    def _openers(self) -> frozenset[str]:
        """Leaders whose PIN would be taken."""
        leaders = [person for person in self._leaders() if self._readable(person)]
        return frozenset(person.code for person in leaders) - self._locked(leaders)

    def _waits(self, code: str) -> bool:
        failures = self._ledger.read().pin_failures(code)
        if not failures:
            return False
        since = self._clock.now().monotonic_ms - self._wrong_at.get(code, self._began)
        return since < DELAYS_MS[min(failures, len(DELAYS_MS)) - 1]

    def _count(self, people: Collection[OperatorRecord]) -> dict[str, int]:
        """A PIN that nobody has looked at yet, counted as a wrong one for everybody whose it could be.

        A lock is an entry of the journal, and comes with the count that makes it one: neither is ever there alone.
        """
        with self._ledger.write() as uow:
            counts = {person.code: uow.pin_failed(person.code) for person in people}
            for code, count in counts.items():
                if count == LOCK_AFTER:
                    uow.append(OperatorChanged(code, "locked"), code)
        return counts

    def _reject(self, counts: Mapping[str, int], when_locked: str) -> NoReturn:
        """It was a wrong one."""
        now = self._clock.now().monotonic_ms
        self._wrong_at.update(dict.fromkeys(counts, now))
        locked = all(count >= LOCK_AFTER for count in counts.values())
        raise NotAuthorised(reason=when_locked if locked else "wrong_pin")

    # -- right ones ---------------------------------------------------------------------------------------------------

    def _take_back(self, uow: UnitOfWork, counts: Collection[str], whose: str) -> None:
        """Undo `_count` for these: the PIN was right; a lock that came with it is opened by whose PIN it was."""
        for code in counts:
            before = uow.pin_failures(code)
            uow.pin_not_meant(code)
            if before == LOCK_AFTER:
                uow.append(OperatorChanged(code, "unlocked"), whose)

    def _accept(self, uow: UnitOfWork, counts: Collection[str], person: OperatorRecord, fresh: str) -> None:
        """Forget the wrong ones, and the city's hash: unless the city sent another meanwhile."""
        self._take_back(uow, counts, person.code)
        self._wrong_at.pop(person.code, None)
        if uow.pin_failures(person.code):
            uow.pin_accepted(person.code)
        held = next((p for p in uow.operators() if p.code == person.code), None)
        if fresh and held is not None and held.pin_hash == person.pin_hash:
            uow.put_operator(msgspec.structs.replace(held, pin_hash=fresh))

    def _readable(self, person: OperatorRecord) -> bool:
        own = own_hash(person.pin_hash)
        return own is None or own.pepper in self._peppers

    def _matches(self, person: OperatorRecord, pin: str) -> bool:
        from argon2 import PasswordHasher
        from argon2.exceptions import InvalidHashError, VerificationError

        own = own_hash(person.pin_hash)
        try:
            if own is None:
                return PasswordHasher().verify(person.pin_hash, pin)
            keyed = peppered(self._peppers[own.pepper], person.code, own.origin, pin)
            return PasswordHasher().verify(own.encoded, keyed)
        except (VerificationError, InvalidHashError):
            return False

    def _fresh(self, person: OperatorRecord, pin: str) -> str:
        """A new hash of a PIN that was right; empty when the one there is has today's pepper and cost."""
        from argon2 import PasswordHasher

        memory, passes, lanes = self._cost
        hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes)
        own, name = own_hash(person.pin_hash), pepper_name(self._pepper)
        if own is not None and own.pepper == name and not hasher.check_needs_rehash(own.encoded):
            return ""
        origin = origin_of(person.pin_hash)
        return str(OwnHash(name, origin, hasher.hash(peppered(self._pepper, person.code, origin, pin))))
