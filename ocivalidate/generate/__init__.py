"""Making a ``config.json``: :class:`ConfigBuilder`, and the option table that ``oci-gen`` stands on."""

from ocivalidate.errors import OptionError
from ocivalidate.generate.builder import ConfigBuilder
from ocivalidate.rules.refusals import Rejected

__all__ = ["ConfigBuilder", "OptionError", "Rejected"]
