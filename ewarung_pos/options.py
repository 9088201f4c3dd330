"""Options that several commands take."""

from __future__ import annotations

import click
from click.core import ParameterSource

__all__ = ["AS_JSON", "DATA_DIR", "KEY_PLACES"]


def _nearest(context: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """What was typed before the command's name counts as typed after it, unless something else stands there."""
    typed, name, first = ParameterSource.COMMANDLINE, "data_dir", context.find_root()
    if context.get_parameter_source(name) is typed or first.get_parameter_source(name) is not typed:
        return value
    context.set_parameter_source(name, typed)
    earlier: str = first.params[name]
    return earlier


DATA_DIR = click.option(
    "--data-dir",
    envvar="EWARUNG_DATA_DIR",
    type=click.Path(file_okay=False),
    callback=_nearest,
    help="Where this kiosk's data lives.",
)
KEY_PLACES = click.Choice(["tpm", "os", "passphrase", "file"])
AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line of standard output.")
