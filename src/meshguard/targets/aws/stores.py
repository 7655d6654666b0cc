"""The stores that the deployment names as holding its data, and the keys that they use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from meshguard.errors import NotObserved
from meshguard.fact import LeftOut, Listing, Unread, fact
from meshguard.targets.aws.base import found_in, settled
from meshguard.targets.aws.kms import AWS_ALIAS, KmsFacts, is_aws_alias, key_id_of
from meshguard.targets.aws.models import Place, Resource, account_of, region_of
from meshguard.targets.aws.s3 import S3Facts
from meshguard.targets.aws.s3_models import Bucket, Encryption
from meshguard.targets.aws.stores_databases import DatabaseFacts
from meshguard.targets.aws.stores_messages import MessageFacts
from meshguard.targets.aws.stores_models import DataStore, Encrypted
from meshguard.targets.aws.stores_volumes import VolumeFacts

Lists = Callable[[Place], Awaitable[Listing[Any]]]


class StoreFacts(DatabaseFacts, VolumeFacts, MessageFacts, S3Facts, KmsFacts):
    """Facts of what holds data at rest."""

    @fact
    async def data_stores(self) -> Listing[DataStore]:
        """The stores that the deployment names, wherever they are found; one that is nowhere is listed as that."""
        named = self.settings.data_stores
        if not named:
            fix = "name the stores that hold the deployment's data under `data_stores` of the target"
            return Listing(items=(), note="the deployment names no data store", fix=fix)
        home = (await self.accounts()).items[0].place
        lists = {kind: await self._of_kind(kind) for kind in dict.fromkeys(map(_kind_of, named))}
        found: list[DataStore] = []
        unread = [_said(kind, part) for kind, listing in lists.items() for part in listing.unread]
        for name in named:
            kind = _kind_of(name)
            matches = [one for one in lists[kind].items if _is_named(name, one)]
            for match in matches:
                answer = await settled(self._described(kind, match))
                if isinstance(answer, NotObserved):
                    unread.append(Unread(resource=str(match), kind=answer.kind, reason=answer.reason, fix=answer.fix))
                else:
                    found.append(_store(name, answer))
            if not matches:
                found.append(_missing(name, home, lists[kind]))
        return Listing(items=tuple(found), unread=tuple(unread))

    async def _of_kind(self, kind: str) -> Listing[Any]:
        """All resources of a kind; the deployment's tags do not choose among stores that it names."""
        if kind == "s3":
            buckets = await self.named_buckets()
            return buckets.model_copy(update={"items": tuple(one for one in buckets.items if one.owned != "missing")})
        lists: dict[str, Lists] = {
            "rds": self.db_instances_in,
            "rds-cluster": self.db_clusters_in,
            "dynamodb": self.tables_in,
            "efs": self.file_systems_in,
            "ebs": self.volumes_in,
        }
        return await self.across(lists[kind], taggable=False)

    async def _described(self, kind: str, match: Resource) -> Encrypted:
        if isinstance(match, Bucket):
            return _bucket(match, await self.encryption(match.place, match.name))
        if kind == "dynamodb":
            return await self.table(match.place, match.name)
        return Encrypted.model_validate(match.model_dump(include=set(Encrypted.model_fields)))

    @fact
    async def store_keys(self) -> Listing[Resource]:
        """The keys of KMS that the named data stores use, each once, by ARN; its name is the key's id.

        Keys of accounts and regions that are not under audit are among them. A store whose key could not be told is
        named in `unread`, and so is one that was not found.
        """
        stores = await self.data_stores()
        found: dict[str, Resource] = {}
        unread = [*stores.unread]
        without = 0
        for store in stores.items:
            if store.exists is not True:
                unread.append(Unread(resource=store.name, reason=store.unread or "there is no such store"))
            elif store.kms_key is None or is_aws_alias(store.kms_key):
                without += 1
            else:
                answer = await settled(self._key_of(store, store.kms_key))
                if isinstance(answer, NotObserved):
                    unread.append(Unread(resource=str(store), kind=answer.kind, reason=answer.reason, fix=answer.fix))
                else:
                    found.setdefault(answer.arn, answer)
        left_out = (LeftOut(filter="stores that name no key of their own", count=without),) if without else ()
        whole = found_in(found.values())
        said = {"unread": tuple(unread), "left_out": left_out, "note": stores.note, "fix": stores.fix}
        return whole.model_copy(update=said)

    async def _key_of(self, store: DataStore, named: str) -> Resource:
        """The key that a store names, by its ARN; only an alias has to be asked."""
        if ":" not in named and "/" not in named:
            own = await self.identity()
            region, account = region_of(store.place), account_of(store.place)
            named = f"arn:{own.partition}:kms:{region}:{account}:key/{named}"
        elif ":key/" not in named:
            key = await self.key_named(store.place, named)
            if key is None:
                raise NotObserved(f"{store} names the key {named}, which does not exist")
            named = key.arn
        return Resource(arn=named, place=store.place, name=key_id_of(named))


def _kind_of(name: str) -> str:
    return name.partition(":")[0]


def _is_named(name: str, resource: Resource) -> bool:
    """Whether a resource is the one that is named: by name or id, by ARN, or by its Name tag."""
    kind, _, own = name.partition(":")
    if own in (resource.arn, resource.name, getattr(resource, "label", "")):
        return True
    # Identifiers of RDS are kept in lower case, however they were given.
    return kind.startswith("rds") and own.lower() == resource.name


def _bucket(bucket: Bucket, said: Encryption | None) -> Encrypted:
    """How a bucket encrypts new objects; with SSE-KMS and no key named, S3 takes its own (GetBucketEncryption)."""
    with_kms = said is not None and said.algorithm.startswith("aws:kms")
    key = (said.key or f"{AWS_ALIAS}s3") if said is not None and with_kms else None
    return Encrypted(
        arn=bucket.arn,
        place=bucket.place,
        name=bucket.name,
        encrypted=said is not None,
        kms_key=key,
        foreign=bucket.owned != "own",
    )


def _store(name: str, found: Encrypted) -> DataStore:
    return DataStore.model_validate(found.model_dump() | {"name": name, "kind": _kind_of(name)})


def _missing(name: str, home: Place, looked: Listing[Any]) -> DataStore:
    why = _not_whole(looked)
    return DataStore(
        arn=name,
        place=home,
        name=name,
        kind=_kind_of(name),
        encrypted=False,
        exists=None if why else False,
        unread=why,
    )


def _not_whole(listing: Listing[Any]) -> str:
    """Why something may be there although the list does not have it."""
    parts: Iterable[str] = (f"{part.resource}: {part.reason}" for part in listing.unread)
    left_out = (f"{part.count} left out: {part.filter}" for part in listing.left_out if part.count)
    cut = () if listing.complete else (listing.note or "not all pages could be read",)
    return "; ".join([*parts, *left_out, *cut])


def _said(kind: str, part: Unread) -> Unread:
    return part.model_copy(update={"resource": f"{kind} in {part.resource}"})
