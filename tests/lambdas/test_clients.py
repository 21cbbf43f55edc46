"""Clients are what the SDK makes, though made of a part of its tables."""

from __future__ import annotations

import pytest

from lambdas import clients

botocore = pytest.importorskip("botocore.session")
REGIONS = ("us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1")


@pytest.fixture(scope="module")
def sessions() -> tuple[botocore.Session, botocore.Session]:
    """Ours and the SDK's own."""
    return clients._session.__wrapped__(), botocore.get_session()


@pytest.mark.parametrize("service", clients.SERVICES)
def test_a_client_asks_where_the_sdk_s_own_does_and_signs_alike(
    service: str, sessions: tuple[botocore.Session, botocore.Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for region in REGIONS:
        given = {"region_name": region, "aws_access_key_id": "a", "aws_secret_access_key": "b"}
        ours, own = (session.create_client(service, **given).meta for session in sessions)
        assert (ours.endpoint_url, ours.partition) == (own.endpoint_url, own.partition)
        assert vars(ours.config) == vars(own.config)
        assert ours.service_model.operation_names == own.service_model.operation_names
