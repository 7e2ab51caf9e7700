"""Text as PostgreSQL can store it, whatever a provider said. Pure Python."""


def storable(text: str, most: int) -> str:
    """`text` without NUL and unpaired surrogates, cut to `most` characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:most]
