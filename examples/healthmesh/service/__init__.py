"""The web service: pages, headers, cookies, TLS."""
