"""What can be done with personas, in verbs."""
