//! The vocabulary of the generated people: short lists for what is frequent, syllables for the long tail.

/// Title, from frequent to rare.
pub(crate) const TITLES: [&str; 32] = [
    "Sales Manager",
    "Account Executive",
    "CEO",
    "Software Engineer",
    "Office Manager",
    "Head of Marketing",
    "CTO",
    "Buyer",
    "Project Manager",
    "Managing Director",
    "Consultant",
    "VP of Sales",
    "Accountant",
    "Product Manager",
    "Founder",
    "Operations Manager",
    "HR Manager",
    "CFO",
    "Designer",
    "Support Engineer",
    "Data Analyst",
    "Team Lead",
    "Director of Finance",
    "Procurement Officer",
    "Technician",
    "Researcher",
    "Legal Counsel",
    "Chief of Staff",
    "Electrician",
    "Customer Success Manager",
    "Warehouse Supervisor",
    "Nurse",
];

/// Countries, from frequent to rare, in the spellings people use.
pub(crate) const COUNTRIES: [&str; 12] = [
    "United States",
    "Germany",
    "UK",
    "France",
    "Deutschland",
    "Spain",
    "Poland",
    "NL",
    "Sweden",
    "Italy",
    "Brazil",
    "Japan",
];

/// Providers of private mailboxes, from frequent to rare.
pub(crate) const PROVIDERS: [&str; 10] = [
    "gmail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "gmx.de",
    "web.de",
    "icloud.com",
    "aol.com",
    "orange.fr",
    "wp.pl",
];

const GIVEN: [&str; 48] = [
    "Maria",
    "Thomas",
    "Anna",
    "Michael",
    "Laura",
    "Peter",
    "Julia",
    "David",
    "Sarah",
    "Daniel",
    "Elena",
    "Robert",
    "Sofia",
    "Alexander",
    "Emma",
    "William",
    "Katarzyna",
    "James",
    "Ingrid",
    "Jürgen",
    "Chloé",
    "Mateusz",
    "Olga",
    "Benjamin",
    "Victoria",
    "José",
    "Margaret",
    "Andrew",
    "Patricia",
    "Nicholas",
    "Søren",
    "Elizabeth",
    "Giulia",
    "Christopher",
    "Zoë",
    "Matthew",
    "Fatima",
    "Samuel",
    "Yuki",
    "Joseph",
    "Aisha",
    "Richard",
    "Noor",
    "Anthony",
    "Mei",
    "Edward",
    "Priya",
    "Jonathan",
];

const SHORT: [(&str, &str); 20] = [
    ("Robert", "Bob"),
    ("William", "Bill"),
    ("Michael", "Mike"),
    ("Thomas", "Tom"),
    ("Alexander", "Alex"),
    ("Katarzyna", "Kasia"),
    ("James", "Jim"),
    ("Benjamin", "Ben"),
    ("Victoria", "Vicky"),
    ("Margaret", "Peggy"),
    ("Andrew", "Andy"),
    ("Patricia", "Pat"),
    ("Nicholas", "Nick"),
    ("Elizabeth", "Liz"),
    ("Christopher", "Chris"),
    ("Matthew", "Matt"),
    ("Samuel", "Sam"),
    ("Joseph", "Joe"),
    ("Richard", "Rick"),
    ("Anthony", "Tony"),
];

const FAMILY: [&str; 40] = [
    "Smith",
    "Müller",
    "García",
    "Martin",
    "Kowalski",
    "Nguyen",
    "Rossi",
    "Johansson",
    "Schmidt",
    "Jones",
    "Silva",
    "Nowak",
    "de Vries",
    "O'Brien",
    "Fischer",
    "López",
    "Bernard",
    "Andersson",
    "Weber",
    "Taylor",
    "Santos",
    "Wójcik",
    "van den Berg",
    "Becker",
    "Dubois",
    "Tanaka",
    "Kaya",
    "Novák",
    "Horvat",
    "Ivanov",
    "Kim",
    "Singh",
    "Cohen",
    "Haddad",
    "Okafor",
    "Larsen",
    "Virtanen",
    "Papadopoulos",
    "Popescu",
    "Moreau",
];

