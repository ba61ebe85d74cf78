<?php
$page = preg_replace('/[^a-z]/', '', $_GET['page'] ?? 'home');
$settings = require __DIR__ . '/lib/settings.php';
@file_put_contents(__DIR__ . '/content/visits.txt', $page . ' ' . time() . "\n", FILE_APPEND);
?><!doctype html><title><?= htmlspecialchars($settings['title']) ?></title>
<h1><?= htmlspecialchars($page) ?></h1><p>Open on Saturdays.</p><img src="/content/uploads/2026/10/beds.svg">
