// Intercom's official Node client against the sandbox: unchanged, but for the base URL and the token.
"use strict";

const { IntercomClient, IntercomError } = require("intercom-client");
const { hold, equal, refused, effects, run } = require("./check.cjs");

run("intercom-client", async ({ intercom }) => {
  const client = new IntercomClient({ token: intercom.token, environment: intercom.base_url, maxRetries: 0 });

  const me = await client.admins.identify();
  equal("the token's owner", me.type, "admin");
  const { admins } = await client.admins.list();
  hold("there are admins", admins.length > 0, admins);
  const admin = admins[0].id;

  await client.dataAttributes.create({ name: "clients_tier", model: "contact", data_type: "string" });
  const attributes = await client.dataAttributes.list({ model: "contact" });
  hold("the new attribute is listed", attributes.data.some((one) => one.name === "clients_tier"), attributes.data.length);

  const user = await client.contacts.create({
    role: "user",
    external_id: "clients-1",
    email: "ada@clients.example",
    name: "Ada Client",
    phone: "+15550100",
    custom_attributes: { clients_tier: "pro" },
  });
  equal("the made contact", [user.type, user.role, user.email], ["contact", "user", "ada@clients.example"]);
  equal("its attribute", user.custom_attributes.clients_tier, "pro");
  hold("times are whole seconds", Number.isInteger(user.created_at), user.created_at);
  equal("found by id", (await client.contacts.find({ contact_id: user.id })).email, "ada@clients.example");
  equal("found by external id", (await client.contacts.showContactByExternalId({ external_id: "clients-1" })).id, user.id);
  equal(
    "an update",
    (await client.contacts.update({ contact_id: user.id, name: "Ada C. Client" })).name,
    "Ada C. Client",
  );
  await refused(
    "a second user with that external id",
    () => client.contacts.create({ role: "user", external_id: "clients-1", email: "ada@clients.example" }),
    (error) => error instanceof IntercomError && error.statusCode === 409 && error.body.errors[0].code === "conflict"
      && error.body.errors[0].message.includes(user.id),
  );
  await refused(
    "an attribute nobody made",
    () => client.contacts.update({ contact_id: user.id, custom_attributes: { nobody_made_this: 1 } }),
    (error) => error.statusCode === 400 && error.body.errors[0].code === "parameter_invalid",
  );
  await refused(
    "a contact that is not there",
    () => client.contacts.find({ contact_id: "000000000000000000000000" }),
    (error) => error.statusCode === 404 && error.body.errors[0].code === "not_found",
  );

  const lead = await client.contacts.create({ role: "lead", email: "ada@clients.example", name: "Ada" });
  const found = await client.contacts.search({
    query: { operator: "AND", value: [{ field: "email", operator: "=", value: "ada@clients.example" }] },
    pagination: { per_page: 1 },
  });
  const ids = [];
  for await (const one of found) ids.push(one.id);
  equal("both are found, page by page", ids.sort(), [user.id, lead.id].sort());
  const merged = await client.contacts.mergeLeadInUser({ from: lead.id, into: user.id });
  equal("the user survives a merge", merged.id, user.id);
  await refused(
    "the merged lead",
    () => client.contacts.find({ contact_id: lead.id }),
    (error) => [404, 410].includes(error.statusCode),
  );

  const company = await client.companies.createOrUpdate({ company_id: "clients-co", name: "Clients & Co", website: "https://clients.example" });
  equal("the made company", [company.type, company.company_id], ["company", "clients-co"]);
  await client.companies.attachContact({ contact_id: user.id, id: company.id });
  equal("found by its own id", (await client.companies.find({ company_id: company.id })).name, "Clients & Co");
  const attached = await client.contacts.listAttachedCompanies({ contact_id: user.id });
  hold("the company is attached", attached.data.some((one) => one.id === company.id), attached.data);
  const people = await client.companies.listAttachedContacts({ company_id: company.id });
  equal("the company's people", people.data.map((one) => one.id), [user.id]);
  const listed = [];
  for await (const one of await client.companies.list({ per_page: 50 })) {
    listed.push(one.id);
    if (listed.length > 200) break;
  }
  hold("a company with a contact is listed", listed.length > 0, listed.length);
  const scrolled = await client.companies.scroll({});
  hold("a scroll begins", scrolled.data.length > 0, scrolled.data.length);

  const tag = await client.tags.create({ name: "from-the-clients" });
  await client.tags.tagContact({ contact_id: user.id, id: tag.id });
  const tags = await client.contacts.listAttachedTags({ contact_id: user.id });
  equal("the contact's tags", tags.data.map((one) => one.name), ["from-the-clients"]);
  await client.tags.untagContact({ contact_id: user.id, tag_id: tag.id });
  const note = await client.notes.create({ contact_id: user.id, body: "<p>A note</p>", admin_id: admin });
  equal("the note's kind", note.type, "note");
  const notes = [];
  for await (const one of await client.notes.list({ contact_id: user.id })) notes.push(one.id);
  equal("the contact's notes", notes, [note.id]);
  await client.events.create({ event_name: "clients-ran", created_at: 1768018294, user_id: "clients-1" });

  const message = await client.conversations.create({ from: { type: "user", id: user.id }, body: "Is anybody there?" });
  hold("a message names its conversation", typeof message.conversation_id === "string", message);
  const conversation = message.conversation_id;
  await client.conversations.reply({
    conversation_id: conversation,
    body: { message_type: "comment", type: "admin", admin_id: admin, body: "Yes." },
  });
  await client.conversations.manage({
    conversation_id: conversation,
    body: { message_type: "assignment", type: "admin", admin_id: admin, assignee_id: admin },
  });
  await client.tags.tagConversation({ conversation_id: conversation, id: tag.id, admin_id: admin });
  const closed = await client.conversations.manage({
    conversation_id: conversation,
    body: { message_type: "close", type: "admin", admin_id: admin },
  });
  equal("a closed conversation", [closed.state, closed.open], ["closed", false]);
  const whole = await client.conversations.find({ conversation_id: conversation });
  hold("its parts come along", whole.conversation_parts.conversation_parts.length >= 3, whole.conversation_parts);
  const talks = [];
  for await (const one of await client.conversations.search({
    query: { operator: "AND", value: [{ field: "contact_ids", operator: "=", value: user.id }] },
  })) talks.push(one.id);
  equal("the person's conversations", talks, [conversation]);

  equal("archived", (await client.contacts.archive({ contact_id: user.id })).archived, true);
  equal("brought back", (await client.contacts.unarchive({ contact_id: user.id })).archived, false);
  equal("deleted", (await client.contacts.delete({ contact_id: user.id })).deleted, true);

  const stranger = new IntercomClient({ token: "not-a-token", environment: intercom.base_url, maxRetries: 0 });
  await refused("a wrong token", () => stranger.admins.identify(), (error) => error.statusCode === 401);
  equal("contacts in the books", (await effects(intercom.base_url, "intercom", "contact", "create")).length, 2);
});
