"""Prints the names of the targets, one a line."""

import sys

from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    sys.stdout.write("\n".join(TARGETS) + "\n")
