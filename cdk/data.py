"""Storage, and what remembers and carries messages: buckets, tables, queues, topic."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import custom_resources as custom
from constructs import Construct

from cdk.settings import Settings
from pipeline import paths

EPHEMERAL = ("work/", "quarantine/")
EPHEMERAL_DAYS = 3
EXPORTED_BUCKET = "{}:ExportsOutputFnGetAttForecasts04F0B22AArn70FD6FA6"
"""How cdk-nag names the bucket in another stack, by the stack of the bucket."""
ARCHIVED = ("forecast/2", "physics/")
PUBLISHED = "forecast/"
DELIVERIES = 4
"""After so many the message of a file that arrived goes to the dead letters."""


class Data(Stack):
    """One bucket, versioned, encrypted, private and TLS-only; hours and idempotency; arrivals and news."""

    def __init__(self, scope: Construct, name: str, settings: Settings, *, arrival_seconds: int) -> None:
        super().__init__(scope, name)
        keep = RemovalPolicy.RETAIN if settings.stage == "prod" else RemovalPolicy.DESTROY
        self.key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=keep)
        logs = self._bucket("AccessLogs", keep, lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(90))])
        self.bucket = self._bucket(
            "Forecasts",
            keep,
            versioned=True,
            server_access_logs_bucket=logs,
            lifecycle_rules=_lifecycle(settings),
            inventories=[
                s3.Inventory(
                    destination=s3.InventoryDestination(bucket=logs, prefix="inventory"),
                    frequency=s3.InventoryFrequency.WEEKLY,
                    format=s3.InventoryFormat.PARQUET,
                )
            ],
        )
        self.bucket.add_to_resource_policy(_only_conditional(self.bucket.arn_for_objects(paths.LATEST)))
        # Whoever reads is told of what is written by rules of their own on the account's bus.
        whole: Any = self.bucket.node.default_child
        whole.add_property_override("NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True)
        if settings.requester_pays:
            self._let_requesters_pay(settings.customers)
        self.hours = self._table("Hours", "hour", keep)
        self.once = self._table("Once", "id", keep, time_to_live_attribute="expiration")
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            enforce_ssl=True,
            retention_period=Duration.days(14),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
        )
        self.arrivals = sqs.Queue(
            self,
            "Arrivals",
            enforce_ssl=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            visibility_timeout=Duration.seconds(6 * arrival_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=DELIVERIES, queue=self.dead_letters),
        )
        self.news = sns.Topic(self, "News", master_key=self.key, enforce_ssl=True)
        if settings.email:
            self.news.add_subscription(subscriptions.EmailSubscription(settings.email))

    def _let_requesters_pay(self, customers: tuple[str, ...]) -> None:
        """Customers' accounts read for their own money. By a role of ours they would read for ours."""
        bucket = self.bucket
        self.payer = custom.AwsCustomResource(
            self,
            "RequesterPays",  # CloudFormation cannot say it of a bucket
            on_update=_payer(bucket, "Requester"),
            on_delete=_payer(bucket, "BucketOwner"),
            policy=custom.AwsCustomResourcePolicy.from_statements(
                [iam.PolicyStatement(actions=["s3:PutBucketRequestPayment"], resources=[bucket.bucket_arn])]
            ),
            install_latest_aws_sdk=False,
        )
        for account in customers:
            for statement in reading(bucket):
                statement.add_aws_account_principal(account)
                bucket.add_to_resource_policy(statement)

    def _bucket(self, name: str, keep: RemovalPolicy, **properties: object) -> s3.Bucket:
        return s3.Bucket(
            self,
            name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=keep,
            **properties,
        )

    def _table(self, name: str, key: str, keep: RemovalPolicy, **properties: object) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            name,
            partition_key=dynamodb.Attribute(name=key, type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            removal_policy=keep,
            **properties,
        )


def reading(bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    """What a customer may, or whoever is driven by our forecast: list and read what is published."""
    listed = {"StringLike": {"s3:prefix": [f"{PUBLISHED}*"]}}
    return [
        iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn], conditions=listed),
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects(f"{PUBLISHED}*")]),
    ]


def _payer(bucket: s3.IBucket, payer: str) -> custom.AwsSdkCall:
    return custom.AwsSdkCall(
        service="S3",
        action="putBucketRequestPayment",
        parameters={"Bucket": bucket.bucket_name, "RequestPaymentConfiguration": {"Payer": payer}},
        physical_resource_id=custom.PhysicalResourceId.of("payer"),
    )


def _only_conditional(pointer: str) -> iam.PolicyStatement:
    """Nobody may move the pointer that readers follow without saying which one it replaces."""
    return iam.PolicyStatement(
        sid="OnlyConditionalPublication",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:PutObject"],
        resources=[pointer],
        conditions={"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
    )


def _lifecycle(settings: Settings) -> list[s3.LifecycleRule]:
    """Intermediate results go after days; what is published and physics runs are archived, never deleted."""
    archive = s3.Transition(
        storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
        transition_after=Duration.days(settings.archive_after_days),
    )
    versions = s3.LifecycleRule(
        noncurrent_version_expiration=Duration.days(settings.keep_versions_days),
        abort_incomplete_multipart_upload_after=Duration.days(1),
    )
    gone = [s3.LifecycleRule(prefix=prefix, expiration=Duration.days(EPHEMERAL_DAYS)) for prefix in EPHEMERAL]
    archived = [s3.LifecycleRule(prefix=prefix, transitions=[archive]) for prefix in ARCHIVED]
    return [versions, *gone, *archived]
