// jsforce against the sandbox: unchanged, but for the instance URL and the tokens.
"use strict";

const jsforce = require("jsforce");
const { hold, equal, refused, run } = require("./check.cjs");

run("jsforce", async ({ salesforce }) => {
  const credentials = {
    instanceUrl: salesforce.instance_url,
    version: salesforce.version,
    refreshToken: salesforce.refresh_token,
    oauth2: {
      loginUrl: salesforce.instance_url,
      clientId: salesforce.client_id,
      clientSecret: salesforce.client_secret,
      redirectUri: `${salesforce.instance_url}/callback`,
    },
  };
  const org = new jsforce.Connection({ ...credentials, accessToken: salesforce.access_token });

  const lead = await org.sobject("Lead").create({ LastName: "Client", Company: "Clients & Co", Email: "ada@clients.example" });
  hold("a lead's id", lead.success && /^00Q\w{15}$/.test(lead.id), lead);
  const read = await org.sobject("Lead").retrieve(lead.id);
  equal("read back", [read.attributes.type, read.LastName, read.Id], ["Lead", "Client", lead.id]);
  equal("updated", (await org.sobject("Lead").update({ Id: lead.id, Title: "Admiral" })).success, true);
  await refused(
    "a lead without its required fields",
    () => org.sobject("Lead").create({ Email: "nobody@clients.example" }),
    (error) => error.errorCode === "REQUIRED_FIELD_MISSING",
  );
  await refused(
    "a field nobody made",
    () => org.sobject("Lead").update({ Id: lead.id, Nobody_Made_This__c: "1" }),
    (error) => error.errorCode === "INVALID_FIELD",
  );
  await refused(
    "a record that is not there",
    () => org.sobject("Lead").retrieve("00Q000000000000AAA"),
    (error) => error.errorCode === "NOT_FOUND",
  );

  const field = "Intercom_Contact_ID__c";
  const fresh = { [field]: "clients-1", LastName: "Upserted", Company: "Clients & Co" };
  equal("an upsert makes", (await org.sobject("Lead").upsert(fresh, field)).created, true);
  equal("and then updates", (await org.sobject("Lead").upsert({ ...fresh, Title: "Twice" }, field)).success, true);

  const many = await org.sobject("Lead").create(
    Array.from({ length: 5 }, (_, number) => ({ LastName: `Many ${number}`, Company: number === 3 ? "" : "Clients & Co" })),
    { allOrNone: false },
  );
  equal("rows fail alone", many.map((row) => row.success), [true, true, true, false, true]);
  const ids = many.filter((row) => row.success).map((row) => row.id);
  const updated = await org.sobject("Lead").update(ids.map((Id) => ({ Id, City: "Łódź" })));
  equal("a collection is updated", updated.map((row) => row.success), [true, true, true, true]);

  const found = await org.query("SELECT Id, LastName, Owner.Name FROM Lead WHERE City = 'Łódź' ORDER BY LastName LIMIT 3");
  equal("a query", [found.totalSize, found.done, found.records[0].LastName], [3, true, "Many 0"]);
  hold("with its relation", typeof found.records[0].Owner.Name === "string", found.records[0]);
  const all = await org.query("SELECT Id FROM Lead", { autoFetch: true, maxFetch: 10_000, headers: { "Sforce-Query-Options": "batchSize=200" } });
  equal("all pages", all.records.length, all.totalSize);
  equal("a count", (await org.query("SELECT COUNT() FROM Lead WHERE City = 'Łódź'")).totalSize, 4);
  await refused("a broken query", () => org.query("SELEC Id FROM Lead"), (error) => error.errorCode === "MALFORMED_QUERY");

  const described = await org.sobject("Lead").describe();
  hold("the external id is described", described.fields.some((one) => one.name === field && one.externalId), described.fields.length);
  const limits = await org.request("/limits");
  hold("the daily allowance is told", limits.DailyApiRequests.Max > 0, limits.DailyApiRequests);
  hold("and read from each answer", org.limitInfo.apiUsage.used > 0, org.limitInfo);

  const identity = await org.identity();
  equal("the org asked in two ways", (await org.query("SELECT Id FROM Organization")).records[0].Id, identity.organization_id);

  const account = await org.sobject("Account").create({ Name: "Clients & Co" });
  const contact = await org.sobject("Contact").create({ LastName: "Kept", AccountId: account.id });
  const merged = await org.soap.merge({
    masterRecord: { type: "Lead", Id: ids[0], Phone: "+1 555 0100" },
    recordToMergeIds: [ids[1], ids[2]],
  });
  equal("a merge", [merged.success, merged.id], [true, ids[0]]);
  equal("the survivor's new phone", (await org.sobject("Lead").retrieve(ids[0])).Phone, "+1 555 0100");
  const gone = await org.query(`SELECT Id, MasterRecordId FROM Lead WHERE IsDeleted = true AND Id = '${ids[1]}'`, { scanAll: true });
  equal("the loser names its master", gone.records[0].MasterRecordId, ids[0]);
  const converted = await org.soap.convertLead({
    leadId: ids[0], accountId: account.id, contactId: contact.id, convertedStatus: "Closed - Converted", doNotCreateOpportunity: true,
  });
  equal("a conversion", [converted.success, converted.contactId], [true, contact.id]);
  await refused(
    "a converted lead",
    () => org.sobject("Lead").update({ Id: ids[0], Title: "Too late" }),
    (error) => error.errorCode === "CANNOT_UPDATE_CONVERTED_LEAD",
  );

  const rows = Array.from({ length: 300 }, (_, number) => ({
    [field]: `bulk-${number}`, LastName: number === 7 ? "" : `Bulk, "${number}"\nline`, Company: "Clients & Co",
  }));
  const bulk = await org.bulk2.loadAndWaitForResults({
    object: "Lead", operation: "upsert", externalIdFieldName: field, input: rows, pollTimeout: 30_000, pollInterval: 100,
  });
  equal(
    "a bulk job's rows",
    [bulk.successfulResults.length, bulk.failedResults.length, bulk.unprocessedRecords.length],
    [299, 1, 0],
  );
  hold("the failed row says why", bulk.failedResults[0].sf__Error.startsWith("REQUIRED_FIELD_MISSING"), bulk.failedResults);

  await org.sobject("Lead").delete(lead.id);
  await refused("a deleted lead", () => org.sobject("Lead").retrieve(lead.id), (error) => ["NOT_FOUND", "ENTITY_IS_DELETED"].includes(error.errorCode));

  const expired = new jsforce.Connection({ ...credentials, accessToken: "00D000000000001!expired" });
  let renewed = 0;
  expired.on("refresh", () => { renewed += 1; });
  hold("an expired session is renewed", (await expired.query("SELECT Id FROM Lead LIMIT 1")).totalSize === 1, renewed);
  equal("once", renewed, 1);
});
