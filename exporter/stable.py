"""Numbers for texts that are the same in every process: `hash` of a text is another one each time Python starts."""

from collections.abc import Iterable
from zlib import crc32


def number_of(text: str) -> int:
    """A number of 32 bits; keys are made of several of them and of ports and times."""
    return crc32(text.encode(errors="surrogatepass"))


def number_of_all(texts: Iterable[str]) -> int:
    """A number for several texts in their order."""
    return number_of("\0".join(texts))
