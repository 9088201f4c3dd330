"""Lists by name and address (BNBA) as offices send them: read, judged row by row, taken, and reported on."""
