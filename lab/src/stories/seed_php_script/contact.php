<?php
// The contact form: one fixed recipient, header lines cleaned.
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $clean = fn(string $s) => str_replace(["\r", "\n"], ' ', $s);
    $from = filter_var($_POST['mail'] ?? '', FILTER_VALIDATE_EMAIL) ?: 'unknown@kirchweg.example';
    mail('greta@kirchweg.example', 'Question from the site', wordwrap($_POST['text'] ?? ''), 'Reply-To: ' . $clean($from));
    mail($clean($from), 'Thank you for your question', "We answer within three days.\n", 'From: info@kirchweg.example');
    echo 'Thank you';
    exit;
}
?><form method="post"><input name="name"><input name="mail"><textarea name="text"></textarea><button>Send</button></form>
