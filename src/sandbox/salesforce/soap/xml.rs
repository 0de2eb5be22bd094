//! XML as SOAP needs it: a request becomes a tree of local names, an answer is written element by element.
//! Takes no document type and no entity beyond the five, so nothing outside the request can be named.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Deeper documents are refused before they cost a stack.
const DEEPEST: usize = 32;

/// One element; namespaces are dropped, because working clients disagree about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) nil: bool,
    /// `xsi:type` without its prefix.
    pub(super) kind: Option<String>,
    pub(super) children: Vec<Element>,
    pub(super) text: String,
}

impl Element {
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of a child, trimmed; `None` when it is missing, nil or empty.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let child = self.child(name)?;
        let text = child.text.trim();
        (!child.nil && !text.is_empty()).then_some(text)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.value(name).is_some_and(|text| text == "true" || text == "1")
    }
}

/// The root element of a document; the error says what is wrong with it.
pub(super) fn parsed(document: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                if open.len() >= DEEPEST {
                    return Err("the document is nested too deeply".to_owned());
                }
                open.push(opened(&start)?);
            }
            Event::Empty(start) => {
                let element = opened(&start)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
            Event::End(_) => {
                // The reader has checked that an end has its start.
                let Some(element) = open.pop() else { return Err("an end without a start".to_owned()) };
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content())?,
            Event::CData(text) => add_text(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let letter = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(letter) => letter,
                    None => named(&reference.into_inner())
                        .ok_or("only the five predefined entities may be used")?,
                };
                add_text(&mut open, letter.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err("a document type is not allowed".to_owned()),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof => return Err("the document ends before its root element does".to_owned()),
        }
    }
}

fn named(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn opened(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element { name: start.local_name().as_ref().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .map_err(|error| error.to_string())?;
        match attribute.key.local_name().as_ref() {
            "nil" => element.nil = value == "true" || value == "1",
            "type" => element.kind = value.rsplit(':').next().map(str::to_owned),
            _ => {}
        }
    }
    Ok(element)
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("content is not allowed in prolog".to_owned()),
    }
    Ok(())
}

/// Text as it may stand between two tags; characters XML cannot carry at all are left out.
pub(in crate::sandbox::salesforce) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // A bare carriage return would be read back as a line feed.
            '\r' => safe.push_str("&#13;"),
            '\t' | '\n' => safe.push(letter),
            control if control < ' ' || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            other => safe.push(other),
        }
    }
    safe
}

/// An element around a text.
pub(in crate::sandbox::salesforce) fn leaf(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

/// An element around elements already written.
pub(super) fn around(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

/// An element without a value.
pub(super) fn nil(name: &str) -> String {
    format!("<{name} xsi:nil=\"true\"/>")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tree_has_local_names_texts_and_nil_marks() {
        let root = parsed(
            "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"x\" xmlns:xsi=\"y\"><!-- c --><e:Body><m a='1'>\
             <Phone xsi:type=\"xsd:string\">a &amp; &#x62;<![CDATA[<c>]]></Phone><Fax xsi:nil=\"true\"/></m></e:Body></e:Envelope>",
        )
        .unwrap();
        let message = root.child("Body").unwrap().child("m").unwrap();
        assert_eq!(message.value("Phone"), Some("a & b<c>"));
        assert_eq!(message.child("Phone").unwrap().kind.as_deref(), Some("string"));
        assert!(message.child("Fax").unwrap().nil);
        assert_eq!(message.value("Fax"), None);
    }

    #[test]
    fn document_types_foreign_entities_and_torn_documents_are_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
        assert_eq!(parsed(bomb).unwrap_err(), "a document type is not allowed");
        assert!(parsed("<a>&b;</a>").unwrap_err().contains("five predefined"));
        assert!(parsed("<a><b></a>").is_err());
        assert!(parsed("<a>").is_err());
        assert!(parsed("").is_err());
        assert!(parsed("plain").is_err());
        assert!(parsed(&"<a>".repeat(10_000)).unwrap_err().contains("nested"));
    }

    proptest! {
        #[test]
        fn a_written_text_is_read_back(text in "\\PC*") {
            let document = leaf("a", &text);
            prop_assert_eq!(parsed(&document).unwrap().text, text);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[<>/a&;!\\[\\]\"= ]{0,40}") {
            let _ = parsed(&text);
        }
    }
}
