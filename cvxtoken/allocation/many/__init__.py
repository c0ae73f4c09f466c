"""Many instances at once, in arrays, and one instance that changes."""
