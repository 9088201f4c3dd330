"""The commands that start a simulated device by itself: EDC, receipt printer, card readers.

Each prints `NAME ready URL` when a till can open it, and ends on SIGTERM and SIGINT.
"""

from __future__ import annotations

import click

__all__ = ["simulate_edc", "simulate_printer", "simulate_reader"]

_FAULTS = click.option(
    "--faults", type=click.Path(exists=True, dir_okay=False), help="Fault script (docs/simulators.md)."
)
_FAMILIES = click.option(
    "--families", type=click.Path(exists=True, dir_okay=False), help="Families file; default the sample."
)
_SEED = click.option("--seed", type=int, default=1, show_default=True)
_PARENT = click.option("--parent", type=int, hidden=True, help="End when this process is no longer the parent.")


@click.command("simulate-edc")
@click.option("--pty", "link", type=click.Path(), help="Make a pseudo-terminal and link it here.")
@click.option("--listen", help="tcp://HOST:PORT, or wss://HOST:PORT for POSe Link (loopback).")
@_FAULTS
@_FAMILIES
@click.option("--pin", type=click.Choice(["auto", "face"]), default="auto", show_default=True)
@click.option("--journal", type=click.Path(dir_okay=False), help="Remember approvals here, over restarts.")
@_SEED
@click.option(
    "--lost-after",
    type=click.IntRange(0),
    metavar="SECONDS",
    help="A lost answer then breaks the line; default silence.",
)
@_PARENT
def simulate_edc(
    link: str | None,
    listen: str | None,
    faults: str | None,
    families: str | None,
    pin: str,
    journal: str | None,
    seed: int,
    lost_after: int | None,
    parent: int | None,
) -> None:
    """The simulated payment terminal by itself, on a real pseudo-terminal or TCP port."""
    if bool(link) == bool(listen):
        raise click.UsageError("Beri salah satu dari --pty LINK dan --listen tcp://HOST:PORT (atau wss://).")
    from ewarung_pos.devices.simulated.edc import run as run_simulator

    run_simulator(
        pty=link,
        listen=listen,
        faults=faults,
        families=families,
        pin=pin,
        journal=journal,
        seed=seed,
        lost_after=lost_after,
        parent=parent,
    )


@click.command("simulate-printer")
@click.option("--listen", required=True, help="tcp://HOST:PORT (loopback).")
@_FAULTS
@click.option("--papers", type=click.Path(file_okay=False), help="Folder for what came out, as bytes and as text.")
@click.option("--cpl", type=click.Choice(["32", "48"]), default="32", show_default=True, help="Columns of that text.")
@_PARENT
def simulate_printer(listen: str, faults: str | None, papers: str | None, cpl: str, parent: int | None) -> None:
    """The simulated receipt printer by itself, on a TCP port; a mood such as paper_out may be typed to it."""
    from ewarung_pos.devices.simulated.printer_program import run as run_simulator

    run_simulator(listen=listen, faults=faults, papers=papers, columns=int(cpl), parent=parent)


@click.command("simulate-reader")
@click.option("--stripe", type=click.Path(), help="Make a stripe reader's pseudo-terminal and link it here.")
@click.option("--chip", help="Lay cards into a slot of vpcd's virtual reader: HOST:PORT (loopback) or a Unix socket.")
@_FAMILIES
@_FAULTS
@click.option(
    "--every", type=click.IntRange(1), metavar="SECONDS", help="A card comes by itself; default only when it is typed."
)
@_SEED
@_PARENT
def simulate_reader(
    stripe: str | None,
    chip: str | None,
    families: str | None,
    faults: str | None,
    every: int | None,
    seed: int,
    parent: int | None,
) -> None:
    """A simulated card reader by itself; type `swipe ROW` to it, or `insert ROW` and `remove`."""
    if bool(stripe) == bool(chip):
        raise click.UsageError("Beri salah satu dari --stripe LINK dan --chip HOST:PORT.")
    from ewarung_pos.devices.simulated.reader_program import run as run_simulator

    run_simulator(
        stripe=stripe or None,
        chip=chip or None,
        families=families,
        faults=faults,
        every_s=every,
        seed=seed,
        parent=parent,
    )
