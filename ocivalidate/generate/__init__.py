"""Making a ``config.json``: :class:`ConfigBuilder`, and the option table that ``oci-gen`` stands on."""

from ocivalidate.errors import OptionError, Rejected
from ocivalidate.generate.builder import ConfigBuilder

__all__ = ["ConfigBuilder", "OptionError", "Rejected"]
