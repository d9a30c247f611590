"""Tables of the two databases of the profile service; every key begins with brand, rows of a persona with (brand, shard)."""
