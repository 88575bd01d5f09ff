//! Messages compressed one by one: raw DEFLATE (RFC 1951) as permessage-deflate frames it (RFC 7692 §7.2), without
//! context takeover, so that one [`Deflater`] and one [`Inflater`] serve all connections of a thread and a message is
//! compressed once for all that get it.
//!
//! Knows nothing of frames, connections or what was agreed with whom.

use std::fmt;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The window sizes a compressor can be made for, as powers of two (RFC 7692 §7.1.2; zlib has no raw window of 2^8).
pub const WINDOW_BITS: std::ops::RangeInclusive<u8> = 9..=15;

/// zlib's second level: the first that chooses codes to fit a message, without which one line of chat hardly becomes shorter;
/// the higher ones make no difference to one.
const LEVEL: u32 = 2;

/// What a sync flush ends with and permessage-deflate leaves out (RFC 7692 §7.2.1).
const FLUSH_TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// What is put behind a message to inflate it: the tail that was left out (RFC 7692 §7.2.2), then an empty last block, so
/// that a message cut short in the middle of a block is told from a whole one.
const INFLATE_TAIL: [u8; 6] = [0x00, 0x00, 0xFF, 0xFF, 0x03, 0x00];

/// Room that an output is given at a time, in bytes.
const GROWTH_BYTES: usize = 4096;

/// Compresses messages. Holds one compressor for each window size asked for so far (some 260 KiB at 15 bits).
#[derive(Debug, Default)]
pub struct Deflater {
    compressors: [Option<Compress>; 7],
}

impl Deflater {
    /// A deflater that has not made any compressor yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the compressed form of `payload` to `out`, ready for the payload of a frame with RSV1 set. A receiver needs
    /// a window of `2^window_bits` bytes to inflate it; `window_bits` is in [`WINDOW_BITS`].
    pub fn compress(&mut self, window_bits: u8, payload: &[u8], out: &mut Vec<u8>) {
        assert!(WINDOW_BITS.contains(&window_bits), "window bits are 9 to 15, not {window_bits}");
        let compressor =
            self.compressors[usize::from(window_bits - WINDOW_BITS.start())].get_or_insert_with(|| {
                Compress::new_with_window_bits(Compression::new(LEVEL), false, window_bits)
            });
        compressor.reset();
        let start = out.len();
        let mut consumed = 0;
        loop {
            out.reserve(GROWTH_BYTES.min(payload.len() - consumed + 64));
            compressor
                .compress_vec(&payload[consumed..], out, FlushCompress::Sync)
                .expect("deflate has no failing input");
            consumed = compressor.total_in() as usize;
            // A flush is complete when it leaves room in the output (zlib.h, deflate()).
            if consumed == payload.len() && out.len() < out.capacity() {
                break;
            }
        }
        assert!(out[start..].ends_with(&FLUSH_TAIL), "a sync flush ends with an empty stored block");
        out.truncate(out.len() - FLUSH_TAIL.len());
    }
}

/// Inflates messages, and lends its buffer to those that came in parts.
#[derive(Debug, Default)]
pub struct Inflater {
    decompressor: Option<Decompress>,
    /// The last message that was inflated or put together.
    held: Vec<u8>,
}

/// Why a message was not inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateFault {
    /// Not a DEFLATE stream, or one cut short.
    Malformed,
    /// Longer than the bound.
    TooLarge,
}

impl Inflater {
    /// An inflater that has not made its decompressor yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the inflated form of a compressed message (RFC 7692 §7.2.2) to `out`; never more than `max_bytes`, and
    /// never room for more than that and a little. After a fault `out` holds what came before it.
    pub fn inflate(
        &mut self,
        payload: &[u8],
        max_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), InflateFault> {
        // Not by the letter, but what several compressors make of an empty message.
        if payload.is_empty() {
            return Ok(());
        }
        let decompressor = self.decompressor.get_or_insert_with(|| Decompress::new(false));
        decompressor.reset(false);
        let mut limited = Limited { decompressor, end: out.len().saturating_add(max_bytes), out };
        limited.feed(payload)?;
        limited.feed(&INFLATE_TAIL)?.then_some(()).ok_or(InflateFault::Malformed)
    }

    /// Inflates as [`inflate`](Self::inflate) does, into a buffer of its own that the next message overwrites.
    pub fn inflate_held(&mut self, payload: &[u8], max_bytes: usize) -> Result<&[u8], InflateFault> {
        let mut held = std::mem::take(&mut self.held);
        held.clear();
        let result = self.inflate(payload, max_bytes, &mut held);
        self.held = held;
        result.map(|()| self.held.as_slice())
    }

    /// Holds a message until the next one, so that whoever put it together need not.
    pub(crate) fn hold(&mut self, message: Vec<u8>) -> &[u8] {
        self.held = message;
        &self.held
    }
}

/// One message on its way through the decompressor.
struct Limited<'a> {
    decompressor: &'a mut Decompress,
    out: &'a mut Vec<u8>,
    /// `out` must not become longer than this.
    end: usize,
}

impl Limited<'_> {
    /// Inflates all of `input`; true when a last block ended exactly at its end. Blocks behind a last block are read too
    /// (RFC 7692 §7.2.3.4).
    fn feed(&mut self, mut input: &[u8]) -> Result<bool, InflateFault> {
        loop {
            self.make_room();
            let (before, length) = (self.decompressor.total_in(), self.out.len());
            let result = self.decompressor.decompress_vec(input, self.out, FlushDecompress::None);
            if self.out.len() > self.end {
                self.out.truncate(self.end);
                return Err(InflateFault::TooLarge);
            }
            let status = result.map_err(|_| InflateFault::Malformed)?;
            let taken = (self.decompressor.total_in() - before) as usize;
            input = &input[taken..];
            if status == Status::StreamEnd {
                self.decompressor.reset(false);
                if input.is_empty() {
                    return Ok(true);
                }
            } else if input.is_empty() && self.out.len() < self.out.capacity() {
                return Ok(false);
            } else if taken == 0 && self.out.len() == length {
                return Err(InflateFault::Malformed);
            }
        }
    }

    /// Room for at least one byte, and for one byte over the bound at most, by which excess shows.
    fn make_room(&mut self) {
        if self.out.len() == self.out.capacity() {
            let left = (self.end - self.out.len()).saturating_add(1);
            self.out.reserve_exact(self.out.len().max(GROWTH_BYTES).min(left));
        }
    }
}

impl fmt::Display for InflateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "does not inflate",
            Self::TooLarge => "inflates beyond the bound",
        })
    }
}

impl std::error::Error for InflateFault {}
