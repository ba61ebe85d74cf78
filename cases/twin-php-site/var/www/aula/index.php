<?php
require __DIR__ . '/app/vendor/packed.php';
$page = preg_replace('/[^a-z]/', '', $_GET['page'] ?? 'home');
echo '<h1>', htmlspecialchars(Packed\label($page)), '</h1>';
