// HubSpot's official Node client against the sandbox: unchanged, but for the base path and the token.
"use strict";

const { Client } = require("@hubspot/api-client");
const { hold, equal, refused, effects, run } = require("./check.cjs");

run("@hubspot/api-client", async ({ hubspot }) => {
  const client = new Client({ accessToken: hubspot.token, basePath: hubspot.base_url, numberOfApiCallRetries: 3 });
  const contacts = client.crm.contacts;

  const made = await contacts.basicApi.create({
    properties: { email: "grace@clients.example", firstname: "Grace", lastname: "Client", jobtitle: "Admiral" },
    associations: [],
  });
  hold("ids are digits", /^\d+$/.test(made.id), made.id);
  hold("times are dates", made.createdAt instanceof Date && !Number.isNaN(made.createdAt.valueOf()), made.createdAt);
  const read = await contacts.basicApi.getById(made.id, ["email", "jobtitle"], undefined, ["companies"], false);
  equal("read back", [read.properties.email, read.properties.jobtitle], ["grace@clients.example", "Admiral"]);
  const byEmail = await contacts.basicApi.getById("grace@clients.example", ["email"], undefined, undefined, false, "email");
  equal("read by e-mail", byEmail.id, made.id);
  const changed = await contacts.basicApi.update(made.id, { properties: { jobtitle: "Rear admiral" } });
  equal("updated", changed.properties.jobtitle, "Rear admiral");
  await refused(
    "a second contact with that e-mail",
    () => contacts.basicApi.create({ properties: { email: "grace@clients.example" }, associations: [] }),
    (error) => error.code === 409 && error.body.category === "CONFLICT"
      && error.body.message === `Contact already exists. Existing ID: ${made.id}`,
  );
  await refused(
    "a property nobody made",
    () => contacts.basicApi.update(made.id, { properties: { nobody_made_this: "1" } }),
    (error) => error.code === 400 && error.body.message.includes("PROPERTY_DOESNT_EXIST"),
  );
  await refused("a contact that is not there", () => contacts.basicApi.getById("999999999"), (error) => error.code === 404);

  const batch = await contacts.batchApi.create({
    inputs: [1, 2, 3].map((number) => ({
      properties: { email: `many${number}@clients.example`, firstname: `Many ${number}` },
      associations: [],
    })),
  });
  equal("a batch", [batch.status, batch.results.length], ["COMPLETE", 3]);
  const ids = batch.results.map((one) => one.id);
  const many = await contacts.batchApi.read({ inputs: ids.map((id) => ({ id })), properties: ["email"], propertiesWithHistory: [] });
  equal("a batch read", many.results.length, 3);
  await contacts.batchApi.update({ inputs: ids.map((id) => ({ id, properties: { city: "Łódź" } })) });
  const upserted = await contacts.batchApi.upsert({
    inputs: [
      { id: "many1@clients.example", idProperty: "email", properties: { email: "many1@clients.example", firstname: "Upserted" } },
      { id: "many9@clients.example", idProperty: "email", properties: { email: "many9@clients.example", firstname: "New" } },
    ],
  });
  const news = Object.fromEntries(upserted.results.map((one) => [one.properties.email ?? one.id, one._new ?? one.new]));
  equal("an upsert says what is new", Object.values(news).sort(), [false, true]);

  const found = await contacts.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: "city", operator: "EQ", value: "Łódź" }] }],
    sorts: ["-createdate"],
    properties: ["email", "city"],
    limit: 2,
  });
  equal("a search counts all and shows a page", [found.total, found.results.length], [3, 2]);
  const rest = await contacts.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: "city", operator: "EQ", value: "Łódź" }] }],
    properties: ["email"],
    limit: 2,
    after: found.paging.next.after,
  });
  equal("and the rest", rest.results.length, 1);
  const page = await contacts.basicApi.getPage(5, undefined, ["email"]);
  equal("a page of the list", [page.results.length, typeof page.paging.next.after], [5, "string"]);
  await contacts.batchApi.archive({ inputs: [{ id: ids[2] }] });
  await refused("an archived contact", () => contacts.basicApi.getById(ids[2]), (error) => error.code === 404);

  const merged = await contacts.basicApi.merge({ primaryObjectId: ids[0], objectIdToMerge: ids[1] });
  equal(
    "both old ids lead to the merged contact",
    [(await contacts.basicApi.getById(ids[0])).id, (await contacts.basicApi.getById(ids[1])).id],
    [merged.id, merged.id],
  );

  const company = await client.crm.companies.basicApi.create({ properties: { name: "Clients & Co", domain: "clients.example" }, associations: [] });
  await client.crm.associations.v4.basicApi.createDefault("contacts", made.id, "companies", company.id);
  const related = await client.crm.associations.v4.basicApi.getPage("contacts", made.id, "companies");
  equal("the contact's company", related.results.map((one) => String(one.toObjectId)), [company.id]);
  const labelled = await client.crm.associations.v4.basicApi.create("contacts", made.id, "companies", company.id, [
    { associationCategory: "HUBSPOT_DEFINED", associationTypeId: 279 },
  ]);
  equal("a labelled relation", String(labelled.toObjectId), company.id);
  const relations = await client.crm.associations.v4.batchApi.getPage("contacts", "companies", { inputs: [{ id: made.id }] });
  equal("relations in a batch", relations.results.length, 1);

  const deal = await client.crm.deals.basicApi.create({
    properties: { dealname: "Clients' deal", dealstage: "appointmentscheduled", pipeline: "default", amount: "500" },
    associations: [{ to: { id: made.id }, types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 3 }] }],
  });
  equal("a deal's stage", deal.properties.dealstage, "appointmentscheduled");
  const note = await client.crm.objects.notes.basicApi.create({
    properties: { hs_timestamp: "2026-01-10T04:11:14Z", hs_note_body: "A note" },
    associations: [{ to: { id: made.id }, types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 202 }] }],
  });
  hold("a note is made", /^\d+$/.test(note.id), note.id);
  await client.crm.objects.tasks.basicApi.create({
    properties: { hs_timestamp: "2026-01-10T04:11:14Z", hs_task_subject: "Call", hs_task_status: "NOT_STARTED" },
    associations: [],
  });
  await client.crm.tickets.basicApi.create({
    properties: { subject: "Help", hs_pipeline: "0", hs_pipeline_stage: "1" },
    associations: [],
  });

  await client.crm.properties.coreApi.create("contacts", {
    name: "clients_tier", label: "Tier", type: "enumeration", fieldType: "select", groupName: "contactinformation",
    options: [{ label: "Pro", value: "pro", displayOrder: 0, hidden: false }],
  });
  await refused(
    "an option that is not allowed",
    () => contacts.basicApi.update(made.id, { properties: { clients_tier: "basic" } }),
    (error) => error.code === 400 && error.body.message.includes("INVALID_OPTION"),
  );
  const properties = await client.crm.properties.coreApi.getAll("contacts");
  hold("the new property is listed", properties.results.some((one) => one.name === "clients_tier"), properties.results.length);
  const owners = await client.crm.owners.ownersApi.getPage();
  hold("there are owners", owners.results.length > 0, owners.results);
  const pipelines = await client.crm.pipelines.pipelinesApi.getAll("deals");
  hold("stages have ids", pipelines.results[0].stages.some((one) => one.id === "closedwon"), pipelines.results[0].stages);

  await contacts.basicApi.purge({ objectId: made.id });
  await refused("a purged contact", () => contacts.basicApi.getById(made.id), (error) => error.code === 404);
  const stranger = new Client({ accessToken: "not-a-token", basePath: hubspot.base_url });
  await refused("a wrong token", () => stranger.crm.contacts.basicApi.getPage(), (error) => error.code === 401);
  equal("deals in the books", (await effects(hubspot.base_url, "hubspot", "deal", "create")).length, 1);
});
