"""A person's archive as a zip that is made while it is sent: nobody holds more of it than a page."""

import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from typing import IO, TYPE_CHECKING

from contracts.common.v1.subject_pb2 import Subject
from contracts.profile.v1.profile_pb2 import ExportRequest, ExportResponse

if TYPE_CHECKING:
    # The generated module has it in its types alone.
    from contracts.profile.v1.profile_pb2_grpc import ProfileServiceAsyncStub

MANIFEST = "manifest.json"
FORMAT = "maskenball-archive/1"
_PAGE_S = 10.0
# Deflate at its fastest: interactions shrink to a tenth, and more takes longer than the database.
_LEVEL = 1


class _Sent(io.RawIOBase):
    """Where the zip writes: a file that cannot be sought, and is emptied while it grows."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: object) -> int:
        data = bytes(part)  # type: ignore[call-overload]
        self._parts.append(data)
        return len(data)

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


class _Archive:
    """The zip, one file after the other; the manifest, with the hash of each, comes last."""

    def __init__(self) -> None:
        self._sent = _Sent()
        self._zip = zipfile.ZipFile(self._sent, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        self._open: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._files: list[dict[str, object]] = []

    def add(self, page: ExportResponse) -> bytes:
        for part in page.parts:
            if not self._files or self._files[-1]["name"] != part.file:
                self._begin(part.file)
            self._write(part.content)
        return self._sent.take()

    def end(self, audience: str) -> bytes:
        self._end_file()
        manifest = {"format": FORMAT, "audience": audience, "files": self._files}
        self._zip.writestr(MANIFEST, json.dumps(manifest, indent=1))
        self._zip.close()
        return self._sent.take()

    def _begin(self, name: str) -> None:
        self._end_file()
        self._open = self._zip.open(name, "w", force_zip64=True)
        self._hash = hashlib.sha256()
        self._files.append({"name": name, "bytes": 0, "sha256": ""})

    def _write(self, content: bytes) -> None:
        if self._open is None:
            raise RuntimeError("no file was begun")
        self._open.write(content)
        self._hash.update(content)
        self._files[-1]["bytes"] = int(str(self._files[-1]["bytes"])) + len(content)

    def _end_file(self) -> None:
        if self._open is not None:
            self._open.close()
            self._files[-1]["sha256"] = self._hash.hexdigest()


async def first_page(profile: "ProfileServiceAsyncStub", subject: Subject) -> ExportResponse:
    """Return the first page; what is refused is refused before anything is sent."""
    return await profile.Export(ExportRequest(subject=subject), timeout=_PAGE_S)


async def archive(profile: "ProfileServiceAsyncStub", subject: Subject, page: ExportResponse) -> AsyncIterator[bytes]:
    """Yield the zip. When a page is refused it ends without its directory, so that nobody takes it for whole."""
    made = _Archive()
    yield made.add(page)
    while page.next:
        page = await profile.Export(ExportRequest(subject=subject, after=page.next), timeout=_PAGE_S)
        if sent := made.add(page):
            yield sent
    yield made.end(subject.audience)
