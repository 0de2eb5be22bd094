//! The objects and fields every emulated org has from the start: the standard ones Reknit meets, and the
//! custom fields an integration with a helpdesk usually adds. Descriptions only.

use std::collections::HashMap;

use super::FieldType::{
    Boolean, Currency, Date, DateTime, Double, Email, Id, Int, MultiPicklist, Percent, Phone, Picklist,
    Reference, Text, TextArea, Url,
};
use super::{Field, FieldType, ObjectType};

type Words = &'static [&'static str];

const INDUSTRIES: Words = &[
    "Agriculture",
    "Banking",
    "Biotechnology",
    "Construction",
    "Consulting",
    "Education",
    "Energy",
    "Engineering",
    "Finance",
    "Government",
    "Healthcare",
    "Insurance",
    "Manufacturing",
    "Media",
    "Retail",
    "Shipping",
    "Technology",
    "Telecommunications",
    "Utilities",
    "Other",
];
const SOURCES: Words = &["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Chat", "Other"];
const RATINGS: Words = &["Hot", "Warm", "Cold"];
const PLANS: Words = &["trial", "starter", "pro", "scale", "enterprise", "churned"];
const LIFECYCLE: Words = &[
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];
const STAGES: Words = &[
    "Prospecting",
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
];
const ROLES: Words =
    &["Business User", "Decision Maker", "Economic Buyer", "Evaluator", "Executive Sponsor", "Influencer"];
const LEAD_STATUSES: Words =
    &["Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"];

/// A field that may be written and left empty.
fn field(name: &'static str, label: &'static str, kind: FieldType) -> Field {
    let length = match kind {
        Id | Reference => 18,
        Email => 80,
        Phone => 40,
        Url | Picklist | Text => 255,
        MultiPicklist => 4_099,
        TextArea => 32_000,
        _ => 0,
    };
    Field {
        name,
        label,
        kind,
        length,
        nillable: kind != Boolean,
        createable: true,
        updateable: true,
        custom: name.ends_with("__c"),
        external_id: false,
        unique: false,
        default: None,
        picklist: &[],
        restricted: false,
        reference_to: &[],
        relationship: None,
    }
}

fn text(name: &'static str, label: &'static str, length: u32) -> Field {
    Field { length, ..field(name, label, Text) }
}

fn picklist(name: &'static str, label: &'static str, values: Words) -> Field {
    Field { picklist: values, ..field(name, label, Picklist) }
}

fn parent(name: &'static str, label: &'static str, to: Words, relationship: &'static str) -> Field {
    Field { reference_to: to, relationship: Some(relationship), ..field(name, label, Reference) }
}

fn external(name: &'static str, label: &'static str) -> Field {
    Field { external_id: true, unique: true, ..text(name, label, 64) }
}

impl Field {
    fn needed(self) -> Self {
        Self { nillable: false, ..self }
    }

    fn restricted(self) -> Self {
        Self { restricted: true, ..self }
    }

    fn defaulting(self, value: &'static str) -> Self {
        Self { default: Some(value), nillable: false, ..self }
    }

    /// Nobody writes it; the org does.
    fn kept(self) -> Self {
        Self { createable: false, updateable: false, ..self }
    }

    fn fixed(self) -> Self {
        Self { updateable: false, ..self }
    }
}

fn owner() -> Field {
    // Whoever creates the row owns it, so there is a default, though no fixed one.
    parent("OwnerId", "Owner ID", &["User"], "Owner").defaulting("")
}

fn master() -> Field {
    parent("MasterRecordId", "Master Record ID", &[], "MasterRecord").kept()
}

