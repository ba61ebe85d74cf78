//! The name that people gave a container, from the files that its runtime keeps. Where they are not there or may
//! not be read the number must do. Bounded: a file of megabytes is no such file.

use super::Container;
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes read of a file.
const MOST: u64 = 4 << 20;

/// The container's name.
pub(super) fn name(container: &Container) -> Option<String> {
    let id = container.id.as_str();
    match container.runtime {
        "docker" => {
            let file = format!("/var/lib/docker/containers/{id}/config.v2.json");
            docker(&read(Path::new(&file))?)
        }
        "podman" => {
            let file = "/var/lib/containers/storage/overlay-containers/containers.json";
            podman(&read(Path::new(file))?, id)
        }
        "containerd" | "cri-o" | "kubernetes" => {
            let links = std::fs::read_dir("/var/log/containers").ok()?;
            let names = links.flatten().filter_map(|entry| entry.file_name().into_string().ok());
            kubernetes(names.take(10_000), id)
        }
        _ => None,
    }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn docker(config: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Config {
        name: String,
    }
    let config: Config = serde_json::from_slice(config).ok()?;
    named(config.name.trim_start_matches('/'))
}

fn podman(list: &[u8], id: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct One {
        id: String,
        #[serde(default)]
        names: Vec<String>,
    }
    let list: Vec<One> = serde_json::from_slice(list).ok()?;
    named(list.iter().find(|one| one.id == id)?.names.first()?)
}

/// `POD_NAMESPACE_CONTAINER-ID.log`.
fn kubernetes(mut links: impl Iterator<Item = String>, id: &str) -> Option<String> {
    links.find_map(|link| {
        let front = link.strip_suffix(".log")?.strip_suffix(id)?.strip_suffix('-')?;
        let mut parts = front.splitn(3, '_');
        let (pod, space, container) = (parts.next()?, parts.next()?, parts.next()?);
        named(&format!("{space}/{pod}/{container}"))
    })
}

fn named(name: &str) -> Option<String> {
    let name: String = name.chars().take(200).collect();
    (!name.is_empty()).then(|| crate::connection::text(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_runtime_s_own_words() {
        assert_eq!(docker(br#"{"ID":"x","Name":"/shop"}"#).as_deref(), Some("shop"));
        assert_eq!(docker(br#"{"ID":"x"}"#), None);
        let list = br#"[{"id":"y","names":["other"]},{"id":"x","names":["shop"]},{"id":"z"}]"#;
        assert_eq!(podman(list, "x").as_deref(), Some("shop"));
        assert_eq!(podman(list, "z"), None);
        let links = ["a_b_c-y.log", "mail-0_prod_smtp-x.log", "x.log"].map(str::to_owned);
        let found = kubernetes(links.into_iter(), "x");
        assert_eq!(found.as_deref(), Some("prod/mail-0/smtp"));
    }
}
