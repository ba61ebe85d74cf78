<?php
// Works off the queue of letters, one every few seconds, and stays up for the next.
// Started from the back office ("start worker"); says in worker.pid that it runs.
cli_set_process_title('php: letter worker');
$folder = __DIR__;
file_put_contents("$folder/worker.pid", getmypid());
while (!is_file("$folder/worker.stop")) {
    $jobs = glob("$folder/queue/*.json");
    foreach (array_slice($jobs, 0, 1) as $job) {
        $letter = json_decode(file_get_contents($job), true);
        mail($letter['to'], $letter['subject'], $letter['text'], ['From' => 'bestilling@garnbutikken.example'], '-fbestilling@garnbutikken.example');
        unlink($job);
    }
    sleep(4);
}
