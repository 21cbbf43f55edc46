"""Who is told of what, who may read, and what it may cost: alarms, dashboard, customers, budget."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.data import Data, reading
from cdk.service import Service
from cdk.settings import Settings
from pipeline.stages import BUDGET_SECONDS, STAGES

ALARMS = {
    "DeadlineMissed": ("DeadlinesMissed", "An hour was not published 25 minutes after it began."),
    "HourLate": ("HoursLate", "An hour was published, but late."),
    "ShardsMissing": ("ShardsMissing", "A stage ended without some of its shards."),
}
"""Alarms on the functions' own metrics: name, metric, what it means. docs/runbook.md says what to do."""


class Watch(Stack):
    """Alarms that docs/runbook.md explains one by one, and a dashboard of the same metrics."""

    def __init__(self, scope: Construct, name: str, settings: Settings, *, data: Data, service: Service) -> None:
        super().__init__(scope, name)
        self._topic = actions.SnsAction(data.news)
        alarms = [self._alarm(key, _own(metric), says) for key, (metric, says) in ALARMS.items()]
        letters = data.dead_letters.metric_approximate_number_of_messages_visible(period=Duration.minutes(5))
        alarms.append(self._alarm("DeadLetters", letters, "Messages or schedules that could not be dealt with."))
        failed = cloudwatch.Metric(
            namespace="AWS/States",
            metric_name="ExecutionsFailed",
            dimensions_map={"StateMachineArn": service.machine.attr_arn},
            statistic="Sum",
            period=Duration.minutes(5),
        )
        alarms.append(self._alarm("HourFailed", failed, "An execution of the state machine failed."))
        self._dashboard(failed, letters, alarms)
        for account in () if settings.requester_pays else settings.customers:
            self._customer(account, data)
        self._budget(settings)

    def _alarm(self, name: str, metric: cloudwatch.Metric, says: str) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            alarm_description=f"{says} See docs/runbook.md, {name}.",
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._topic)
        return alarm

    def _dashboard(
        self, failed: cloudwatch.Metric, letters: cloudwatch.IMetric, alarms: list[cloudwatch.Alarm]
    ) -> None:
        board = cloudwatch.Dashboard(self, "Board")
        board.add_widgets(cloudwatch.AlarmStatusWidget(alarms=alarms, width=24))
        hours = [_own(metric) for metric in ("HoursBegun", "HoursPublished", "HoursLate")]
        inputs = [_own(metric) for metric in ("FilesArrived", "RunsIngestedAhead", "Degradations")]
        board.add_widgets(
            cloudwatch.GraphWidget(title="Hours", left=[*hours, failed], width=12),
            cloudwatch.GraphWidget(title="Inputs", left=[*inputs, letters], width=12),
        )
        stages = [_own("StageSeconds", stage=row.name) for row in STAGES]
        due = cloudwatch.HorizontalAnnotation(value=BUDGET_SECONDS / 60, label="due")
        late, busy = _own("MinutesToPublication", "Maximum"), _own("GpuBusyPercent", "Average")
        board.add_widgets(
            cloudwatch.GraphWidget(title="Timeline: seconds by stage", left=stages, stacked=True, width=12),
            cloudwatch.GraphWidget(title="Lateness", left=[late], left_annotations=[due], width=12),
        )
        board.add_widgets(
            cloudwatch.GraphWidget(title="GPU", left=[busy], width=12),
            cloudwatch.GraphWidget(title="Cost", left=[_own("HourDollars", "Maximum")], width=12),
        )

    def _customer(self, account: str, data: Data) -> None:
        """A role that an account may assume to read what is published."""
        role = iam.Role(self, f"Customer{account}", assumed_by=iam.AccountPrincipal(account))
        for statement in reading(data.bucket):
            role.add_to_policy(statement)

    def _budget(self, settings: Settings) -> None:
        email = settings.email
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=settings.monthly_budget_dollars, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type="FORECASTED", comparison_operator="GREATER_THAN", threshold=100
                    ),
                    subscribers=[budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=email)],
                )
            ]
            if email
            else None,
        )


def _own(metric: str, statistic: str = "Sum", **kinds: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="Hourcast",
        metric_name=metric,
        dimensions_map={"service": "hourcast", **kinds},
        statistic=statistic,
        period=Duration.minutes(5),
    )
