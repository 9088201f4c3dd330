"""The city's own server for a fleet: the application that `ewarung-city serve` runs, with a clock that is told.

This is the only way to start a city with another clock than the machine's; `serve` has none.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ewarung_city import api, server
from ewarung_city.limits import WITHOUT
from ewarung_city.place import Place, opened
from ewarung_fleet.clock import ToldTime

__all__ = ["main"]


def main(data_dir: str, database: str, listen: str, clock: str) -> None:
    """Serve until standard input ends; says its URL first."""
    with opened(Place(Path(data_dir), database)) as (store, keys), ToldTime(Path(clock)) as time:
        socket = server.bind(listen, tls=False)
        app = api.build(store, keys, time.ms, limits=WITHOUT)

        def ready() -> None:
            sys.stdout.write(f"{server.url_of(socket, tls=False)}\n")
            sys.stdout.flush()

        try:
            server.run(app, socket, with_stdin=True, ready=ready)
        finally:
            socket.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
