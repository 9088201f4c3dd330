"""The rules of the counter: pure values and functions, no I/O, no clock reads."""
