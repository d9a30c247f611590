"""Which traits go with which type: counted once for all, compared with intervals, told when it is no chance.

Counts are what an engine makes of millions of personas; all that follows is computed from them.
"""

from relationships.mining.counting import Counts, Mined, count
from relationships.mining.findings import FALSE_SHARE, Finding, Findings, find

__all__ = ["FALSE_SHARE", "Counts", "Finding", "Findings", "Mined", "count", "find"]
