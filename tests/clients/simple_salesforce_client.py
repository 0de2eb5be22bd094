"""simple-salesforce against the sandbox: unchanged, but for the address.

It builds https URLs only, so one adapter sends those on as http to this machine.
"""

import json
import os
import sys
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

HELD = 0


def hold(what, good, seen):
    global HELD
    if not good:
        raise AssertionError(f"{what}: saw {seen!r}")
    HELD += 1


def equal(what, seen, wanted):
    hold(f"{what} should be {wanted!r}", seen == wanted, seen)


def refused(what, error, call, code=None):
    try:
        answer = call()
    except error as refusal:
        hold(f"{what} is refused for another reason", code is None or refusal.content[0]["errorCode"] == code, refusal)
        return
    raise AssertionError(f"{what} was not refused: {answer!r}")


class ThisMachine(HTTPAdapter):
    """Sends https as http; nothing else is changed."""

    def send(self, request, **options):
        parts = urlsplit(request.url)
        request.url = urlunsplit(("http", *parts[1:]))
        return super().send(request, **options)


def main():
    sandbox = json.loads(os.environ["SANDBOX"])["salesforce"]
    session = requests.Session()
    session.mount("https://", ThisMachine())
    where = sandbox["instance_url"].replace("http://", "https://")

    def connect(token):
        return Salesforce(instance_url=where, session_id=token, version=sandbox["version"], session=session)

    org = connect(sandbox["access_token"])
    made = org.Lead.create({"LastName": "Python", "Company": "Clients & Co", "Email": "guido@clients.example"})
    hold("a lead is made", made["success"] and made["id"].startswith("00Q"), made)
    equal("read back", org.Lead.get(made["id"])["LastName"], "Python")
    equal("updated", org.Lead.update(made["id"], {"Title": "Dictator"}), 204)
    equal("an upsert makes", org.Lead.upsert("Intercom_Contact_ID__c/python-1", {"LastName": "Up", "Company": "Co"}), 201)
    equal("and then updates", org.Lead.upsert("Intercom_Contact_ID__c/python-1", {"Title": "Twice"}), 200)
    equal("by its external id", org.Lead.get_by_custom_id("Intercom_Contact_ID__c", "python-1")["Title"], "Twice")
    refused("a lead without its company", SalesforceMalformedRequest, lambda: org.Lead.create({"LastName": "x"}), "REQUIRED_FIELD_MISSING")
    refused("a lead that is not there", SalesforceResourceNotFound, lambda: org.Lead.get("00Q000000000000AAA"))
    refused("a broken query", SalesforceMalformedRequest, lambda: org.query("SELEC Id FROM Lead"), "MALFORMED_QUERY")
    every = org.query_all("SELECT Id, Email FROM Lead")
    equal("all pages", len(every["records"]), every["totalSize"])
    one = org.query("SELECT Id FROM Lead WHERE Email = 'guido@clients.example'")
    equal("one by e-mail", [row["Id"] for row in one["records"]], [made["id"]])
    hold("the allowance is read", org.api_usage["api-usage"].used > 0, org.api_usage)
    hold("described", any(field["name"] == "Email" for field in org.Lead.describe()["fields"]), None)
    hold("limits", org.limits()["DailyApiRequests"]["Max"] > 0, None)

    equal("it says what it is", org.is_sandbox(), True)

    rows = [{"Intercom_Contact_ID__c": f"python-bulk-{i}", "LastName": f"Bulk {i}", "Company": "Co"} for i in range(250)]
    rows[9]["Company"] = ""
    results = org.bulk2.Lead.upsert(records=rows, external_id_field="Intercom_Contact_ID__c")
    equal(
        "a bulk job's rows",
        [(job["numberRecordsTotal"], job["numberRecordsFailed"], job["numberRecordsProcessed"]) for job in results],
        [(250, 1, 250)],
    )
    failed = org.bulk2.Lead.get_failed_records(results[0]["job_id"])
    hold("the failed row says why", "REQUIRED_FIELD_MISSING" in failed, failed)
    equal("deleted", org.Lead.delete(made["id"]), 204)
    refused("an expired session", SalesforceExpiredSession, lambda: connect("expired").query("SELECT Id FROM Lead"))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # every failure is reported the same way, whatever raised it
        print(f"simple-salesforce: FAILED after {HELD} checks: {error!r}", file=sys.stderr)
        raise SystemExit(1) from error
    print(f"simple-salesforce: {HELD} checks held")
