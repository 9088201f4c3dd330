"""What people read: for every error code and reason a sentence in Indonesian, what is already safe, and one next step.

The sentences are in `text_counter`, `text_card`, `text_rules`, `text_machines`, `text_ledger`, `text_rights`,
`text_key`, `text_city`, `text_stick`, `text_ended` and `text_command`. A test walks every error class, refusal and
device reason and fails when one has no sentence.
"""

from __future__ import annotations

from msgspec.structs import replace

from ewarung_pos.errors import PosError, RuleViolation
from ewarung_pos.ui.text_card import AT_THE_READER
from ewarung_pos.ui.text_city import BEYOND_THE_TILL
from ewarung_pos.ui.text_command import AT_THE_COMMAND
from ewarung_pos.ui.text_counter import AT_THE_COUNTER
from ewarung_pos.ui.text_ended import AFTER_A_DOUBT
from ewarung_pos.ui.text_key import AROUND_THE_KEY
from ewarung_pos.ui.text_ledger import IN_THE_LEDGER
from ewarung_pos.ui.text_machines import AT_THE_MACHINES
from ewarung_pos.ui.text_rights import RIGHTS_THAT_MOVE
from ewarung_pos.ui.text_rules import BY_THE_RULES
from ewarung_pos.ui.text_stick import ON_THE_STICK
from ewarung_pos.ui.trouble import Trouble

__all__ = ["TROUBLES", "Trouble", "after_doubt", "trouble", "trouble_of", "wrong_pin_of"]

TROUBLES: dict[str, Trouble] = {
    **AT_THE_COUNTER,
    **AFTER_A_DOUBT,
    **AT_THE_READER,
    **BY_THE_RULES,
    **AT_THE_MACHINES,
    **IN_THE_LEDGER,
    **RIGHTS_THAT_MOVE,
    **AROUND_THE_KEY,
    **BEYOND_THE_TILL,
    **ON_THE_STICK,
    **AT_THE_COMMAND,
}
"""Every sentence by `code` or `code.reason`."""


def trouble(code: str, reason: str = "") -> Trouble:
    """The sentence for a code and reason; falls back from `code.reason` to `code`.

    Raises:
        KeyError: the code has no sentence (a test keeps this from happening).
    """
    name = f"{code}.{reason}" if f"{code}.{reason}" in TROUBLES else code
    return replace(TROUBLES[name], code=name)


def trouble_of(error: Exception) -> Trouble:
    """The sentence for an error; anything that is not a `PosError` is a bug.

    A rule that was broken for a reason not to serve a card is said in the words of that reason.
    """
    if not isinstance(error, PosError):
        return trouble("bug")
    own = f"{error.code}.{error.reason}"
    if isinstance(error, RuleViolation) and own not in TROUBLES and f"refusal.{error.reason}" in TROUBLES:
        return trouble("refusal", error.reason)
    return trouble(error.code, error.reason)


def after_doubt(why: Trouble) -> Trouble:
    """How a doubt ended, for a screen that has the basket no more: not in words that lead back to it."""
    code, _, reason = why.code.partition(".")
    name = f"ended.{reason}" if reason else "ended"
    return trouble(name) if code == "edc" and name in TROUBLES else why


def wrong_pin_of(why: Trouble, whose: str) -> Trouble:
    """The same trouble; of a PIN that did not match it is said whose was asked for (`PIN ketua`)."""
    return replace(why, happened=f"{whose} tidak cocok.") if why.code == "not_authorised.wrong_pin" else why
