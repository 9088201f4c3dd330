"""The highest rung: the wrapping key sealed by this machine's TPM 2.0, through the `tpm2-tools` commands.

Sealed under the storage hierarchy's primary key, with no password and bound to no boot measurement: the disk alone
opens nothing, on any other machine. Whoever takes the whole machine has what its accounts protect, no more.
The sealed object is exempt from the TPM's dictionary-attack lockout, so that nobody else's guesses can close the till.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ewarung_pos.errors import ConfigError, LedgerKeyWrong

__all__ = ["available", "recall", "seal"]

DEVICE = "/dev/tpmrm0"
"""The kernel's resource manager; `EWARUNG_TCTI` or `TPM2TOOLS_TCTI` name another way to a TPM."""

_SECONDS = 30
_PARENT = ("-C", "o", "-G", "ecc256", "-g", "sha256", "-c", "parent")
_OBJECT = ("-C", "parent", "-g", "sha256", "-a", "fixedtpm|fixedparent|userwithauth|noda")


def available() -> str:
    """Empty when a TPM answers; else why not, for a developer."""
    if shutil.which("tpm2_unseal") is None:
        return "tpm2-tools is not installed"
    tcti = _tcti()
    if tcti.removeprefix("device:") == DEVICE and not os.access(DEVICE, os.R_OK | os.W_OK):
        return f"{DEVICE} is not there or not open to this account"
    return "" if _call("tpm2_getcap", "properties-variable") is not None else "the TPM does not answer"


def seal(secret: bytes) -> dict[str, str]:
    """Seal at most 64 bytes; returns what `recall` needs, no secret by itself.

    Raises:
        ConfigError: no TPM here, or it refuses (`key_rung`).
    """
    from tempfile import TemporaryDirectory

    why = available()
    with TemporaryDirectory(prefix="ewarung-tpm-") as name:
        folder = Path(name)
        made = not why and all(
            _call(*command, stdin=stdin, folder=folder) is not None
            for command, stdin in (
                (("tpm2_createprimary", "-Q", *_PARENT), b""),
                (("tpm2_create", "-Q", *_OBJECT, "-i", "-", "-u", "public", "-r", "private"), secret),
                (("tpm2_flushcontext", "-t"), b""),
            )
        )
        if not made:
            raise ConfigError(why or "the TPM does not seal for this account", reason="key_rung")
        return {part: (folder / part).read_bytes().hex() for part in ("public", "private")}


def recall(sealed: dict[str, str]) -> bytes:
    """What was sealed.

    Raises:
        ConfigError: no TPM answers (`tpm_missing`).
        LedgerKeyWrong: this TPM did not seal it, or was cleared since (`tpm_refused`).
    """
    from tempfile import TemporaryDirectory

    why = available()
    if why:
        raise ConfigError(why, reason="tpm_missing")
    with TemporaryDirectory(prefix="ewarung-tpm-") as name:
        folder = Path(name)
        for part in ("public", "private"):
            (folder / part).write_bytes(bytes.fromhex(sealed[part]))
        opened: bytes | None = b""
        for command in (
            ("tpm2_createprimary", "-Q", *_PARENT),
            ("tpm2_load", "-Q", "-C", "parent", "-u", "public", "-r", "private", "-c", "sealed"),
            # Without a resource manager (a simulator, a bare /dev/tpm0) loaded objects stay until they are told to go.
            ("tpm2_flushcontext", "-t"),
            ("tpm2_unseal", "-Q", "-c", "sealed"),
        ):
            opened = _call(*command, folder=folder)
            if opened is None:
                break
        _call("tpm2_flushcontext", "-t", folder=folder)
        if not opened:
            raise LedgerKeyWrong("this TPM does not open it", reason="tpm_refused")
        return opened


def _tcti() -> str:
    return os.environ.get("EWARUNG_TCTI") or os.environ.get("TPM2TOOLS_TCTI") or f"device:{DEVICE}"


def _call(tool: str, *arguments: str, stdin: bytes = b"", folder: Path | None = None) -> bytes | None:
    """One command of tpm2-tools: what it printed, or None when it failed. Secrets pass through pipes alone."""
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; the secret is not among its arguments
            [tool, *arguments, "--tcti", _tcti()],
            input=stdin,
            capture_output=True,
            cwd=folder,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "TSS2_LOG": "all+NONE"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
