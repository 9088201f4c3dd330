"""What stands on the papers, and what must not."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from ewarung_pos.domain.business_day import DayTotals, EdcTotals
from ewarung_pos.domain.documents import Document, Qr, text_lines
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import DayOpened
from ewarung_pos.domain.papers import day_report, parse_qr, receipt, reversal_receipt
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.stock import CountLine, VarianceReason
from tests.unit.papers.sample_papers import (
    DEBIT,
    EGGS,
    SUGAR,
    all_documents,
    catalogue,
    closed,
    digest,
    entry,
    identity,
    line,
    prices,
    ration_only,
    receipt_of,
    redeemed,
    report_of,
    reversal_of,
    reversed_fact,
)


def text(document: Document, columns: int = 48) -> str:
    return "\n".join(text_lines(document, columns))


def has_pair(document: Document, left: str, right: str) -> bool:
    return re.search(rf"^ *{re.escape(left)} +{re.escape(right)}$", text(document), re.MULTILINE) is not None


def code_of(document: Document) -> str:
    (qr,) = (block for block in document.blocks if isinstance(block, Qr))
    return qr.data


def test_a_receipt_says_who_when_and_where() -> None:
    paper = receipt_of(redeemed())
    shown = text(paper)
    for part in ("e-Warung Mawar", "Kel. Kauman", "33.74.01.1011", "ID kios EW-0123", "No. 2026-11-24/0047"):
        assert part in shown
    assert has_pair(paper, "24 November 2026", "09.15 WIB")
    assert has_pair(paper, "Kasir", "Sri")
    assert has_pair(paper, "Hadir", "Sendiri")
    assert has_pair(paper, "Kartu", "**** 4821")


def test_each_line_shows_packs_price_content_total_and_tender() -> None:
    paper = receipt_of(redeemed())
    assert has_pair(paper, "2 sak x Rp67.500", "Rp135.000")
    assert has_pair(paper, "isi 10 kg", "jatah")
    assert has_pair(paper, "isi 20 butir", "KKS")
    assert has_pair(paper, "isi 1 kg", "tunai")


def test_totals_for_each_tender_in_figures_and_words() -> None:
    paper = receipt_of(redeemed())
    assert has_pair(paper, "Jatah", "Rp150.700")
    assert has_pair(paper, "KKS", "Rp39.000")
    assert has_pair(paper, "Tunai", "Rp17.500")
    assert has_pair(paper, "TOTAL", "Rp207.200")
    assert "(dua ratus tujuh ribu dua ratus rupiah)" in text(paper)


def test_every_count_on_a_paper_has_its_thousands_point() -> None:
    totals = DayTotals(
        redemptions=1_045, reversals=1_001, refused=1_003, families=1_041, in_doubt=1_002, receipts=2_046,
        first_receipt=1, last_receipt=2_046, copies=1_004,
    )  # fmt: skip
    counted = (CountLine("beras-5", 1_120, 1_120), CountLine("gula-1", 3_040, 1_039, VarianceReason.SPILLED))
    paper = report_of(closed(totals=totals, count=counted))
    for left, right in (
        ("Keluarga dilayani", "1.041"),
        ("Penyaluran", "1.045"),
        ("Pembatalan", "1.001"),
        ("Tidak dilayani", "1.003"),
        ("Tidak pasti", "1.002"),
        ("Struk", "0001 - 2046 (2.046)"),
        ("Salinan", "1.004"),
    ):
        assert has_pair(paper, left, right)
    assert re.search(r"1\.120 +1\.120 +0$", text(paper), re.MULTILINE)
    assert re.search(r"3\.040 +1\.039 +-2\.001$", text(paper), re.MULTILINE)
    assert "Gula pasir Gulaku 1 kg: -2.001, tumpah" in text(paper)
    assert "HITUNG STOK (kemasan)" in text(paper)
    many = receipt_of(redeemed(lines=(line(Tender.RATION, packs=1_200, amount=6_000_000),)))
    assert "1.200 sak x Rp67.500" in text(many)


def test_a_purse_receipt_carries_the_banks_references_and_our_shadow() -> None:
    paper = receipt_of(redeemed())
    for left, right in (
        ("KKS lewat EDC", "Rp39.000"),
        ("Persetujuan", "004512"),
        ("Invoice", "000123"),
        ("TID", "00000001"),
        ("sebelum", "Rp200.000"),
        ("sesudah", "Rp161.000"),
    ):
        assert has_pair(paper, left, right)
    assert "Saldo menurut catatan" in text(paper)
    assert "Sisa saldo TIDAK hangus." in text(paper)


def test_an_unknown_balance_is_no_data_and_never_zero() -> None:
    paper = receipt_of(redeemed(purse_before=None, purse_after=None))
    assert has_pair(paper, "sesudah", "tidak ada data")
    assert "Rp0" not in text(paper)


def test_references_read_from_a_slip_say_so() -> None:
    fact = redeemed(purse=replace(DEBIT, evidence="slip"))
    assert has_pair(receipt_of(fact), "Bukti", "slip EDC, 2 orang")
    assert "Bukti" not in text(receipt_of(redeemed()))


def test_what_is_left_of_the_ration_before_and_after() -> None:
    shown = text(receipt_of(redeemed()))
    assert "Sisa jatah November 2026" in shown
    assert re.search(r"^Beras +10 kg +0 kg$", shown, re.MULTILINE)
    assert re.search(r"^Minyak goreng +2 L +1 L$", shown, re.MULTILINE)


def test_a_purse_receipt_is_silent_about_the_ration() -> None:
    shown = text(receipt_of(redeemed(lines=(EGGS,), debits=(), remaining=())))
    assert "Saldo menurut catatan" in shown
    assert not re.search("jatah", shown, re.IGNORECASE)


def test_a_ration_receipt_is_silent_about_the_purse() -> None:
    shown = text(receipt_of(ration_only()))
    for word in ("KKS", "EDC", "Persetujuan", "saldo", "Saldo"):
        assert word not in shown


def test_the_holders_rights_and_the_complaint_line() -> None:
    for paper in (receipt_of(ration_only()), receipt_of(redeemed()), reversal_of(reversed_fact())):
        shown = text(paper, 32)
        assert "Kartu & PIN dipegang sendiri." in shown
        assert "Aduan: Lapor Semar" in shown
        assert "0812-15000-512" in shown


def test_the_chain_place_is_printed_and_coded() -> None:
    fact = redeemed()
    item = entry(fact)
    paper = receipt_of(fact)
    whole = digest(item)
    assert "Catatan no. 123" in text(paper)
    assert f"{whole[:4]} {whole[4:8]} {whole[8:12]}" in text(paper)
    code = parse_qr(code_of(paper))
    assert (code.kind, code.device, code.epoch, code.seq) == ("receipt", "EW-0123", 1, 123)
    assert (code.number, code.date.iso, code.total) == (47, "2026-11-24", 207_200)
    assert code.matches(whole)
    assert not code.matches(digest(entry(redeemed(receipt=48))))


def test_a_family_is_not_named() -> None:
    assert "f-9f2c" not in text(receipt_of(redeemed()))


@pytest.mark.parametrize(
    ("presence", "word"), [(HolderPresence.RELATIVE, "Anggota KK"), (HolderPresence.PROXY, "Kuasa")]
)
def test_who_stood_at_the_counter(presence: HolderPresence, word: str) -> None:
    assert has_pair(receipt_of(redeemed(presence=presence, proxy_reason="sakit")), "Hadir", word)
    assert "sakit" not in text(receipt_of(redeemed(presence=presence, proxy_reason="sakit")))


def test_a_copy_says_so_twice_and_gets_its_own_file() -> None:
    paper = receipt_of(redeemed(), copy=3)
    assert text(paper).count("SALINAN ke-3") == 2
    assert "SALINAN" not in text(receipt_of(redeemed()))
    names = {receipt_of(redeemed(), copy=n).name for n in range(3)}
    assert names == {
        "struk-2026-11-24-0047",
        "struk-2026-11-24-0047-salinan-1",
        "struk-2026-11-24-0047-salinan-2",
    }


def test_a_restored_kiosk_does_not_reuse_file_names() -> None:
    item = replace(entry(redeemed()), epoch=2)
    paper = receipt(identity(epoch=2), item, item.seq, digest(item), "Sri", 0)
    assert paper.name == "struk-2026-11-24-0047-e2"
    assert "Catatan no. 123 buku 2" in text(paper)


def test_every_practice_paper_is_marked_three_times() -> None:
    for name, paper in all_documents(practice=True).items():
        for columns in (32, 48):
            assert text(paper, columns).count("LATIHAN - BUKAN") == 3, name
    assert all("LATIHAN" not in text(paper) for paper in all_documents().values())


def test_papers_are_ascii() -> None:
    fact = redeemed(lines=(replace(EGGS, name="T\u00e9lur \u2014 \u2018ras\u2019"),))
    shown = text(receipt_of(fact, name="Kios Ménteri\x1b@"))
    assert shown.isascii()
    assert "Telur - 'ras'" in shown
    assert "Kios Menteri@" in shown


def test_a_reversal_names_what_it_undoes_why_and_who_agreed() -> None:
    paper = reversal_of(reversed_fact())
    shown = text(paper)
    assert "STRUK PEMBATALAN" in shown
    assert "No. 2026-11-24/0048" in shown
    assert "membatalkan No. 2026-11-24/0047" in shown
    assert has_pair(paper, "Alasan", "jumlah salah")
    assert has_pair(paper, "Disetujui", "Yuni Astuti")
    assert has_pair(paper, "DIBATALKAN", "Rp174.000")
    assert has_pair(paper, "KKS dikembalikan bank", "Rp39.000")
    assert re.search(r"^Beras +0 kg +10 kg$", shown, re.MULTILINE)
    assert parse_qr(code_of(paper)).kind == "reversal"


def test_a_reversal_without_a_debit_shows_no_bank() -> None:
    assert "bank" not in text(reversal_of(reversed_fact(void=None)))


def test_the_day_report_shows_totals_control_count_and_seal() -> None:
    paper = report_of(closed())
    shown = text(paper)
    for left, right in (
        ("Keluarga dilayani", "41"),
        ("Struk", "0001 - 0046 (46)"),
        ("Jatah", "Rp6.075.000"),
        ("TOTAL", "Rp8.108.500"),
        ("Total EDC", "Rp1.911.000"),
        ("Selisih", "Rp0"),
        ("Catatan no.", "1 s.d. 131"),
    ):
        assert has_pair(paper, left, right), left
    assert re.search(r"^Beras \(kg\) +452,5 +452,5 +452,5 +452,5$", shown, re.MULTILINE)
    assert "Keempat angka cocok." in shown
    assert re.search(r"^Gula pasir Gulaku 1 kg +40 +39 +-1$", shown, re.MULTILINE)
    assert "-1, tumpah (kantong sobek)" in " ".join(shown.split())
    assert "Pendamping" in shown
    assert parse_qr(code_of(paper)).kind == "day_report"


def test_the_seals_signature_is_printed_whole() -> None:
    fact = closed()
    assert fact.signature in "".join(text(report_of(fact), 32).split())


def test_without_an_edc_total_there_is_no_data() -> None:
    assert has_pair(report_of(closed(edc=None)), "Total EDC", "tidak ada data")


def test_an_edc_difference_is_shown_with_its_explanation() -> None:
    paper = report_of(closed(edc=EdcTotals(1_900_000, "", "satu struk dobel")))
    assert has_pair(paper, "Selisih", "-Rp11.000")
    assert "Penjelasan: satu struk dobel" in text(paper)


def test_figures_that_differ_are_called_so() -> None:
    totals = closed().totals
    bad = replace(totals.control[0], moved=totals.control[0].moved - 500)
    shown = text(report_of(closed(totals=DayTotals(control=(bad,)))))
    assert "ANGKA TIDAK COCOK." in shown
    assert re.search(r"^Beras \(kg\) +452,5 +452,5 +452,5 +452$", shown, re.MULTILINE)


def test_an_idle_day_closes_too() -> None:
    paper = report_of(closed(totals=DayTotals(first_seq=1, last_seq=2), count=()))
    assert has_pair(paper, "Struk", "0")
    assert "Tidak ada barang keluar." in text(paper)
    assert "(nol rupiah)" in text(paper)


def test_a_product_that_left_the_catalogue_keeps_its_code() -> None:
    item = entry(closed(), seq=132)
    paper = day_report(identity(), item, 132, digest(item), "Sri", type(catalogue())())
    assert "beras-5" in text(paper)


def test_the_price_list_shows_ceilings_and_what_is_above() -> None:
    shown = text(prices())
    assert re.search(r"^ *isi 5 kg +Rp67\.500\n *HET Rp13\.500/kg$", shown, re.MULTILINE)
    assert re.search(r"^ *isi 1 L +Rp16\.000\n *HET Rp15\.700/L +di atas HET$", shown, re.MULTILINE)
    assert "acuan Rp17.500/kg" in shown
    assert shown.count("di atas HET") == 1
    assert "Harga sama untuk jatah, KKS, dan tunai." in shown


def test_a_paper_of_the_wrong_fact_is_refused() -> None:
    item = entry(DayOpened())
    with pytest.raises(TypeError, match="needs a redemption"):
        receipt(identity(), item, 1, "0" * 64, "Sri", 0)
    with pytest.raises(TypeError, match="needs a reversal"):
        reversal_receipt(identity(), item, 1, "0" * 64, "Sri", "Yuni", 0)
    with pytest.raises(TypeError, match="needs a closed day"):
        day_report(identity(), item, 1, "0" * 64, "Sri", catalogue())


def test_the_drawer_opens_once_and_only_when_cash_moves() -> None:
    assert receipt_of(redeemed()).cash
    assert not receipt_of(redeemed(), copy=1).cash
    assert not receipt_of(ration_only()).cash
    item = entry(redeemed())
    assert not receipt(identity(), item, item.seq, digest(item), "Sri", 0, again=True).cash
    assert not reversal_of(reversed_fact()).cash
    assert reversal_of(reversed_fact(lines=(SUGAR,))).cash
    assert not report_of(closed()).cash
