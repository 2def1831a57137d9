"""Asking the parts that run on this machine, over HTTP."""

from functools import cache

import httpx


@cache
def client() -> httpx.Client:
    """One for all: each new one reads all certificates, and five questions a second were a sixth of a core.

    No proxy, no connection that is kept (the part may be another process the next time), and no certificates: the parts
    speak plain HTTP.
    """
    return httpx.Client(trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0))
