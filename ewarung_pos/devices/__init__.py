"""Drivers: a codec that is pure bytes, a state machine, and a transport; no Qt inside."""
