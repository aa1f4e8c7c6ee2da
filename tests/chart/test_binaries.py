"""What a pod is given is what its program accepts: the real programs check the configuration of every rendered pod."""

import json

import generate
import pytest
from place import Pod
from rendering import COMBINATIONS, SERVICES, combination

# A section of the login that is there must be whole; its password comes as a file that the default has not.
PASSWORD = {"CCM_AUTH__OIDC__CLIENT_SECRET": "x"}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", COMBINATIONS)
def test_the_program_accepts_files_and_variables_of_the_pod(name, service, tmp_path):
    answer = Pod(combination(name), service, tmp_path).check()

    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_the_program_refuses_a_variable_that_is_no_key(service, tmp_path):
    answer = Pod(combination("default"), service, tmp_path).check(CCM_STORE__ADDRESS="x")

    assert answer.returncode != 0 and "store.address" in answer.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_the_program_refuses_a_line_that_is_no_key(service, tmp_path):
    pod = Pod(combination("default"), service, tmp_path)
    pod.rewrite(lambda text: text.replace("bus.namespace", "bus.name_space"))

    answer = pod.check()

    assert answer.returncode != 0 and "bus.name_space" in answer.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_every_key_of_the_schema_is_a_key_of_the_program(service, tmp_path):
    """Values that pass the schema must not stop a pod from starting: each key once, as in the defaults or their example."""
    pod = Pod(combination("default"), service, tmp_path)
    keys = {key: value for key, value, _ in generate.options(service) if key not in generate.NOT_HERE}
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    pod.config().write_text("\n".join(lines))

    answer = pod.check(**(PASSWORD if service == "api" else {}))

    assert answer.returncode == 0, answer.stderr
    assert len(lines) >= 14
