"""The page that shows whether a receipt printer is set up as it should be."""

from __future__ import annotations

from ewarung_pos.domain.documents import Align, Columns, Cut, Document, Qr, Rule, Table, Text
from ewarung_pos.domain.paper_parts import WATERMARK, moment
from ewarung_pos.domain.state import KioskIdentity

__all__ = ["trial_page"]


def trial_page(identity: KioskIdentity | None, columns: int, instant: int) -> Document:
    """A page of everything that papers have, which says what to look at; it is no receipt and is recorded nowhere.

    Args:
        identity: the kiosk's; None before it is enrolled.
        columns: of the printer, for the line that must fill it exactly.
        instant: now, ms UTC.
    """
    ruler = "".join(str(place % 10) for place in range(1, columns + 1))
    return Document(
        name="uji-cetak",
        title="Uji cetak",
        blocks=(
            Text("UJI CETAK", Align.CENTRE, bold=True, big=True),
            Text("bukan struk", Align.CENTRE),
            Rule(),
            Text(identity.name if identity is not None else "Kios belum terdaftar", Align.CENTRE, bold=True),
            *moment(instant),
            Rule(double=True),
            Text("Baris ini harus tepat selebar kertas, tidak pindah baris:"),
            Text(ruler),
            Columns("rata kiri", "rata kanan"),
            Columns("TOTAL", "Rp207.200", bold=True, tall=True),
            Table(("", "sebelum", "sesudah"), (("Beras", "10 kg", "0 kg"),)),
            Rule(),
            Text("Kode ini harus terbaca telepon:"),
            Qr(f"UJI CETAK {identity.device if identity is not None else ''}".strip()),
            Text("Bila semua jelas, printer siap.", Align.CENTRE, bold=True),
            Cut(),
        ),
        watermark=WATERMARK if identity is not None and identity.practice else "",
    )
