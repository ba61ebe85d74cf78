//! Real Apache with mod_php, or with php-fpm pools of their own users, on a host.

use crate::host::Host;
use anyhow::Result;

/// A virtual host.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Server name.
    pub name: &'static str,
    /// Document root.
    pub root: &'static str,
    /// The user whose php-fpm pool runs its code; mod_php's www-data where empty.
    pub user: &'static str,
    /// Access log below /var/log/apache2.
    pub log: &'static str,
}

/// Sets the sites up and starts the servers.
pub fn start(host: &Host, sites: &[Site], php_settings: &str) -> Result<()> {
    host.sh("rm -f /etc/apache2/sites-enabled/*; mkdir -p /var/log/apache2; chown root:adm /var/log/apache2; printf 'ServerName localhost\\n' > /etc/apache2/conf-enabled/name.conf")?;
    let pools = sites.iter().any(|site| !site.user.is_empty());
    if pools {
        host.sh("a2dismod -q php8.2 >/dev/null 2>&1; a2enmod -q proxy proxy_fcgi >/dev/null 2>&1; rm -f /etc/php/8.2/fpm/pool.d/*")?;
    }
    host.write("/etc/php/8.2/apache2/conf.d/90-site.ini", php_settings, 0o644)?;
    host.write("/etc/php/8.2/fpm/conf.d/90-site.ini", php_settings, 0o644)?;
    for site in sites {
        let handler = if site.user.is_empty() {
            String::new()
        } else {
            host.write(
                &format!("/etc/php/8.2/fpm/pool.d/{}.conf", site.user),
                format!(
                    "[{0}]\nuser = {0}\ngroup = {0}\nlisten = /run/php/{0}.sock\nlisten.owner = www-data\nlisten.group = www-data\npm = ondemand\npm.max_children = 4\n",
                    site.user
                ),
                0o644,
            )?;
            format!(
                "  <FilesMatch \"\\.php$\">\n    SetHandler \"proxy:unix:/run/php/{}.sock|fcgi://localhost\"\n  </FilesMatch>\n",
                site.user
            )
        };
        host.write(
            &format!("/etc/apache2/sites-enabled/{}.conf", site.name),
            format!(
                "<VirtualHost *:80>\n  ServerName {0}\n  DocumentRoot {1}\n  CustomLog /var/log/apache2/{2} combined\n  ErrorLog /var/log/apache2/error.log\n\
                 {handler}  <Directory {1}>\n    AllowOverride None\n    Require all granted\n  </Directory>\n</VirtualHost>\n",
                site.name, site.root, site.log
            ),
            0o644,
        )?;
    }
    if pools {
        host.sh("mkdir -p /run/php && php-fpm8.2 --daemonize")?;
    }
    host.sh(
        "mkdir -p /run/apache2 /var/lock/apache2 && . /etc/apache2/envvars && apache2 -k start",
    )?;
    Ok(())
}

/// What visitors of a site call themselves.
pub const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
];
