"""Ask a registry for the digest of an image, over HTTP.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.registry.challenge import read
from reconciler.adapters.registry.logins import IDENTITY_TOKEN, DockerLogins
from reconciler.adapters.registry.place import Place, loopback, place_of
from reconciler.domain.image import ImageRef
from reconciler.errors import PermissionRefused, Refused, RegistryUnreachable

if TYPE_CHECKING:
    import httpx

# One header each: registry 2.8 takes a joined list for an old client, and serves another manifest.
_ACCEPT = [
    ("Accept", "application/vnd.oci.image.index.v1+json"),
    ("Accept", "application/vnd.docker.distribution.manifest.list.v2+json"),
    ("Accept", "application/vnd.oci.image.manifest.v1+json"),
    ("Accept", "application/vnd.docker.distribution.manifest.v2+json"),
]
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LARGEST_MANIFEST = 4 * 1024 * 1024
CERTIFICATES = Path("/etc/docker/certs.d")


class HttpRegistry:
    """Any registry that speaks the distribution protocol, with the credentials of ``docker login``.

    Args:
        logins: registry host (empty for Docker Hub) → user and secret; those of the user by default.
        timeout_seconds: how long connecting, and each read of an answer, may take.
        certificates: a folder with a folder of ``*.crt`` per registry: its own authorities, as Docker has it.
    """

    def __init__(
        self,
        logins: Callable[[str], tuple[str, str] | None] | None = None,
        *,
        timeout_seconds: float = 10.0,
        certificates: Path = CERTIFICATES,
    ) -> None:
        self.logins = logins or DockerLogins.of_user(os.environ, Path.home())
        self._timeout_seconds = timeout_seconds
        self._certificates = certificates

    def digest(self, image: ImageRef) -> str:
        """The digest that ``image``'s tag (or digest) has at the registry.

        Raises:
            Refused: the registry has no such image.
            RegistryUnreachable: down, slow, limited (429), or failing.
            PermissionRefused: 401 or 403.
        """
        import httpx

        place = place_of(image)
        try:
            with self._client(place) as client:
                return self._digest(client, place, self._scheme(client, place))
        except httpx.TimeoutException as error:
            raise RegistryUnreachable(
                f"registry {place.host} did not answer within {self._timeout_seconds:g} s"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise RegistryUnreachable(f"registry {place.host} cannot be asked: {_words(error)}") from error

    def _client(self, place: Place) -> httpx.Client:
        import ssl

        import httpx

        context = ssl.create_default_context()
        for certificate in sorted((self._certificates / place.address).glob("*.crt")):
            context.load_verify_locations(certificate)
        if place.loopback:
            # As Docker does: nobody can come between us and ourselves.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return httpx.Client(
            verify=context,
            timeout=self._timeout_seconds,
            follow_redirects=True,
            max_redirects=3,
            trust_env=not place.loopback,
            event_hooks={"request": [_refuse_plain]},
        )

    def _scheme(self, client: httpx.Client, place: Place) -> str:
        """``https``, or ``http`` where a registry on loopback does not speak TLS, as Docker falls back."""
        import httpx

        if not place.loopback:
            return "https"
        try:
            client.head(f"https://{place.address}/v2/")
        except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError):
            return "http"
        return "https"

    def _digest(self, client: httpx.Client, place: Place, scheme: str) -> str:
        url = f"{scheme}://{place.address}/v2/{place.path}/manifests/{place.reference}"
        answer = client.head(url, headers=_ACCEPT)
        headers = list(_ACCEPT)
        if answer.status_code == 401 and (login := self._convinced(client, place, answer)):
            headers += login
            answer = client.head(url, headers=headers)
        if answer.status_code in (405, 501) or (answer.is_success and not _named(answer)):
            return _counted(client, url, headers, place)
        _check(answer, place)
        return _matching(_named(answer), place)

    def _convinced(
        self, client: httpx.Client, place: Place, refusal: httpx.Response
    ) -> list[tuple[str, str]]:
        """The header that answers a 401, empty where there is nothing to answer with."""
        import httpx

        challenge = read(refusal.headers.get("WWW-Authenticate", ""))
        login = self.logins("" if place.host == "docker.io" else place.host)
        if challenge.scheme == "bearer" and challenge.realm:
            token = _token(client, challenge.realm, challenge.service, challenge.scope, login, place)
            return [("Authorization", f"Bearer {token}")] if token else []
        if challenge.scheme == "basic" and login is not None and login[0] != IDENTITY_TOKEN:
            request = next(httpx.BasicAuth(*login).auth_flow(httpx.Request("GET", refusal.url)))
            return [("Authorization", request.headers["Authorization"])]
        return []


def _token(
    client: httpx.Client, realm: str, service: str, scope: str, login: tuple[str, str] | None, place: Place
) -> str:
    """A token from the registry's token service; anonymous where we have no login."""
    import httpx

    asked = {key: value for key, value in (("service", service), ("scope", scope)) if value}
    if login is not None and login[0] == IDENTITY_TOKEN:
        form = {**asked, "grant_type": "refresh_token", "client_id": "reconcile", "refresh_token": login[1]}
        answer = client.post(realm, data=form)
    else:
        answer = client.get(realm, params=asked, auth=httpx.BasicAuth(*login) if login else None)
    _check(answer, place)
    try:
        content = answer.json()
    except ValueError:
        content = None
    found = (content.get("token") or content.get("access_token")) if isinstance(content, dict) else None
    if not isinstance(found, str):
        raise RegistryUnreachable(f"the token service of registry {place.host} answers without a token")
    return found


