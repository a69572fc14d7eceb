//! Which segments have to go.

use std::time::Duration;

use protocol::stream::StreamName;

use super::catalog::Catalog;

/// A segment that has to go, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doomed {
    pub(super) stream: StreamName,
    pub(super) start_ms: u64,
    pub(super) cause: &'static str,
}

/// What is too old at `now_ms`, in Unix milliseconds, and the oldest of what is too much.
pub(super) fn doomed(
    catalog: &Catalog,
    now_ms: u64,
    max_age: Option<Duration>,
    max_bytes: Option<u64>,
) -> Vec<Doomed> {
    let mut segments: Vec<_> = catalog.all().collect();
    segments.sort_by_key(|(_, segment)| segment.start_ms);
    let age_ms = max_age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    let mut bytes = catalog.bytes();
    let mut doomed = Vec::new();
    for (stream, segment) in segments {
        let is_old = age_ms.is_some_and(|age| segment.end_ms() + age < now_ms);
        let is_much = max_bytes.is_some_and(|limit| bytes > limit);
        let cause = match (is_old, is_much) {
            (true, _) => "age",
            (false, true) => "size",
            (false, false) => continue,
        };
        bytes -= segment.bytes;
        doomed.push(Doomed {
            stream: stream.clone(),
            start_ms: segment.start_ms,
            cause,
        });
    }
    doomed
}

#[cfg(test)]
mod tests {
    use super::super::Segment;
    use super::*;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        for (stream, start_ms) in [("a", 1000), ("b", 2000), ("a", 3000)] {
            let segment = Segment {
                start_ms,
                duration_ms: 1000,
                run_ms: 0,
                init_bytes: 10,
                init_hash: 0,
                bytes: 100,
            };
            let stream = StreamName::parse(stream).unwrap();
            catalog.insert(&stream, segment);
        }
        catalog
    }

    fn starts(max_age_ms: Option<u64>, max_bytes: Option<u64>) -> Vec<(u64, &'static str)> {
        let age = max_age_ms.map(Duration::from_millis);
        let doomed = doomed(&catalog(), 5000, age, max_bytes);
        let starts = doomed.iter().map(|each| (each.start_ms, each.cause));
        starts.collect()
    }

    #[test]
    fn what_is_too_old_goes() {
        assert_eq!(starts(None, None), []);
        assert_eq!(starts(Some(3000), None), []);
        assert_eq!(starts(Some(2999), None), [(1000, "age")]);
        assert_eq!(starts(Some(1999), None), [(1000, "age"), (2000, "age")]);
    }

    #[test]
    fn the_oldest_of_what_is_too_much_goes_whosever_it_is() {
        assert_eq!(starts(None, Some(300)), []);
        assert_eq!(starts(None, Some(299)), [(1000, "size")]);
        assert_eq!(starts(None, Some(100)), [(1000, "size"), (2000, "size")]);
        assert_eq!(starts(Some(2999), Some(299)), [(1000, "age")]);
    }
}
