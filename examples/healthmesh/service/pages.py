"""The pages' text. Nothing that a visitor sent is ever put into one."""

STYLE = "body { font-family: sans-serif; margin: 3rem auto; max-width: 40rem; }\n"

_FRAME = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title} - Health-Mesh</title>
<link rel="stylesheet" href="/style.css"></head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def page(title: str, body: str) -> str:
    """A whole HTML page."""
    return _FRAME.format(title=title, body=body)


HOME = page("Health-Mesh", '<p>Records, shared with consent.</p>\n<p><a href="/login">Sign in</a></p>')
LOGIN = page(
    "Sign in",
    '<form method="post" action="/login">\n'
    '<label>User <input name="user" autocomplete="username" required></label>\n'
    "<label>Password\n"
    '<input name="password" type="password" autocomplete="current-password" required></label>\n'
    "<button>Sign in</button>\n</form>",
)
REFUSED = page("Sign in", '<p>Not accepted.</p>\n<p><a href="/login">Try again</a></p>')
NOT_FOUND = page("Not found", '<p>There is no such page.</p>\n<p><a href="/">Home</a></p>')

PATIENTS = [
    {"id": "p-001", "name": "Ada Example", "consent": True},
    {"id": "p-002", "name": "Ben Sample", "consent": False},
]
