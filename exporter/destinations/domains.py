"""Registered domains, from the public suffix list that is bundled with its library; nothing is downloaded."""

from functools import lru_cache

from publicsuffixlist import PublicSuffixList

PUBLIC_SUFFIXES = PublicSuffixList(accept_unknown=False)
_CACHE = 10_000


@lru_cache(maxsize=_CACHE)
def registered_domain(name: str) -> str:
    """`example.com` of `a.b.example.com`; empty for a name under a suffix that is not on the list."""
    return PUBLIC_SUFFIXES.privatesuffix(name.removeprefix("*.")) or ""
