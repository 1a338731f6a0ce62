"""A headless Chromium, driven over the pipe of its DevTools protocol: nothing to install beside it."""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PATIENCE = 15  # seconds, for one reply or one condition
# Without its sandbox, which root may not use; it sees nothing but the page under test.
OPTIONS = ["--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
           "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--no-sandbox"]


class Chromium:
    """The browser's process; `with` ends it."""

    def __init__(self, executable):
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        self.tabs, self.buffer, self.last_id = {}, b"", 0
        theirs, self.writing = map(above_ten, os.pipe())
        self.reading, answers = map(above_ten, os.pipe())
        self.process = subprocess.Popen(
            [executable, *OPTIONS, f"--user-data-dir={self.profile}"], pass_fds=(3, 4), stderr=subprocess.DEVNULL,
            preexec_fn=lambda: (os.dup2(theirs, 3), os.dup2(answers, 4)))
        os.close(theirs)
        os.close(answers)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()  # its profile goes with it
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def tab(self, language="en-US", width=1280, height=900):
        """A tab with a profile of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.tabs[session] = tab = Tab(self, session)
        tab.begin(language, width, height)
        return tab

    def post(self, method, session=None, **parameters):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        return self.last_id

    def call(self, method, session=None, **parameters):
        """Sends a command and gives its result; what happens in between goes to the tabs."""
        awaited, deadline = self.post(method, session, **parameters), time.monotonic() + PATIENCE
        while True:
            message = self.read(deadline, method)
            if message.get("id") == awaited:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            if tab := self.tabs.get(message.get("sessionId")):
                tab.happened(message.get("method"), message.get("params"))

    def read(self, deadline, method):
        while b"\0" not in self.buffer:
            if not select.select([self.reading], [], [], max(0, deadline - time.monotonic()))[0]:
                raise RuntimeError(f"{method}: no reply within {PATIENCE} s")
            if not (piece := os.read(self.reading, 1 << 20)):
                raise RuntimeError(f"{method}: the browser has ended")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)


def above_ten(descriptor):
    """The same pipe under a number that is neither 3 nor 4, which the browser's ends get."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


class Tab:
    """One page: its keys, its requests, its complaints."""

    def __init__(self, browser, session):
        self.browser, self.session = browser, session
        self.requests, self.complaints = [], []
        self.canned = None  # what requests of the page get instead of the service's answer, or what makes it of their URL

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def begin(self, language, width, height):
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Fetch.enable", patterns=[{"urlPattern": "*/v1/*"}])
        agent = self.browser.call("Browser.getVersion")["userAgent"]
        self.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        self.size(width, height)

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def media(self, **features):
        """Sets media features, `prefers_color_scheme="dark"`."""
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=features)

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def happened(self, event, details):
        if event == "Network.requestWillBeSent":
            self.requests.append(details["request"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(details["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        elif event == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(details["args"]))
        elif event == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning"):
            entry = details["entry"]
            # A status that a check asked for is told as well.
            if not (self.canned and entry["source"] == "network"):
                self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
        elif event == "Fetch.requestPaused":
            self.answer(details["requestId"], details["request"]["url"])

    def answer(self, request, url):
        canned = self.canned(url) if callable(self.canned) else self.canned
        if canned is None:
            self.browser.post("Fetch.continueRequest", self.session, requestId=request)
        elif canned == "refused":
            self.browser.post("Fetch.failRequest", self.session, requestId=request, errorReason="ConnectionRefused")
        else:
            status, body, headers = canned
            body = body if isinstance(body, str) else json.dumps(body)
            self.browser.post("Fetch.fulfillRequest", self.session, requestId=request, responseCode=status,
                              body=base64.b64encode(body.encode()).decode(),
                              responseHeaders=[{"name": name, "value": value} for name, value in headers.items()])

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression[:200]}: {result['exceptionDetails'].get('exception', {}).get('description')}")
        return result["result"].get("value")

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(condition):
            if time.monotonic() > deadline:
                raise AssertionError(f"never came true: {condition}")
            time.sleep(0.02)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def compose(self, text):
        """Text under an input method that is not yet confirmed."""
        self.call("Input.imeSetComposition", text=text, selectionStart=len(text), selectionEnd=len(text))

    def press(self, name, shift=False):
        code, text = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), " ": (32, " ")}[name]
        about = {"key": name, "code": {" ": "Space"}.get(name, name), "windowsVirtualKeyCode": code, "modifiers": 8 * shift}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def screenshot(self, path):
        image = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(image))
