"""Serve the function over gRPC."""

from kit.serve import command

from compose_model_cache import function

if __name__ == "__main__":
    command(function)()
