"""The documents of an image: index, manifest, configuration, descriptor; how they are read, and the checks of each.

This room judges one document by itself. Anything that needs two documents, or a blob, belongs in ``image.comparing``.
"""
