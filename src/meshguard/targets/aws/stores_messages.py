"""Topics of SNS, queues of SQS and log groups of CloudWatch Logs."""

from __future__ import annotations

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import Place, Resource, account_of, region_of
from meshguard.targets.aws.operation import Operation
from meshguard.targets.aws.stores_models import LogGroup, Queue, QueueRef, Topic

LIST_TOPICS = Operation("sns", "ListTopics", items="Topics")
GET_TOPIC = Operation("sns", "GetTopicAttributes")
LIST_QUEUES = Operation("sqs", "ListQueues", items="QueueUrls")
GET_QUEUE = Operation("sqs", "GetQueueAttributes")
DESCRIBE_LOG_GROUPS = Operation("logs", "DescribeLogGroups", items="logGroups")
QUEUE_PAGE = 1000
"""Without a page's size, ListQueues answers a thousand queues and does not say that there are more."""
QUEUE_ATTRIBUTES = ("KmsMasterKeyId", "QueueArn", "SqsManagedSseEnabled")


class MessageFacts(AwsBase):
    """Facts of SNS, SQS and CloudWatch Logs."""

    @fact
    async def topics(self) -> Listing[Resource]:
        """All SNS topics of all places."""
        return await self.across(self.topics_in)

    @fact
    async def topics_in(self, place: Place) -> Listing[Resource]:
        """The SNS topics of one place."""
        found = await self.pages(place, LIST_TOPICS)
        with documented(LIST_TOPICS):
            return found_in(
                Resource(arn=one["TopicArn"], place=place, name=one["TopicArn"].rpartition(":")[2]) for one in found
            )

    @fact
    async def topic(self, place: Place, arn: str) -> Topic:
        """How one SNS topic is encrypted."""
        answer = await self.call(place, GET_TOPIC, TopicArn=arn)
        with documented(GET_TOPIC):
            key = answer["Attributes"].get("KmsMasterKeyId") or None
            return Topic(arn=arn, place=place, name=arn.rpartition(":")[2], encrypted=key is not None, kms_key=key)

    @fact
    async def queues(self) -> Listing[QueueRef]:
        """All SQS queues of all places."""
        return await self.across(self.queues_in)

    @fact
    async def queues_in(self, place: Place) -> Listing[QueueRef]:
        """The SQS queues of one place."""
        urls: list[str] = []
        page: dict[str, str] = {}
        while True:
            answer = await self.call(place, LIST_QUEUES, MaxResults=QUEUE_PAGE, **page)
            urls += answer.get("QueueUrls", ())  # a place without queues has no such member
            if not answer.get("NextToken"):
                break
            page = {"NextToken": answer["NextToken"]}
        own = await self.identity()
        start = f"arn:{own.partition}:sqs:{region_of(place)}:{account_of(place)}"
        named = [(url, url.rpartition("/")[2]) for url in urls]
        return found_in(QueueRef(arn=f"{start}:{name}", place=place, name=name, url=url) for url, name in named)

    @fact
    async def queue(self, place: Place, url: str) -> Queue:
        """How one SQS queue is encrypted."""
        answer = await self.call(place, GET_QUEUE, QueueUrl=url, AttributeNames=list(QUEUE_ATTRIBUTES))
        with documented(GET_QUEUE):
            said = answer["Attributes"]
            key = said.get("KmsMasterKeyId") or None
            own = str(said.get("SqsManagedSseEnabled")).lower() == "true"
            arn = said["QueueArn"]
            return Queue(
                arn=arn, place=place, name=arn.rpartition(":")[2], encrypted=key is not None or own, kms_key=key
            )

    @fact
    async def log_groups(self) -> Listing[LogGroup]:
        """All log groups of all places."""
        return await self.across(self.log_groups_in)

    @fact
    async def log_groups_in(self, place: Place) -> Listing[LogGroup]:
        """The log groups of one place."""
        found = await self.pages(place, DESCRIBE_LOG_GROUPS)
        with documented(DESCRIBE_LOG_GROUPS):
            return found_in(
                LogGroup(
                    # Tags, and so the Resource Groups Tagging API, know the ARN without its ":*".
                    arn=one["arn"].removesuffix(":*"),
                    place=place,
                    name=one["logGroupName"],
                    encrypted=True,
                    kms_key=one.get("kmsKeyId") or None,
                    retention_days=one.get("retentionInDays"),
                    log_class=one.get("logGroupClass", "STANDARD"),
                )
                for one in found
            )
