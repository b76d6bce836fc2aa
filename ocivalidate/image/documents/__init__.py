"""The documents of an image: index, manifest, configuration, descriptor; how they are read, and the checks on each.

Here belongs what can be judged with one document at hand. What needs two of them, or a blob, is compared by
``image.comparing``.
"""
