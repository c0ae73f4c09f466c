"""What finds the proofs of cone programs; none of it is believed, and the checker has the last word."""
