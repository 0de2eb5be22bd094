//! What is known of a person, as far as it says where they work. It looks nothing up.

use super::super::company::Company;
use super::super::country::country_code;
use super::super::email::Mailbox;
use super::super::hashing::hash_text;
use super::super::phone::Phone;
use super::super::record::Person;
use super::super::text::fold;
use super::super::web_domain::WebDomain;

/// A person in search of an account.
pub(super) struct Seeker {
    /// Domains of work addresses.
    pub(super) mailbox_domains: Vec<WebDomain>,
    /// Domains from the website field and the company text.
    pub(super) other_domains: Vec<WebDomain>,
    pub(super) company: Company,
    pub(super) phones: Vec<Phone>,
    pub(super) city: u64,
    pub(super) country: u8,
    /// The country was read from the ending of a domain.
    pub(super) country_from_domain: bool,
    /// City and country were derived from an IP address.
    pub(super) guessed_place: bool,
}

impl Seeker {
    /// Reads a person; domains that `is_provider` knows are nobody's employer.
    pub(super) fn read(person: &Person, is_provider: impl Fn(u64) -> bool) -> Self {
        let company = Company::parse(&person.company);
        let work = |domain: &WebDomain| domain.is_corporate() && !is_provider(domain.id());
        let mut mailbox_domains: Vec<WebDomain> = Vec::new();
        for mailbox in person.emails.iter().filter_map(|email| Mailbox::parse(email)) {
            if !mailbox.dummy
                && work(&mailbox.domain)
                && mailbox_domains.iter().all(|known| known.host != mailbox.domain.host)
            {
                mailbox_domains.push(mailbox.domain);
            }
        }
        let web = WebDomain::parse(&person.company_domain);
        let other_domains: Vec<WebDomain> =
            web.into_iter().chain(company.domain.clone()).filter(|domain| work(domain)).collect();
        let stated = country_code(&person.country).or(company.country);
        let of_domain = || mailbox_domains.iter().chain(&other_domains).find_map(WebDomain::country);
        Self {
            phones: person.phones.iter().filter_map(|phone| Phone::parse(phone)).collect(),
            city: hash_text(&fold(&person.city)),
            country: stated.or_else(of_domain).or_else(|| company.form_country()).unwrap_or(0),
            country_from_domain: stated.is_none(),
            guessed_place: person.source.has_guessed_place(),
            mailbox_domains,
            other_domains,
            company,
        }
    }

    /// All domains that may stand for the employer, mailboxes first.
    pub(super) fn domains(&self) -> impl Iterator<Item = &WebDomain> {
        self.mailbox_domains.iter().chain(&self.other_domains)
    }
}
