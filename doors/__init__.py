"""What both doors share: visitors become pseudonyms, and what they did leaves in sealed batches."""
