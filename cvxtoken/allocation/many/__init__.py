"""Many instances at once, in arrays, and one that changes."""
