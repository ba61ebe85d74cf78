//! Numbers at an offset of a header. Reading past the end gives `None`, so a header that a
//! snapshot length cut is refused where it is read and nowhere else.

/// Two bytes, network order.
#[inline]
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Four bytes, network order.
#[inline]
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Two bytes in the order of the file that holds them.
#[inline]
pub(crate) fn u16_at(bytes: &[u8], at: usize, big: bool) -> Option<u16> {
    let raw = *bytes.get(at..)?.first_chunk()?;
    Some(if big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
}

/// Four bytes in the order of the file that holds them.
#[inline]
pub(crate) fn u32_at(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let raw = *bytes.get(at..)?.first_chunk()?;
    Some(if big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
}

/// Eight bytes in the order of the file that holds them.
#[inline]
pub(crate) fn u64_at(bytes: &[u8], at: usize, big: bool) -> Option<u64> {
    let raw = *bytes.get(at..)?.first_chunk()?;
    Some(if big { u64::from_be_bytes(raw) } else { u64::from_le_bytes(raw) })
}
