//! What comes back when a merge is taken back and what does not, in words, record by record: by what each vendor
//! documents, never better than the plan that stands beside it. Plans nothing.

use super::fields::{CHANGED_SINCE, CONSENT, Sorted};
use super::{Absorbed, Chain, Departure};
use crate::domain::record::{RecordRef, System};
use crate::domain::undo::{Comes, Part, Return};

/// Names of fields a sentence lists before it counts.
const NAMED: usize = 8;

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

struct Says<'a> {
    record: &'a RecordRef,
    into: &'a mut Vec<Return>,
}

impl Says<'_> {
    fn say(&mut self, part: Part, comes: Comes, why: impl Into<String>) {
        self.into.push(Return { record: self.record.clone(), part, comes, why: why.into() });
    }
}

/// What becomes of the survivor.
pub(super) fn survivor(chain: &Chain, sorted: &Sorted, into: &mut Vec<Return>) {
    let result = chain.result.title();
    let mut says = Says { record: &chain.result, into };
    let back: Vec<&str> = sorted.restore.keys().map(String::as_str).collect();
    let left = |why: &str| -> Vec<&str> {
        sorted.kept.iter().filter(|kept| kept.why == why).map(|kept| kept.field.as_str()).collect()
    };
    let (changed, consent) = (left(CHANGED_SINCE), left(CONSENT));
    let read_only = left(super::fields::READ_ONLY);
    let mut sentences = Vec::new();
    if !back.is_empty() {
        sentences.push(format!("Put back as before the merge: {}.", listed(&back)));
    }
    if !changed.is_empty() {
        sentences.push(format!("Left, because changed since the merge: {}.", listed(&changed)));
    }
    if !consent.is_empty() {
        sentences.push(format!(
            "Left: {}. An opt-out is never taken back; if it was the other person's, lift it by hand.",
            listed(&consent)
        ));
    }
    if !read_only.is_empty() {
        sentences.push(format!("Left, because no call may write it: {}.", listed(&read_only)));
    }
    if chain.after.is_none() {
        sentences.push(
            "Nobody looked at the record right after the merge, so nobody can tell which values are the merge's: all \
             are left. The pre-image shows what they were."
                .to_owned(),
        );
    }
    if sentences.is_empty() {
        sentences.push("Its values are as they were before the merge.".to_owned());
    }
    let all = sorted.kept.is_empty() && chain.after.is_some();
    let comes = match (all, back.is_empty()) {
        (true, _) => Comes::Back,
        (false, false) => Comes::Partly,
        (false, true) => Comes::Not,
    };
    says.say(Part::Fields, comes, sentences.join(" "));
    let merged: Vec<&Absorbed> =
        chain.absorbed.iter().filter(|one| one.departure != Departure::Archived).collect();
    if merged.is_empty() {
        return;
    }
    let came: usize = merged
        .iter()
        .flat_map(|one| one.before.associations.iter())
        .map(|(kind, ids)| {
            let own = chain.survivor.associations.get(kind);
            ids.iter().filter(|id| own.is_none_or(|own| !own.contains(id))).count()
        })
        .sum();
    match chain.result.system() {
        System::Salesforce => says.say(
            Part::Associations,
            Comes::Not,
            format!(
                "What the merge moved to {result} (opportunities, cases, activities, campaign membership) stays there: \
                 Salesforce does not move it back."
            ),
        ),
        _ if came > 0 => says.say(
            Part::Associations,
            Comes::Not,
            format!("{came} relations that came over in the merge stay with {result} as well; take them off by hand."),
        ),
        _ => says.say(Part::Associations, Comes::Back, "The merge brought it no relations."),
    }
    says.say(
        Part::Timeline,
        Comes::Not,
        format!("What happened to either of them before stands on {result} and cannot be told apart again."),
    );
}

/// What becomes of a record that went away. `held` is the e-mail it cannot have back.
pub(super) fn absorbed(chain: &Chain, absorbed: &Absorbed, held: Option<&str>, into: &mut Vec<Return>) {
    let record = &absorbed.before.mirror.record;
    let mut says = Says { record, into };
    if absorbed.standing.is_some() {
        says.say(Part::Record, Comes::Back, "It stands by itself again already; it is left as it is.");
        return;
    }
    match (record.system(), absorbed.departure) {
        (_, Departure::Archived) => archived(&mut says),
        (System::Salesforce, Departure::Merged) => undeleted(&mut says, chain),
        (System::Salesforce, Departure::Converted) => lead_anew(&mut says, chain),
        (System::Hubspot, _) => hubspot_anew(&mut says, chain, absorbed, held),
        (System::Intercom, _) => intercom_anew(&mut says, chain, absorbed),
    }
    if let Some(lacks) = &absorbed.before.incomplete
        && record.system() != System::Salesforce
    {
        says.say(Part::Associations, Comes::Partly, format!("The pre-image is not whole. {lacks}"));
    }
}

fn archived(says: &mut Says<'_>) {
    says.say(Part::Record, Comes::Back, "It is taken out of the archive, under its own id.");
    says.say(Part::Fields, Comes::Back, "The archive kept its values.");
    says.say(Part::Associations, Comes::Back, "The archive kept its companies.");
    says.say(Part::Timeline, Comes::Back, "Its conversations were never moved.");
    says.say(Part::Subscriptions, Comes::Back, "The archive kept them.");
    says.say(Part::Ids, Comes::Back, "It keeps its id.");
    says.say(Part::Lists, Comes::Back, "The archive kept its tags.");
}

