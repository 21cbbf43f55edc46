"""What `hourcast cloud up` puts into its cloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdk.local.cloud import LocalCloud
from cdk.local.up import EXTENT, HOUR, PARAMETERS, TAKEN, open_data, settings, upload
from pipeline.config import Config
from pipeline.sources import SOURCES
from pipeline.sources.newest import due_cycles, leads_for
from pipeline.steps import Deployment
from pipeline.store import Store


def test_a_folder_of_the_world_becomes_a_bucket_that_anybody_reads(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"gfs.20250809/00/atmos/a.f000": b"\x00GRIB", "gfs.20250809/00/atmos/a.f000.idx": b"1:0"}
    for key, content in files.items():
        Store.open(f"file://{tmp_path}/open-data").write(key, content)
    assert upload(cloud, tmp_path, "open-data") == len(files)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    bucket = Store.open("s3://open-data", endpoint=cloud.address, anonymous=True)
    assert {info.key: bucket.read(info.key) for info in bucket.list("")} == files
    assert all(bucket.version(key)[0] == len(content) for key, content in files.items())


def test_its_hour_has_what_it_needs_in_the_world(cloud: LocalCloud) -> None:
    deployment = Deployment.open(Config.model_validate(settings(cloud) | {"store": "memory://"}))
    assert {SOURCES[name].folder for name in TAKEN} < {*open_data()}
    assert deployment.learning_starts(HOUR)[0] == HOUR - 24 * EXTENT.days
    for name in deployment.config.sources:
        source = deployment.source(name)
        assert {parameter.name for parameter in source.parameters()} <= {*PARAMETERS}
        if source.role != "analysis":
            cycle = due_cycles(source, HOUR)[0]
            assert leads_for(source, cycle, HOUR, EXTENT.forecast_hours, 3), name
