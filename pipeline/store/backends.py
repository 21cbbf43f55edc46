"""The obstore backends that speak to a server: how often and how long they try."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from obstore.store import HTTPStore, S3Store

from pipeline.addresses import resolved_secret_server
from pipeline.store.errors import StoreError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

# A wait is drawn between the first and `base` times the last one: it grows only with a base above e. Half a minute of
# refusals is common where S3 divides a folder among more servers; with these, a third refused fails 2 of 10⁷ requests.
_RETRIES: RetryConfig = {
    "max_retries": 12,
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=10), "base": 3},
    "retry_timeout": timedelta(seconds=120),
}
_TIMEOUTS: ClientConfig = {"connect_timeout": timedelta(seconds=10), "timeout": timedelta(seconds=120)}


def http(address: str) -> HTTPStore:
    """A web server's folder, for reading objects by name."""
    _refuse_secrets(address)
    client: ClientConfig = {**_TIMEOUTS, "allow_http": address.startswith("http://")}
    return HTTPStore.from_url(address, client_options=client, retry_config=_RETRIES)


def s3(bucket: str, endpoint: str | None, anonymous: bool) -> S3Store:
    """A bucket of S3, or of a server that speaks it at `endpoint`; `anonymous` signs nothing.

    Credentials, region and, without `endpoint`, AWS_ENDPOINT_URL are read from the environment.
    """
    if not anonymous:
        endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")
    options: dict[str, Any] = {"skip_signature": True} if anonymous else {}
    if endpoint is None and anonymous:
        # The bucket's own host name leads to its region, so a public bucket needs no region here.
        options |= {"endpoint": f"https://{bucket}.s3.amazonaws.com", "virtual_hosted_style_request": True}
    elif endpoint is not None:
        _refuse_secrets(endpoint)
        options |= {"endpoint": endpoint.rstrip("/")}
    client: ClientConfig = {**_TIMEOUTS, "allow_http": bool(endpoint and endpoint.startswith("http://"))}
    options.setdefault("region", os.environ.get("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION", "us-east-1")))
    return S3Store(bucket, client_options=client, retry_config=_RETRIES, **options)


def _refuse_secrets(address: str) -> None:
    """StoreError for a server that tells a cloud's secrets, by whatever name."""
    number = resolved_secret_server(address)
    if number is not None:
        raise StoreError(f"expected a server of data; {address} leads to {number}, where a cloud tells its secrets")
