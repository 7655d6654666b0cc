"""What a deployment may say of a web site, and what follows from it."""

import pytest
from pydantic import ValidationError

from meshguard.targets.web import Web, WebSettings
from meshguard.targets.web import _unreached as unreached
from meshguard.testing import recorded

row = pytest.param


def settings(**given: object) -> WebSettings:
    return WebSettings.model_validate({"name": "public", **given})


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        row({"url": "ftp://a.example"}, "is no http or https URL", id="another scheme"),
        row({"url": "a.example"}, "is no http or https URL", id="no scheme"),
        row({"url": "https://a.example:99999"}, "is no number from 1 to 65535", id="a port beyond all ports"),
        row({"url": "https://a.example:x"}, "is no number from 1 to 65535", id="a port that is a word"),
        row({"url": "https://user:pw@a.example"}, "put credentials under `headers`", id="credentials"),
        row({"url": "https://a.example/app"}, "paths go under `paths`", id="a path"),
        row({"url": "https://a.example", "paths": ["login"]}, "does not start with one /", id="a path without a slash"),
        row({"url": "https://a.example", "paths": ["//b.example/"]}, "does not start with one /", id="another host"),
        row({"url": "https://a.example", "paths": []}, "at least 1", id="no path"),
        row({"url": "https://a.example", "ca": "/no/such/file"}, "there is no CA file", id="no CA file"),
        row(
            {"url": "https://a.example", "http_url": "https://a.example"}, "is not plain http", id="https as plain http"
        ),
        row({"url": "https://a.example", "paths": ["/a?token=1"]}, "give it bare", id="a path with a query"),
    ],
)
def test_mistakes_are_refused(given: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        settings(**given)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        row({"url": "https://a.example"}, "http://a.example", id="port 80 beside 443"),
        row({"url": "https://a.example:443/"}, "http://a.example", id="443 written out"),
        row({"url": "https://[2001:db8::1]"}, "http://[2001:db8::1]", id="an IPv6 address keeps its brackets"),
        row({"url": "https://a.example:8443"}, "", id="nothing is guessed beside another port"),
        row({"url": "https://a.example", "connect_to": "192.0.2.1:443"}, "", id="nor where to connect is said"),
        row({"url": "https://a.example:8443", "http_url": "http://a.example:8080"}, "http://a.example:8080", id="said"),
        row({"url": "http://a.example:8080"}, "http://a.example:8080", id="a site over http"),
    ],
)
def test_where_plain_http_is_asked(given: dict[str, object], plain: str) -> None:
    assert settings(**given).plain_url == plain


def test_the_hosts_that_may_be_contacted_are_those_that_are_named() -> None:
    named = settings(url="https://a.example", connect_to="[2001:db8::1]:8443", http_url="http://a.example:8080")

    assert list(named.hosts()) == [("a.example", 443), ("a.example", 8080), ("2001:db8::1", 8443)]
    assert list(settings(url="https://a.example", hosts=["b.example", "c.example:8443"]).hosts()) == [
        ("a.example", 443),
        ("a.example", 80),
        ("b.example", 443),
        ("b.example", 80),
        ("c.example", 8443),
    ]


def test_an_https_site_is_a_tls_target_and_an_http_site_is_none() -> None:
    [(kind, tls)] = settings(url="https://a.example:8443", connect_to="192.0.2.1:443").derived()

    assert (kind, list(tls.hosts())) == ("tls", [("a.example", 8443), ("192.0.2.1", 443)])
    assert list(settings(url="http://a.example").derived()) == []


def test_values_of_headers_are_secrets() -> None:
    given = settings(url="https://a.example", headers={"Authorization": "Bearer t0ken"})

    assert [secret for secret, _ in given.secrets()] == ["Bearer t0ken", "t0ken"]


def test_the_subject_is_the_url() -> None:
    assert recorded(Web, {}, url="https://a.example/").subject == "https://a.example"


REFUSED, NO_ROUTE = ConnectionRefusedError(111, "Connection refused"), OSError(101, "Network is unreachable")


def test_a_port_is_closed_only_where_every_address_refused() -> None:
    assert unreached("a.example", [REFUSED, REFUSED]).reason == "a.example refused the connection"
    assert type(unreached("a.example", [REFUSED, REFUSED])).__name__ == "_ConnectionRefused"
    for faults in ([REFUSED, NO_ROUTE], [NO_ROUTE], []):
        assert type(unreached("a.example", faults)).__name__ == "NotObserved"
    assert unreached("a.example", [REFUSED, NO_ROUTE]).reason == "a.example was not reached: Network is unreachable"
