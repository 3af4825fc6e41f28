"""Options that take several words with commas between them."""


def words(text: str | None) -> list[str]:
    """What stands between the commas of an option; nothing if it was not given."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]
