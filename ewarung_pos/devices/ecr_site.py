"""What of the line to an EDC is tuned on the site's terminal, and what is agreed with its bank."""

from __future__ import annotations

import msgspec

__all__ = ["EcrSite", "EcrTimers"]


class EcrTimers(msgspec.Struct, frozen=True):
    """Seconds. The protocol's public descriptions give none; these are to be tuned on the site's terminal.

    Attributes:
        ack: from the last byte of a request to ACK or NAK.
        gap: silence inside a response after which it is broken (205 bytes at 9600 baud take 0.22 s).
        response: from ACK to the response of a sale or void: card, PIN and host.
        query: from ACK to the response of an inquiry or settlement.
        echo: from ACK to the response of an echo test.
        repeat: from our NAK to the repeated response.
        settle: after a NAK, how long an ACK may still prove it noise before the request is sent again.
        slice: longest single read, so that closing is quick.
        reopen: pause between attempts to open a port that is away; the second and later ones take twice this.
        write: for a frame to leave.
    """

    ack: float = 3.0
    gap: float = 0.5
    response: float = 120.0
    query: float = 60.0
    echo: float = 5.0
    repeat: float = 10.0
    settle: float = 0.1
    slice: float = 0.1
    reopen: float = 1.0
    write: float = 2.0


class EcrSite(msgspec.Struct, frozen=True):
    """What differs from bank to bank and is agreed with it.

    Attributes:
        version: version byte of sales, voids and settlements.
        card_info_type: two-digit transaction type that reads a card without moving money.
        query_type: two-digit type that asks for an earlier transaction by ReffNumber; empty where there is none.
        fence: `echo`, or `quiet` where the EDC has no echo test: then silence for `quiet_s` must do.
        quiet_s: length of that silence, seconds.
        check_last4: whether a response that shows another card than the expected one is a mismatch.
        merchant: MID that an approval must name; empty for any.
        terminal: TID that an approval must name; empty for any.
    """

    version: int = 1
    card_info_type: str = ""
    query_type: str = ""
    fence: str = "echo"
    quiet_s: float = 1.0
    check_last4: bool = True
    merchant: str = ""
    terminal: str = ""
