<?php
// Saves a page of the editor.
header('Content-Type: application/json');
$page = preg_replace('/[^a-z]/', '', $_POST['page'] ?? '');
echo json_encode(['saved' => $page, 'hash' => base64_encode(sha1($_POST['text'] ?? '', true))]);
