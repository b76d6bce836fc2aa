ALIASES = {}
def rewritten(a): return a, []
