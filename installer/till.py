"""Where the packaged till starts."""

from __future__ import annotations

import sys

from ewarung_pos.__main__ import main

sys.exit(main())
