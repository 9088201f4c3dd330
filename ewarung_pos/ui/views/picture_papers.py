"""Hand-made papers: a receipt and the report of a day."""

from __future__ import annotations

from ewarung_pos.domain.documents import Align, Columns, Cut, Document, Qr, Rule, Space, Table, Text
from ewarung_pos.domain.timeline import BusinessDate

__all__ = ["PAPER", "REPORT"]


_CODE = "EW1:S:EW-0123:1:123:9F86D081884C7D65:38:2026-11-24:185700"
PAPER = Document(
    "struk-2026-11-24-0038",
    "Struk 2026-11-24/0038",
    (
        Text("e-Warung Mawar", Align.CENTRE, bold=True, big=True),
        Text("Kel. Kauman  33.74.01.1011", Align.CENTRE),
        Text("ID kios EW-0123", Align.CENTRE),
        Rule(),
        Text("STRUK PENGAMBILAN", Align.CENTRE, bold=True),
        Text("No. 2026-11-24/0038", Align.CENTRE, bold=True),
        Columns("24 November 2026", "09.38 WIB"),
        Columns("Kasir", "Bu Siti"),
        Columns("Kartu", "**** 4821"),
        Columns("Hadir", "Sendiri"),
        Rule(),
        Text("Beras medium", bold=True),
        Columns("  2 karung x Rp67.500", "Rp135.000"),
        Columns("  isi 10 kg", "jatah"),
        Text("Gula pasir", bold=True),
        Columns("  2 bungkus x Rp17.500", "Rp35.000"),
        Columns("  isi 2 kg", "jatah"),
        Text("Minyak goreng", bold=True),
        Columns("  1 botol x Rp15.700", "Rp15.700"),
        Columns("  isi 1 L", "jatah"),
        Rule(double=True),
        Columns("TOTAL", "Rp185.700", bold=True, tall=True),
        Text("(seratus delapan puluh lima ribu tujuh ratus rupiah)"),
        Rule(double=True),
        Text("Sisa jatah November 2026", bold=True),
        Table(
            ("", "sebelum", "sesudah"), (("Beras", "10 kg", "0 kg"), ("Gula", "2 kg", "0 kg"), ("Minyak", "1 L", "0 L"))
        ),
        Rule(),
        Text("Kartu & PIN dipegang sendiri.", Align.CENTRE),
        Text("Aduan: Lapor Semar", Align.CENTRE),
        Text("0812-15000-512", Align.CENTRE),
        Space(),
        Qr(_CODE),
        Text("Catatan 123 · 9f86 d081 884c", Align.CENTRE, small=True),
        Cut(),
    ),
)
REPORT = Document(
    "tutup-hari-2026-11-24-0012",
    "Laporan tutup hari 2026-11-24/0012",
    (
        Text("e-Warung Mawar", Align.CENTRE, bold=True, big=True),
        Text("Kel. Kauman  33.74.01.1011", Align.CENTRE),
        Rule(),
        Text("LAPORAN TUTUP HARI", Align.CENTRE, bold=True),
        Text("No. 2026-11-24/0012", Align.CENTRE, bold=True),
        Columns("Hari", BusinessDate("2026-11-24").short()),
        Columns("Ditutup", "15.12 WIB"),
        Columns("Oleh", "Bu Siti"),
        Rule(),
        Columns("Keluarga dilayani", "41"),
        Columns("Penyaluran", "45"),
        Columns("Pembatalan", "1"),
        Rule(),
        Columns("Jatah", "Rp6.075.000"),
        Columns("KKS", "Rp1.911.000"),
        Columns("Tunai", "Rp122.500"),
        Rule(double=True),
        Columns("TOTAL", "Rp8.108.500", bold=True, tall=True),
        Rule(double=True),
        Text("SEGEL", bold=True),
        Columns("Catatan no.", "1 s.d. 131"),
        Columns("Kepala rantai", "9f86 d081 884c"),
        Qr(_CODE.replace(":S:", ":T:")),
        Cut(),
    ),
)
