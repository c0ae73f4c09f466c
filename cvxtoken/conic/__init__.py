"""Cone programs as plain data, and the files that hold them."""
