"""The product against our own simulators of AWS and CML, connected as power and controllers are."""

from contextlib import contextmanager

import requests

from place import PATIENCE, Product, running, sim_aws, sim_cml

# Simulated seconds per real second: boots take a second or two.
SPEED = "20"


class Site:
    """Simulators that keep running, and a product that may come and go."""

    def __init__(self, product, aws, cml):
        self.product, self.aws, self.cml = product, aws, cml

    def ledger(self):
        return requests.get(f"{self.aws}/_sim/ledger", timeout=PATIENCE).json()

    def instances(self):
        return requests.get(f"{self.aws}/_sim/instances", timeout=PATIENCE).json()

    def calls(self):
        return requests.get(f"{self.aws}/_sim/calls", timeout=PATIENCE).json()

    def console(self, verb, **body):
        answer = requests.post(f"{self.aws}/_sim/{verb}", json=body, timeout=PATIENCE)
        assert answer.ok, answer.text

    def create(self, name, **more):
        body = {
            "name": name,
            "region": "eu-central-1",
            "instance_type": "c5.2xlarge",
            "ami_name": "cml2-p_amd64-2.9.0-6",
        }
        return self.product.post("/workers", {**body, **more})


@contextmanager
def standing(folder, workers, **env):
    """Starts both simulators and a product on a fresh store."""
    cml = sim_cml("--workers", "0", "--no-people", "--speed", SPEED)
    with running(cml):
        cml_base = cml.said("listening")
        aws = sim_aws("--workers", str(workers), "--speed", SPEED, "--cml", cml_base)
        with running(aws):
            aws_base = aws.said("listening")
            product = Product(
                folder,
                {
                    "AWS_ENDPOINT_URL": aws_base,
                    "CCM_CML__ENDPOINT": f"{cml_base}/{{instance_id}}",
                    "CCM_CML__USERNAME": "admin",
                    "CCM_CML__PASSWORD": "admin",
                    "CCM_JOBS__OBSERVE_INSTANCES__EVERY": "5s",
                    "CCM_JOBS__COLLECT_MEASUREMENTS__EVERY": "5s",
                    **env,
                },
            ).start()
            try:
                yield Site(product, aws_base, cml_base)
            finally:
                product.child.end()
