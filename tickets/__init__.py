"""The domain without I/O: what all rooms agree on."""
