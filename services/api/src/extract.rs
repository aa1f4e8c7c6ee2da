//! What handlers take out of a request, with rejections that name the field.

pub(crate) mod body;
mod caller;
mod if_match;
mod parts;
mod ticket;

pub(crate) use body::{Json, MOST_BODY};
pub(crate) use caller::{Caller, Visitor};
pub(crate) use if_match::IfMatch;
pub(crate) use parts::{Path, Query};
pub(crate) use ticket::Ticket;