def _check(answer: httpx.Response, place: Place) -> None:
    """Our error for everything but success. Nothing that the registry says is repeated: it may echo a secret.

    Raises:
        Refused, PermissionRefused, RegistryUnreachable.
    """
    status = answer.status_code
    if status in (401, 403):
        raise PermissionRefused(
            f"registry {place.host} refuses access to {place.path} ({status})",
            hint=f"Run 'docker login {place.host}' as the user who runs this program.",
        )
    if status == 404:
        raise Refused(f"registry {place.host} has no image {place.path} with {place.reference}")
    if status == 429:
        later = answer.headers.get("Retry-After", "")
        when = f"; try again in {later} s" if later.isdigit() else ""
        raise RegistryUnreachable(
            f"registry {place.host} limits our requests (429{when})", hint="A login usually raises the limit."
        )
    if not answer.is_success:
        raise RegistryUnreachable(f"registry {place.host} fails with {status}")


def _named(answer: httpx.Response) -> str:
    return str(answer.headers.get("Docker-Content-Digest", ""))


def _matching(digest: str, place: Place) -> str:
    """The digest, when it is one and is the one that was asked for."""
    if not _DIGEST.fullmatch(digest) or (":" in place.reference and digest != place.reference):
        raise RegistryUnreachable(f"registry {place.host} answers {place.path} with a wrong digest")
    return digest


def _counted(client: httpx.Client, url: str, headers: list[tuple[str, str]], place: Place) -> str:
    """The digest of a manifest that we compute ourselves."""
    count, size = hashlib.sha256(), 0
    with client.stream("GET", url, headers=headers) as answer:
        _check(answer, place)
        for chunk in answer.iter_bytes():
            size += len(chunk)
            if size > _LARGEST_MANIFEST:
                raise RegistryUnreachable(f"registry {place.host} answers {place.path} with a huge manifest")
            count.update(chunk)
    return _matching(f"sha256:{count.hexdigest()}", place)


def _refuse_plain(request: httpx.Request) -> None:
    """Nothing leaves this machine without TLS: no redirect and no token service gets us there."""
    if request.url.scheme != "https" and not loopback(request.url.netloc.decode()):
        raise RegistryUnreachable(f"{request.url.host} would have to be asked without TLS")


def _words(error: Exception) -> str:
    """What went wrong below HTTP, without URLs."""
    import httpx

    if isinstance(error, httpx.TooManyRedirects):
        return "it redirects too often"
    return " ".join(str(error.__cause__ or error).split()) or type(error).__name__
