<?php
// Back office: starts the worker where none runs, and puts letters into its queue.
$folder = __DIR__ . '/../worker';
if (($_POST['do'] ?? '') === 'start') {
    $pid = (int) @file_get_contents("$folder/worker.pid");
    if (!$pid || !is_dir("/proc/$pid")) {
        exec('setsid php ' . escapeshellarg("$folder/worker.php") . ' >/dev/null 2>&1 &');
    }
    exit('running');
}
$to = filter_var($_POST['to'] ?? '', FILTER_VALIDATE_EMAIL);
if (($_POST['do'] ?? '') === 'letter' && $to) {
    $letter = ['to' => $to, 'subject' => 'Din bestilling', 'text' => "Vi har sendt din bestilling.\n"];
    file_put_contents("$folder/queue/" . uniqid() . '.json', json_encode($letter));
    exit('queued');
}
http_response_code(400);
