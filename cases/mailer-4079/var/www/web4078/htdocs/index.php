<?php
$p = preg_replace('/[^a-z]/', '', $_GET['p'] ?? 'start');
echo '<h1>', $p, '</h1>';
