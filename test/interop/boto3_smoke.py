"""What a script of a user does with boto3: the endpoint, region and credentials come from the environment alone."""
import io
import json
import zipfile

import boto3

client = boto3.client("lambda")
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as writer:
    writer.writestr("index.mjs", "export const handler = async (event) => ({ seen: event.n });\n")

client.create_function(
    FunctionName="smoke",
    Role="arn:aws:iam::123456789012:role/smoke",
    Runtime="nodejs22.x",
    Handler="index.handler",
    Code={"ZipFile": archive.getvalue()},
    Publish=True,
)
client.get_waiter("function_active_v2").wait(FunctionName="smoke", WaiterConfig={"Delay": 1})
client.create_alias(FunctionName="smoke", Name="live", FunctionVersion="1")
answer = client.invoke(FunctionName="smoke:live", Payload=json.dumps({"n": 7}))
aliases = [alias["Name"] for page in client.get_paginator("list_aliases").paginate(FunctionName="smoke") for alias in page["Aliases"]]
try:
    client.get_function(FunctionName="nobody")
    missing = None
except client.exceptions.ResourceNotFoundException as error:
    missing = error.response["Error"]["Code"]
print(
    json.dumps(
        {
            "payload": json.load(answer["Payload"]),
            "executed": answer["ExecutedVersion"],
            "aliases": aliases,
            "missing": missing,
            "account": boto3.client("sts").get_caller_identity()["Account"],
        }
    )
)
