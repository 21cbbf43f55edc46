"""A customer's own output: a bucket and a key that nobody else's data share, archived after a while."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from cdk.cluster.settings import Customer

DEEP_ARCHIVE_AFTER_DAYS = 365
_LUSTRE = "role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/AWSServiceRoleForFSxS3Access_*"
"""The role by which a file system writes to its buckets; each file system has one with its own name at the end."""


def customer_bucket(stack: Stack, customer: Customer, *, logs: s3.IBucket, archive_days: int) -> s3.Bucket:
    """The bucket, which outlives the stack; the customer's account may read and decrypt, the file system write.

    Objects go to Glacier Flexible Retrieval after `archive_days`, then to Deep Archive; none is ever deleted.
    """
    key = kms.Key(
        stack, f"{customer.name}-key", enable_key_rotation=True, removal_policy=RemovalPolicy.RETAIN,
        description=f"Output of physics runs for {customer.name}",
    )  # fmt: skip
    later = archive_days + DEEP_ARCHIVE_AFTER_DAYS
    moves = [
        s3.Transition(storage_class=s3.StorageClass.GLACIER, transition_after=Duration.days(archive_days)),
        s3.Transition(storage_class=s3.StorageClass.DEEP_ARCHIVE, transition_after=Duration.days(later)),
    ]
    bucket = s3.Bucket(
        stack,
        f"{customer.name}-output",
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=True,
        versioned=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        server_access_logs_bucket=logs,
        server_access_logs_prefix=f"{customer.name}/",
        removal_policy=RemovalPolicy.RETAIN,
        lifecycle_rules=[s3.LifecycleRule(transitions=moves, abort_incomplete_multipart_upload_after=Duration.days(1))],
    )
    bucket.grant_read(iam.AccountPrincipal(customer.account))
    writer = stack.format_arn(service="iam", region="", resource=_LUSTRE)
    key.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            resources=["*"],
            principals=[iam.AccountRootPrincipal()],
            conditions={"ArnLike": {"aws:PrincipalArn": writer}},
        )
    )
    return bucket
