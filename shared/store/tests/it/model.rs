//! Whatever is asked of the store in whatever order: it answers as a model does that is small enough to be
//! seen through.

mod law;

use std::sync::Arc;

use ccm_domain::Epoch;
use ccm_ports::contract::store::Parcel;
use ccm_ports::{
    Document as _, EventLog, Filter, LeaseStore, Outbox, Pending, Query, Shared, StoreError, Writer,
};
use ccm_store::Embedded;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;

use self::law::{Answer, Law};
use crate::{in_a_file, in_memory};

/// Few keys, values and epochs, so that most operations meet others.
const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const MARKS: [&str; 3] = ["m1", "m2", "m3"];
const TAGS: [&str; 3] = ["t1", "t2", "t3"];
const LABELS: [&str; 3] = ["l1", "l2", "l3"];

/// Something asked of the store.
#[derive(Clone, Debug)]
enum Op {
    Insert {
        doc: Parcel,
        changes: u64,
        by: Writer,
    },
    /// Replaces what is stored, with a revision that is off by so much.
    Put {
        doc: Parcel,
        off: i64,
        changes: u64,
        by: Writer,
    },
    Remove {
        key: &'static str,
        off: i64,
        by: Writer,
    },
    Seal(Epoch),
    /// Looks at so many changes, appends them at a place that is off by so much, and takes so many out.
    Relay {
        look: usize,
        off: i64,
        told: usize,
    },
    Trim(u64),
    List(Query),
}

fn writer() -> impl Strategy<Value = Writer> {
    prop_oneof![Just(Writer::Intent), (1..4_u64).prop_map(|epoch| Writer::Leader(Epoch(epoch)))]
}

fn parcel() -> impl Strategy<Value = Parcel> {
    let label = proptest::option::weighted(0.7, prop::sample::select(&LABELS[..]));
    let (tags, marks) = (subsequence(&TAGS[..], 0..=3), subsequence(&MARKS[..], 0..=2));
    (prop::sample::select(&KEYS[..]), label, tags, marks).prop_map(|(key, label, tags, marks)| {
        let parcel = Parcel::new(key).tagged(&tags).marked(&marks);
        Parcel { label: label.map(str::to_owned), ..parcel }
    })
}

/// Mostly right.
fn off() -> impl Strategy<Value = i64> {
    prop_oneof![5 => Just(0), 1 => -2..=2_i64]
}

