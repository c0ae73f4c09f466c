"""The two prices to which the types answer: single instances and arrays of them."""
