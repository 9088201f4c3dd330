"""On which rung the key of this kiosk's ledger is or shall be, and moving it to another (docs/keys.md)."""

from __future__ import annotations

from ewarung_pos.kiosk.directory import data_directory, ledger_directory
from ewarung_pos.kiosk.passphrase import person
from ewarung_pos.ledger.key_passphrase import Ask
from ewarung_pos.ledger.keys import Tier, best_tier, held_tier, left_over, rekey

__all__ = ["KEY_PLACES", "choose_tier", "rekey_kiosk", "tier_for"]

KEY_PLACES = {"tpm": Tier.TPM, "os": Tier.OS_STORE, "passphrase": Tier.PASSPHRASE, "file": Tier.KEY_FILE}
"""What `--key` takes."""


def choose_tier(wanted: str | None) -> Tier:
    """The rung that `--key` names; without it the best that can be had here."""
    return KEY_PLACES[wanted] if wanted else best_tier(with_person=person() is not None)


def tier_for(data_dir: str | None, wanted: str | None) -> Tier:
    """The rung that a new ledger's key will be on: where this directory's key is already, else as `choose_tier`."""
    return held_tier(data_directory(data_dir)) or choose_tier(wanted)


def rekey_kiosk(data_dir: str | None, tier: Tier, ask: Ask | None = None) -> bool:
    """Move this kiosk's key to another rung.

    Returns:
        Whether the old wrapping is destroyed already; if not, the next start tries again.

    Raises:
        PosError: the old rung is in force.
    """
    _, folder = ledger_directory(data_dir)
    rekey(folder, tier, ask or person())
    return not left_over(folder)
