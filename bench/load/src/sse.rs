//! Readers of the event stream: when which event arrived.

use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt};

/// One block of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) id: Option<u64>,
    pub(crate) event: String,
    pub(crate) payload: Bytes,
    /// When its last byte was read.
    pub(crate) at: Instant,
}

/// Opens a stream; its first block is in the answer before this returns.
pub(crate) async fn open(
    http: &reqwest::Client,
    url: &str,
) -> anyhow::Result<impl Stream<Item = anyhow::Result<Block>> + Send + Unpin + use<>> {
    let answer = http.get(url).header("accept", "text/event-stream").send().await?;
    ensure!(answer.status().is_success(), "{url} answered {}", answer.status());
    let chunks = answer.bytes_stream().map(|chunk| chunk.context("the stream broke"));
    let mut cutter = Cutter::default();
    let blocks = chunks.map_ok(move |chunk| {
        let at = Instant::now();
        futures_util::stream::iter(cutter.cut(&chunk, at)).map(anyhow::Ok)
    });
    Ok(Box::pin(blocks.try_flatten()))
}

/// Cuts chunks, whose ends mean nothing, into blocks.
#[derive(Debug, Default)]
struct Cutter {
    pending: BytesMut,
    /// How much of it has no end of a block.
    searched: usize,
}

impl Cutter {
    fn cut(&mut self, chunk: &[u8], at: Instant) -> Vec<Block> {
        self.pending.extend_from_slice(chunk);
        let mut blocks = Vec::new();
        while let Some(found) = find_end(&self.pending[self.searched..]) {
            let block = self.pending.split_to(self.searched + found).freeze();
            // The empty line.
            self.pending.advance(2);
            self.searched = 0;
            blocks.push(parse(&block, at));
        }
        // The first half of an empty line may be the last byte.
        self.searched = self.pending.len().saturating_sub(1);
        blocks
    }
}

fn find_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"\n\n")
}

fn parse(block: &Bytes, at: Instant) -> Block {
    let mut parsed = Block { id: None, event: String::new(), payload: Bytes::new(), at };
    for line in block.split(|byte| *byte == b'\n') {
        if let Some(id) = line.strip_prefix(b"id: ") {
            parsed.id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
        } else if let Some(event) = line.strip_prefix(b"event: ") {
            parsed.event = String::from_utf8_lossy(event).into_owned();
        } else if let Some(payload) = line.strip_prefix(b"data: ") {
            // The server writes its JSON on one line.
            parsed.payload = block.slice_ref(payload);
        }
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(cutter: &mut Cutter, chunk: &str) -> Vec<(Option<u64>, String, String)> {
        let blocks = cutter.cut(chunk.as_bytes(), Instant::now());
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        blocks.into_iter().map(|block| (block.id, block.event, text(&block.payload))).collect()
    }

    #[test]
    fn blocks_are_found_wherever_chunks_end() {
        let whole = "retry: 1\n\nid: 7\nevent: lab.changed\ndata: {\"a\":1}\n\nid: 8\n\n";
        let expected = [
            (None, String::new(), String::new()),
            (Some(7), "lab.changed".to_owned(), "{\"a\":1}".to_owned()),
            (Some(8), String::new(), String::new()),
        ];
        for cut in 0..whole.len() {
            let (one, other) = whole.split_at(cut);
            let mut cutter = Cutter::default();
            let mut blocks = told(&mut cutter, one);
            blocks.extend(told(&mut cutter, other));

            assert_eq!(blocks, expected, "cut at {cut}");
        }
    }
}
