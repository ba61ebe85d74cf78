//! stub
pub(crate) fn recognise(_t: &[u8]) -> bool {
    false
}
pub(crate) fn read(_t: &[u8], _c: Option<&str>) -> Vec<(String, heloscope_model::Time)> {
    Vec::new()
}
