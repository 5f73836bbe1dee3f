#!/usr/bin/env python3
"""Checks what no schema knows about compose.yaml; reads `docker-compose config --format json` from standard input.

The argument is a password that every credential was set to: it must have arrived, and in no command line.
"""

import json
import sys

configuration = json.load(sys.stdin)
password = sys.argv[1]
wrong = []

for name, service in configuration["services"].items():
    for port in service.get("ports", []):
        if port.get("host_ip") != "127.0.0.1":
            wrong.append(f"{name}: port {port['target']} is published beyond loopback")
    if password not in json.dumps(service.get("environment", {})):
        wrong.append(f"{name}: a password set in .env does not arrive")
    if password in json.dumps([service.get("command"), service.get("healthcheck")]):
        wrong.append(f"{name}: a password is in a command line, where every user of the host reads it")
    for key in ("healthcheck", "restart"):
        if key not in service:
            wrong.append(f"{name}: there is no {key}")
    for needed, how in service.get("depends_on", {}).items():
        if how["condition"] != "service_healthy":
            wrong.append(f"{name}: does not wait until {needed} is healthy")
    for mount in service.get("volumes", []):
        if mount["source"] not in configuration["volumes"]:
            wrong.append(f"{name}: {mount['target']} is not on a named volume")

for complaint in wrong:
    print(f"compose.yaml: {complaint}", file=sys.stderr)
sys.exit(bool(wrong))
