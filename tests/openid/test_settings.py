"""The settings of sign-in by OpenID Connect."""

import pytest
from pydantic import ValidationError

from domain.access import Grant, Role
from settings import Settings

COMPLETE = {
    "oidc_issuer": "https://id.example/realms/main",
    "oidc_client_id": "flaghoist",
    "oidc_client_secret": "hidden from everyone",
    "oidc_grants": {"developers": [{"project": "webshop", "role": "viewer"}]},
    "public_url": "https://flags.example",
}


def test_the_grants_of_groups_are_read_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    grants = '{"developers": [{"project": "webshop", "role": "operator", "environments": ["staging"]}], "ops": [{"role": "owner"}]}'
    monkeypatch.setenv("FLAGHOIST_OIDC_GRANTS", grants)

    assert Settings().oidc_grants == {
        "developers": (Grant(project="webshop", role=Role.OPERATOR, environments=("staging",)),),
        "ops": (Grant(role=Role.OWNER),),
    }


def test_empty_variables_count_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FLAGHOIST_{name.upper()}", raising=False)
    defaults = Settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(f"FLAGHOIST_{name.upper()}", "")

    assert Settings() == defaults


@pytest.mark.parametrize("missing", ["oidc_client_id", "oidc_grants", "public_url"])
def test_an_issuer_needs_everything_else(missing: str) -> None:
    with pytest.raises(ValidationError, match=f"FLAGHOIST_OIDC_ISSUER also needs FLAGHOIST_{missing.upper()} \\[") as refused:
        Settings.model_validate({name: value for name, value in COMPLETE.items() if name != missing})

    assert "hidden from everyone" not in str(refused.value)


@pytest.mark.parametrize(
    "issuer", ["id.example", "http://id.example", "ftp://id.example", "https://id.example/?a=b", "http://localhost.evil.example"]
)
def test_an_issuer_is_an_address_with_tls(issuer: str) -> None:
    with pytest.raises(ValidationError, match="must be an https:// URL, exactly as the identity provider states it"):
        Settings.model_validate(COMPLETE | {"oidc_issuer": issuer})


@pytest.mark.parametrize(
    "grants", [{"developers": [{"role": "viewer"}]}, {"developers": [{"project": "webshop", "role": "boss"}]}, ["developers"]]
)
def test_grants_have_the_form_of_the_api(grants: object) -> None:
    with pytest.raises(ValidationError, match="oidc_grants"):
        Settings.model_validate(COMPLETE | {"oidc_grants": grants})
