"""How long runtimes take and how much memory they need, measured in turns on one machine."""
