//! Browsers: readers of `/api/v1/events` that behave as the standard says and keep what they saw.
//!
//! A browser comes back to any process after what `retry:` said, with the last id that it has; it gives up
//! for good on any status but 200. Ours writes that down and goes on, so that the checker can complain.

mod block;
mod diary;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use block::{Block, Blocks};
pub(crate) use diary::{Diary, Note, Why};

/// What a browser waits for before it was told otherwise.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// How long connecting may take: a process that hangs takes connections, but does not answer.
const CONNECT: Duration = Duration::from_secs(8);

/// What all browsers of a crowd are like.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    /// `types=` of each browser, by turns; empty hears everything.
    pub(crate) filters: Vec<String>,
    /// After this long without a sign of life the page connects anew, as the product's own does.
    pub(crate) silence: Duration,
    /// Browsers lose their connection by themselves about this often.
    pub(crate) disconnect: Option<Duration>,
    /// Never wait longer than this before coming back, whatever the server says.
    pub(crate) most_retry: Duration,
    /// Keep ephemeral events too.
    pub(crate) keep_moments: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            filters: vec![String::new()],
            silence: Duration::from_secs(45),
            disconnect: None,
            most_retry: Duration::from_secs(10),
            keep_moments: false,
        }
    }
}

/// Some browsers.
#[derive(Debug)]
pub(crate) struct Browsers {
    diaries: Vec<Arc<Mutex<Diary>>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

struct Browser {
    http: reqwest::Client,
    pods: Vec<String>,
    manners: Manners,
    diary: Arc<Mutex<Diary>>,
    chance: StdRng,
    /// The process that it connects to next.
    pod: usize,
    retry: Duration,
}

impl Browsers {
    /// Opens `count` browsers on the given processes. What they do by chance follows from `seed`.
    pub(crate) fn open(pods: &[String], count: usize, manners: &Manners, seed: u64) -> Self {
        let filter = |nth: usize| manners.filters[nth % manners.filters.len()].clone();
        let diaries = (0..count).map(|nth| Diary::new(nth, filter(nth))).collect();
        Self::go_on(pods, diaries, manners, seed)
    }

    /// Opens browsers that go on where these diaries end.
    pub(crate) fn go_on(
        pods: &[String],
        written: Vec<Diary>,
        manners: &Manners,
        seed: u64,
    ) -> Self {
        let http = crate::rest::client();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let mut diaries = Vec::new();
        for diary in written {
            let nth = diary.nth;
            let diary = Arc::new(Mutex::new(diary));
            let browser = Browser {
                http: http.clone(),
                pods: pods.to_vec(),
                manners: manners.clone(),
                diary: Arc::clone(&diary),
                chance: StdRng::seed_from_u64(seed ^ (nth as u64).wrapping_mul(0x9e37_79b9)),
                // Even at first, as behind a balancer: else the processes would end streams to get even.
                pod: nth % pods.len(),
                retry: FIRST_RETRY,
            };
            diaries.push(diary);
            let stop = stop.clone();
            tasks.spawn(async move {
                stop.run_until_cancelled(browser.live()).await;
            });
        }
        Self { diaries, stop, tasks }
    }

    /// Looks into every diary.
    pub(crate) fn each<T>(&self, mut look: impl FnMut(&Diary) -> T) -> Vec<T> {
        self.diaries
            .iter()
            .map(|diary| look(&diary.lock().unwrap_or_else(PoisonError::into_inner)))
            .collect()
    }

    /// Waits until every browser has been told where it is at least once.
    pub(crate) async fn all_open(&self) {
        crate::waiting::eventually("every browser is open", async || {
            let waiting = self.each(Diary::cursor).iter().filter(|at| at.is_none()).count();
            if waiting == 0 { Ok(()) } else { Err(format!("{waiting} are not")) }
        })
        .await;
    }

