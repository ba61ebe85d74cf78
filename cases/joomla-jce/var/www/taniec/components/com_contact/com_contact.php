<?php
defined('_SITE') or die;
if (($_GET['task'] ?? '') === 'send') {
    $mail = filter_var($_POST['mail'] ?? '', FILTER_VALIDATE_EMAIL);
    if ($mail === false) { http_response_code(400); exit; }
    mail('basia@studio-lipa.example', 'www.szkola-tanca.example', wordwrap($_POST['text'] ?? ''), ['Reply-To' => $mail]);
    if (isset($_POST['copy'])) { mail($mail, 'Kopia: www.szkola-tanca.example', wordwrap($_POST['text'] ?? ''), ['From' => 'basia@studio-lipa.example']); }
    exit('Dziekujemy.');
}
echo '<form method="post" action="/index.php?option=com_contact&amp;task=send"><input name="mail"><textarea name="text"></textarea><input type="checkbox" name="copy"></form>';
