//! DEFLATE by the letter of RFC 1951, slow and plain: a second opinion on what our compressor makes, and on how far back a
//! receiver must remember to read it.

use std::collections::HashMap;

/// A raw DEFLATE stream, flushed to a byte boundary, and how it reads.
pub(crate) struct Reader<'a> {
    stream: &'a [u8],
    bit: usize,
    pub(crate) out: Vec<u8>,
    /// The greatest distance that was looked back.
    pub(crate) farthest: usize,
}

/// Symbols by code length and code (RFC 1951 §3.2.2).
struct Codes(HashMap<(usize, usize), usize>);

impl Codes {
    fn new(lengths: &[usize]) -> Self {
        let (mut codes, mut code) = (HashMap::new(), 0);
        for length in 1..=15 {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, of)| **of == length) {
                codes.insert((length, code), symbol);
                code += 1;
            }
            code <<= 1;
        }
        Self(codes)
    }
}

impl<'a> Reader<'a> {
    /// Reads all blocks of a stream that ends behind a block, at the end of a byte.
    pub(crate) fn read(stream: &'a [u8]) -> Self {
        let mut reader = Self { stream, bit: 0, out: Vec::new(), farthest: 0 };
        while reader.bit + 8 <= stream.len() * 8 {
            reader.block();
        }
        reader
    }

    fn block(&mut self) {
        assert_eq!(self.bits(1), 0, "none of our blocks is the last");
        match self.bits(2) {
            0 => self.stored(),
            1 => {
                let lengths: Vec<usize> = (0..288)
                    .map(|i| {
                        if i < 144 {
                            8
                        } else if i < 256 {
                            9
                        } else if i < 280 {
                            7
                        } else {
                            8
                        }
                    })
                    .collect();
                self.compressed(&Codes::new(&lengths), &Codes::new(&[5; 30]));
            }
            2 => self.dynamic(),
            _ => panic!("reserved block type"),
        }
    }

    fn stored(&mut self) {
        self.bit = self.bit.next_multiple_of(8);
        let (length, complement) = (self.bits(16), self.bits(16));
        assert_eq!(length, !complement & 0xFFFF);
        for _ in 0..length {
            let byte = self.bits(8) as u8;
            self.out.push(byte);
        }
    }

    /// RFC 1951 §3.2.7.
    fn dynamic(&mut self) {
        let (literals, distances, count) = (self.bits(5) + 257, self.bits(5) + 1, self.bits(4) + 4);
        let mut lengths = vec![0; 19];
        for place in
            [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].into_iter().take(count)
        {
            lengths[place] = self.bits(3);
        }
        let codes = Codes::new(&lengths);
        let mut lengths = Vec::new();
        while lengths.len() < literals + distances {
            let (value, times) = match self.symbol(&codes) {
                16 => (lengths[lengths.len() - 1], self.bits(2) + 3),
                17 => (0, self.bits(3) + 3),
                18 => (0, self.bits(7) + 11),
                length => (length, 1),
            };
            lengths.extend(std::iter::repeat_n(value, times));
        }
        self.compressed(&Codes::new(&lengths[..literals]), &Codes::new(&lengths[literals..]));
    }

    /// RFC 1951 §3.2.5.
    fn compressed(&mut self, literals: &Codes, distances: &Codes) {
        loop {
            match self.symbol(literals) {
                256 => return,
                literal @ 0..=255 => self.out.push(literal as u8),
                symbol => {
                    let length = self.length(symbol - 257);
                    let symbol = self.symbol(distances);
                    let distance = self.distance(symbol);
                    self.farthest = self.farthest.max(distance);
                    (0..length).for_each(|_| self.out.push(self.out[self.out.len() - distance]));
                }
            }
        }
    }

    fn length(&mut self, symbol: usize) -> usize {
        match symbol {
            0..8 => symbol + 3,
            28 => 258,
            _ => ((4 + symbol % 4) << (symbol / 4 - 1)) + 3 + self.bits(symbol / 4 - 1),
        }
    }

    fn distance(&mut self, symbol: usize) -> usize {
        match symbol {
            0..4 => symbol + 1,
            _ => ((2 + symbol % 2) << (symbol / 2 - 1)) + 1 + self.bits(symbol / 2 - 1),
        }
    }

    fn symbol(&mut self, codes: &Codes) -> usize {
        let (mut length, mut code) = (0, 0);
        loop {
            code = code << 1 | self.bits(1);
            length += 1;
            if let Some(&symbol) = codes.0.get(&(length, code)) {
                return symbol;
            }
        }
    }

    /// The next bits, the least significant first.
    fn bits(&mut self, count: usize) -> usize {
        (0..count).fold(0, |value, place| {
            let bit = self.stream[self.bit / 8] >> (self.bit % 8) & 1;
            self.bit += 1;
            value | usize::from(bit) << place
        })
    }
}