    /// Waits until every browser is at `seq` or beyond.
    pub(crate) async fn reach(&self, seq: u64, limit: Duration) {
        crate::waiting::within(limit, &format!("every browser is at {seq}"), async || {
            let behind: Vec<_> = self
                .each(|diary| (diary.nth, diary.cursor()))
                .into_iter()
                .filter(|(_, at)| at.is_none_or(|at| at < seq))
                .collect();
            if behind.is_empty() { Ok(()) } else { Err(format!("(browser, cursor): {behind:?}")) }
        })
        .await;
    }

    /// Closes all of them and returns what they saw.
    pub(crate) async fn close(mut self) -> Vec<Diary> {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.each(Diary::clone)
    }
}

impl Browser {
    /// Connects and reads for ever.
    async fn live(mut self) {
        loop {
            let why = self.connection().await;
            self.note(Note::Closed(why));
            self.pod = self.chance.random_range(0..self.pods.len());
            let pause = self.retry.min(self.manners.most_retry);
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads one connection to its end.
    async fn connection(&mut self) -> Why {
        let after = self.with_diary(|diary| diary.cursor());
        let filter = self.with_diary(|diary| diary.filter.clone());
        let mut request = self
            .http
            .get(format!("{}/api/v1/events", self.pods[self.pod]))
            .header("accept", "text/event-stream")
            .header("cache-control", "no-cache");
        if !filter.is_empty() {
            request = request.query(&[("types", filter)]);
        }
        if let Some(after) = after {
            request = request.header("last-event-id", after.to_string());
        }
        let response = match tokio::time::timeout(CONNECT, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => return Why::Unreachable,
            Err(_) => return Why::Silence,
        };
        if response.status() != 200 {
            return Why::Refused(response.status().as_u16());
        }
        self.note(Note::Opened { pod: self.pod, after });
        let until =
            self.manners.disconnect.map(|mean| mean.mul_f64(self.chance.random_range(0.2..1.8)));
        let read = self.read(response);
        match until {
            Some(until) => tokio::time::timeout(until, read).await.unwrap_or(Why::OwnWill),
            None => read.await,
        }
    }

    async fn read(&mut self, response: reqwest::Response) -> Why {
        let mut bytes = response.bytes_stream();
        let mut blocks = Blocks::default();
        loop {
            match tokio::time::timeout(self.manners.silence, bytes.next()).await {
                Err(_) => return Why::Silence,
                Ok(None) => return Why::End,
                Ok(Some(Err(_))) => return Why::Broken,
                Ok(Some(Ok(chunk))) => blocks.feed(&chunk),
            }
            while let Some(block) = blocks.next() {
                self.take(block);
            }
        }
    }

    fn take(&mut self, block: Block) {
        if let Some(retry) = block.retry {
            self.retry = Duration::from_millis(retry);
        }
        let Some(text) = block.data else {
            if let Some(id) = block.id {
                self.note(Note::Cursor(id));
            }
            return;
        };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let name = block.event.unwrap_or_else(|| "message".to_owned());
        let keep = self.manners.keep_moments;
        let note = match (name.as_str(), block.id) {
            ("snapshot", id) => Note::snapshot(id, &parse(&text)),
            ("resync", _) => Note::Resync(word(&parse(&text), "reason")),
            ("bye", _) => Note::Bye(word(&parse(&text), "reason")),
            ("auth_expired", _) => Note::Bye("auth_expired".to_owned()),
            (_, Some(seq)) => Note::Told { seq, hash: hasher.finish() },
            (_, None) if keep => Note::Moment(parse(&text)),
            (_, None) => return,
        };
        self.note(note);
    }

    fn note(&self, note: Note) {
        self.with_diary(|diary| diary.write(note));
    }

    fn with_diary<T>(&self, look: impl FnOnce(&mut Diary) -> T) -> T {
        look(&mut self.diary.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|err| panic!("no JSON in a stream: {err}: {text}"))
}

fn word(told: &Value, name: &str) -> String {
    told[name].as_str().unwrap_or_default().to_owned()
}
