"""What a pod is given is what its program accepts: the real programs check the configuration of every rendered pod."""

import json

import generate
import pytest
from place import Pod
from rendering import COMBINATIONS, SERVICES, combination

# The one thing that this version of ccm-api refuses in a rendering for a site where people log in.
NO_OIDC = "this build has no OpenID Connect"
# So its other keys are checked under the mode that it has.
DEV = {"CCM_AUTH__MODE": "dev", "CCM_HTTP__LISTEN": "127.0.0.1:8080"}
LOGIN = {"ha", "everything"}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", COMBINATIONS)
def test_the_program_accepts_files_and_variables_of_the_pod(name, service, tmp_path):
    pod = Pod(combination(name), service, tmp_path)
    more = DEV if service == "api" and name in LOGIN else {}

    answer = pod.check(**more)

    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("name", sorted(LOGIN))
def test_login_is_the_only_thing_that_the_api_may_refuse(name, tmp_path):
    answer = Pod(combination(name), "api", tmp_path).check()

    faults = [line for line in answer.stderr.splitlines() if "warning" not in line]
    assert answer.returncode == 0 or (len(faults) == 1 and NO_OIDC in faults[0]), answer.stderr


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

    answer = pod.check(**(DEV if service == "api" else {}))

    assert answer.returncode == 0, answer.stderr
    assert len(lines) >= 14
