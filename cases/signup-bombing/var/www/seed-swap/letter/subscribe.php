<?php
// Asks the new reader to confirm. The envelope sender is a box that counts the bounces.
$list = require __DIR__ . '/settings.php';
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    exit('<form method="post"><input name="email"><input name="first"><button>Subscribe</button></form>');
}
$email = filter_var(trim($_POST['email'] ?? ''), FILTER_VALIDATE_EMAIL);
if ($email === false) { http_response_code(422); exit('Please check the address.'); }
$token = substr(hash_hmac('sha256', $email, $list['secret']), 0, 24);
file_put_contents(__DIR__ . '/pending.csv', time() . ",$email,$token\n", FILE_APPEND | LOCK_EX);
$name = preg_replace('/[^\p{L} .-]/u', '', $_POST['first'] ?? '');
mail(
    $email,
    "Please confirm, $name",
    "Hello $name,\n\nsomebody, probably you, asked for the letters of $list[name].\nConfirm here: http://$list[site]/letter/confirm.php?t=$token\n",
    ['From' => $list['from'], 'List-Id' => $list['id'], 'Content-Type' => 'text/plain; charset=utf-8'],
    '-f' . $list['bounces']
);
header('Location: /letter/thanks.php', true, 302);
