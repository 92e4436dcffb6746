"""A small stand-in for Kompass's API: sign in, then ask for customers."""

from __future__ import annotations

import json
from http.cookies import SimpleCookie
from urllib.parse import parse_qs

from tests.adapters.probe.server import Handler

EMAIL, PASSWORD = "probe@kompass.test", 'pä"ss/w+rd & more'
TOKEN = "eyJhbGciOiJIUzI1NiJ9.tok/en+value=="
SESSION = "s3ss10n-c00kie"


class Kompass(Handler):
    """Two ways in: JSON and a bearer token, or a form and a cookie. `broken` says what does not work."""

    broken: str = ""

    def respond(self) -> None:
        if self.command == "GET":
            self._asked()
            return
        content = self.content()
        match self.path:
            case "/api/v1/auth/login":
                given = json.loads(content)
                self._signed_in((given.get("email"), given.get("password")))
            case "/login":
                fields = parse_qs(content.decode())
                self._signed_in((fields["email"][0], fields["password"][0]), form=True)
            case _:
                self.answer(404)

    def _asked(self) -> None:
        authorized = self.headers["Authorization"] == f"Bearer {TOKEN}"
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        match self.path.partition("?")[0]:
            case "/api/v1/customers" if self.broken == "echo":
                self._json(500, {"error": f"no customers for {self.headers['Authorization']} of {PASSWORD}"})
            case "/api/v1/customers" if self.broken == "customers":
                self._json(500, {"error": "the database is gone"})
            case "/api/v1/customers" if authorized or (cookie is not None and cookie.value == SESSION):
                self._json(200, [{"id": 7, "name": "Ada"}])
            case "/api/v1/customers/7" if authorized:
                self._json(200, {"id": 7, "name": "Ada", "seen": self.headers["Authorization"]})
            case "/home" if cookie is not None and cookie.value == SESSION:
                self.answer(200, b"Welcome")
            case _:
                self._json(401, {"error": "sign in first"})

    def _signed_in(self, who: tuple[str, str], *, form: bool = False) -> None:
        if who != (EMAIL, PASSWORD):
            self._json(401, {"error": f"{who[1]} is not the password of {who[0]}"})
        elif form:
            cookie = f"session={SESSION}; HttpOnly; Secure; SameSite=Lax; Path=/"
            self.answer(302, b"", ("Location", "/home"), ("Set-Cookie", cookie))
        elif self.broken == "token":
            self._json(200, {"access_token": None, "expires_in": 3600})
        else:
            self._json(200, {"access_token": TOKEN, "expires_in": 3600})

    def _json(self, status: int, value: object) -> None:
        self.answer(status, json.dumps(value).encode(), ("Content-Type", "application/json"), ("X-Id", "7"))


def kompass(broken: str = "") -> type[Kompass]:
    """A handler of its own."""
    return type("Own", (Kompass,), {"broken": broken})
