"""``python -m ocivalidate``: the same command as ``ocivalidate``."""

import sys

from ocivalidate.cli import main

if __name__ == "__main__":
    sys.exit(main())
