<?php
// Small pictures kept in the code, so that the site is one folder to copy.
$files = ['logo' => 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='];
$name = $_GET['f'] ?? '';
if (!isset($files[$name])) { http_response_code(404); exit; }
header('Content-Type: image/png');
echo base64_decode($files[$name]);
