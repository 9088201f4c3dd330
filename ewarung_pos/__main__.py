"""Where the program starts: the window at once, anything else by its command.

Exit codes: 0 done, 1 a check found something wrong, 2 wrong use or broken environment, 3 could not finish (nothing
lost).
"""

from __future__ import annotations

import errno
import gc
import os
import sys

from ewarung_pos.diagnostics import redact_crashes
from ewarung_pos.errors import PosError

__all__ = ["main"]

_SURROUNDINGS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EIO,
)
"""What the machine can refuse; any other error of the system is a bug of ours."""


def main(arguments: list[str] | None = None) -> None:
    """Run the till or a command of it; every expected failure becomes a sentence, one next step, and an exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    redact_crashes()
    try:
        sys.exit(_window() if words in ([], ["run"]) else _command(words))
    except PosError as error:
        from ewarung_pos.ui.text import trouble_of

        said = trouble_of(error)
        detail = f" ({error.detail})" if error.detail else ""
        _tell(f"{said.title}. {said.happened}{detail}", said.safe, said.now)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(3)
    except OSError as error:
        if error.errno not in _SURROUNDINGS:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "Disk penuh" if full else "Berkas atau folder tidak bisa dipakai"
        now = "Kosongkan ruang disk, lalu ulangi." if full else "Periksa folder itu dan izinnya, lalu ulangi."
        _tell(
            f"{what}. {error.filename or 'penyimpanan'}: {error.strerror or error}",
            "semua yang sudah tercatat.",
            now,
        )
        sys.exit(3 if full else 2)


def _window() -> int:
    """What the desktop's launcher asks for, without reading the commands first: a start is waited for every morning."""
    # What a start makes stays to the end: looking for garbage among it takes a twentieth of the time. The window
    # turns it on again.
    gc.disable()
    from ewarung_pos.kiosk.window import run_window

    return run_window(os.environ.get("EWARUNG_DATA_DIR") or None)


def _command(words: list[str]) -> int:
    from ewarung_pos.commands import run_command

    return run_command(words)


def _tell(what: str, safe: str, now: str) -> None:
    sys.stderr.write(f"{what}\nYang sudah aman: {safe}\nLakukan sekarang: {now}\n")


if __name__ == "__main__":
    main()
