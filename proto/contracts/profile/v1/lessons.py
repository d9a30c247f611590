"""How an InteractionsFolded is sealed."""


def associated_data(batch_id: bytes, brand: str) -> bytes:
    """Return what is authenticated with the ciphertext, so that lessons open in their own place only."""
    return batch_id + brand.encode()
