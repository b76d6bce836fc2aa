"""The options that say how registries are reached, named as those of skopeo and podman."""

from __future__ import annotations

import argparse

from ocivalidate.cli.dashes import DashParser
from ocivalidate.registry.options import RegistryOptions

GROUP = "Registries"


def add_options(parser: DashParser) -> None:
    """The options of a command that reads from registries."""
    group = parser.group(GROUP)
    group.add_argument(
        "--tls-verify",
        choices=("true", "false"),
        metavar="BOOL",
        help="false: take any certificate, and plain HTTP (default: true, but for this machine itself)",
    )
    group.add_argument(
        "--cert-dir",
        default="",
        metavar="DIR",
        help="a folder with authorities (*.crt) and client certificates (*.cert, *.key)",
    )
    group.add_argument(
        "--authfile",
        default="",
        metavar="FILE",
        help="the file with the credentials (default: those of podman and docker)",
    )


def registry_options(options: argparse.Namespace) -> RegistryOptions:
    """How registries are reached, as the options say."""
    verify = None if options.tls_verify is None else options.tls_verify == "true"
    return RegistryOptions(verify, options.cert_dir, options.authfile)
