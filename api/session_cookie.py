"""The cookie that holds the session of a person who is signed in to the dashboard."""

from fastapi import Request


def is_secure(request: Request) -> bool:
    """True if the browser speaks TLS, to this process or to a proxy. A forged header could only make the cookie stricter."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https"


def cookie_name(request: Request) -> str:
    """Return the name of the cookie. With TLS, its prefix keeps other hosts of the domain from setting it."""
    return "__Host-flaghoist" if is_secure(request) else "flaghoist"
