"""Where the packaged program starts: the till, or, by the first argument `city-serve`, the command line of the city.

One program for both keeps one folder of libraries; practice mode starts itself again as the city beside the till.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Hand over to the till's command line, or to the city's."""
    if sys.argv[1:2] == ["city-serve"]:
        from ewarung_city.__main__ import main as city

        del sys.argv[1]
        city()
        return
    from ewarung_pos.__main__ import main as till

    till()


main()
