"""Measures what the platform decides, through its own doors, on public protocols."""
