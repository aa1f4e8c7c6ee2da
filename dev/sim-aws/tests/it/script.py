"""Talks to sim-aws as any script of an operator would; fails with a traceback when an answer surprises.

    script.py ENDPOINT REGION IMAGE INSTANCE
"""

import json
import pathlib
import sys
import tempfile
from datetime import datetime, timedelta, timezone

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, region, image, standing = sys.argv[1:]


def client(service, **more):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 1}),
        **more,
    )


def refused(code, call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"{code} expected of {call.__name__}")


ec2 = client("ec2")
order = {
    "ImageId": image,
    "InstanceType": "c5.2xlarge",
    "MinCount": 1,
    "MaxCount": 1,
    "ClientToken": "script-1",
    "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "ü & <x>"}]}],
}

# Launch twice under one token, watch it boot with boto3's own waiters.
first = ec2.run_instances(**order)["Instances"][0]
assert first["State"]["Name"] == "pending", first
assert ec2.run_instances(**order)["Instances"][0]["InstanceId"] == first["InstanceId"]
refused("IdempotentParameterMismatch", ec2.run_instances, **{**order, "InstanceType": "c5.xlarge"})
only = {"InstanceIds": [first["InstanceId"]]}
quickly = {"WaiterConfig": {"Delay": 1, "MaxAttempts": 30}}
ec2.get_waiter("instance_running").wait(**only, **quickly)
ec2.get_waiter("instance_status_ok").wait(**only, **quickly)

# Describe it, page through all.
seen = ec2.describe_instances(**only)["Reservations"][0]["Instances"][0]
assert seen["Tags"] == [{"Key": "Name", "Value": "ü & <x>"}], seen
assert seen["PublicIpAddress"] and seen["LaunchTime"].tzinfo, seen
pages = ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5})
ids = [i["InstanceId"] for page in pages for r in page["Reservations"] for i in r["Instances"]]
assert len(ids) == len(set(ids)) and {standing, first["InstanceId"]} <= set(ids), ids
assert len(ids) > 5, ids

# Stop, change the type, tag, start, terminate.
change = ec2.stop_instances(**only)["StoppingInstances"][0]
assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping"), change
ec2.get_waiter("instance_stopped").wait(**only, **quickly)
ec2.modify_instance_attribute(InstanceId=first["InstanceId"], InstanceType={"Value": "c5.4xlarge"})
kind = ec2.describe_instance_attribute(InstanceId=first["InstanceId"], Attribute="instanceType")
assert kind["InstanceType"]["Value"] == "c5.4xlarge", kind
ec2.create_tags(Resources=only["InstanceIds"], Tags=[{"Key": "team", "Value": "net"}])
ec2.delete_tags(Resources=only["InstanceIds"], Tags=[{"Key": "Name"}])
found = ec2.describe_instances(Filters=[{"Name": "tag:team", "Values": ["n*"]}])["Reservations"]
assert [r["Instances"][0]["InstanceId"] for r in found] == only["InstanceIds"], found
ec2.start_instances(**only)
assert ec2.monitor_instances(**only)["InstanceMonitorings"][0]["Monitoring"]["State"] == "pending"
ec2.modify_instance_attribute(InstanceId=first["InstanceId"], DisableApiTermination={"Value": True})
refused("OperationNotPermitted", ec2.terminate_instances, **only)
ec2.modify_instance_attribute(InstanceId=first["InstanceId"], DisableApiTermination={"Value": False})
ec2.terminate_instances(**only)
ec2.get_waiter("instance_terminated").wait(**only, **quickly)
refused("IncorrectInstanceState", ec2.start_instances, **only)
refused("InvalidInstanceID.NotFound", ec2.start_instances, InstanceIds=["i-0deadbeefdeadbeef"])
refused("DryRunOperation", ec2.start_instances, InstanceIds=[standing], DryRun=True)

# Images, regions, who am I.
images = ec2.describe_images(Filters=[{"Name": "name", "Values": ["cml2-*"]}])["Images"]
assert len(images) > 1 and all(i["Name"].startswith("cml2-") for i in images), images
assert region in [r["RegionName"] for r in ec2.describe_regions()["Regions"]]
sts = client("sts")
assert sts.get_caller_identity()["Account"] == "123456789012"
role = sts.assume_role(RoleArn="arn:aws:iam::210987654321:role/ccm", RoleSessionName="script")
keys = role["Credentials"]
other = boto3.client(
    "sts",
    endpoint_url=endpoint,
    region_name=region,
    aws_access_key_id=keys["AccessKeyId"],
    aws_secret_access_key=keys["SecretAccessKey"],
    aws_session_token=keys["SessionToken"],
)
assert other.get_caller_identity()["Account"] == "210987654321"

# Readings. botocore prefers JSON for CloudWatch; a copy of its model that knows CBOR only makes it speak
# what the Rust SDK speaks, with a reader and a writer that are not ours.
loader = botocore.session.get_session().get_component("data_loader")
model = loader.load_service_model("cloudwatch", "service-2", "2010-08-01")
model["metadata"].update(protocol="smithy-rpc-v2-cbor", protocols=["smithy-rpc-v2-cbor"])
models = tempfile.TemporaryDirectory()
place = pathlib.Path(models.name, "cloudwatch", "2010-08-01")
place.mkdir(parents=True)
place.joinpath("service-2.json").write_text(json.dumps(model))
boto3.setup_default_session()
boto3.DEFAULT_SESSION._loader.search_paths.insert(0, models.name)
query = {
    "Id": "cpu",
    "MetricStat": {
        "Metric": {
            "Namespace": "AWS/EC2",
            "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": standing}],
        },
        "Period": 300,
        "Stat": "Average",
    },
}
now = datetime.now(timezone.utc)
answer = client("cloudwatch").get_metric_data(
    MetricDataQueries=[query], StartTime=now - timedelta(hours=1), EndTime=now + timedelta(hours=3)
)
series = answer["MetricDataResults"][0]
assert len(series["Values"]) >= 8, answer
assert series["Timestamps"] == sorted(series["Timestamps"], reverse=True), series
assert all(0 <= value <= 100 for value in series["Values"]), series
assert answer["ResponseMetadata"]["HTTPHeaders"]["smithy-protocol"] == "rpc-v2-cbor", answer
refused("ValidationError", client("cloudwatch").get_metric_data, MetricDataQueries=[], StartTime=now, EndTime=now)
print("done")
