"""From an image to a bundle: safe extraction, whiteouts, and the conversion of the configuration."""

from ocivalidate.errors import UnpackError
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack.api import Unpacked, UnpackOptions, unpack_image
from ocivalidate.unpack.judging import ConversionOptions, check_conversion

__all__ = [
    "ConversionOptions",
    "Refused",
    "UnpackError",
    "UnpackOptions",
    "Unpacked",
    "check_conversion",
    "unpack_image",
]
