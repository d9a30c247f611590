"""What a persona wants, from what it chooses: part-worths with a prior learnt across personas, and what to ask next.

Plain computation over plain data, without I/O.
"""
