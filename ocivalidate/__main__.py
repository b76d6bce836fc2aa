"""``python -m ocivalidate``: the same command as ``ocivalidate``.

Python looks for the package in the working directory first: whoever stands in a folder of somebody else says
``python -P -m ocivalidate``, or ``ocivalidate``.
"""

import sys

from ocivalidate.cli import main

if __name__ == "__main__":
    sys.exit(main())
