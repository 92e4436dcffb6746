"""Which addresses a webhook may lead to: public ones.

What sends requests for others must not be used to reach what only its host can: itself, its network, and the
metadata of its cloud. https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from reconciler.errors import NoticeRefused

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_SIX_TO_FOUR = IPv6Network("2002::/16")  # RFC 3056
_NEVER: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments; metadata of one cloud is at 192.0.0.192
    IPv4Network("168.63.129.16/32"),  # looks public; metadata of another
    IPv6Network("::/96"),  # IPv4-compatible, long deprecated
    IPv6Network("64:ff9b:1::/48"),  # NAT64 within a network
    IPv6Network("fec0::/10"),  # site-local
)


def refuse_private(address: str) -> None:
    """Nothing where ``address`` is public, however it is written.

    Raises:
        NoticeRefused: it is not.
    """
    if not _public(address):
        raise NoticeRefused(
            f"the webhook leads to {address.partition('%')[0]}, which is not a public address",
            hint="Where it is meant to, set allow_private: true.",
        )


def _public(address: str) -> bool:
    found = _meant(ip_address(address.partition("%")[0]))
    if any(found.version == network.version and found in network for network in _NEVER):
        return False
    return found.is_global and not found.is_multicast


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address leads to, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    if address in _SIX_TO_FOUR:
        return IPv4Address(address.packed[2:6])
    return address
