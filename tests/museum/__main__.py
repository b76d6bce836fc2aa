"""``python -m tests.museum [TEXT…]``: the bugs that runtimes shipped, and what runs say of each (root)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fixtures.subjects import CannotFetch, cache
from tests.museum.bugs import Museum, bugs, table, unseen


def main(texts: Sequence[str]) -> int:
    """Print the table of the bugs with one of these texts in their ids, or of all."""
    listed = [bug for bug in bugs() if not texts or any(text in bug.id for text in texts)]
    try:
        print(table(Museum(cache.default(), listed), listed, unseen()), end="")
    except CannotFetch as problem:
        sys.stderr.write(f"museum: {problem}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
