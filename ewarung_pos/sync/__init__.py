"""The till's end of the line to the city."""
