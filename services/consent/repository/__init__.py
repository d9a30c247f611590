"""Every query of the consent database."""
