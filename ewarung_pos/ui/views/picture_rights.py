"""The scenes of `pictures` in which rights are not here: the city is asked, and the pool helps."""

from __future__ import annotations

from msgspec.structs import replace

from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.viewmodels.counter_state import Person, ShelfRow
from ewarung_pos.ui.viewmodels.rights_state import RightsState
from ewarung_pos.ui.views.picture_counter import CHOSEN, SUMINAH
from ewarung_pos.ui.views.picture_stage import Scene, Shows, at_counter

__all__ = ["RIGHTS"]

_STRANGER = Person("Kartu •••• 9105", "belum terdaftar di kios ini", ())
_ASKING = RightsState(
    mode="waiting",
    person=SUMINAH,
    waiting="Menunggu e-Warung Melati mengembalikan jatah. 12 dari 60 detik.",
    can_move=True,
)
_POOL = RightsState(
    mode="pool",
    person=_STRANGER,
    last4="9105",
    rows=(
        ShelfRow("beras-medium-5", "Beras", "rice", "sisa 40", "dari 40 kg", 1000, "2 × 5 kg", 2, 8),
        ShelfRow(
            "gula-1", "Gula pasir", "sugar", "sisa 1", "dari 8 kg", 125, "1 × 1 kg", 1, 1, bound="sampai batas jatah"
        ),
        ShelfRow("minyak-1", "Minyak goreng", "oil", "sisa 8", "dari 8 L", 1000, "0 × 1 L", 0, 8),
    ),
    left="beras 40 kg · gula 1 kg · minyak 8 L",
    summary="2 beras · 1 gula",
    can_go_on=True,
    stranger=True,
)


def _asked(name: str, state: RightsState) -> Scene:
    return Scene(f"jatah-{name}", Shows(rights=state))


RIGHTS: tuple[Scene, ...] = (
    at_counter("dikenali-tamu", replace(CHOSEN, guest=True)),
    at_counter("dikenali-tanpa-jatah", replace(CHOSEN, guest=True, can_ask=True)),
    _asked("diminta", _ASKING),
    _asked(
        "tanpa-sambungan",
        replace(_POOL, mode="answer", answer=trouble("rights.no_line"), can_ask=True, can_help=True, can_carry=True),
    ),
    _asked(
        "kios-diam",
        replace(_ASKING, mode="answer", answer=trouble("rights.silent"), can_ask=True, can_help=True, can_move=False),
    ),
    _asked("habis", replace(_ASKING, mode="answer", answer=trouble("rights.exhausted"))),
    _asked("langganan", replace(_ASKING, mode="home", answer=trouble("rights.home_asked"))),
    _asked("langganan-pindah", replace(_ASKING, mode="answer", answer=trouble("rights.home_changed"), can_move=False)),
    _asked("darurat", _POOL),
    _asked("darurat-alasan", replace(_POOL, mode="why", reason="tanpa_sambungan")),
    _asked("darurat-ketua", replace(_POOL, mode="pin", reason="tanpa_sambungan")),
    _asked(
        "darurat-pin-salah",
        replace(_POOL, mode="pin", reason="tanpa_sambungan", notice=trouble("not_authorised", "wrong_pin")),
    ),
    _asked("titip-usb", replace(_POOL, mode="answer", answer=trouble("rights.carried"), can_help=True)),
)
"""After what is seldom seen: a picture keeps its number."""
