<?php
$page = preg_replace('/[^a-z]/', '', $_GET['page'] ?? 'home');
?><!doctype html><title>www.pastificio-rio.example</title><h1><?= htmlspecialchars($page) ?></h1><p>Open as always.</p><a href="/contact.php">Write to us</a>
