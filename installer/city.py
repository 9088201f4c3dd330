"""Where the packaged city server starts; the till's practice mode runs it beside itself."""

from __future__ import annotations

import sys

from ewarung_city.__main__ import main

sys.exit(main())
