//! Who goes in and out of the demo building. Nobody here exists; example.org is reserved for
//! examples (RFC 2606).

/// Somebody with a card.
pub(super) struct Person {
    pub(super) card: &'static str,
    pub(super) name: &'static str,
    pub(super) email: &'static str,
}

const fn person(card: &'static str, name: &'static str, email: &'static str) -> Person {
    Person { card, name, email }
}

pub(super) const PEOPLE: [Person; 8] = [
    person("1001-0001", "Ann Example", "ann@example.org"),
    person("1001-0002", "Bob Sample", "bob@example.org"),
    person("1001-0003", "Zoë Specimen", "zoe@example.org"),
    person("1001-0004", "Nobody O'Fiction", "nobody@example.org"),
    person("1001-0005", "Placeholder Smith", "placeholder@example.org"),
    person("1001-0006", "Test User", "test.user@example.org"),
    person("1001-0007", "例子 太郎", "taro@example.org"),
    person("1001-0008", "Invented Person", "invented@example.org"),
];

/// A card that no system knows.
pub(super) const UNKNOWN_CARD: &str = "9999-0000";
