"""What cases of one area share: mounts and their options by effect, limits, traces of hooks."""
