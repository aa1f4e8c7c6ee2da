"""Values that cannot work are refused before anything is installed, with the reason."""

import json

import pytest
from rendering import SITE, render

SCHEMA = [
    ("a slip at the top", ["replica=3"], "replica"),
    ("a slip in a service", ["api.replcas=3"], "replcas"),
    ("a slip in the configuration", ["api.config.sse.heart_beat=5s"], "heart_beat"),
    ("a key of another service", ["api.config.jobs.prune.every=1h"], "jobs"),
    ("what the chart decides", ["api.config.http.listen=0.0.0.0:80"], "http"),
    ("a secret in the configuration", ["scheduler.config.cml.password=x"], "password"),
    ("a secret in the environment", ["scheduler.aws.AWS_SECRET_ACCESS_KEY=x"], "AWS_SECRET_ACCESS_KEY"),
    ("a foreign variable", ["scheduler.aws.CCM_STORE__URL=x"], "CCM_STORE__URL"),
    ("a time without a unit", ["api.config.sse.max_age=60"], "max_age"),
    ("a phase that the grace period cannot count", ["api.config.drain.delay=1d"], "delay"),
    ("no phase", ["api.config.drain.delay=null"], "delay"),
    ("no pods", ["api.replicas=0"], "replicas"),
    ("an unknown controller", ["ingress.controller=apache"], "controller"),
    ("an unknown mode", ["api.config.auth.mode=none"], "mode"),
    ("namespaces that differ", ["relay.config.bus.namespace=other"], "bus"),
    ("an unknown secret", ["secrets.redisPassword.value=x"], "redisPassword"),
    ("an unknown part of a secret", ["secrets.busUrl.secretName=x"], "secretName"),
]


@pytest.mark.parametrize("sets,word", [pytest.param(*row[1:], id=row[0]) for row in SCHEMA])
def test_the_schema_refuses(sets, word):
    with pytest.raises(RuntimeError) as refused:
        render(sets=sets)

    assert "schema" in str(refused.value) and word in str(refused.value)


NO_SERVERS = ["mongodb.enabled=false", "redis.enabled=false"]
SENTENCES = [
    ("no store", [], NO_SERVERS[:1], "say where MongoDB is with secrets.storeUrl"),
    ("no bus", [], NO_SERVERS[1:], "say where Redis is with secrets.busUrl"),
    ("two stores", [], ["secrets.storeUrl.value=mongodb://m/ccm"], "set it to false to use secrets.storeUrl"),
    ("two buses", [], ["secrets.busUrl.existingSecret=x"], "set it to false to use secrets.busUrl"),
    ("a secret twice", [], ["secrets.cmlPassword.value=x", "secrets.cmlPassword.existingSecret=y"], "not both"),
    ("dev for everybody", [], ["ingress.enabled=true"], "ingress.enabled needs api.config.auth.mode: oidc"),
    ("no issuer", SITE, ["api.config.auth.oidc.issuer="], "needs api.config.auth.oidc.issuer"),
    ("no client", SITE, ["api.config.auth.oidc.client_id="], "needs api.config.auth.oidc.client_id"),
    ("no client secret", SITE, ["secrets.oidcClientSecret.existingSecret="], "needs secrets.oidcClientSecret"),
    ("an API that reaches everything", SITE, ["networkPolicy.login=null"], "needs networkPolicy.login"),
    ("a simulated fleet in a real account", [], ["secrets.awsCredentials.value=x"], "simulate.enabled asks no AWS"),
    ("a simulated fleet elsewhere", [], ["scheduler.aws.AWS_REGION=x"], "simulate.enabled asks no AWS"),
    ("most below fewest", SITE, ["api.autoscaling.max=2"], "is below api.autoscaling.min"),
]


@pytest.mark.parametrize("files,sets,sentence", [pytest.param(*row[1:], id=row[0]) for row in SENTENCES])
def test_a_contradiction_is_refused_with_a_sentence(files, sets, sentence):
    with pytest.raises(RuntimeError) as refused:
        render(*files, sets=sets)

    assert sentence in str(refused.value)


def test_every_object_of_the_schema_is_closed():
    import generate

    def objects(schema, path):
        if isinstance(schema, dict):
            if "properties" in schema:
                yield path, schema
            for key, inner in schema.items():
                yield from objects(inner, f"{path}.{key}")

    found = dict(objects(json.loads((generate.CHART / "values.schema.json").read_text()), ""))
    open_ones = [path for path, schema in found.items() if schema.get("additionalProperties") is not False]

    assert len(found) > 40
    assert open_ones == []
