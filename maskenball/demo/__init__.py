"""The demo: a hundred thousand real interactions, then one encounter."""
