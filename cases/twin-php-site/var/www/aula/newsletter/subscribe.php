<?php
// Asks the address for confirmation; nothing is sent to it again before that.
require __DIR__ . '/../app/Mail/Transport.php';
$to = filter_var($_POST['mail'] ?? '', FILTER_VALIDATE_EMAIL);
if (!$to) { http_response_code(400); exit; }
$token = rtrim(strtr(base64_encode(hash_hmac('sha256', $to, 'school', true)), '+/', '-_'), '=');
(new App\Mail\Transport())->send('skola@skolskaaula.example', $to, 'Potvrda', 'http://www.skolskaaula.example/newsletter/confirm.php?t=' . $token);
echo 'ok';
