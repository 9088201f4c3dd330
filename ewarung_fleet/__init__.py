"""A whole city of tills in a box: real engines against the real server, with faults, and reconciled at the end."""
