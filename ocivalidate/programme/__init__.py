"""Records of runs that are kept, compared and shown: how runtimes fare, over versions, hosts and time.

``record`` is the model, ``reading`` makes it of a kept file or of a JSON report. Nothing here prints.
"""
