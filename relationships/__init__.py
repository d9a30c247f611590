"""Which relationship a persona wants with a brand: taxonomies as packs, evidence of texts, what is believed of it.

Plain computation over plain data, without I/O but for its own files. Texts are looked at and never kept.
"""
