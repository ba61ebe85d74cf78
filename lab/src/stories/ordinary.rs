//! An ordinary small web site for scenes whose incident lies elsewhere, or beside it: pages, a contact form that mails as the
//! web server's user, an editor's heartbeat with most of the POSTs; and the people who use them.

use super::scene::Scene;
use anyhow::Result;

/// Where people look on such a site.
pub(super) const PAGES: &[&str] =
    &["/", "/?page=about", "/?page=dates", "/?page=team", "/contact.php"];

impl Scene {
    /// Puts the site below `root`, its files as old as `age` (a date); answers for `name` go to the first person of the scene.
    /// Call before [`Scene::everyday`] or after: its own requests are added here.
    pub(super) fn ordinary_site(&mut self, name: &str, root: &str, age: &str) -> Result<()> {
        let owner = self.people.first().map_or("root", |person| person.address);
        for (path, text) in [
            ("index.php", include_str!("ordinary/index.php").replace("TITLE", name)),
            ("contact.php", include_str!("ordinary/contact.php").replace("OWNER", owner)),
            ("manage/editor.php", include_str!("ordinary/editor.php").to_owned()),
        ] {
            self.server.write(&format!("{root}/{path}"), text, 0o644)?;
        }
        self.server.sh(&format!(
            "chown -R www-data:www-data {root}; find {root} -exec touch -d '{age}' {{}} +"
        ))?;
        let length = self.length;
        for at in self.chance.arrivals(0.5, 5.0, length - 10.0) {
            let from = self.chance.pick(&self.far.visitors);
            let writer = self.chance.pick(&self.far.contacts);
            let text =
                self.chance.pick(&["When are you open?", "Is the course full?", "Thank you!"]);
            self.post(
                at,
                "form",
                from,
                (name, "/contact.php"),
                &[("mail", writer), ("text", text)],
            );
        }
        let editor = self.far.homes.first().copied().unwrap_or_default();
        let (from, to) = (length * 0.1, length * 0.9);
        for at in self.chance.arrivals(2.5, from, to) {
            let text = self.chance.word("abcdefghij ", 20);
            self.post(at, "editor", editor, (name, "/manage/editor.php"), &[("draft", &text)]);
        }
        Ok(())
    }

    /// Decoys of such a site.
    pub(super) fn ordinary_decoys(root: &str) -> Vec<String> {
        vec![
            format!("script:{root}/contact.php"),
            format!("script:{root}/manage/editor.php"),
            format!("script:{root}/index.php"),
            "url:POST /contact.php".to_owned(),
            "url:POST /manage/editor.php".to_owned(),
        ]
    }
}
