"""The field's usual API: FastAPI, and aio-pika with persistent messages and confirms."""

import os
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aio_pika
from fastapi import FastAPI
from pydantic import BaseModel

QUEUE = os.environ["QUEUE"]
QUEUE_TYPE = os.environ.get("QUEUE_TYPE", "classic")


class Submission(BaseModel):
    source: str
    timestamp: datetime
    data: dict[str, Any]


@asynccontextmanager
async def lifespan(app: FastAPI):
    connection = await aio_pika.connect_robust(os.environ["AMQP_URL"])
    channel = await connection.channel(publisher_confirms=True)
    await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": QUEUE_TYPE})
    app.state.exchange = channel.default_exchange
    yield
    await connection.close()


app = FastAPI(lifespan=lifespan)


@app.post("/ingest", status_code=202)
async def ingest(submission: Submission):
    body = submission.model_dump_json().encode()
    message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    # Returns when the broker has confirmed.
    await app.state.exchange.publish(message, routing_key=QUEUE)
    return {"status": "queued"}
