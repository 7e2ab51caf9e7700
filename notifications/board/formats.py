"""Formats numbers and durations, short enough for a table's cell."""


def number(value: float) -> str:
    """12345 → 12,345."""
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """4 ms, 1.2 s, 3 min, 2.5 h, 3 d: two digits tell enough."""
    if seconds < 0.9995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    for size, unit, until in ((1, "s", 120), (60, "min", 120 * 60), (3600, "h", 48 * 3600)):
        if seconds < until:
            value = seconds / size
            return f"{value:.1f} {unit}" if value < 9.95 and size != 60 else f"{value:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
