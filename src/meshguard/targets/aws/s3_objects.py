"""Objects in buckets: the newest one, its checksums, and a manifest that is named. No other content is ever read."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from meshguard.errors import Denied, NotObserved
from meshguard.fact import fact
from meshguard.target import in_thread
from meshguard.targets.aws.base import documented
from meshguard.targets.aws.models import Place, account_of, region_of
from meshguard.targets.aws.operation import Operation
from meshguard.targets.aws.s3 import S3Facts
from meshguard.targets.aws.s3_manifest import checksums_in
from meshguard.targets.aws.s3_models import Manifest, Stored, StoredObject
from meshguard.targets.aws.s3_read import stored_of

LIST_OBJECTS = Operation("s3", "ListObjectsV2", items="Contents", action="s3:ListBucket")
GET_ATTRIBUTES = Operation("s3", "GetObjectAttributes")
GET_OBJECT = Operation("s3", "GetObject")
DECRYPT = Operation("kms", "Decrypt")
"""Never called: S3 demands it of who reads an object that is encrypted with a key of KMS, or its checksum."""

MAX_PAGES = 50
"""Pages of a thousand keys: S3 lists by name, so that the newest is known when all have been seen."""
MAX_MANIFEST = 1_000_000
"""Bytes."""
NO_OBJECT = ("NoSuchKey",)
ATTRIBUTES = ["Checksum", "ObjectSize"]


class S3ObjectFacts(S3Facts):
    """Facts of objects."""

    @fact
    async def newest_object(self, place: Place, name: str, prefix: str, without: str = "") -> StoredObject | None:
        """The object that was written last among those whose keys begin with `prefix`; None where there is none.

        Args:
            place: where the bucket is.
            name: the bucket's.
            prefix: beginning of the keys.
            without: a glob of keys that do not count, such as *.sha256.

        Raises:
            NotObserved: there are too many to see them all; a longer prefix makes them fewer.
        """
        newest: StoredObject | None = None
        params: dict[str, Any] = {"Bucket": name, "Prefix": prefix}
        for _ in range(MAX_PAGES):
            answer = await self.call(place, LIST_OBJECTS, **params)
            with documented(LIST_OBJECTS):
                for one in answer.get("Contents", ()):
                    found = StoredObject(name=one["Key"], modified=one["LastModified"], size=one["Size"])
                    # Times are whole seconds: of two in one second the later key counts.
                    # A key that ends so is how tools show a folder; there is nothing in it.
                    counts = not found.name.endswith("/") and not fnmatchcase(found.name, without)
                    if counts and (newest is None or found.modified >= newest.modified):
                        newest = found
                if not answer.get("IsTruncated"):
                    return newest
                params["ContinuationToken"] = answer["NextContinuationToken"]
        raise NotObserved(
            f"{name} has more than {MAX_PAGES * 1000} objects under {prefix!r}, and the newest may be any of them",
            fix="give a longer `prefix`; it may have parts of the date, such as backups/%Y/%m/",
        )

    @fact
    async def object_checksums(self, place: Place, name: str, key: str) -> Stored | None:
        """The checksums that S3 keeps of an object; None where there is no such object."""
        try:
            answer = await self.call_or_none(
                place, GET_ATTRIBUTES, NO_OBJECT, Bucket=name, Key=key, ObjectAttributes=ATTRIBUTES
            )
        except Denied as fault:
            raise _denied(fault, name) from None
        with documented(GET_ATTRIBUTES):
            return None if answer is None else stored_of(answer)

    @fact
    async def object_manifest(self, place: Place, name: str, key: str) -> Manifest | None:
        """What the manifest says; None where there is no such object.

        Raises:
            NotObserved: it is too large, or no manifest.
        """
        said = await self.object_checksums(place, name, key)
        if said is None:
            return None
        if said.size > MAX_MANIFEST:
            raise NotObserved(
                f"{key} in {name} has {said.size} bytes, too many for a manifest",
                fix="see that `manifest` names the file with the checksums, and not the backup",
            )
        try:
            answer = await self.call_or_none(place, GET_OBJECT, NO_OBJECT, Bucket=name, Key=key)
        except Denied as fault:
            raise _denied(fault, name) from None
        if answer is None:
            return None
        with documented(GET_OBJECT):
            modified, body = answer["LastModified"], answer["Body"]
        try:
            return Manifest(checksums=checksums_in(await self._text(place, body)), modified=modified)
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise NotObserved(
                f"{key} in {name} is no manifest",
                fix="write it with sha256sum, or as a JSON object of names and checksums",
            ) from None

    async def _text(self, place: Place, body: Any) -> str:
        with self._explained(account_of(place), region_of(place), GET_OBJECT, ()):
            raw: bytes = await in_thread(body.read, MAX_MANIFEST)
        return raw.decode()


def _denied(fault: Denied, name: str) -> Denied:
    """Who is denied an object may lack one of four permissions, and S3 does not say which."""
    needs = (GET_OBJECT, GET_ATTRIBUTES, LIST_OBJECTS, DECRYPT)
    named = ", ".join(one.permission for one in needs)
    return Denied(fault.reason, fix=f"allow {named} for {name} and the key that it encrypts with")
