"""How long a decision takes, with the state read before and the log written after."""
