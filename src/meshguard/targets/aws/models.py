"""What every resource of AWS has, and how its places are named.

A place is an account and a region, written `123456789012/eu-central-1`. What is global in an account (IAM, the list
of buckets) has the account's home region.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Place = str


def account_of(place: Place) -> str:
    """The account's id."""
    return place.partition("/")[0]


def region_of(place: Place) -> str:
    """The region's name."""
    return place.partition("/")[2]


class AwsModel(BaseModel):
    """Base of all that is recorded of AWS: the named fields of an answer, and no others."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class Resource(AwsModel):
    """A resource, named by its ARN."""

    arn: str
    place: Place
    name: str = ""
    """Its name, or its id where it has none."""

    def __str__(self) -> str:
        """The ARN."""
        return self.arn


class Identity(AwsModel):
    """Who asks."""

    account: str
    arn: str
    """The user or the assumed role, with the session's name."""
    partition: str = "aws"


class Account(AwsModel):
    """An account under audit."""

    id: str
    place: Place
    """Where what is global in it is asked."""
    arn: str = ""
    management: bool = False
    """Whether it is the management account of the organisation, as far as it was asked."""

    def __str__(self) -> str:
        """Its id."""
        return self.id
