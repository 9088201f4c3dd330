"""Asking for the ledger's passphrase on the terminal, in plain Indonesian."""

from __future__ import annotations

import sys

from ewarung_pos.errors import ConfigError
from ewarung_pos.ledger.key_passphrase import LEAST, Ask, Question

__all__ = ["at_terminal", "person"]


def person() -> Ask | None:
    """Whom to ask: whoever sits at the terminal; None where there is none (a service, a pipe)."""
    return at_terminal if sys.stdin is not None and sys.stdin.isatty() else None


def at_terminal(question: Question) -> str:
    """Ask without showing what is typed; a new passphrase is typed twice.

    Raises:
        ConfigError: nothing was typed, or the terminal is gone (`no_passphrase`).
    """
    if question is Question.NEW:
        return _new()
    if question is Question.WRONG:
        _say("Kata sandi salah. Coba lagi, atau kosongkan untuk berhenti.")
    return _typed("Kata sandi buku catatan: ")


def _new() -> str:
    _say(f"Pilih kata sandi baru, paling sedikit {LEAST} huruf. Bila lupa, buku catatan tidak bisa dibuka lagi.")
    while True:
        said = _typed("Kata sandi baru: ")
        if len(said) < LEAST:
            _say(f"Terlalu pendek: paling sedikit {LEAST} huruf.")
        elif _typed("Ketik sekali lagi: ") != said:
            _say("Keduanya tidak sama. Ulangi.")
        else:
            return said


def _typed(prompt: str) -> str:
    from getpass import getpass

    try:
        said = getpass(prompt)
    except EOFError as error:
        raise ConfigError(reason="no_passphrase") from error
    if not said:
        raise ConfigError(reason="no_passphrase")
    return said


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()
