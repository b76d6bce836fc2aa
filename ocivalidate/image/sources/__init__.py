"""Where an image comes from: layout folders, archives of them, archives of ``docker save``. A source hands out bytes.

Here belongs what finds and reads bytes by a path inside the image: a new kind of source is a subclass of
``source.Source``. What the bytes mean belongs elsewhere.
"""
