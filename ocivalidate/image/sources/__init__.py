"""Where an image comes from: layout folders, archives of them, archives of ``docker save``. A source provides bytes.

This room finds and reads bytes by their path inside the image; a new kind of source is a subclass of ``source.Source``.
What the bytes mean belongs elsewhere.
"""
