"""HTTP before core: the public REST paths, transcoded to gRPC."""
