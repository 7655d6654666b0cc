"""House rules: checks that one team needs and no package holds."""

from __future__ import annotations

from meshguard.api import Verdict, check, failed, judged, not_applicable
from meshguard.targets.web import Page, Web


@check(
    "house.not_stored",
    method="test",
    over=Web.pages,
    fix="Send `Cache-Control: no-store` on every answer that holds somebody's data, errors too.",
)
async def not_stored(page: Page, site: Web, *, public: tuple[str, ...] = ()) -> Verdict:
    """No page with somebody's data is kept by a browser or a proxy (RFC 9111, 5.2.2.5).

    Args:
        public: paths that hold nobody's data and may be kept.
    """
    if page.path in public:
        return not_applicable(f"{page.path} is public")
    lines = (await site.page(page.path)).values("cache-control")
    if not lines:
        return failed("no Cache-Control header", want="no-store")
    directives = {part.strip().lower() for part in ",".join(lines).split(",")}
    return judged("no-store" in directives, "Cache-Control", got=", ".join(lines), want="no-store")
