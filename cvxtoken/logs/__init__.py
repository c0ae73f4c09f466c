"""Tables as tools write them, read: any usual file or frame, names found, units told, and what was done said.

`reading.read` does it all, by the files of this room in this order:

1. `opening`: the bytes of a file as columns (`delimited`, `documents`), or what is in memory (`frames`).
2. `names`: which column is which, by our own names, by those of known tools (`aliases`), or as the user says.
3. `numbers`, `scores`, `times`: the values of a column; one that breaks its rule is an error that names
   the line.
4. `units`: what is not in seconds is converted, and what cannot be seconds is questioned.

What is doubtful is never guessed: the error says which option answers it (`columns.Hints`).
"""
