"""Paper that is owed: it stays owed until it left, and every further one says SALINAN with its number."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.documents import text_lines
from ewarung_pos.domain.journal import ReceiptPrinted
from ewarung_pos.errors import ConfigError, LedgerCorrupt, NotEntitled, PrinterNotReady
from ewarung_pos.ledger.queries import Queries
from ewarung_pos.ports import PrintJob
from ewarung_pos.services.reverse import ReversalReason
from tests.till_kit import TillKit
from tests.unit.services.counter import RICE, PaperTray, facts, owed, ration, serve


def words(tray: PaperTray, paper: int = -1) -> str:
    return "\n".join(text_lines(tray.papers[paper], 32))


def test_a_receipt_leaves_and_is_owed_no_more(shop: TillKit) -> None:
    done, tray = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2)), PaperTray()
    printed = shop.papers.print_out(done.job, tray)
    assert printed.document == tray.papers[0] == shop.papers.document(done.job)
    assert printed.report.confirmed
    assert shop.papers.owed() == ()
    assert facts(shop)[-1] == ReceiptPrinted(1, done.entry.id, 0, "printer")
    assert "SALINAN" not in words(tray)
    assert "Bu Siti" in words(tray)


def test_a_printer_that_is_not_ready_keeps_the_job(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    tray = PaperTray(PrinterNotReady(reason="paper_out"), PrinterNotReady(reason="cover_open"))
    for _ in range(2):
        with pytest.raises(PrinterNotReady):
            shop.papers.print_out(done.job, tray)
        assert shop.papers.owed() == (done.job,)
    assert not any(isinstance(fact, ReceiptPrinted) for fact in facts(shop))
    shop.papers.print_out(done.job, tray)
    assert shop.papers.owed() == ()
    assert "SALINAN" not in words(tray)


@pytest.mark.parametrize("kind", ["receipt", "reversal", "day_report"])
def test_a_paper_that_may_be_out_already_says_so(shop: TillKit, kind: str) -> None:
    """Killed between the last byte to the printer and the record of it: two papers must never both pass for the one."""
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    job = done.job
    if kind == "reversal":
        job = shop.reverse.reverse(done.entry.id, ReversalReason.WRONG_AMOUNT, "siti", "yuni").job
    elif kind == "day_report":
        shop.day.begin_close("siti")
        shop.day.explain(shop.day.count(dict(shop.ledger.read().stock()), "siti"), "siti")
        _, job = shop.day.seal("siti", None)
    with shop.ledger.write() as uow:
        uow.print_tried(job.id)
    tray = PaperTray()
    (again,) = (each for each in shop.papers.owed() if each.id == job.id)
    shop.papers.print_out(again, tray)
    assert words(tray).count("SALINAN") == 2
    assert "mungkin sudah tercetak" in words(tray)
    assert job.id not in {each.id for each in shop.papers.owed()}


@pytest.mark.parametrize("maybe_out", [True, False])
def test_a_paper_that_came_out_perhaps_is_marked_when_it_is_printed_again(shop: TillKit, maybe_out: bool) -> None:
    """A printer that fell silent with all of it: two originals of one receipt are one too many."""
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    silent = PrinterNotReady(reason="no_answer_after", maybe_out=maybe_out)
    tray = PaperTray(silent, PrinterNotReady(reason="paper_out"))
    for _ in range(2):
        with pytest.raises(PrinterNotReady):
            shop.papers.print_again(done.entry.id, tray)
    shop.papers.print_again(done.entry.id, tray)
    assert ("mungkin sudah tercetak" in words(tray)) is maybe_out
    assert shop.ledger.read().copies(done.entry.id) == 1


@pytest.mark.parametrize("error", [ConfigError(reason="profile"), SyntaxError("broken PNG file")])
def test_a_paper_that_could_not_be_made_is_no_copy_when_it_comes(shop: TillKit, error: Exception) -> None:
    """Whatever is not the printer's own word was raised before the first byte."""
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    tray = PaperTray(error, error)
    for _ in range(2):
        with pytest.raises(type(error)):
            shop.papers.print_again(done.entry.id, tray)
    assert shop.papers.owed() == (done.job,)
    shop.papers.print_again(done.entry.id, tray)
    assert "SALINAN" not in words(tray)


def test_copies_are_numbered_by_what_left_before(shop: TillKit) -> None:
    done, tray = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2)), PaperTray()
    shop.papers.print_out(done.job, tray)
    for number in (1, 2):
        job = shop.papers.reprint(done.entry.id)
        assert (job.kind, job.receipt, job.copy) == ("receipt", 1, number)
        shop.papers.print_out(job, tray)
        assert "SALINAN" in words(tray)
    assert shop.ledger.read().copies(done.entry.id) == 3
    assert shop.day.totals().copies == 2
    assert shop.day.totals().agrees


def test_copies_that_wait_have_numbers_too(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    assert [shop.papers.reprint(done.entry.id).copy for _ in range(2)] == [1, 2]
    assert owed(shop) == [("receipt", 0), ("receipt", 1), ("receipt", 2)]


def test_reversals_and_day_reports_are_reprinted_as_what_they_are(shop: TillKit) -> None:
    tray = PaperTray()
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    back = shop.reverse.reverse(done.entry.id, ReversalReason.WRONG_AMOUNT, "siti", "yuni")
    shop.papers.print_out(back.job, tray)
    assert "PEMBATALAN" in words(tray).upper()
    assert shop.papers.reprint(back.entry.id).kind == "reversal"
    shop.day.begin_close("siti")
    shop.day.explain(shop.day.count(dict(shop.ledger.read().stock()), "siti"), "siti")
    entry, report = shop.day.seal("siti", None)
    shop.papers.print_out(report, tray)
    assert facts(shop)[-1] == ReceiptPrinted(0, entry.id, 0, "printer")
    copy = shop.papers.reprint(entry.id)
    assert (copy.kind, copy.copy) == ("day_report", 1)
    shop.papers.print_out(copy, tray)
    assert "SALINAN" in words(tray)


def test_a_preview_is_the_paper_itself(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    assert shop.papers.preview(1) == (shop.papers.document(done.job), done.entry.id)
    with pytest.raises(NotEntitled) as caught:
        shop.papers.preview(99)
    assert caught.value.reason == "unknown_receipt"


def test_only_papers_are_printed(shop: TillKit) -> None:
    opened = shop.ledger.read().sealed(2, 1, 100_000)[0]
    from ewarung_pos.domain.journal import decode

    other = decode(opened.body).id
    for entry in ("no-such", other):
        with pytest.raises(NotEntitled) as caught:
            shop.papers.reprint(entry)
        assert caught.value.reason == "unknown_receipt"
    with pytest.raises(NotEntitled):
        shop.papers.document(PrintJob(1, "receipt", other, 1, 0))
    with pytest.raises(LedgerCorrupt) as corrupt:
        shop.papers.document(PrintJob(1, "receipt", "no-such", 1, 0))
    assert corrupt.value.reason == "job_without_entry"


def test_no_paper_without_knowing_whose_kiosk_it_is(shop: TillKit, monkeypatch: pytest.MonkeyPatch) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    monkeypatch.setattr(Queries, "identity", lambda self: None)
    with pytest.raises(LedgerCorrupt) as caught:
        shop.papers.document(done.job)
    assert caught.value.reason == "no_identity"