fn undeleted(says: &mut Says<'_>, chain: &Chain) {
    let result = chain.result.title();
    says.say(
        Part::Record,
        Comes::Back,
        "Salesforce brings it back from the recycle bin under its own id, as long as it lies there (15 days, by its \
         documentation; an administrator may have emptied it before).",
    );
    says.say(Part::Fields, Comes::Back, "It comes back with the values it had when it was merged.");
    says.say(
        Part::Associations,
        Comes::Partly,
        format!("Its own account comes back with it; what was moved to {result} stays there."),
    );
    says.say(Part::Timeline, Comes::Not, format!("Its activities and cases stay with {result}."));
    says.say(Part::Subscriptions, Comes::Back, "Its own opt-outs are values of the record.");
    says.say(Part::Ids, Comes::Back, "It keeps its id and its external id.");
    says.say(Part::Lists, Comes::Not, format!("Its campaign membership stays with {result}."));
}

fn lead_anew(says: &mut Says<'_>, chain: &Chain) {
    let result = chain.result.title();
    says.say(
        Part::Record,
        Comes::Partly,
        "A converted lead cannot be unconverted: a new lead is made from the pre-image, and the converted one stays.",
    );
    says.say(
        Part::Fields,
        Comes::Partly,
        "All values of the pre-image that may be written, except its external id.",
    );
    says.say(Part::Associations, Comes::Not, format!("What the conversion related to {result} stays there."));
    says.say(Part::Timeline, Comes::Not, format!("Its activities stay with {result}."));
    says.say(
        Part::Subscriptions,
        Comes::Back,
        "Its opt-outs are values of the record and are written again.",
    );
    says.say(
        Part::Ids,
        Comes::Partly,
        "It gets a new id; the external id stays with the converted lead, which cannot be written any more.",
    );
    says.say(Part::Lists, Comes::Not, format!("Its campaign membership stays with {result}."));
}

fn hubspot_anew(says: &mut Says<'_>, chain: &Chain, absorbed: &Absorbed, held: Option<&str>) {
    let result = chain.result.title();
    says.say(
        Part::Record,
        Comes::Partly,
        "HubSpot takes no merge apart: it is made anew from the pre-image, without its history.",
    );
    match held {
        Some(_) => says.say(
            Part::Fields,
            Comes::Partly,
            format!(
                "All values that may be written except the e-mail, which {result} holds as its own by now."
            ),
        ),
        None => says.say(
            Part::Fields,
            Comes::Partly,
            "All values of the pre-image that may be written; what HubSpot works out by itself begins anew.",
        ),
    }
    let before: usize = absorbed.before.associations.values().map(Vec::len).sum();
    let again = absorbed.related.len();
    let comes = match (before, again) {
        (before, again) if again >= before => Comes::Back,
        (_, 0) => Comes::Not,
        _ => Comes::Partly,
    };
    says.say(
        Part::Associations,
        comes,
        format!(
            "{again} of {before} relations are made again (companies, deals and tickets that are still there); notes, \
             calls, e-mails, meetings and tasks stay with {result}."
        ),
    );
    says.say(Part::Timeline, Comes::Not, format!("What happened stays on {result}."));
    says.say(
        Part::Subscriptions,
        Comes::Not,
        "HubSpot keeps subscriptions by e-mail and lets no app set an opt-out: look at them afterwards.",
    );
    let old = &absorbed.before.mirror.record.id;
    says.say(
        Part::Ids,
        Comes::Partly,
        format!("It gets a new id; {old} goes on leading to {result}. Intercom and Reknit follow, others have to be told."),
    );
    says.say(Part::Lists, Comes::Not, "Static lists do not take it in again; active ones do, by its values.");
}

fn intercom_anew(says: &mut Says<'_>, chain: &Chain, absorbed: &Absorbed) {
    let result = chain.result.title();
    says.say(
        Part::Record,
        Comes::Partly,
        "Intercom takes no merge apart: a new lead is made from the pre-image, without its history.",
    );
    says.say(
        Part::Fields,
        Comes::Partly,
        "E-mail, telephone, name, owner and custom attributes; what Intercom observes by itself begins anew.",
    );
    let (before, again) = (absorbed.before.mirror.companies.len(), absorbed.related.len());
    let comes = if again >= before { Comes::Back } else { Comes::Partly };
    says.say(Part::Associations, comes, format!("{again} of {before} companies are attached again."));
    says.say(Part::Timeline, Comes::Not, format!("Its conversations and events stay with {result}."));
    says.say(
        Part::Subscriptions,
        Comes::Partly,
        "An opt-out of all e-mail is written again; single subscriptions are not.",
    );
    says.say(
        Part::Ids,
        Comes::Partly,
        "It gets a new id. Its external id is sent again; whether Intercom keeps one that is given for a lead is not \
         documented, and is seen in the answer.",
    );
    says.say(Part::Lists, Comes::Not, "Its tags are not put on again.");
}
