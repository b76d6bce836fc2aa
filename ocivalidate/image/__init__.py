"""Image layouts: source, graph, documents, blobs and layers."""
