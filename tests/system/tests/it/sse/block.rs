//! From bytes to blocks. Source: HTML standard, 9.2.6 Interpreting an event stream.

/// One block of a stream: what stands between two empty lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) id: Option<u64>,
    pub(crate) event: Option<String>,
    pub(crate) data: Option<String>,
    pub(crate) retry: Option<u64>,
}

/// Cuts a stream into blocks, however it arrives.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    waiting: Vec<u8>,
}

impl Blocks {
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.waiting.extend_from_slice(chunk);
    }

    /// Returns the next whole block. What a connection leaves unfinished is dropped with it.
    pub(crate) fn next(&mut self) -> Option<Block> {
        // Our servers end lines with a line feed alone; another end would show as a block that never comes.
        let end = self.waiting.windows(2).position(|pair| pair == b"\n\n")?;
        let rest = self.waiting.split_off(end + 2);
        let whole = std::mem::replace(&mut self.waiting, rest);
        let text = String::from_utf8(whole).expect("a stream is UTF-8");
        let mut block = Block::default();
        for line in text.lines() {
            block.read(line);
        }
        Some(block)
    }
}

impl Block {
    fn read(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => self.id = Some(value.parse().expect("ids are numbers")),
            "event" => self.event = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok(),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // A comment, or a field of later days.
            _ => {}
        }
    }
}

#[test]
fn blocks_are_whole_however_they_arrive() {
    let stream =
        b"retry: 1500\n\nid: 7\nevent: a.b\ndata: {\"x\":\ndata:1}\n\n:\n\nid: 9\n\nid: 10\nda";
    let expected = [
        Block { retry: Some(1500), ..Block::default() },
        Block {
            id: Some(7),
            event: Some("a.b".to_owned()),
            data: Some("{\"x\":\n1}".to_owned()),
            retry: None,
        },
        Block::default(),
        Block { id: Some(9), ..Block::default() },
    ];

    for size in 1..=stream.len() {
        let mut blocks = Blocks::default();
        let mut seen = Vec::new();
        for chunk in stream.chunks(size) {
            blocks.feed(chunk);
            while let Some(block) = blocks.next() {
                seen.push(block);
            }
        }
        assert_eq!(seen, expected, "chunks of {size}");
    }
}
