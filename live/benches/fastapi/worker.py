"""The field's usual worker: one blocking pika consumer, which acknowledges each message after its work."""

import json
import os
import signal
import sys
import time

import pika

QUEUE = os.environ["QUEUE"]
QUEUE_TYPE = os.environ.get("QUEUE_TYPE", "classic")

# A line reaches the file when it is written, so that whoever reads along misses none.
served = open(os.environ["SERVED_LOG"], "a", buffering=1) if "SERVED_LOG" in os.environ else None
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def work(channel, method, _properties, body):
    data = json.loads(body)["data"]
    # Without a demand there is nothing to do, and a sleep of 0 s would still cost 50 us.
    if data.get("demand_s"):
        time.sleep(data["demand_s"])
    if served and "job" in data:
        served.write(f"{data['job']},{time.monotonic_ns()}\n")
    channel.basic_ack(method.delivery_tag)


connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": QUEUE_TYPE})
channel.basic_qos(prefetch_count=int(os.environ.get("PREFETCH", "1")))
channel.basic_consume(QUEUE, work)
channel.start_consuming()
