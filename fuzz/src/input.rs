//! How the fuzzer's bytes are read: a few that say how to cut, then the stream.

pub(crate) struct Input<'a> {
    /// A number for whatever the target has to choose.
    pub(crate) choice: u8,
    /// Sizes of pieces, taken in turn; none: one piece.
    pub(crate) sizes: &'a [u8],
    pub(crate) stream: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[choice, count], rest) = bytes.split_first_chunk()?;
        let (sizes, stream) = rest.split_at_checked(usize::from(count % 8))?;
        Some(Self { choice, sizes, stream })
    }
}
