"""What can be done with consents, in verbs."""
