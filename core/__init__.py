"""The gRPC core: the database and, with it, all truth."""
