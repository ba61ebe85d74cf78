<?php
// "Email this article to a friend": up to five addresses, a few words of the sender, and the link.
require __DIR__ . '/inc/mailer.php';
$post = (int) ($_REQUEST['p'] ?? 0);
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    exit("<form method=\"post\"><input type=\"hidden\" name=\"p\" value=\"$post\"><input name=\"yourname\"><input name=\"youremail\"><textarea name=\"yourremarks\"></textarea><input name=\"friendemail\"></form>");
}
$friends = array_slice(array_filter(array_map('trim', explode(',', $_POST['friendemail'] ?? '')), fn($a) => filter_var($a, FILTER_VALIDATE_EMAIL)), 0, 5);
$from = filter_var($_POST['youremail'] ?? '', FILTER_VALIDATE_EMAIL);
if (!$friends || !$from) { http_response_code(400); exit('Please fill in all fields.'); }
$name = preg_replace('/[^\w .-]/u', '', $_POST['yourname'] ?? '');
$mailer = new Mailer();
foreach ($friends as $friend) {
    $mailer->send('noreply@ridgewalkers.example', $friend, "$name recommends: article $post", "Reply-To: $from", ($_POST['yourremarks'] ?? '') . "\r\n\r\nhttp://blog.ridgewalkers.example/?p=$post");
}
echo 'Your friends will hear from you.';
