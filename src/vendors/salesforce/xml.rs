//! The XML of Salesforce's SOAP calls: texts put into it so that they come out the same, answers read into a small tree.
//!
//! Knows no envelope. Names lose their prefixes, as the vendor's clients read them; document types and entities are
//! not expanded, and depth and number of elements are bounded, so that no answer can grow while it is read.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Deeper than any answer we ask for.
const DEEPEST: usize = 64;
/// More elements than any answer we ask for.
const MOST: usize = 100_000;

/// One element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its name without a prefix.
    pub(crate) name: String,
    /// The text directly in it.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The first child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of that name; empty when there is none.
    pub(crate) fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }

    /// The first element of that name in it, at any depth.
    pub(crate) fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }
}

/// A text as it stands between two tags. What XML 1.0 cannot hold at all becomes the sign for "unreadable".
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // A bare one would be read as a line feed.
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Reads a document; the error says what is wrong with it.
pub(crate) fn read(document: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(document);
    let mut open: Vec<Element> = vec![Element::default()];
    let mut count = 0;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                count += 1;
                if open.len() > DEEPEST || count > MOST {
                    return Err("it has more elements than any answer of this kind".to_owned());
                }
                open.push(Element::named(start.local_name().as_ref()));
            }
            Event::Empty(start) => {
                count += 1;
                if count > MOST {
                    return Err("it has more elements than any answer of this kind".to_owned());
                }
                let element = Element::named(start.local_name().as_ref());
                last(&mut open).children.push(element);
            }
            Event::End(_) => {
                let element = open.pop().unwrap_or_default();
                if open.is_empty() {
                    return Err("it closes what it did not open".to_owned());
                }
                last(&mut open).children.push(element);
            }
            Event::Text(text) => last(&mut open).text.push_str(&text.xml10_content()),
            Event::CData(text) => last(&mut open).text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let c = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(c) => c,
                    None => match &*reference {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        other => return Err(format!("it names an entity \"{other}\"")),
                    },
                };
                last(&mut open).text.push(c);
            }
            Event::DocType(_) => return Err("it brings a document type".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    if open.len() != 1 {
        return Err("it breaks off".to_owned());
    }
    open.pop().and_then(|mut root| root.children.pop()).ok_or_else(|| "it holds no element".to_owned())
}

fn last(open: &mut [Element]) -> &mut Element {
    open.last_mut().expect("the root is only taken off after the loop")
}
#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn can_stand_in_xml(c: char) -> bool {
        !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
    }

    proptest! {
        #[test]
        fn any_text_comes_out_as_it_went_in(text in any::<String>()) {
            let document = format!("<a><b>{}</b><c/></a>", escape(&text));
            let read = read(&document).expect("well formed");
            let kept: String = text.chars().map(|c| if can_stand_in_xml(c) { c } else { '\u{fffd}' }).collect();
            prop_assert_eq!(&read.child("b").expect("b").text, &kept);
            prop_assert_eq!(read.children.len(), 2);
        }

        #[test]
        fn no_document_breaks_the_reader(document in "[<>/a&;!\\[\\]\"' x]{0,60}") {
            let _ = read(&document);
        }
    }

    #[test]
    fn documents_that_could_grow_are_refused() {
        for bad in [
            "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>".to_owned(),
            "<a>&b;</a>".to_owned(),
            format!("{}{}", "<a>".repeat(100), "</a>".repeat(100)),
            "<a>".to_owned(),
            String::new(),
        ] {
            assert!(read(&bad).is_err(), "{}", &bad[..bad.len().min(40)]);
        }
    }

    #[test]
    fn prefixes_do_not_matter() {
        let read = read(
            "<?xml version=\"1.0\"?><s:Envelope><s:Body><x>1 &lt; <![CDATA[2&]]></x></s:Body></s:Envelope>",
        )
        .expect("well formed");
        assert_eq!(read.find("x").expect("x").text, "1 < 2&");
        assert_eq!(read.child("Body").expect("a body").text_of("x"), "1 < 2&");
    }
}
