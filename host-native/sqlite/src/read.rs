//! The two reads, in SQL.

use rusqlite::{Connection, OptionalExtension, params};
use tollgate_core::store::{BYTES_AT_ONCE, Page, Record, UnixSeconds};

use crate::commit::seconds;

const READ: &str = "SELECT version, expires_at, value FROM records \
     WHERE partition = ?1 AND key = ?2 AND (expires_at IS NULL OR expires_at > ?3)";

const LIST: &str = "SELECT key, version, expires_at, value FROM records \
     WHERE partition = ?1 AND key >= ?2 AND key < ?3 AND (expires_at IS NULL OR expires_at > ?4) \
     ORDER BY key LIMIT ?5";

/// Some records of one moment. None if their values are too long together.
pub(crate) fn read(
    connection: &Connection,
    partition: &str,
    keys: &[String],
    now: UnixSeconds,
) -> rusqlite::Result<Option<Vec<Option<Record>>>> {
    // One transaction is one moment. It ends when it is dropped. One statement is a transaction.
    let _moment = match keys.len() {
        0 | 1 => None,
        _ => Some(connection.unchecked_transaction()?),
    };
    let mut statement = connection.prepare_cached(READ)?;
    let mut bytes = 0;
    let mut records = Vec::with_capacity(keys.len());
    for key in keys {
        let found = statement
            .query_row(params![partition, key, seconds(now)], |row| {
                Ok(Record {
                    key: key.clone(),
                    version: row.get(0)?,
                    expires_at: row.get::<_, Option<i64>>(1)?.map(time),
                    value: row.get(2)?,
                })
            })
            .optional()?;
        bytes += found.as_ref().map_or(0, |record| record.value.len());
        if bytes > BYTES_AT_ONCE {
            return Ok(None);
        }
        records.push(found);
    }
    Ok(Some(records))
}

/// One page.
pub(crate) fn list(
    connection: &Connection,
    partition: &str,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
    now: UnixSeconds,
) -> rusqlite::Result<Page> {
    // Keys are printable ASCII: U+0001 is below, and U+007F above whatever may follow.
    let first = match after {
        Some(after) if after >= prefix => format!("{after}\u{1}"),
        _ => prefix.to_owned(),
    };
    let end = format!("{prefix}\u{7f}");
    let mut statement = connection.prepare_cached(LIST)?;
    let one_more = i64::from(limit) + 1;
    let mut rows = statement.query(params![partition, first, end, seconds(now), one_more])?;
    let mut page = Page::default();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let value = row.get_ref(3)?.as_blob()?;
        bytes += value.len();
        if page.records.len() == limit as usize || bytes > BYTES_AT_ONCE {
            page.more = true;
            break;
        }
        page.records.push(Record {
            key: row.get(0)?,
            version: row.get(1)?,
            expires_at: row.get::<_, Option<i64>>(2)?.map(time),
            value: value.to_vec(),
        });
    }
    Ok(page)
}

fn time(seconds: i64) -> UnixSeconds {
    UnixSeconds::try_from(seconds).unwrap_or(0)
}
