//! From JSON to MessagePack ("Formats" in its specification), each item as short as it can be.

use smallvec::SmallVec;

use super::super::placeholder;
use super::super::tokens::{Token, Tokens, unescape};

/// Appends items to a buffer.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    attachments: &'a [&'a [u8]],
    out: &'a mut Vec<u8>,
}

/// An array or a map whose end has not come.
struct Open {
    /// Where its first byte stands.
    at: usize,
    /// How many items it has so far; of maps the names.
    count: usize,
    is_map: bool,
}

/// The first bytes of the three forms that arrays and maps have: up to 15 items, a length of two bytes, one of four.
const ARRAY: [u8; 3] = [0x90, 0xDC, 0xDD];
const MAP: [u8; 3] = [0x80, 0xDE, 0xDF];

impl<'a> Writer<'a> {
    /// Placeholders stand for `attachments`; those that stand for none are objects like any other.
    pub(super) fn new(attachments: &'a [&'a [u8]], out: &'a mut Vec<u8>) -> Self {
        Self { attachments, out }
    }

    pub(super) fn map(&mut self, count: usize) {
        let (head, size) = head(MAP, count);
        self.out.extend_from_slice(&head[..size]);
    }

    pub(super) fn array(&mut self, count: usize) {
        let (head, size) = head(ARRAY, count);
        self.out.extend_from_slice(&head[..size]);
    }

    pub(super) fn string(&mut self, text: &str) {
        match text.len() {
            length @ 0..=31 => self.out.push(0xA0 | length as u8),
            length => self.sized([0xD9, 0xDA, 0xDB], length),
        }
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(super) fn unsigned(&mut self, number: u64) {
        match number {
            0..=0x7F => self.out.push(number as u8),
            0x80..=0xFF => self.number(0xCC, number, 1),
            0x100..=0xFFFF => self.number(0xCD, number, 2),
            0x1_0000..=0xFFFF_FFFF => self.number(0xCE, number, 4),
            _ => self.number(0xCF, number, 8),
        }
    }

    /// A text that is JSON.
    pub(super) fn json(&mut self, text: &str) {
        let mut open: SmallVec<[Open; 8]> = SmallVec::new();
        let mut tokens = Tokens::new(text);
        while let Some(token) = tokens.next() {
            if let Token::CloseArray | Token::CloseObject = token {
                open.pop().into_iter().for_each(|closed| self.close(&closed));
                continue;
            }
            if let Some(open) = open.last_mut() {
                open.count += usize::from(open.is_map == matches!(token, Token::Name(_)));
            }
            match token {
                Token::OpenObject => match placeholder::read(&tokens) {
                    Some((number, rest)) if number < self.attachments.len() => {
                        self.binary(number);
                        tokens = rest;
                    }
                    _ => open.push(self.open(true)),
                },
                Token::OpenArray => open.push(self.open(false)),
                token => self.scalar(token),
            }
        }
    }

    fn scalar(&mut self, token: Token<'_>) {
        match token {
            Token::Name(text) | Token::String(text) => self.string(&unescape(text)),
            Token::Number(digits) => self.decimal(digits),
            Token::True => self.out.push(0xC3),
            Token::False => self.out.push(0xC2),
            _ => self.out.push(0xC0),
        }
    }

    /// Whole numbers that fit stay whole; the others, and zero below zero, become the nearest number of JavaScript.
    fn decimal(&mut self, digits: &str) {
        if let Ok(number) = digits.parse::<u64>() {
            return self.unsigned(number);
        }
        match digits.parse::<i64>() {
            Ok(number) if number < 0 => self.negative(number),
            _ => self.number(0xCB, digits.parse().unwrap_or(f64::NAN).to_bits(), 8),
        }
    }

    fn negative(&mut self, number: i64) {
        let bits = number as u64;
        match number {
            -0x20.. => self.out.push(bits as u8),
            -0x80.. => self.number(0xD0, bits, 1),
            -0x8000.. => self.number(0xD1, bits, 2),
            -0x8000_0000.. => self.number(0xD2, bits, 4),
            _ => self.number(0xD3, bits, 8),
        }
    }

    fn binary(&mut self, number: usize) {
        let bytes = self.attachments[number];
        self.sized([0xC4, 0xC5, 0xC6], bytes.len());
        self.out.extend_from_slice(bytes);
    }

    /// A length behind the first byte for its size.
    fn sized(&mut self, first: [u8; 3], length: usize) {
        match length {
            0..=0xFF => self.number(first[0], length as u64, 1),
            0x100..=0xFFFF => self.number(first[1], length as u64, 2),
            _ => self.number(first[2], length as u64, 4),
        }
    }

    /// The lowest `size` bytes of a number, the highest first.
    fn number(&mut self, first: u8, number: u64, size: usize) {
        self.out.push(first);
        self.out.extend_from_slice(&number.to_be_bytes()[8 - size..]);
    }

    fn open(&mut self, is_map: bool) -> Open {
        self.out.push(0);
        Open { at: self.out.len() - 1, count: 0, is_map }
    }

    /// Writes how long it has become over the byte that was left for that, and more where one is not enough.
    fn close(&mut self, open: &Open) {
        let (head, size) = head(if open.is_map { MAP } else { ARRAY }, open.count);
        if size == 1 {
            self.out[open.at] = head[0];
        } else {
            self.out.splice(open.at..=open.at, head[..size].iter().copied());
        }
    }
}

/// What an array or a map begins with, and how much of it counts.
fn head(first: [u8; 3], count: usize) -> ([u8; 5], usize) {
    let [.., b3, b2, b1, b0] = count.to_be_bytes();
    match count {
        0..=15 => ([first[0] | b0, 0, 0, 0, 0], 1),
        16..=0xFFFF => ([first[1], b1, b0, 0, 0], 3),
        _ => ([first[2], b3, b2, b1, b0], 5),
    }
}
