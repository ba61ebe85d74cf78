<?php
// The contact form: one fixed recipient, and a line of thanks to an address that is one and nothing else.
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $from = filter_var($_POST['mail'] ?? '', FILTER_VALIDATE_EMAIL);
    if ($from === false) { http_response_code(400); exit('That is not an address.'); }
    mail('winnie@seedswap.example', 'Message from the site', wordwrap($_POST['text'] ?? ''), ['Reply-To' => $from]);
    mail($from, 'We have your message', "Thank you. We answer within three days.\n", ['From' => 'winnie@seedswap.example']);
    exit('Thank you.');
}
?><form method="post"><input name="mail"><textarea name="text"></textarea><button>Send</button></form>
