"""Who works the till: sign in, PIN policy, roles, the second person."""

from __future__ import annotations

from enum import StrEnum

from ewarung_pos.domain.journal import OperatorChanged
from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.errors import NotAuthorised
from ewarung_pos.ports import Ledger

__all__ = ["LOCK_AFTER", "OperatorService", "Role"]

LOCK_AFTER = 5
"""Wrong PINs in a row after which only the leader's PIN opens the account again."""


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

        Raises:
            NotAuthorised: no leader has this PIN, or is locked.
        """
        leaders = [p for p in self._ledger.read().operators() if p.active and p.role == Role.LEADER]
        if not leaders:
            raise NotAuthorised(reason="no_leader")
        failure = NotAuthorised(reason="wrong_pin")
        for person in leaders:
            try:
                return self._checked(person.code, pin)
            except NotAuthorised as error:
                failure = error
        raise failure

    def unlock(self, code: str, leader_pin: str) -> None:
        """The leader opens a locked account again.

        Raises:
            NotAuthorised: not the leader's PIN.
        """
        leader = self.leader(leader_pin)
        with self._ledger.write() as uow:
            uow.pin_accepted(code)
            uow.append(OperatorChanged(code, "unlocked"), leader.code)

    def _checked(self, code: str, pin: str) -> OperatorRecord:
        from argon2 import PasswordHasher
        from argon2.exceptions import InvalidHashError, VerificationError

        reader = self._ledger.read()
        person = next((p for p in reader.operators() if p.code == code and p.active), None)
        if person is None or not person.pin_hash:
            raise NotAuthorised(reason="unknown_operator")
        if reader.pin_failures(code) >= LOCK_AFTER:
            raise NotAuthorised(reason="locked")
        try:
            PasswordHasher().verify(person.pin_hash, pin)
        except (VerificationError, InvalidHashError):
            with self._ledger.write() as uow:
                failures = uow.pin_failed(code)
                if failures == LOCK_AFTER:
                    uow.append(OperatorChanged(code, "locked"), code)
            raise NotAuthorised(reason="locked" if failures >= LOCK_AFTER else "wrong_pin") from None
        if reader.pin_failures(code):
            with self._ledger.write() as uow:
                uow.pin_accepted(code)
        return person
