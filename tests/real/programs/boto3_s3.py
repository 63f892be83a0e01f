"""boto3 with an S3 of our own: arguments are a base URL with http and one with https."""

import os
import sys

import boto3
from botocore.config import Config

config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
for base in sys.argv[1:]:
    client = boto3.client(
        "s3",
        endpoint_url=base,
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="key",
        config=config,
        verify=os.environ["SSL_CERT_FILE"],
    )
    for _ in range(2):
        assert len(client.get_object(Bucket="close", Key="small.bin")["Body"].read()) == 128
    assert client.head_object(Bucket="close", Key="small.bin")["ContentLength"] == 128
print("done")
