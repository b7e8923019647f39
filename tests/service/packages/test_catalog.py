from __future__ import annotations

import pytest

from sspid.packages.catalog import PACKAGES, Catalog
from sspid.packages.contract import SecurityPackage

PACKAGE_NAMES = ("Schannel", "NTLM", "Kerberos", "Negotiate", "CredSSP", "Digest")
ALIASES = {
    "Microsoft Unified Security Protocol Provider": "Schannel",
    "TSSSP": "CredSSP",
    "WDigest": "Digest",
}


@pytest.mark.parametrize("name", PACKAGE_NAMES)
def test_each_package_is_found_by_its_name_in_any_case(name: str) -> None:
    catalog = Catalog()
    for spelling in (name, name.lower(), name.upper()):
        found = catalog.find(spelling)
        assert isinstance(found, SecurityPackage)
        assert found.info.name.casefold() == name.casefold()


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_windows_long_names_are_understood(alias: str, name: str) -> None:
    catalog = Catalog()
    assert catalog.find(alias) is catalog.find(name)


def test_a_name_nobody_has_is_found_nowhere() -> None:
    assert Catalog().find("") is None
    assert Catalog().find("Passport") is None


def test_no_two_packages_share_a_name() -> None:
    names = [each.casefold() for package in Catalog() for each in (package.info.name, *package.info.aliases)]
    assert len(names) == len(set(names))


def test_inner_packages_come_before_what_is_built_from_them() -> None:
    seen: set[str] = set()
    for folder, inner in PACKAGES.items():
        assert seen.issuperset(inner)
        seen.add(folder)


def test_a_remote_authority_makes_ntlm_legs_wait_elsewhere() -> None:
    for remote in (False, True):
        for name in ("NTLM", "Negotiate"):
            package = Catalog(authority_is_remote=remote).find(name)
            assert package is not None
            assert package.may_wait(None, object()) is remote
