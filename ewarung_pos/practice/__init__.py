"""Practice: the sandbox around a till and the scripted morning that works it."""
