<?php
// Kontaktformular: fester Empfänger.
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $from = filter_var($_POST['mail'] ?? '', FILTER_VALIDATE_EMAIL);
    if ($from) {
        mail('kunde@spessart.example', 'Anfrage', wordwrap($_POST['text'] ?? ''), 'Reply-To: ' . $from);
    }
    echo 'Danke';
    exit;
}
?><form method="post"><input name="mail"><textarea name="text"></textarea></form>
