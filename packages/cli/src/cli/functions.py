"""`modelplane functions`: all composition functions in one process."""

from __future__ import annotations

import importlib

from kit.function import Router
from kit.serve import command as serving
from schemas import apis

command = serving(
    Router(importlib.import_module(name.replace("-", "_")).function for name in apis.function_names()),
)
command.help = """Serve all composition functions in one process, each request by its composite's kind.

With mTLS (--tls-certs-dir with tls.crt, tls.key and ca.crt), or --insecure for tests.

Example: modelplane functions --insecure --address 127.0.0.1:9443
"""
