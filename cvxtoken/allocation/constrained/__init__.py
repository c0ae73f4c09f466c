"""The optimum under any further constraints: the model as exact cones, and the proof by them."""
