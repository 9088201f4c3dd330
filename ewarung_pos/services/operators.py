"""Who works the till: sign in, PIN policy, roles, the second person."""

from __future__ import annotations

from enum import StrEnum
from typing import NoReturn

from ewarung_pos.domain.journal import OperatorChanged
from ewarung_pos.domain.state import LOCK_AFTER, OperatorRecord
from ewarung_pos.errors import NotAuthorised
from ewarung_pos.ports import Ledger

__all__ = ["LOCK_AFTER", "OperatorService", "Role"]


class Role(StrEnum):
    """Domain rule R39: least privilege; a pendamping sees and does not sell (finding F7)."""

    CASHIER = "kasir"
    LEADER = "ketua"
    COMPANION = "pendamping"


class OperatorService:
    """PINs are checked against Argon2id hashes; the count of failures lives in the ledger and survives a restart."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def present(self) -> tuple[OperatorRecord, ...]:
        """Everybody who may sign in at the till."""
        return tuple(
            person
            for person in self._ledger.read().operators()
            if person.active and person.role in (Role.CASHIER, Role.LEADER)
        )

    def sign_in(self, code: str, pin: str) -> OperatorRecord:
        """Sign in with one's own PIN.

        Raises:
            NotAuthorised: reason unknown_operator, locked, wrong_pin or role.
        """
        person = self._checked(code, pin)
        if person.role not in (Role.CASHIER, Role.LEADER):
            raise NotAuthorised(reason="role")
        with self._ledger.write() as uow:
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
            NotAuthorised: reason no_leader, wrong_pin, or locked.
        """
        leaders = [p for p in self._ledger.read().operators() if p.active and p.role == Role.LEADER and p.pin_hash]
        if not leaders:
            raise NotAuthorised(reason="no_leader")
        found = next((person for person in leaders if _matches(person, pin)), None)
        return self._accept(found) if found is not None else self._reject(*leaders)

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

    def _checked(self, code: str, pin: str) -> OperatorRecord:
        people = self._ledger.read().operators()
        person = next((p for p in people if p.code == code and p.active and p.pin_hash), None)
        if person is None:
            raise NotAuthorised(reason="unknown_operator")
        return self._accept(person) if _matches(person, pin) else self._reject(person)

    def _accept(self, person: OperatorRecord) -> OperatorRecord:
        """The right PIN: earlier wrong ones are forgotten, unless they locked it."""
        failures = self._ledger.read().pin_failures(person.code)
        if failures >= LOCK_AFTER:
            raise NotAuthorised(reason="locked")
        if failures:
            with self._ledger.write() as uow:
                uow.pin_accepted(person.code)
        return person

    def _reject(self, *people: OperatorRecord) -> NoReturn:
        """A wrong PIN, counted for everybody whose it could have been; a lock is an entry of the journal."""
        with self._ledger.write() as uow:
            open_before = [person.code for person in people if uow.pin_failures(person.code) < LOCK_AFTER]
            for code in open_before:
                if uow.pin_failed(code) == LOCK_AFTER:
                    uow.append(OperatorChanged(code, "locked"), code)
            locked = all(uow.pin_failures(person.code) >= LOCK_AFTER for person in people)
        raise NotAuthorised(reason="locked" if locked else "wrong_pin")


def _matches(person: OperatorRecord, pin: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(person.pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False
