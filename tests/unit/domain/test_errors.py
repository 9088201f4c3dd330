"""Every failure has its own code, a sensible exit code, and a message that gives nothing away."""

from __future__ import annotations

import inspect

import pytest

from ewarung_pos import errors
from ewarung_pos.errors import PosError, Retry

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, PosError) and kind.__module__ == errors.__name__
]
FAMILIES = (errors.RuleViolation, errors.DeviceError, errors.LedgerError, errors.SyncError)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in CLASSES]
    assert len(CLASSES) > 25
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_failure_says_who_can_do_what(kind: type[PosError]) -> None:
    assert "code" in vars(kind)
    assert kind.code.isidentifier()
    assert kind.code == kind.code.lower()
    assert isinstance(kind.retry, Retry)
    assert kind.exit_code in {1, 2, 3}
    assert kind.__doc__
    assert kind.__name__ in errors.__all__


def test_everything_named_is_there() -> None:
    assert sorted([*(kind.__name__ for kind in CLASSES), "Retry"]) == sorted(errors.__all__)


def test_each_failure_belongs_to_one_family() -> None:
    loose = {PosError, errors.ConfigError}
    for kind in set(CLASSES) - loose:
        assert sum(issubclass(kind, family) for family in FAMILIES) == 1, kind


def test_the_message_is_the_detail_else_the_reason_else_the_code() -> None:
    assert str(errors.NotAuthorised("PIN of siti", reason="wrong_pin")) == "PIN of siti"
    assert str(errors.NotAuthorised(reason="wrong_pin")) == "wrong_pin"
    assert str(errors.NotAuthorised()) == "not_authorised"
    failure = errors.NotAuthorised("PIN of siti", reason="wrong_pin")
    assert (failure.detail, failure.reason) == ("PIN of siti", "wrong_pin")


def test_what_the_rules_refuse_is_not_tried_again_but_money_in_doubt_waits_for_a_person() -> None:
    assert errors.AllotmentExhausted.retry is Retry.NEVER
    assert errors.OutcomeUnknown.retry is Retry.AFTER_OPERATOR
    assert errors.ServerUnreachable.retry is Retry.LATER
