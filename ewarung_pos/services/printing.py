"""Paper that is owed: print it, record that it left, reprint it as SALINAN."""

from __future__ import annotations

import msgspec

from ewarung_pos.domain import papers
from ewarung_pos.domain.documents import Document
from ewarung_pos.domain.journal import DayClosed, ReceiptPrinted, Redeemed, Reversed, Sealed, decode
from ewarung_pos.domain.trial_page import trial_page
from ewarung_pos.errors import LedgerCorrupt, NotEntitled, PrinterNotReady
from ewarung_pos.ports import Ledger, LedgerReader, PrintJob, PrintReport, ReceiptPrinter
from ewarung_pos.services.day import goods_paid_by

__all__ = ["PaperService", "Printed"]


class Printed(msgspec.Struct, frozen=True):
    """What came out: the job, its document, and what the printer said."""

    job: PrintJob
    document: Document
    report: PrintReport


class PaperService:
    """Documents and jobs are ledger work; what prints belongs on the printer lane.

    Attributes:
        came_out: papers that left in this life of the till.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stuck: set[int] = set()
        self.came_out = 0

    def owed(self) -> tuple[PrintJob, ...]:
        """Papers not printed yet, oldest first."""
        return self._ledger.read().print_jobs()

    def inherit(self) -> tuple[PrintJob, ...]:
        """Papers that an earlier life of the till left owed, oldest first: from now on they are stuck."""
        jobs = self.owed()
        self._stuck.update(job.id for job in jobs)
        return jobs

    def stuck(self) -> tuple[PrintJob, ...]:
        """Owed papers that nobody is about to print, oldest first: inherited, or tried in vain. Printer lane.

        A paper that was just recorded is not among them: whoever recorded it prints it.
        """
        return tuple(job for job in self.owed() if job.id in self._stuck) if self._stuck else ()

    def document(self, job: PrintJob) -> Document:
        """The paper of a job; one whose last try was cut off says that it may be out already.

        Raises:
            LedgerCorrupt: the job's entry is not in the journal.
        """
        reader = self._ledger.read()
        sealed = reader.entry(job.entry)
        if sealed is None:
            raise LedgerCorrupt("a print job without its entry", reason="job_without_entry")
        return _document(reader, sealed, job.copy, again=job.tries > 0)

    def preview(self, receipt: int) -> tuple[Document, str]:
        """A receipt as printed, and its entry's id.

        Raises:
            NotEntitled: no receipt of that number.
        """
        reader = self._ledger.read()
        sealed = reader.entry_by_receipt(receipt)
        if sealed is None:
            raise NotEntitled(reason="unknown_receipt")
        return _document(reader, sealed, 0), decode(sealed.body).id

    def try_out(self, printer: ReceiptPrinter, instant: int) -> PrintReport:
        """Print the page that shows whether the printer is set up right; recorded nowhere. Printer lane.

        Args:
            printer: to be tried.
            instant: now, ms UTC.

        Raises:
            PrinterNotReady: nothing useful came out.
        """
        return printer.print(trial_page(self._ledger.read().identity(), printer.columns, instant))

    def reprint(self, entry_id: str) -> PrintJob:
        """Owe a copy, marked SALINAN with its number.

        Raises:
            NotEntitled: no such paper.
        """
        with self._ledger.write() as uow:
            sealed = uow.entry(entry_id)
            if sealed is None:
                raise NotEntitled(reason="unknown_receipt")
            fact = decode(sealed.body).fact
            waiting = [job for job in uow.print_jobs() if job.entry == entry_id]
            copy = uow.copies(entry_id) + len(waiting)
            if isinstance(fact, DayClosed):
                return uow.queue_print("day_report", entry_id, 0, copy, {})
            if isinstance(fact, Redeemed | Reversed):
                kind = "receipt" if isinstance(fact, Redeemed) else "reversal"
                return uow.queue_print(kind, entry_id, fact.receipt, copy, {})
            raise NotEntitled(reason="unknown_receipt")

    def print_again(self, entry_id: str, printer: ReceiptPrinter) -> Printed:
        """Print the original if it never came out, else a copy marked SALINAN. Printer lane.

        Raises:
            NotEntitled: no such paper.
            PrinterNotReady: nothing useful came out; the job stays.
        """
        owed = next((job for job in self.owed() if job.entry == entry_id), None)
        return self.print_out(owed or self.reprint(entry_id), printer)

    def print_if_owed(self, entry_id: str, printer: ReceiptPrinter) -> Printed | None:
        """Print the original that did not come out; None where it came out meanwhile. Printer lane.

        Raises:
            PrinterNotReady: nothing useful came out; the job stays.
        """
        owed = next((job for job in self.owed() if job.entry == entry_id), None)
        return self.print_out(owed, printer) if owed is not None else None

    def print_out(self, job: PrintJob, printer: ReceiptPrinter, *, late: bool = False) -> Printed:
        """Print one job and record that it left. Printer lane; the ledger is touched before and after only.

        `late`: it comes by itself, long after its money was counted, and opens no drawer.

        Raises:
            PrinterNotReady: nothing useful came out, or nobody knows; the job stays.
        """
        self._stuck.add(job.id)
        document = self.document(job)
        if late:
            document = msgspec.structs.replace(document, cash=False)
        with self._ledger.write() as uow:
            uow.print_tried(job.id)
        try:
            report = printer.print(document)
        except Exception as error:
            if not (isinstance(error, PrinterNotReady) and error.maybe_out):
                with self._ledger.write() as uow:
                    uow.print_refused(job.id)
            raise
        with self._ledger.write() as uow:
            uow.print_done(job.id)
            uow.append(ReceiptPrinted(job.receipt, job.entry, job.copy, report.paper))
        self._stuck.discard(job.id)
        self.came_out += 1
        return Printed(job, document, report)


def _document(reader: LedgerReader, sealed: Sealed, copy: int, *, again: bool = False) -> Document:
    identity = reader.identity()
    if identity is None:
        raise LedgerCorrupt("no identity", reason="no_identity")
    entry = decode(sealed.body)
    names = {person.code: person.name for person in reader.operators()}
    operator = names.get(entry.operator, entry.operator)
    digest = sealed.hash.hex()
    match entry.fact:
        case Redeemed():
            return papers.receipt(identity, entry, sealed.seq, digest, operator, copy, again=again)
        case Reversed() as fact:
            approver = names.get(fact.approved_by, fact.approved_by)
            return papers.reversal_receipt(identity, entry, sealed.seq, digest, operator, approver, copy, again=again)
        case DayClosed() as fact:
            paid = goods_paid_by(reader, fact.totals)
            return papers.day_report(
                identity, entry, sealed.seq, digest, operator, reader.catalogue(), copy, again=again, paid=paid
            )
        case _:
            raise NotEntitled(reason="unknown_receipt")
