"""The two stacks that are compared, and the broker that both use: private, on loopback, ended by process id."""

import contextlib
import http.client
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import pika

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCHES = ROOT / "live/benches"
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"

# A node takes 7 s on an idle machine.
START_TIMEOUT_S = 60.0


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(ready, what, process):
    deadline = time.monotonic() + START_TIMEOUT_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"error: {what} did not come up; its output is above or in its log")
        time.sleep(0.05)


def answers(port, path):
    """Whether a server on loopback answers with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def process(arguments, log, **environment):
    """A process with variables besides the usual ones; it is asked to end, and made to after 15 s."""
    running = subprocess.Popen(
        [str(argument) for argument in arguments],
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


class Node:
    """A private RabbitMQ node, by the script with which `live` starts its own."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="lindley-rabbitmq-")
        self.port = free_port()
        script = ROOT / "live/src/broker/managed.sh"
        # The script deletes the directory and ends the node when its standard input closes, however this program ends.
        self.owner = subprocess.Popen(
            ["/bin/sh", script, self.directory, str(self.port), str(free_port()), str(free_port())],
            env={**os.environ, "RABBITMQ_SERVER": RABBITMQ},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self):
        wait_until(self.greets, f"the RabbitMQ node in {self.directory}", self.owner)
        return self

    def __exit__(self, *_):
        self.owner.stdin.close()
        self.owner.wait()

    @property
    def url(self):
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2f"

    def connect(self):
        return pika.BlockingConnection(pika.URLParameters(self.url))

    def greets(self):
        try:
            self.connect().close()
            return True
        except (OSError, pika.exceptions.AMQPError):
            return False

    def version(self):
        connection = self.connect()
        version = connection._impl.server_properties["version"]
        connection.close()
        return version if isinstance(version, str) else version.decode()

    def delete(self, queue):
        """Deletes a queue with whatever a stack left in it, so that the next one finds an idle broker."""
        connection = self.connect()
        connection.channel().queue_delete(queue)
        connection.close()


@contextlib.contextmanager
def theirs(node, queue, servers, prefetch, log, served=None):
    """FastAPI and so many pika workers; yields the port. `served` is a folder for the workers' logs."""
    environment = {"AMQP_URL": node.url, "QUEUE": queue, "QUEUE_TYPE": "quorum", "PREFETCH": prefetch}
    port = free_port()
    folder = BENCHES / "fastapi"
    with contextlib.ExitStack() as stack:
        uvicorn = [sys.executable, "-m", "uvicorn", "api:app", "--app-dir", folder, "--port", port]
        quiet = ["--log-level", "warning", "--no-access-log", "--loop", "uvloop", "--http", "httptools"]
        api = stack.enter_context(process(uvicorn + quiet, log, **environment))
        wait_until(lambda: answers(port, "/openapi.json"), "the FastAPI stack", api)
        for server in range(servers):
            own = {"SERVED_LOG": pathlib.Path(served) / f"{server}.csv"} if served else {}
            stack.enter_context(process([sys.executable, folder / "worker.py"], log, **environment, **own))
        wait_until(lambda: consumers(node, queue) == servers, "a pika worker", api)
        yield port
    node.delete(queue)


@contextlib.contextmanager
def ours(node, queue, servers, prefetch, log, live):
    """`live serve` with so many servers and no store, since the other stack has none; yields the port."""
    port = free_port()
    flags = [f"--bind=127.0.0.1:{port}", f"--queue={queue}", "--queue-type=quorum", "--store=none"]
    flags += [f"--servers={servers}", f"--prefetch={prefetch}"]
    with process([live, "serve", *flags], log, AMQP_URL=node.url) as serving:
        wait_until(lambda: answers(port, "/readyz"), "live serve", serving)
        yield port
    node.delete(queue)


def consumers(node, queue):
    connection = node.connect()
    count = connection.channel().queue_declare(queue, passive=True).method.consumer_count
    connection.close()
    return count
