"""A small client of the distribution API: what a registry holds, read as a stream and within limits.

It knows nothing of images. Everything that a server says is hostile: statuses, headers, redirects, pages and bodies all
have limits. No credential is ever part of a message, of a ``repr`` or of what pickles. Only ``transport.py`` needs
urllib3, the extra ``ocivalidate[registry]``, and is imported when a name asks for a registry.
"""
