"""A moto server with instances in it, for tests that want an EC2 that we did not write.

    fleet.py serve                     starts moto on a free port, prints {"endpoint": …}, ends with stdin
    fleet.py make ENDPOINT REGION N    makes N instances (every third is stopped), prints their ids
    fleet.py view ENDPOINT REGION      prints what moto itself thinks: {id: {state, type, tags, …}}
    fleet.py do ENDPOINT REGION VERB ID [KEY VALUE]
                                       start, stop, terminate, tag: what somebody else does
    fleet.py images ENDPOINT REGION    registers images, prints their names and ids

Every answer is one line of JSON. Needs `moto[server]` and `boto3`.
"""

import json
import os
import sys

# Thirteen hundred public images that nobody here asks for; without them the first call is fast.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

IMAGES = ["cml2-p_amd64-2.8.1-14", "cml2-p_amd64-2.9.0-6", "refplat-20250616-cml2.9.0"]
TYPES = ["c5.2xlarge", "m5zn.metal", "c5.4xlarge"]


def client(endpoint, region, service="ec2"):
    import boto3

    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
    )


def serve():
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    say({"endpoint": f"http://{host}:{port}"})
    # Whoever started this holds the other end of stdin: when that ends, so does this.
    sys.stdin.read()
    server.stop()


def images(ec2):
    found = {image["Name"]: image["ImageId"] for image in ec2.describe_images(Owners=["self"])["Images"]}
    for name in IMAGES:
        if name not in found:
            made = ec2.register_image(Name=name, Description=f"{name} for tests", Architecture="x86_64")
            found[name] = made["ImageId"]
    return found


def make(ec2, count):
    image = images(ec2)[IMAGES[1]]
    ids = []
    for n in range(count):
        tags = [{"Key": "Name", "Value": f"worker-{n:02}"}, {"Key": "owner", "Value": f"team {n % 2} & <co>"}]
        made = ec2.run_instances(
            ImageId=image,
            InstanceType=TYPES[n % len(TYPES)],
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        ids.append(made["Instances"][0]["InstanceId"])
    stopped = ids[2::3]
    if stopped:
        ec2.stop_instances(InstanceIds=stopped)
    return {"image": image, "ids": ids, "stopped": stopped}


def view(ec2):
    seen = {}
    for page in ec2.get_paginator("describe_instances").paginate():
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                seen[instance["InstanceId"]] = {
                    "state": instance["State"]["Name"],
                    "type": instance["InstanceType"],
                    "image": instance["ImageId"],
                    "public_ip": instance.get("PublicIpAddress"),
                    "private_ip": instance.get("PrivateIpAddress"),
                    "metadata_tokens": instance.get("MetadataOptions", {}).get("HttpTokens"),
                    "tags": {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])},
                }
    return seen


def do(ec2, verb, instance, *words):
    if verb == "tag":
        key, value = words
        ec2.create_tags(Resources=[instance], Tags=[{"Key": key, "Value": value}])
    else:
        getattr(ec2, f"{verb}_instances")(InstanceIds=[instance])
    return {"done": verb}


def say(answer):
    print(json.dumps(answer), flush=True)


def main(arguments):
    match arguments:
        case ["serve"]:
            serve()
        case ["make", endpoint, region, count]:
            say(make(client(endpoint, region), int(count)))
        case ["view", endpoint, region]:
            say(view(client(endpoint, region)))
        case ["do", endpoint, region, verb, instance, *words]:
            say(do(client(endpoint, region), verb, instance, *words))
        case ["images", endpoint, region]:
            say(images(client(endpoint, region)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
