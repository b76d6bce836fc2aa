"""``python -m ocivalidate``: the same command as ``ocivalidate``.

Python looks for the package in the working directory first: in an untrusted folder use ``python -P -m ocivalidate``, or
``ocivalidate``.
"""

import sys

from ocivalidate.cli import main

if __name__ == "__main__":
    sys.exit(main())
