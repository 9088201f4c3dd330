"""What the command line does with a kiosk's own data directory, one subject a file; the window is one of them."""
