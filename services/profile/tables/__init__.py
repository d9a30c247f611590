"""Tables of both databases; every key begins with the brand, and with (brand, shard) where it is a persona's."""
