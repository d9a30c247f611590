"""Recognises what identifies people in text, at the speed of a door. Hits are kinds and places, never values."""

from kit.filtering.scan import Hit, hits_in, suspicious

__all__ = ["Hit", "hits_in", "suspicious"]