fn filter() -> impl Strategy<Value = Filter> {
    let owned = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect::<Vec<_>>();
    prop_oneof![
        subsequence(&TAGS[..], 0..=3).prop_map(move |tags| Filter::In("tag", owned(tags))),
        subsequence(&TAGS[..], 0..=3).prop_map(move |tags| Filter::NotIn("tag", owned(tags))),
        subsequence(&LABELS[..], 0..=2).prop_map(move |labels| Filter::In("label", owned(labels))),
        prop::sample::select(&LABELS[..]).prop_map(|l| Filter::Below("label", l.to_owned())),
        prop::sample::select(&TAGS[..]).prop_map(|t| Filter::AtLeast("tag", t.to_owned())),
        prop::sample::select(&["L", "2", "1t", ""][..])
            .prop_map(|part| Filter::Contains("label", part.to_owned())),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let sort = proptest::option::of(Just("label"));
    (vec(filter(), 0..3), sort, any::<bool>(), 1..4_u32).prop_map(
        |(filters, sort, descending, limit)| Query {
            filters,
            sort,
            descending,
            after: None,
            limit,
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (parcel(), 0..3_u64, writer())
            .prop_map(|(doc, changes, by)| Op::Insert { doc, changes, by }),
        8 => (parcel(), off(), 0..3_u64, writer())
            .prop_map(|(doc, off, changes, by)| Op::Put { doc, off, changes, by }),
        3 => (prop::sample::select(&KEYS[..]), off(), writer())
            .prop_map(|(key, off, by)| Op::Remove { key, off, by }),
        1 => (1..5_u64).prop_map(|epoch| Op::Seal(Epoch(epoch))),
        4 => (0..5_usize, off(), 0..6_usize)
            .prop_map(|(look, off, told)| Op::Relay { look, off, told }),
        1 => (0..20_u64).prop_map(Op::Trim),
        4 => query().prop_map(Op::List),
    ]
}

/// The store and the model, asked the same.
struct Pair {
    store: Embedded,
    parcels: Shared<Parcel>,
    law: Law,
}

impl Pair {
    fn new(store: &Embedded) -> Self {
        Self { parcels: Arc::new(store.clone()), store: store.clone(), law: Law::default() }
    }

    async fn run(&mut self, op: Op) {
        match op {
            Op::Insert { doc, changes, by } => {
                let changes: Vec<_> = (0..changes).map(|n| doc.change(n)).collect();
                let answer = Answer::of(self.parcels.insert(&doc, &changes, by).await);
                assert_eq!(answer, self.law.insert(doc, &changes, by));
            }
            Op::Put { doc, off, changes, by } => {
                let next = self.law.rev(&doc.id).saturating_add(1).saturating_add_signed(off);
                // A revision below 2 is a defect of the caller's, which the suites look at.
                let doc = Parcel { rev: next.max(2), ..doc };
                let changes: Vec<_> = (0..changes).map(|n| doc.change(n)).collect();
                let answer = Answer::of(self.parcels.put(&doc, &changes, by).await);
                assert_eq!(answer, self.law.put(doc, &changes, by));
            }
            Op::Remove { key, off, by } => {
                let rev = self.law.rev(key).saturating_add_signed(off);
                let answer = Answer::of(self.parcels.remove(key, rev, by).await);
                assert_eq!(answer, self.law.remove(key, rev, by));
            }
            Op::Seal(epoch) => {
                assert_eq!(self.store.seal(epoch).await.unwrap(), self.law.seal(epoch));
            }
            Op::Relay { look, off, told } => self.relay(look, off, told).await,
            Op::Trim(keep_from) => {
                assert_eq!(self.store.trim(keep_from).await.unwrap(), self.law.trim(keep_from));
            }
            Op::List(query) => self.list(query).await,
        }
    }

    async fn relay(&mut self, look: usize, off: i64, told: usize) {
        let mut seen = self.store.pending(look).await.unwrap();
        assert_eq!(seen, self.law.pending(look));
        let changes: Vec<_> = seen.iter().flat_map(|pending| pending.changes.clone()).collect();
        let after = self.law.head().saturating_add_signed(off);
        let logged = self.store.append(after, &changes).await;
        let places = logged.as_ref().ok().map(|logged| {
            logged.iter().map(|logged| (logged.seq, logged.change.clone())).collect::<Vec<_>>()
        });
        assert_eq!(places, self.law.append(after, &changes));
        if logged.is_ok() {
            for pending in &mut seen {
                pending.changes.truncate(told);
                self.law.told(pending);
            }
            self.store.told(&seen).await.unwrap();
        }
    }

    /// Compares all pages, and that they end.
    async fn list(&self, mut query: Query) {
        let expected = self.law.list(&query);
        let mut found = Vec::new();
        loop {
            let page = self.parcels.list(&query).await.unwrap();
            assert!(page.items.len() <= query.limit as usize);
            found.extend(page.items);
            if page.next.is_none() {
                break;
            }
            query.after = page.next;
        }
        assert_eq!(found, expected, "{query:?}");
    }

    /// Compares everything that there is.
    async fn compare(&self) {
        self.list(Query::default()).await;
        assert_eq!(self.store.pending(usize::MAX).await.unwrap(), self.law.pending(usize::MAX));
        let logged = EventLog::read(&self.store, 0, usize::MAX).await.unwrap();
        let logged: Vec<_> = logged.into_iter().map(|entry| (entry.seq, entry.change)).collect();
        assert_eq!(logged, self.law.log());
        assert_eq!(self.store.head().await.unwrap(), self.law.head());
        assert_eq!(self.store.backlog().await.unwrap(), self.law.backlog());
    }
}

fn agree(store: &Embedded, ops: Vec<Op>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut pair = Pair::new(store);
        for op in ops {
            pair.run(op).await;
        }
        pair.compare().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_store_in_memory_does_what_the_model_does(ops in vec(op(), 1..80)) {
        agree(&in_memory().store, ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_store_in_a_file_does_what_the_model_does(ops in vec(op(), 1..80)) {
        agree(&in_a_file().store, ops);
    }
}
