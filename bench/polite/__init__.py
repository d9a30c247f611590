"""Personas that remember annoyance, and whoever decides when to speak to them: the polite simulator."""
