# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium, told over a pipe what to do: the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).

Everything that a page asks of the network, and everything that it writes to the console, is kept.
"""
import base64
import json
import os
import select
import signal
import subprocess
import tempfile
import time

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--remote-debugging-pipe"]


class Browser:
    """One browser with one page; a context manager."""

    def __init__(self, program="chromium", timeout_s=60):
        self.timeout_s = timeout_s
        self.requests, self.console = [], []
        self._number, self._buffer, self._events, self._session = 0, b"", [], None
        self._profile = tempfile.TemporaryDirectory(prefix="test-html.", ignore_cleanup_errors=True)
        # Its descriptor 3 is read, 4 is written.
        read_end, self._to = os.pipe()
        self._from, write_end = os.pipe()
        # What stands in the shell has its descriptors where Chromium wants them, and is replaced by it.
        self._process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{read_end} 4>&{write_end}', "sh", program, *FLAGS,
             f"--user-data-dir={self._profile.name}", "about:blank"],
            pass_fds=(read_end, write_end), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(read_end)
        os.close(write_end)

    def __enter__(self):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        os.close(self._to)
        os.close(self._from)
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._profile.cleanup()

    def _receive(self, deadline):
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._from], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self._from, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self._buffer += piece
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _take(self, message):
        """Keep what an event tells."""
        method, what = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(f"{what['type']}: {[value.get('value') for value in what['args']]}")
        elif method == "Runtime.exceptionThrown":
            details = what["exceptionDetails"]
            self.console.append(f"exception: {details.get('exception', {}).get('description', details['text'])}")
        elif method == "Log.entryAdded":
            self.console.append(f"{what['entry']['level']}: {what['entry']['text']}")
        elif method == "Page.javascriptDialogOpening":
            self.console.append(f"dialog: {what['message']}")
        self._events.append(method)

    def ask(self, command, **parameters):
        """Send a command, and return its result."""
        self._number += 1
        message = {"id": self._number, "method": command, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + self.timeout_s
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{command}: {answer['error']['message']}")
                return answer["result"]
            self._take(answer)

    def open(self, path):
        """Load a file, and wait until it is there."""
        self._events.clear()
        self.ask("Page.navigate", url=f"file://{os.path.abspath(path)}")
        deadline = time.monotonic() + self.timeout_s
        while "Page.loadEventFired" not in self._events:
            self._take(self._receive(deadline))

    def run(self, script):
        """The value of an expression in the page; one that is a promise is waited for."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails'].get('exception', {}).get('description')}")
        return result["result"].get("value")

    def wait(self, script):
        """Wait until an expression is true: asked again with each frame that is drawn, up to the time limit."""
        # Frames stand still in a page that nobody looks at: a timer asks as well.
        self.run(f"new Promise((done, fail) => {{ const end = Date.now() + {self.timeout_s * 500}; const look = () => {{"
                 f" if ({script}) done(); else if (Date.now() > end) fail(new Error('it never came')); else setTimeout(look, 5);"
                 " }; look(); })")

    def view(self, width, height=900, dark=False, media="", scale=1):
        """Size of the window, and how it looks."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", media=media,
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def mouse(self, kind, x, y, **more):
        """A movement or a button of the mouse."""
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def screenshot(self, path, whole=False):
        """Save a picture of the page."""
        clip = {}
        if whole:
            size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1},
                    "captureBeyondViewport": True}
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.ask("Page.captureScreenshot", format="png", **clip)["data"]))

    def pdf(self, path):
        """Print the page."""
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.ask("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27,
                                                paperHeight=11.69)["data"]))
