"""Durations as people write them: "1h30m" is 5400 seconds."""

import re

SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
PART = re.compile(r"(\d+)([dhms])")


def parse(text):
    """Seconds in a duration such as "1d2h" or "90s". Raises ValueError for anything else."""
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise ValueError(f"not a duration: {text!r}")
    total = 0
    for amount, unit in PART.findall(text):
        total = int(amount) * SECONDS[unit]
    return total
