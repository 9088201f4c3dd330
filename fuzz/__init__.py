"""Searches for input that breaks a parser; see `fuzz/__main__.py`."""
