"""Intervals that hold however often one looks: asymptotic confidence sequences.

Who looks every week and stops when the interval leaves out zero finds an effect where there is
none far more often than in 5 of 100. A confidence sequence holds at all looks together
(Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2021, "Time-uniform central limit theory and
asymptotic confidence sequences", theorem 2.2). With ``s`` the standard error of a mean of ``n``, it
reaches to each side

    s x sqrt(2 (n r^2 + 1) / (n r^2) x log(sqrt(n r^2 + 1) / alpha))

where ``r`` says at which size it is narrowest. It must not depend on what is seen, so it is fixed
by the number of customers planned:

    r^2 = (-2 log alpha + log(1 - 2 log alpha)) / planned
"""

from __future__ import annotations

from math import log, sqrt

PLANNED = 1000
"""Where no number of customers was planned."""


def reach(n: float, *, level: float, planned: int = PLANNED) -> float:
    """How many standard errors the interval reaches to each side, of `n` customers so far.

    About 3.04 with 95 % where `n` is what was planned, instead of 1.96.

    Parameters
    ----------
    planned
        Customers at the end, in both arms; the same at every look.

    Raises
    ------
    ValueError
        When nobody is planned, or the level is not between 0 and 1.
    """
    if planned < 1 or n <= 0 or not 0 < level < 1:
        raise ValueError(
            f"an interval needs customers and a level between 0 and 1, not {n:g} of {planned:,} "
            f"planned and {level:g}"
        )
    alpha = 1 - level
    seen = n * (-2 * log(alpha) + log(1 - 2 * log(alpha))) / planned
    return sqrt(2 * (seen + 1) / seen * (log(seen + 1) / 2 - log(alpha)))
