"""`hourcast doctor` against S3, STS and quotas of the local cloud."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cdk.local.cloud import LocalCloud
from pipeline import doctor
from pipeline.config import Config
from pipeline.doctor import cloud as doctor_cloud
from pipeline.sources import SOURCES
from pipeline.sources.newest import arrival_key, due_cycles, leads_for
from pipeline.steps import Deployment
from tests.tiny_deployment import HOUR


@pytest.fixture
def deployment(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A deployment whose bucket and feeds lie in the cloud; the bucket is empty before and afterwards."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.address)
    cloud.client("s3").create_bucket(Bucket="examined")
    config = {"store": "s3://examined", "sources": {"ifs": {"endpoint": cloud.address}}, "last_lead_hours": 12}
    opened = Deployment.open(Config.model_validate(config))
    yield opened
    assert not opened.store.list("")


def test_a_bucket_passes_and_a_missing_one_fails(deployment: Deployment) -> None:
    assert [finding.verdict for finding in doctor.check_store(deployment)] == ["ok", "ok"]
    missing = Deployment.open(deployment.config.model_copy(update={"store": "s3://nobody-made-it"}))
    (finding,) = doctor.check_store(missing)
    assert finding.verdict == "failed"
    assert "s3://nobody-made-it" in finding.found


def test_a_feed_in_a_bucket_is_found(deployment: Deployment, cloud: LocalCloud) -> None:
    ifs = SOURCES["ifs"]
    assert doctor.check_source(deployment, ifs, HOUR).found == "no run that is new enough"
    newest = due_cycles(ifs, HOUR)[0]
    key = arrival_key(ifs, newest, leads_for(ifs, newest, HOUR, 12)[-1])
    cloud.client("s3").put_object(Bucket=ifs.folder, Key=key, Body=b"", ACL="public-read")
    try:
        assert str(doctor.check_source(deployment, ifs, HOUR)) == f"source ifs: {key}"
    finally:
        cloud.client("s3").delete_object(Bucket=ifs.folder, Key=key)


def test_the_caller_is_named_and_quotas_that_cannot_be_asked_for_are_stated(deployment: Deployment) -> None:
    identity, *quotas = doctor_cloud.examine(deployment)
    assert identity.verdict == "ok"
    assert "arn:aws:sts::123456789012:" in identity.found
    assert [finding.verdict for finding in quotas] == ["warning"] * 4
    assert quotas[0].expected == "92 or more", "2 vCPUs of 46 bands of 16 rows"


def test_without_credentials_the_quotas_are_stated(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (finding,) = doctor_cloud.examine(deployment)
    assert (finding.verdict, finding.found) == ("warning", "none")
    assert "92 Standard vCPUs on demand" in finding.advice
