"""Where facts rest: landed files, manifests, the catalog."""
