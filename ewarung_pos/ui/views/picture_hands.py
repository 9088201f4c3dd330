"""What is pressed and typed before a picture is taken."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

__all__ = [
    "ask_the_leader",
    "choose_siti",
    "leader_pin",
    "slip_other",
    "slip_paid",
    "slip_pin",
    "type_number",
]


def leader_pin(widget: QWidget) -> None:
    """Press on to the leader's PIN."""
    from ewarung_pos.ui.views.closing import ClosingView
    from ewarung_pos.ui.views.doubt import SlipForm

    for form in widget.findChildren(SlipForm):
        if form.isVisible():
            form.go_on.click()
    for closing in widget.findChildren(ClosingView):
        closing.sheet.go_on.click()


def slip_paid(widget: QWidget) -> None:
    """Copy from the EDC's slip that it was approved."""
    from ewarung_pos.ui.views.doubt import SlipForm

    for form in widget.findChildren(SlipForm):
        form.choose("paid")
        form.last4.setText("4821")
        form.approval.setText("004512")
        form.invoice.setText("000123")


def slip_other(widget: QWidget) -> None:
    """Choose that the slip was another's and is voided."""
    from ewarung_pos.ui.views.doubt import SlipForm

    for form in widget.findChildren(SlipForm):
        form.choose("voided")


def type_number(widget: QWidget) -> None:
    """Type a card's number."""
    from ewarung_pos.ui.views.typed_card import TypedCardView

    for view in widget.findChildren(TypedCardView):
        view.number.field.setText("9999 8425 3882 4821")


def slip_pin(widget: QWidget) -> None:
    """Copy the slip, and go on to the leader's PIN."""
    slip_paid(widget)
    leader_pin(widget)


def choose_siti(widget: QWidget) -> None:
    """Bu Siti begins to sign in."""
    from ewarung_pos.ui.views.sign_in import SignInView

    for view in widget.findChildren(SignInView):
        view.choose("S1")


def ask_the_leader(widget: QWidget) -> None:
    """Bu Siti's PIN is locked: ask the leader to open it."""
    from ewarung_pos.ui.views.sign_in import SignInView

    choose_siti(widget)
    for view in widget.findChildren(SignInView):
        view.unlock.click()