const SYLLABLES: [&str; 60] = [
    "ba", "ker", "lin", "mo", "ra", "den", "tis", "va", "lo", "gar", "shi", "no", "pel", "kov", "am", "ber",
    "cu", "dra", "es", "fon", "gri", "hal", "is", "jo", "kel", "lam", "mar", "nes", "or", "pra", "qui",
    "ros", "sal", "ter", "ul", "vin", "wes", "xan", "yar", "zel", "bru", "chi", "dor", "el", "fer", "gon",
    "hem", "ino", "jar", "kra", "lau", "mis", "nor", "ost", "pin", "rud", "sten", "tov", "urs", "wick",
];

const TRADES: [&str; 24] = [
    "Software",
    "Logistics",
    "Foods",
    "Media",
    "Energy",
    "Consulting",
    "Systems",
    "Analytics",
    "Retail",
    "Health",
    "Robotics",
    "Textiles",
    "Partners",
    "Labs",
    "Finance",
    "Travel",
    "Motors",
    "Design",
    "Security",
    "Pharma",
    "Networks",
    "Timber",
    "Optics",
    "Marine",
];

const FORMS: [&str; 8] = ["GmbH", "Ltd", "Inc.", "S.A.", "AB", "B.V.", "LLC", "S.r.l."];

const ENDINGS: [&str; 6] = ["com", "de", "io", "co.uk", "fr", "net"];

/// A given name by rank.
pub(crate) fn given(rank: usize) -> String {
    GIVEN.get(rank).map_or_else(|| spell(rank * 17, 2), |name| (*name).to_owned())
}

/// A family name by rank.
pub(crate) fn family(rank: usize) -> String {
    match FAMILY.get(rank) {
        Some(name) => (*name).to_owned(),
        None if rank < 3000 => spell(rank * 7, 2),
        None => spell(rank, 3),
    }
}

/// The short form of a given name, where there is one.
pub(crate) fn nickname(given: &str) -> Option<&'static str> {
    SHORT.iter().find(|(long, _)| *long == given).map(|(_, short)| *short)
}

/// A city by rank.
pub(crate) fn city(rank: usize) -> String {
    format!("{}{}", spell(rank * 13 + 5, 2), ["ville", " am See", "ton", "burg"][rank % 4])
}

/// The name of a firm in one of four ways to write it.
pub(crate) fn firm(number: usize, manner: usize) -> String {
    let (stem, trade) = (stem(number), TRADES[number % TRADES.len()]);
    match manner {
        0 => format!("{stem} {trade} {}", FORMS[number % FORMS.len()]),
        1 => format!("{} {}", stem.to_uppercase(), trade.to_uppercase()),
        _ => format!("{stem} {trade}"),
    }
}

/// The domain of a firm.
pub(crate) fn domain(number: usize) -> String {
    let trade = TRADES[number % TRADES.len()].to_lowercase();
    format!("{}{trade}.{}", plain(&stem(number)), ENDINGS[number % ENDINGS.len()])
}

/// A name that Intercom would invent.
pub(crate) fn pseudonym(number: usize) -> String {
    let colours = ["Teal", "Ruby", "Amber", "Violet", "Olive"];
    let things = ["Falcon", "Lamp", "Fox", "Guitar", "Bridge", "Lion"];
    format!("{} {} from {}", colours[number % 5], things[number % 6], city(number % 900))
}

/// A name as it would stand in a mailbox.
pub(crate) fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.to_lowercase().chars() {
        match letter {
            'ü' => out.push_str("ue"),
            'é' | 'ë' => out.push('e'),
            'ø' | 'ó' => out.push('o'),
            'í' => out.push('i'),
            'á' => out.push('a'),
            'a'..='z' => out.push(letter),
            _ => {}
        }
    }
    out
}

fn stem(number: usize) -> String {
    spell(number * 11 + 3, if number < 2000 { 2 } else { 3 })
}

/// A word of so many syllables; every number below `60^syllables` has its own.
fn spell(number: usize, syllables: u32) -> String {
    let many = SYLLABLES.len();
    let all = many.pow(syllables);
    // Neighbouring numbers must not look alike: 7,919 shares no factor with the number of syllables.
    let mut rest = number.wrapping_mul(7919) % all;
    let mut word = String::new();
    for _ in 0..syllables {
        word.push_str(SYLLABLES[rest % many]);
        rest /= many;
    }
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
