"""Whether every instance of the library is, to the last bit, the one that its proof is about."""

import cvxtoken

wrong, found = 0, cvxtoken.instances("*")
for instance in found:
    try:
        _ = instance.problem
    except cvxtoken.LibraryError:
        wrong += 1
print(f"{len(found) - wrong} of {len(found)} hashes")
raise SystemExit(bool(wrong))
