"""eWarung POS: the till of a food-aid kiosk."""

__version__ = "0.1.0"
