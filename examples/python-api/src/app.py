import json
import os

ORDERS = [{"id": number, "state": "open"} for number in range(1, 51)]


def handler(event, context):
    routes = {"/health": health, "/orders": orders}
    route = routes.get(event.get("path"))
    if event.get("httpMethod") != "GET" or route is None:
        return answer(404, {"message": "not found"})
    return answer(200, route())


def health():
    return {"stage": os.environ["STAGE"]}


def orders():
    return ORDERS[: int(os.environ["PAGE_SIZE"])]


def answer(status, body):
    return {"statusCode": status, "body": json.dumps(body)}
