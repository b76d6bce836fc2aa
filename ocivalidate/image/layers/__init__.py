"""Layers: their compression, the entries of their tars, and the root file system that they make together.

This room reads the bytes of a blob and yields facts; ``judging`` says which clause each problem breaks.
"""
