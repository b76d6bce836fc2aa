"""Driving a runtime: its command line, containers, configs, consoles, callers, and the documents that it prints."""
