"""A prefix of an S3 bucket, as a folder of objects.

Addresses, keys and regions are read from the environment as all tools of AWS read them
(``AWS_ENDPOINT_URL_S3``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``, ...).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pipeline.errors import InputError, TransientError

URL: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[\w.=-]+)*)/?")
_DELETED_AT_ONCE: Final = 1000


class Bucket:
    """A prefix of a bucket, as a folder of objects."""

    def __init__(self, url: str) -> None:
        """Connect; nothing is asked yet.

        Raises:
            InputError: the address is not ``s3://bucket`` or ``s3://bucket/prefix``.
        """
        found = URL.fullmatch(url)
        if found is None:
            msg = f"expected s3://BUCKET or s3://BUCKET/PREFIX, got {url!r}"
            raise InputError(msg)
        import boto3  # a third of a second

        self.name, prefix = found.groups()
        self.prefix = prefix.removeprefix("/") + "/" if prefix else ""
        self.url = f"s3://{self.name}/{self.prefix}".removesuffix("/")
        self._client: Any = boto3.client("s3")

    @contextmanager
    def telling(self, what: str, *, again: str) -> Iterator[None]:
        """Turn what the client raises into an error: what, the bucket, why, what to do again."""
        from boto3.exceptions import S3UploadFailedError
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError, S3UploadFailedError) as error:
            msg = f"{what} {self.url}: {error}{again}"
            raise TransientError(msg) from error

    def put(self, path: str, file: Path) -> None:
        """Put a file, in parts where it is large; readers see all of it or nothing."""
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        extra = {"Metadata": {"sha256": digest}}
        self._client.upload_file(str(file), self.name, self.prefix + path, ExtraArgs=extra)

    def listed(self) -> Iterator[dict[str, Any]]:
        """Yield the objects; ``Key`` without the prefix."""
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.name, Prefix=self.prefix):
            for found in page.get("Contents", ()):
                yield found | {"Key": found["Key"].removeprefix(self.prefix)}

    def delete(self, paths: list[str]) -> None:
        """Delete objects."""
        for start in range(0, len(paths), _DELETED_AT_ONCE):
            keys = [{"Key": self.prefix + p} for p in paths[start : start + _DELETED_AT_ONCE]]
            self._client.delete_objects(Bucket=self.name, Delete={"Objects": keys})
