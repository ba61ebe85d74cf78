<?php
// Autosave and heartbeat of the editor.
header('Content-Type: application/json');
$action = $_POST['action'] ?? '';
if ($action === 'heartbeat') { usleep(random_int(20000, 900000)); echo json_encode(['alive' => true]); exit; }
http_response_code(400);
