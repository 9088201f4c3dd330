"""Widgets only: they build, render a frozen state and forward events."""
