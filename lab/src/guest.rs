//! A guest in QEMU (TCG, user-mode network) on a host: its connections are QEMU's own sockets there.
//!
//! The guest is Debian's cloud kernel with BusyBox and one script. The kernel's package is fetched once beside the lab with apt;
//! it is never installed. Nothing of the guest's own TCP stack shows outside: user-mode networking opens sockets of the host.

use crate::host::Host;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the network card needs, in the order of loading.
const MODULES: &[&str] = &[
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci",
    "net/core/failover",
    "drivers/net/net_failover",
    "drivers/net/virtio_net",
];

/// Puts a guest below `folder` and starts it as `user`. `script` is what it runs when its network is up (BusyBox's ash).
pub fn start(host: &Host, folder: &str, name: &str, user: &str, script: &str) -> Result<()> {
    let package = kernel()?;
    let build = tempfile::tempdir()?;
    let root = build.path().join("root");
    for place in ["bin", "proc", "sys", "dev", "etc", "tmp", "lib"] {
        fs::create_dir_all(root.join(place))?;
    }
    fs::copy("/bin/busybox", root.join("bin/busybox")).context("busybox-static is needed")?;
    let modules = only(&package.join("lib/modules"))?;
    let mut load = String::new();
    for module in MODULES {
        let from = modules.join(format!("kernel/{module}.ko"));
        let file = from.file_name().context("a module has a name")?.to_owned();
        fs::copy(&from, root.join("lib").join(&file))
            .with_context(|| from.display().to_string())?;
        load.push_str(&format!("insmod /lib/{}\n", file.to_string_lossy()));
    }
    let init = format!(
        "#!/bin/busybox sh\n/bin/busybox --install -s /bin\nexport PATH=/bin\nmount -t proc proc /proc\nmount -t sysfs sys /sys\nmount -t devtmpfs dev /dev\n{load}\
         ip link set lo up\nip link set eth0 up\nip addr add 10.0.2.15/24 dev eth0\nip route add default via 10.0.2.2\n{script}\n"
    );
    fs::write(root.join("init"), init)?;
    let packed = build.path().join("initrd");
    shell(&format!(
        "chmod 755 {0}/init {0}/bin/busybox && cd {0} && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 > {1}",
        root.display(),
        packed.display()
    ))?;
    let boot = package.join("boot");
    let image = fs::read_dir(&boot)?
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_string_lossy().starts_with("vmlinuz"))
        .context("the package holds no kernel")?;
    host.write(&format!("{folder}/{name}.boot"), fs::read(image.path())?, 0o644)?;
    host.write(&format!("{folder}/{name}.img"), fs::read(packed)?, 0o644)?;
    host.write(
        &format!("{folder}/{name}.cfg"),
        format!(
            "[machine]\n  type = \"pc\"\n  accel = \"tcg\"\n  kernel = \"{folder}/{name}.boot\"\n  initrd = \"{folder}/{name}.img\"\n  append = \"console=ttyS0 quiet\"\n\n\
             [memory]\n  size = \"192\"\n\n[netdev \"lan\"]\n  type = \"user\"\n\n[device \"card\"]\n  driver = \"virtio-net-pci\"\n  netdev = \"lan\"\n  mac = \"52:54:00:12:34:56\"\n"
        ),
        0o644,
    )?;
    host.sh(&format!(
        "id {user} >/dev/null 2>&1 || useradd -r -M -d {folder} -s /usr/sbin/nologin {user}; chown -R {user} {folder}; mkdir -p /var/log/vm; chown {user} /var/log/vm"
    ))?;
    host.daemon(&[
        "setpriv",
        &format!("--reuid={user}"),
        &format!("--regid={user}"),
        "--clear-groups",
        "/usr/bin/qemu-system-x86_64",
        "-nodefaults",
        "-name",
        name,
        "-readconfig",
        &format!("{folder}/{name}.cfg"),
        "-display",
        "none",
        "-serial",
        &format!("file:/var/log/vm/{name}.log"),
    ])?;
    host.sh(&format!("sleep 2; pgrep -u {user} qemu")).context("the guest did not start")?;
    Ok(())
}

/// The kernel's package, unpacked. Each recording that wants it first unpacks into a folder of its own; the first puts it in place.
fn kernel() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = here.join("guest-kernel");
    if !place.exists() {
        let fresh = tempfile::Builder::new().prefix("kernel-").tempdir_in(here)?;
        shell(&format!(
            "cd {} && p=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -1) && apt-get download -q $p >/dev/null && dpkg-deb -x $p*.deb x",
            fresh.path().display()
        ))
        .context("the kernel's package could not be had with apt")?;
        let placed = fs::rename(fresh.path().join("x"), &place);
        ensure!(placed.is_ok() || place.exists(), "cannot place {}", place.display());
    }
    Ok(place)
}

fn only(folder: &Path) -> Result<PathBuf> {
    let entry = fs::read_dir(folder)?.next().context("an empty folder")??;
    Ok(entry.path())
}

fn shell(script: &str) -> Result<()> {
    let status = Command::new("bash").args(["-c", script]).stdin(Stdio::null()).status()?;
    ensure!(status.success(), "`{script}` failed");
    Ok(())
}
