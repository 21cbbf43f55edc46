"""What a deployment in AWS needs of its account: who asks, and quotas of vCPUs as the table of stages uses them."""

from __future__ import annotations

from math import ceil
from typing import Any

from pipeline.doctor import Finding
from pipeline.stages import stage
from pipeline.steps import Deployment

QUOTAS = {
    "Standard vCPUs on demand": ("L-1216C47A", "forecast"),
    "Standard vCPUs on Spot": ("L-34B43A08", "forecast"),
    "G vCPUs on demand": ("L-DB2E81BA", "integrate"),
    "G vCPUs on Spot": ("L-3819A6DF", "integrate"),
}
"""Code in EC2's service quotas, and the stage with the most vCPUs of the kind.
https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html"""
CREDENTIALS = "credentials in the environment or of the machine's role"
_SECONDS = 5


def examine(deployment: Deployment) -> list[Finding]:
    """The caller's identity and the quotas; nothing where the store is not in S3."""
    if not deployment.store.url.startswith("s3://"):
        return []
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return [
            Finding(
                "AWS", "warning", "no boto3", "it, to ask AWS", "pip install -c constraints.txt 'hourcast[lambdas]'"
            )
        ]
    session = boto3.Session()
    if session.get_credentials() is None:
        needed = "; ".join(f"{wanted(deployment, name)} {name}" for name in QUOTAS)
        return [Finding("AWS", "warning", "none", CREDENTIALS, f"the account needs quotas of {needed}")]
    options = Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"max_attempts": 1})
    region = session.region_name or "us-east-1"
    try:
        caller = session.client("sts", region_name=region, config=options).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return [Finding("AWS", "failed", " ".join(str(error).split()), CREDENTIALS, "renew them")]
    quotas = session.client("service-quotas", region_name=region, config=options)
    return [Finding("AWS", "ok", f"{caller['Arn']} in {region}"), *(_ask(deployment, quotas, name) for name in QUOTAS)]


def wanted(deployment: Deployment, name: str) -> int:
    """vCPUs of all shards at once of the stage that takes the most of this kind, none if the deployment has none."""
    row, config = stage(QUOTAS[name][1]), deployment.config
    if not row.gpus:
        return row.vcpus * ceil(deployment.grid.shape[0] / config.tile_rows)
    if config.fourcastnet is None:
        return 0
    return row.vcpus * ceil((config.fourcastnet.members + 1) / config.fourcastnet.members_per_job)


def check_quota(deployment: Deployment, name: str, value: float) -> Finding:
    """Whether a quota lets all shards run at once, or one at least."""
    needed, row = wanted(deployment, name), stage(QUOTAS[name][1])
    if value >= needed:
        return Finding(f"quota {name}", "ok", f"{value:.0f}, {needed} needed")
    expected = f"{needed}, for all shards of {row.name} at once"
    advice = f"ask for more of {QUOTAS[name][0]} in Service Quotas"
    return Finding(f"quota {name}", "warning" if value >= row.vcpus else "failed", f"{value:.0f}", expected, advice)


def _ask(deployment: Deployment, quotas: Any, name: str) -> Finding:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=QUOTAS[name][0])
    except (BotoCoreError, ClientError) as error:
        expected = f"{wanted(deployment, name)} or more"
        return Finding(
            f"quota {name}", "warning", " ".join(str(error).split()), expected, "look it up in Service Quotas"
        )
    return check_quota(deployment, name, answer["Quota"]["Value"])
