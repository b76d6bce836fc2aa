"""Making a ``config.json``: :class:`ConfigBuilder`, and the option table that ``oci-gen`` stands on."""

from ocivalidate.generate.builder import ConfigBuilder
from ocivalidate.generate.errors import OptionError, Rejected

__all__ = ["ConfigBuilder", "OptionError", "Rejected"]
