"""Driving a runtime: its command line, containers, configs, hooks, and the documents that it prints."""
