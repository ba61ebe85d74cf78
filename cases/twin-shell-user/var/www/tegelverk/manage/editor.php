<?php
// The editor says every few seconds that it is still open, and saves drafts.
header('Content-Type: application/json');
$draft = $_POST['draft'] ?? null;
if ($draft !== null) { file_put_contents(__DIR__ . '/draft.txt', $draft, LOCK_EX); }
usleep(random_int(15000, 500000));
echo json_encode(['open' => true, 'saved' => $draft !== null]);
