"""The linking game: two worlds compare all that the platform tells them, and try to find the same persona again."""
