//! Expressions and statements of nft, before they are given a meaning.

/// An expression, as it stands in a rule or a set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Term {
    /// A word, address, number or string.
    Word(String),
    /// `@name`
    Named(String),
    Range(Box<Term>, Box<Term>),
    Prefix(Box<Term>, u8),
    /// `{ … }`
    Set(Vec<Element>),
    /// `a,b,c` and `a | b`: flags.
    List(Vec<Term>),
    /// `a . b`
    Concat(Vec<Term>),
    /// What of a packet: `tcp dport`, `meta skuid`, `ct state`, `fib daddr type`.
    Field(String, String),
    /// `field & mask`
    Masked(Box<Term>, Box<Term>),
    /// `key map { … }`
    Mapped(Box<Term>, Box<Term>),
    /// `*`
    Any,
    /// Not understood.
    Strange,
}

/// A member of a set, with the value it maps to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Element {
    pub(crate) key: Term,
    /// What it maps to, where that is no verdict.
    pub(crate) value: Option<Term>,
    pub(crate) verdict: Option<Act>,
    /// It is there only for a time, or only now and then (a limit).
    pub(crate) passing: bool,
}

impl Element {
    pub(crate) fn plain(key: Term) -> Self {
        Self { key, value: None, verdict: None, passing: false }
    }
}

/// One statement of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    Match {
        left: Term,
        op: Op,
        right: Term,
    },
    Lookup {
        key: Term,
        map: Term,
    },
    Accept,
    Drop,
    /// With the version of IP whose error it sends, where it is one's own (4, 6): nft then leaves
    /// out that the rule is of that family.
    Reject(Option<u8>),
    Continue,
    Return,
    Jump(String),
    Goto(String),
    Queue,
    Log,
    Counter(Option<(u64, u64)>),
    /// `meta mark set 1`
    SetField(Term, Term),
    Notrack,
    Redirect,
    Destination(Term),
    Source,
    /// Of no weight for whether a packet passes.
    Nothing,
    /// A test whose answer a dump does not hold (`limit`, `quota`).
    Maybe(String),
    Strange(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Nothing, or JSON's `in`: of flags that one of them is there.
    In,
    /// `!`: of flags that none of them is there.
    NotIn,
    /// `==`
    Is,
    Not,
    Less,
    More,
    LessOrEqual,
    MoreOrEqual,
}
