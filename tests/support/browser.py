# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A headless Chromium, asked over its DevTools protocol. Needs nothing but the browser and aiohttp."""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import shutil
import tempfile
import typing as t
from pathlib import Path

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Tab:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self.events: list[dict[str, t.Any]] = []

    async def send(self, method: str, **params: t.Any) -> dict[str, t.Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    async def run(self, script: str) -> t.Any:
        """The value of an expression in the page."""
        answer = await self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def show(self, url: str, width: int, height: int = 900, dark: bool = False) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 700
        )
        scheme = "dark" if dark else "light"
        await self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        await self.send("Page.navigate", url=url)
        for _attempt in range(200):
            if await self.run(f"document.readyState === 'complete' && location.href === {url!r}"):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the page did not load")

    async def picture(self, path: Path) -> None:
        size = (await self.send("Page.getLayoutMetrics"))["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000), "scale": 1}
        data = await self.send("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(data["data"]))


async def _with_tab(work: t.Callable[[Tab], t.Awaitable[None]]) -> None:
    with tempfile.TemporaryDirectory(prefix="tab", ignore_cleanup_errors=True) as profile:
        # --no-sandbox: a browser of root, or in a container, does not start otherwise; it only opens our own file.
        process = await asyncio.create_subprocess_exec(
            str(find()),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stderr is not None
            address = None
            while address is None:
                line = (await asyncio.wait_for(process.stderr.readline(), 60)).decode("utf-8", "replace")
                assert line, "the browser ended"
                address = re.search(r"ws://(127\.0\.0\.1:\d+)/", line)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://{address.group(1)}/json/list") as answer:
                    page = next(entry for entry in await answer.json() if entry["type"] == "page")
                async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=1 << 27) as socket:
                    tab = Tab(socket)
                    for domain in ("Page", "Runtime", "Network", "Log"):
                        await tab.send(f"{domain}.enable")
                    await work(tab)
        finally:
            process.terminate()
            await process.wait()


def browse(work: t.Callable[[Tab], t.Awaitable[None]]) -> None:
    asyncio.run(_with_tab(work))