/// An object type with the system fields in front of its own.
fn object(name: [&'static str; 4], own: Vec<Field>) -> ObjectType {
    let mut fields = vec![
        field("Id", "Record ID", Id).kept().needed(),
        field("IsDeleted", "Deleted", Boolean).kept(),
        field("CreatedDate", "Created Date", DateTime).kept().needed(),
        parent("CreatedById", "Created By ID", &["User"], "CreatedBy").kept().needed(),
        field("LastModifiedDate", "Last Modified Date", DateTime).kept().needed(),
        parent("LastModifiedById", "Last Modified By ID", &["User"], "LastModifiedBy").kept().needed(),
        field("SystemModstamp", "System Modstamp", DateTime).kept().needed(),
    ];
    fields.extend(own);
    let [name, label, plural, prefix] = name;
    ObjectType { name, label, plural, prefix, writable: true, fields, by_name: HashMap::new() }
}

fn person() -> Vec<Field> {
    vec![
        master(),
        owner(),
        picklist("Salutation", "Salutation", &["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."]),
        text("FirstName", "First Name", 40),
        text("LastName", "Last Name", 80).needed(),
        text("Name", "Full Name", 203).kept().needed(),
        text("Title", "Title", 128),
        field("Email", "Email", Email),
        field("Phone", "Phone", Phone),
        field("MobilePhone", "Mobile Phone", Phone),
        field("Fax", "Fax", Phone),
        picklist("LeadSource", "Lead Source", SOURCES),
        field("Description", "Description", TextArea),
        field("HasOptedOutOfEmail", "Email Opt Out", Boolean),
        field("DoNotCall", "Do Not Call", Boolean),
        field("LastActivityDate", "Last Activity", Date).kept(),
        external("Intercom_Contact_ID__c", "Intercom Contact ID"),
        // External but not unique: an upsert by it may meet several rows (300).
        Field { unique: false, ..external("Legacy_ID__c", "Legacy ID") },
        text("Intercom_Source__c", "Intercom Source", 80),
        field("Intercom_Signed_Up_At__c", "Intercom Signed Up At", DateTime),
        field("Intercom_Last_Seen_At__c", "Intercom Last Seen At", DateTime),
        field("Intercom_Tags__c", "Intercom Tags", TextArea),
        picklist("Plan__c", "Plan", PLANS).restricted(),
        picklist("Lifecycle_Stage__c", "Lifecycle Stage", LIFECYCLE).restricted(),
        field("MRR__c", "MRR", Currency),
        field("CSAT__c", "CSAT", Double),
    ]
}

fn address(names: [(&'static str, &'static str); 5]) -> Vec<Field> {
    let lengths = [255, 40, 80, 20, 80];
    let fields = names.into_iter().zip(lengths).map(|((name, label), length)| {
        let kind = if length == 255 { TextArea } else { Text };
        Field { length, ..field(name, label, kind) }
    });
    fields.collect()
}

fn lead() -> ObjectType {
    let mut own = person();
    own.extend(address([
        ("Street", "Street"),
        ("City", "City"),
        ("State", "State/Province"),
        ("PostalCode", "Zip/Postal Code"),
        ("Country", "Country"),
    ]));
    let opportunity: Words = &["Opportunity"];
    own.extend([
        parent("RecordTypeId", "Record Type ID", &["RecordType"], "RecordType"),
        text("Company", "Company", 255).needed(),
        field("Website", "Website", Url),
        picklist("Industry", "Industry", INDUSTRIES),
        field("NumberOfEmployees", "Employees", Int),
        field("AnnualRevenue", "Annual Revenue", Currency),
        picklist("Rating", "Rating", RATINGS),
        picklist("Status", "Status", LEAD_STATUSES).restricted().defaulting("Open - Not Contacted"),
        field("IsUnreadByOwner", "Unread By Owner", Boolean),
        field("IsConverted", "Converted", Boolean).kept(),
        field("ConvertedDate", "Converted Date", Date).kept(),
        parent("ConvertedAccountId", "Converted Account ID", &["Account"], "ConvertedAccount").kept(),
        parent("ConvertedContactId", "Converted Contact ID", &["Contact"], "ConvertedContact").kept(),
        parent("ConvertedOpportunityId", "Converted Opportunity ID", opportunity, "ConvertedOpportunity")
            .kept(),
    ]);
    object(["Lead", "Lead", "Leads", "00Q"], own)
}

fn contact() -> ObjectType {
    let mut own = person();
    own.extend(address([
        ("MailingStreet", "Mailing Street"),
        ("MailingCity", "Mailing City"),
        ("MailingState", "Mailing State/Province"),
        ("MailingPostalCode", "Mailing Zip/Postal Code"),
        ("MailingCountry", "Mailing Country"),
    ]));
    own.extend([
        parent("AccountId", "Account ID", &["Account"], "Account"),
        parent("ReportsToId", "Reports To ID", &["Contact"], "ReportsTo"),
        text("Department", "Department", 80),
        field("Birthdate", "Birthdate", Date),
    ]);
    object(["Contact", "Contact", "Contacts", "003"], own)
}

fn account() -> ObjectType {
    let types: Words = &["Prospect", "Customer - Direct", "Customer - Channel", "Partner", "Other"];
    let mut own = vec![
        master(),
        owner(),
        text("Name", "Account Name", 255).needed(),
        picklist("Type", "Account Type", types),
        parent("ParentId", "Parent Account ID", &["Account"], "Parent"),
        field("Phone", "Account Phone", Phone),
        field("Fax", "Account Fax", Phone),
        text("AccountNumber", "Account Number", 40),
        field("Website", "Website", Url),
        picklist("Industry", "Industry", INDUSTRIES),
        picklist("Rating", "Account Rating", RATINGS),
        field("NumberOfEmployees", "Employees", Int),
        field("AnnualRevenue", "Annual Revenue", Currency),
        field("Description", "Account Description", TextArea),
        field("LastActivityDate", "Last Activity", Date).kept(),
        external("Intercom_Company_ID__c", "Intercom Company ID"),
        picklist("Plan__c", "Plan", PLANS).restricted(),
        field("MRR__c", "MRR", Currency),
        field("Intercom_Seats__c", "Intercom Seats", Double),
    ];
    own.extend(address([
        ("BillingStreet", "Billing Street"),
        ("BillingCity", "Billing City"),
        ("BillingState", "Billing State/Province"),
        ("BillingPostalCode", "Billing Zip/Postal Code"),
        ("BillingCountry", "Billing Country"),
    ]));
    object(["Account", "Account", "Accounts", "001"], own)
}

fn opportunity() -> ObjectType {
    let own = vec![
        owner(),
        text("Name", "Name", 120).needed(),
        parent("AccountId", "Account ID", &["Account"], "Account"),
        parent("ContactId", "Contact ID", &["Contact"], "Contact").fixed(),
        picklist("StageName", "Stage", STAGES).needed(),
        field("CloseDate", "Close Date", Date).needed(),
        field("Amount", "Amount", Currency),
        field("Probability", "Probability (%)", Percent),
        picklist("Type", "Opportunity Type", &["Existing Business", "New Business"]),
        picklist("LeadSource", "Lead Source", SOURCES),
        text("NextStep", "Next Step", 255),
        field("Description", "Description", TextArea),
        field("IsClosed", "Closed", Boolean).kept(),
        field("IsWon", "Won", Boolean).kept(),
        external("Intercom_Conversation_ID__c", "Intercom Conversation ID"),
    ];
    object(["Opportunity", "Opportunity", "Opportunities", "006"], own)
}

fn activity() -> Vec<Field> {
    vec![
        owner(),
        parent("WhoId", "Name ID", &["Contact", "Lead"], "Who"),
        parent("WhatId", "Related To ID", &["Account", "Opportunity", "Case"], "What"),
        parent("AccountId", "Account ID", &["Account"], "Account").kept(),
        text("Subject", "Subject", 255),
        field("ActivityDate", "Due Date Only", Date),
        field("Description", "Description", TextArea),
        external("Intercom_Conversation_ID__c", "Intercom Conversation ID"),
        field("CSAT__c", "CSAT", Double),
    ]
}

fn task() -> ObjectType {
    let statuses: Words = &["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"];
    let mut own = activity();
    own.extend([
        picklist("Status", "Status", statuses).defaulting("Not Started"),
        picklist("Priority", "Priority", &["High", "Normal", "Low"]).defaulting("Normal"),
        picklist("Type", "Type", &["Call", "Email", "Meeting", "Other"]),
        field("IsClosed", "Closed", Boolean).kept(),
    ]);
    object(["Task", "Task", "Tasks", "00T"], own)
}

fn event() -> ObjectType {
    let mut own = activity();
    own.extend([
        text("Location", "Location", 255),
        field("IsAllDayEvent", "All-Day Event", Boolean),
        field("ActivityDateTime", "Due Date Time", DateTime),
        field("StartDateTime", "Start Date Time", DateTime),
        field("EndDateTime", "End Date Time", DateTime),
        field("DurationInMinutes", "Duration", Int),
    ]);
    object(["Event", "Event", "Events", "00U"], own)
}

fn case() -> ObjectType {
    let reasons: Words = &["Installation", "Performance", "Breakdown", "Feedback", "Other"];
    let own = vec![
        master(),
        owner(),
        text("CaseNumber", "Case Number", 30).kept().needed(),
        parent("ContactId", "Contact ID", &["Contact"], "Contact"),
        parent("AccountId", "Account ID", &["Account"], "Account"),
        text("SuppliedName", "Name", 80),
        field("SuppliedEmail", "Email Address", Email),
        text("SuppliedPhone", "Phone", 40),
        text("SuppliedCompany", "Company", 80),
        picklist("Type", "Case Type", &["Question", "Problem", "Feature Request", "Other"]),
        picklist("Status", "Status", &["New", "Working", "Escalated", "Closed"]).defaulting("New"),
        picklist("Reason", "Case Reason", reasons),
        picklist("Origin", "Case Origin", &["Phone", "Email", "Web", "Chat", "Intercom"]),
        picklist("Priority", "Priority", &["High", "Medium", "Low"]).defaulting("Medium"),
        text("Subject", "Subject", 255),
        field("Description", "Description", TextArea),
        field("IsClosed", "Closed", Boolean).kept(),
        field("ClosedDate", "Closed Date", DateTime).kept(),
        external("Intercom_Conversation_ID__c", "Intercom Conversation ID"),
        field("CSAT__c", "CSAT", Double),
    ];
    object(["Case", "Case", "Cases", "500"], own)
}

fn account_contact_relation() -> ObjectType {
    let own = vec![
        parent("AccountId", "Account ID", &["Account"], "Account").needed().fixed(),
        parent("ContactId", "Contact ID", &["Contact"], "Contact").needed().fixed(),
        Field { picklist: ROLES, ..field("Roles", "Roles", MultiPicklist) },
        field("IsDirect", "Direct", Boolean).kept(),
        field("IsActive", "Active", Boolean),
        field("StartDate", "Start Date", Date),
        field("EndDate", "End Date", Date),
    ];
    let (label, plural) = ("Account Contact Relationship", "Account Contact Relationships");
    object(["AccountContactRelation", label, plural, "07k"], own)
}

/// What a contact is in an opportunity.
fn opportunity_contact_role() -> ObjectType {
    let own = vec![
        parent("OpportunityId", "Opportunity ID", &["Opportunity"], "Opportunity").needed().fixed(),
        parent("ContactId", "Contact ID", &["Contact"], "Contact").needed(),
        picklist("Role", "Role", ROLES),
        field("IsPrimary", "Primary", Boolean),
    ];
    let label = "Opportunity Contact Role";
    object(["OpportunityContactRole", label, "Opportunity Contact Roles", "00K"], own)
}

/// The stages of opportunities, for whoever wants to know which of them close.
fn opportunity_stage() -> ObjectType {
    let own = vec![
        text("MasterLabel", "Master Label", 255).kept(),
        text("ApiName", "API Name", 255).kept(),
        field("SortOrder", "Sort Order", Int).kept(),
        field("IsActive", "Is Active", Boolean).kept(),
        field("IsClosed", "Is Closed", Boolean).kept(),
        field("IsWon", "Is Won", Boolean).kept(),
        field("DefaultProbability", "Default Probability", Percent).kept(),
    ];
    let label = "Opportunity Stage";
    ObjectType { writable: false, ..object(["OpportunityStage", label, "Opportunity Stages", "01J"], own) }
}

fn case_status() -> ObjectType {
    let own = vec![
        text("MasterLabel", "Master Label", 255).kept(),
        text("ApiName", "API Name", 255).kept(),
        field("SortOrder", "Sort Order", Int).kept(),
        field("IsDefault", "Is Default", Boolean).kept(),
        field("IsClosed", "Is Closed", Boolean).kept(),
    ];
    let label = "Case Status Value";
    ObjectType { writable: false, ..object(["CaseStatus", label, label, "01J"], own) }
}

/// The org itself: one row that clients ask whether they are in a sandbox.
fn organization() -> ObjectType {
    let own = vec![
        text("Name", "Name", 80).kept(),
        text("OrganizationType", "Edition", 40).kept(),
        text("InstanceName", "Instance Name", 5).kept(),
        field("IsSandbox", "Is Sandbox", Boolean).kept(),
    ];
    ObjectType { writable: false, ..object(["Organization", "Organization", "Organizations", "00D"], own) }
}

fn user() -> ObjectType {
    let own = vec![
        text("Username", "Username", 80).kept(),
        text("FirstName", "First Name", 40).kept(),
        text("LastName", "Last Name", 80).kept(),
        text("Name", "Full Name", 121).kept(),
        field("Email", "Email", Email).kept(),
        text("Alias", "Alias", 8).kept(),
        text("Title", "Title", 80).kept(),
        field("IsActive", "Active", Boolean).kept(),
        picklist("UserType", "User Type", &["Standard", "AutomatedProcess"]).kept(),
    ];
    ObjectType { writable: false, ..object(["User", "User", "Users", "005"], own) }
}

fn lead_status() -> ObjectType {
    let own = vec![
        text("MasterLabel", "Master Label", 255).kept(),
        text("ApiName", "API Name", 255).kept(),
        field("SortOrder", "Sort Order", Int).kept(),
        field("IsDefault", "Is Default", Boolean).kept(),
        field("IsConverted", "Is Converted", Boolean).kept(),
    ];
    let label = "Lead Status Value";
    ObjectType { writable: false, ..object(["LeadStatus", label, label, "01J"], own) }
}

/// All of them; the order is the order `describe global` shows.
pub(super) fn standing() -> Vec<ObjectType> {
    vec![
        lead(),
        contact(),
        account(),
        opportunity(),
        task(),
        event(),
        case(),
        account_contact_relation(),
        organization(),
        user(),
        lead_status(),
        opportunity_contact_role(),
        opportunity_stage(),
        case_status(),
    ]
}
