<?php
// One fixed recipient, and a confirmation to the writer through the local server.
require __DIR__ . '/app/Mail/Transport.php';
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $from = filter_var($_POST['mail'] ?? '', FILTER_VALIDATE_EMAIL);
    if (!$from) { http_response_code(400); exit; }
    mail('nina@skolskaaula.example', 'Upit', wordwrap($_POST['text'] ?? ''), 'Reply-To: ' . $from);
    (new App\Mail\Transport())->send('skola@skolskaaula.example', $from, 'Hvala', 'Javit cemo se.');
    echo 'Hvala';
    exit;
}
?><form method="post"><input name="mail"><textarea name="text"></textarea></form>
