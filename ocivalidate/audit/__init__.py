"""Auditing many images at once: registries, their storage, folders of layouts."""
