//! What the columns of a table hold, as its owner says in a small TOML file. It reads no table.

use std::collections::BTreeMap;

use toml::Spanned;

/// What a column holds; decides how it is read, found by and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldType {
    /// Given name of a person.
    GivenName,
    /// Family name of a person.
    FamilyName,
    /// A person's whole name.
    FullName,
    /// E-mail address.
    Email,
    /// Phone number in any form.
    Phone,
    /// Name of a firm.
    Company,
    /// Domain or web address.
    Domain,
    /// Job title.
    Title,
    /// City or suburb.
    City,
    /// Country in any spelling.
    Country,
    /// State, province or county.
    Region,
    /// Postal code.
    Postcode,
    /// Street, with or without a number.
    Street,
    /// House number.
    HouseNumber,
    /// Further lines of an address.
    Address,
    /// A date in any usual form.
    Date,
    /// A number or code that one person or thing has alone.
    NationalId,
    /// One of few values.
    Category,
    /// A value that is equal or not.
    Exact,
    /// Free words: names of products, works, things.
    Text,
    /// Not compared.
    Ignore,
}

/// The words of a schema file for the types.
const WORDS: [(&str, FieldType); 21] = [
    ("given_name", FieldType::GivenName),
    ("family_name", FieldType::FamilyName),
    ("full_name", FieldType::FullName),
    ("email", FieldType::Email),
    ("phone", FieldType::Phone),
    ("company", FieldType::Company),
    ("domain", FieldType::Domain),
    ("title", FieldType::Title),
    ("city", FieldType::City),
    ("country", FieldType::Country),
    ("region", FieldType::Region),
    ("postcode", FieldType::Postcode),
    ("street", FieldType::Street),
    ("house_number", FieldType::HouseNumber),
    ("address", FieldType::Address),
    ("date", FieldType::Date),
    ("national_id", FieldType::NationalId),
    ("category", FieldType::Category),
    ("exact", FieldType::Exact),
    ("text", FieldType::Text),
    ("ignore", FieldType::Ignore),
];

impl FieldType {
    /// The word of a schema file for it.
    pub fn as_str(self) -> &'static str {
        WORDS.iter().find(|word| word.1 == self).map_or("ignore", |word| word.0)
    }

    /// The type that a word of a schema file means.
    pub fn parse(word: &str) -> Option<Self> {
        WORDS.iter().find(|known| known.0 == word).map(|known| known.1)
    }
}

/// Which column is the id and what the others hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The column that names a row.
    pub id: String,
    /// Column and type, in the order of their names: a table matches alike whatever the order in the file.
    pub fields: Vec<(String, FieldType)>,
}

/// Why a schema is none, and on which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct SchemaError {
    /// Line of the schema file, from 1.
    pub line: usize,
    /// What is wrong there.
    pub why: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    id: Option<Spanned<String>>,
    #[serde(default)]
    fields: BTreeMap<Spanned<String>, Spanned<String>>,
}

impl Schema {
    /// Reads a schema file.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        let line_of = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let file: File = toml::from_str(text).map_err(|error| SchemaError {
            line: error.span().map_or(1, |span| line_of(span.start)),
            why: error.message().replace('\n', " "),
        })?;
        let mut fields = Vec::with_capacity(file.fields.len());
        for (column, word) in &file.fields {
            let Some(kind) = FieldType::parse(word.get_ref()) else {
                let known: Vec<&str> = WORDS.iter().map(|word| word.0).collect();
                return Err(SchemaError {
                    line: line_of(word.span().start),
                    why: format!("\"{}\" is no field type; there are: {}", word.get_ref(), known.join(", ")),
                });
            };
            fields.push((column.get_ref().clone(), kind));
        }
        if fields.iter().all(|field| field.1 == FieldType::Ignore) {
            return Err(SchemaError { line: 1, why: "[fields] names no column to compare".to_owned() });
        }
        fields.sort();
        Ok(Self { id: file.id.map_or_else(|| "id".to_owned(), Spanned::into_inner), fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_names_columns_and_types() {
        let schema = Schema::parse("id = \"key\"\n[fields]\nsurname = \"family_name\"\nborn = \"date\"\n");
        let schema = schema.expect("a schema");
        assert_eq!(schema.id, "key");
        let fields = [("born".to_owned(), FieldType::Date), ("surname".to_owned(), FieldType::FamilyName)];
        assert_eq!(schema.fields, fields);
        assert_eq!(Schema::parse("[fields]\na = \"text\"\n").expect("a schema").id, "id");
        assert!(WORDS.iter().all(|word| FieldType::parse(word.1.as_str()) == Some(word.1)));
    }

    #[test]
    fn mistakes_are_named_by_line() {
        for (text, line, words) in [
            ("id = \"id\"\n[fields]\nname = \"nmae\"\n", 3, "no field type"),
            ("id = 3\n", 1, "string"),
            ("id = \"id\"\nfield = {}\n", 2, "field"),
            ("id = \"id\"\n[fields]\nname = \n", 3, ""),
            ("id = \"id\"\n[fields]\nname = \"ignore\"\n", 1, "no column to compare"),
        ] {
            let error = Schema::parse(text).expect_err(text);
            assert_eq!(error.line, line, "{text} {error}");
            assert!(error.why.contains(words), "{error}");
        }
    }
}
