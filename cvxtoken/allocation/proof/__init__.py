"""What is proven of an allocation, and the file that says so."""
