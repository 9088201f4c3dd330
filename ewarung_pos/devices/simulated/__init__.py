"""Devices that exist only as programs: the same wires, told by a script to misbehave."""
