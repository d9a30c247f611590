"""How good offers are, beside recommenders and bandits from their papers, on the same data in one run."""
