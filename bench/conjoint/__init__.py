"""Choices of real people that foretelling wishes is measured on."""
