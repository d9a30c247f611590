"""Every statement that the profile service sends to its two databases; bulk ones, whole batches at a time."""
