//! The records of a store's file.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

/// A key and its value.
pub(super) type Record = (String, String);

/// Where the slot has them in the file.
const TABLE: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("records");

/// All of them, in the order of their keys.
pub(super) fn of(file: &Path) -> Vec<Record> {
    let database = Database::open(file).unwrap();
    let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
    let records = table.iter().unwrap().map(|record| {
        let (key, value) = record.unwrap();
        let value = String::from_utf8(value.value().to_owned()).unwrap();
        (key.value().to_owned(), value)
    });
    records.collect()
}

/// A line each.
pub(super) fn text(records: &[Record]) -> String {
    let line = |(key, value): &Record| {
        assert!(!key.contains(' ') && !value.contains('\n'), "{key}");
        format!("{key} {value}\n")
    };
    records.iter().map(line).collect()
}
