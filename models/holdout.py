"""Who is held out of a campaign, so that it can be told what the contacts did.

A hash of customer and campaign decides, so the same customer is held out whenever the list is
written again, and another campaign holds out others. Within each stratum the share is kept to
within one customer: less of the difference between the groups is left to chance than where each
customer is drawn by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

BITS = 53
"""Of a hash: as many as a float holds, so that all shares are below 1."""


def held_out(
    customer_ids: Sequence[object],
    *,
    campaign: str,
    share: float,
    strata: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """Whether each customer is held out.

    In a stratum of n customers those with the smallest hashes are: the whole part of ``share x n``,
    and one more with the probability of what is left, so that every customer's chance is `share`.

    Parameters
    ----------
    customer_ids
        Each once; told apart by their text.
    strata
        Arrays as long as the customers; who agrees in all of them is one stratum.

    Raises
    ------
    ValueError
        When the share is not within 0..1, or the sizes disagree.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share must be within 0..1, not {share!r}")
    code, names = _strata(strata, len(customer_ids))
    hashes = hash_share(customer_ids, f"holdout of {campaign}")
    turns = np.lexsort((hashes, code))
    sizes = np.bincount(code, minlength=len(names))
    place = np.arange(len(code)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    more = hash_share(names, f"stratum of {campaign}")
    wanted = share * sizes
    few = np.floor(wanted) + (more < wanted - np.floor(wanted))
    found = np.empty(len(code), dtype=bool)
    found[turns] = place < np.repeat(few, sizes)
    return found


def hash_share(ids: Iterable[object], salt: str) -> np.ndarray:
    """For each id a number in [0, 1), as if at random; the same for the same text and salt."""
    start = hashlib.sha256(salt.encode()).digest()
    digests = b"".join(hashlib.sha256(start + str(each).encode()).digest()[:8] for each in ids)
    return (np.frombuffer(digests, dtype=">u8") >> np.uint64(64 - BITS)) * 2.0**-BITS


def _strata(strata: Sequence[np.ndarray], customers: int) -> tuple[np.ndarray, list[str]]:
    """The stratum of each customer, by number, and their names."""
    import pandas as pd

    code, names = np.zeros(customers, dtype=np.int64), [""]
    for each in strata:
        if len(each) != customers:
            raise ValueError(f"a stratum of {len(each)} rows for {customers} customers")
        own, kinds = pd.factorize(np.asarray(each, dtype=object), use_na_sentinel=False)
        code, pairs = pd.factorize(code * len(kinds) + own)
        names = [f"{names[p // len(kinds)]}\x1f{kinds[p % len(kinds)]}" for p in pairs.tolist()]
    return code, names
