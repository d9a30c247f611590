"""Every REST endpoint of the gateway, under one description."""

from fastapi import FastAPI

from gateway.aggregates import add_aggregates
from gateway.consent import add_consent
from gateway.deciding import add_decisions
from gateway.handles import add_handles
from gateway.me import add_person
from gateway.passes import add_passes
from gateway.policies import add_policies
from gateway.quarantine import add_quarantine
from gateway.reports import add_reports
from gateway.rest import Rest, build_rest
from gateway.rights import add_rights
from gateway.translators import Translators
from kit.http.signed import Signatures


def build_endpoints(rest: Rest, translators: Translators, signatures: Signatures) -> FastAPI:
    """Return the application with all of them."""
    app = build_rest(rest)
    add_consent(app)
    add_decisions(app)
    add_handles(app)
    add_quarantine(app, translators)
    add_rights(app)
    add_aggregates(app)
    add_policies(app)
    add_reports(app)
    add_person(app)
    add_passes(app, signatures)
    return app
