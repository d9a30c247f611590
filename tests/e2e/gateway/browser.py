"""Debian's Chromium without a window, and the pages it opens: one origin each, so that none sees another's storage."""

import asyncio
import json
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from tests.e2e.gateway.serving import Server

COMMAND = "chromium"
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
    # Many pages are open at a time, and none is in front.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--remote-debugging-port=0",
)
_PAGE = """<!doctype html><meta charset="utf-8"><title>A page of the shop</title>
<script>
window.plan = %s
const report = (what) => fetch('/report', { method: 'POST', body: String(what) })
addEventListener('error', (event) => report(event.message))
addEventListener('unhandledrejection', (event) => report(event.reason && event.reason.stack || event.reason))
</script><script src="/script.js"></script>
"""


def is_installed() -> bool:
    """Whether there is a Chromium to test with."""
    return shutil.which(COMMAND) is not None


@dataclass
class Pages:
    """A web server for pages, each under its own name below localhost."""

    reports: dict[str, list[str]] = field(default_factory=dict)
    _pages: dict[str, bytes] = field(default_factory=dict)
    _scripts: dict[str, bytes] = field(default_factory=dict)
    _leaving: dict[str, asyncio.Event] = field(default_factory=dict)
    _left: dict[str, asyncio.Event] = field(default_factory=dict)

    def reports_of(self, name: str) -> list[str]:
        """What went wrong in a page."""
        return self.reports[self._host(name)]

    def _host(self, name: str) -> str:
        return f"{name}.localhost:{self._server.port}"

    def add(self, name: str, script: bytes, plan: dict[str, Any]) -> str:
        """Return the address of a new page that runs `script` with `plan`."""
        host = self._host(name)
        self._pages[host] = (_PAGE % json.dumps(plan)).encode()
        self._scripts[host] = script
        self._leaving[host], self._left[host] = asyncio.Event(), asyncio.Event()
        self.reports[host] = []
        return f"http://{host}/shoes?utm_source=letter&email=ann@example.com"

    async def leave(self, name: str) -> None:
        """Tell a page that waits for it to go elsewhere, and return once it did."""
        self._leaving[self._host(name)].set()
        await self._left[self._host(name)].wait()

    async def __aenter__(self) -> Self:
        self._server = Server(self._answer)
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        host = re.search(r"(?im)^host: *(\S+)", head)
        length = re.search(r"(?im)^content-length: *(\d+)", head)
        said = await reader.readexactly(int(length[1]) if length else 0)
        path, name = head.split(" ")[1].partition("?")[0], host[1] if host else ""
        if path == "/leaving":
            await self._leaving[name].wait()
        content = self._content(path, name, said.decode())
        kind = b"text/javascript" if path == "/script.js" else b"text/html"
        start = b"HTTP/1.1 200 -\r\nconnection: close\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n"
        writer.write(start % (kind, len(content)) + content)
        await writer.drain()

    def _content(self, path: str, host: str, said: str) -> bytes:
        if path == "/report":
            self.reports[host].append(said)
            return b""
        if path == "/left":
            self._left[host].set()
        if path in {"/leaving", "/left", "/favicon.ico"}:
            return b""
        return (self._scripts if path == "/script.js" else self._pages).get(host, b"")


class Chromium:
    """One browser with a profile of its own."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile

    async def open(self, url: str) -> str:
        """Open a page in a tab of its own; returns the id of the tab."""
        answer = await self._http.put(f"/json/new?{url}")
        tab: str = answer.raise_for_status().json()["id"]
        return tab

    async def close(self, tab: str) -> None:
        """Close a tab."""
        (await self._http.get(f"/json/close/{tab}")).raise_for_status()

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            COMMAND,
            *_FLAGS,
            f"--user-data-dir={self._profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            # What it leaves behind when it ends is left here.
            env={**os.environ, "TMPDIR": str(self._profile)},
        )
        assert self._process.stderr is not None
        async with asyncio.timeout(60):
            while b"DevTools listening" not in (line := await self._process.stderr.readline()):
                assert line, "Chromium did not start"
        address = line.decode().partition("ws://")[2].partition("/")[0]
        # A full pipe would stop the browser.
        self._listening = asyncio.create_task(self._process.stderr.read())
        self._http = httpx.AsyncClient(base_url=f"http://{address}", timeout=20)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
        self._process.terminate()
        await self._process.wait()
        await self._listening
