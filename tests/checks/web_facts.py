"""Sites whose answers are written down."""

from collections.abc import Iterable, Mapping

from meshguard.api import Sketch
from meshguard.targets.web import Cookie, HeaderLine, Page, Refused, Response, Web
from meshguard.testing import recorded

URL = "https://health-mesh.example"
HOME = Page(path="/")
Headers = Iterable[tuple[str, str]]


def answer(
    headers: Headers = (),
    *,
    url: str = f"{URL}/",
    status: int = 200,
    html: bool = True,
    location: str | None = None,
    cookies: tuple[Cookie, ...] = (),
) -> Response:
    """An answer with these header lines, and a content type."""
    kind = HeaderLine(name="content-type", value="text/html; charset=utf-8" if html else "application/json")
    lines = [HeaderLine(name=name, value=value) for name, value in headers]
    if location is not None:
        lines.append(HeaderLine(name="location"))
    return Response(url=url, status=status, headers=(kind, *lines), location=location, cookies=cookies)


def site(answers: Mapping[str, Response | Exception], plain: Response | Refused | Exception | None = None) -> Web:
    """The site that gives these answers, by URL."""
    facts = {Web.get: {(url,): value for url, value in answers.items()}}
    return recorded(Web, {**facts, **({Web.plain: {("/",): plain}} if plain is not None else {})}, url=URL)


def home(headers: Headers = (), *, html: bool = True, status: int = 200, cookies: tuple[Cookie, ...] = ()) -> Web:
    """A site whose `/` answers these header lines."""
    return site({"/": answer(headers, html=html, status=status, cookies=cookies)})


def redirecting(first: Headers, last: Headers) -> Web:
    """A site whose `/` leads to `/home`."""
    return site(
        {
            "/": answer(first, status=302, location=f"{URL}/home"),
            "/home": answer(last, url=f"{URL}/home"),
        }
    )


def cookie(line: str) -> Cookie:
    """A Set-Cookie line; the value is only sketched."""
    pair, *rest = [part.strip() for part in line.split(";")]
    name, _, value = pair.partition("=")
    attributes = {key.lower(): argument for key, _, argument in (part.partition("=") for part in rest)}
    sketch = Sketch(kind="text" if value else "empty", length=len(value), entropy=0.0, alias="a")
    return Cookie(name=name, value=sketch, attributes=attributes)
