"""The forms in which images are stored: for each one a module with a :class:`~ocivalidate.audit.store.Store`."""
