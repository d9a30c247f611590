"""How a persona plays: taxonomies of players as packs, scores with intervals from what was done in a world.

Plain computation over plain data, without I/O but for its own files.
"""
